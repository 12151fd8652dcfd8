// How many have not read an own message, and of what in a room to be notified.
import { room, say } from "./kit/people";
import { composer, expect, openRoom, rows, test } from "./kit/test";

test("an own message says how many have not read it, until all have", async ({ somebody, signedIn }) => {
  const [mina, joon, sora] = [await somebody("Mina"), await somebody("Joon"), await somebody("Sora")];
  const garden = await room(mina, "Garden", [joon, sora]);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await composer(page).fill("점심 드셨어요?");
  await composer(page).press("Enter");
  const own = rows(page).filter({ hasText: "점심 드셨어요?" });
  const number = own.locator(".message-not-read");
  await expect(number).toHaveText(/^2/);
  await expect(number).toContainText("2 people have not read this");
  const { head } = await joon.call<{ head: number }>("GET", `/rooms/${garden.id}`);
  await joon.call("PUT", `/rooms/${garden.id}/read`, { seq: head });
  await expect(number).toContainText("1 person has not read this");
  // Who answers has read.
  await say(sora, garden, "네!");
  await joon.call("PUT", `/rooms/${garden.id}/read`, { seq: head + 1 });
  await expect(number).toHaveCount(0);
});

test("a room's notifications are set, and another device shows it", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  const open = async () => {
    await page.getByRole("button", { name: "Room", exact: true }).click();
    await page.getByRole("menuitem", { name: "Notifications" }).click();
  };
  await open();
  const dialog = page.getByRole("dialog", { name: "Notifications" });
  await expect(dialog.getByRole("radio", { name: "All messages" })).toBeChecked();
  // It is checked when the server has it.
  await dialog.getByRole("radio", { name: "Mentions only" }).click();
  await expect(dialog.getByRole("radio", { name: "Mentions only" })).toBeChecked();
  await dialog.getByRole("button", { name: "For an hour" }).click();
  await expect(dialog.getByText(/^Muted until/)).toBeVisible();
  const { settings } = await mina.call<{ settings: { notify: string; muted_until: string | null } }>("GET", `/rooms/${garden.id}`);
  expect(settings.notify).toBe("mentions");
  expect(new Date(settings.muted_until ?? 0).getTime()).toBeGreaterThan(Date.now());
  // As another device of the user changes it.
  await mina.call("PUT", `/rooms/${garden.id}/settings/me`, { notify: "none", muted_until: null });
  await expect(dialog.getByRole("radio", { name: "Nothing" })).toBeChecked();
  await expect(dialog.getByRole("button", { name: "For an hour" })).toBeVisible();
});
