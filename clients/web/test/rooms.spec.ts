// What a room shows of itself, groups without a name, and finding public rooms.
import { isClean } from "./kit/axe";
import { room } from "./kit/people";
import { expect, openRoom, test } from "./kit/test";

test("a group without a name is shown by its members, and changes with them", async ({ somebody, signedIn }) => {
  const [mina, joon, sora] = [await somebody("Mina"), await somebody("Joon"), await somebody("Sora")];
  // Whom one shares a room with can be added.
  await room(mina, "Yard", [joon, sora]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await page.getByRole("button", { name: "New room" }).click();
  await page.getByRole("menuitem", { name: "New room" }).click();
  const dialog = page.getByRole("dialog", { name: "New room" });
  await dialog.getByRole("radio", { name: "Private" }).check();
  await expect(dialog.getByText("Without a name it shows the names of its members.")).toBeVisible();
  await dialog.getByRole("button", { name: "Joon" }).click();
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("heading", { name: "Joon" })).toBeVisible();
  await openRoom(other, "Mina");

  // Somebody comes, and then the group is given a name.
  const [group] = (await mina.call<{ items: { id: string; unnamed?: boolean }[] }>("GET", "/rooms")).items.filter(({ unnamed }) => unnamed);
  await mina.call("PUT", `/rooms/${group?.id}/members/${sora.id}`, {});
  await expect(other.getByRole("heading", { name: "Mina, Sora" })).toBeVisible({ timeout: 15_000 });
  await mina.call("PATCH", `/rooms/${group?.id}`, { name: "Lunch" });
  await expect(other.getByRole("heading", { name: "Lunch" })).toBeVisible();
  await mina.call("PATCH", `/rooms/${group?.id}`, { name: null });
  await expect(other.getByRole("heading", { name: "Mina, Sora" })).toBeVisible();
});

test("an owner gives a room a topic, and says what members may", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const yard = await room(mina, "Yard", [joon]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Yard");
  await openRoom(other, "Yard");
  await page.getByRole("button", { name: "Room", exact: true }).click();
  await page.getByRole("menuitem", { name: "Room settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Room settings" });
  await dialog.getByLabel("Topic").fill("What to cook at noon");
  await dialog.getByRole("checkbox", { name: "Members pin messages" }).check();
  await dialog.getByLabel("Own messages can be edited for").selectOption("1 hour");
  await isClean(page, "room settings");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(other.getByRole("banner").or(other.locator(".room-header")).getByText("What to cook at noon")).toBeVisible();
  expect(await mina.call("GET", `/rooms/${yard.id}`)).toMatchObject({ members_pin: true, members_add: false, edit_window_s: 3_600 });
  await mina.call("PATCH", `/rooms/${yard.id}`, { topic: null });
  await expect(other.getByText("What to cook at noon")).toHaveCount(0);
});

test("public rooms are found by a part of their name", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  for (const name of ["서울 마당", "부산 마당", "Lunch"]) await room(mina, name, []);
  const page = await signedIn(joon);
  await page.getByRole("button", { name: "Public rooms" }).click();
  const dialog = page.getByRole("dialog", { name: "Public rooms" });
  await dialog.getByLabel("Find a room").fill("마당");
  await expect(dialog.getByText("Lunch")).toHaveCount(0);
  await expect(dialog.getByText("서울 마당")).toBeVisible();
  await expect(dialog.getByText("부산 마당")).toBeVisible();
  await dialog.getByLabel("Find a room").fill("nothing of that name");
  await expect(dialog.getByText("No public room has this in its name.")).toBeVisible();
  await dialog.getByLabel("Find a room").fill("");
  await expect(dialog.getByText("Lunch")).toBeVisible();
});
