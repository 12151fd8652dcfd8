// What people say of themselves and what they hide: two people, each in a browser of their own.
import type { Page } from "@playwright/test";
import { type Person, room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test, write } from "./kit/test";

const openSettings = async (page: Page, tab: string) => {
  await page.locator(".me").click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.getByRole("tab", { name: tab }).click();
  await expect(page.getByRole("tabpanel", { name: tab })).toBeVisible();
};

const close = async (page: Page, dialog = "Settings") => {
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: dialog })).toBeHidden();
};

/** What the list of members says of somebody. */
const member = (page: Page, name: string) => page.getByRole("list", { name: "Members" }).getByRole("listitem").filter({ hasText: name });

const openMembers = (page: Page) => page.getByRole("button", { name: "Members and pins" }).click();

/** A direct room of two, which both want. */
const direct = async (one: Person, other: Person) => {
  const made = await one.call<{ id: string }>("POST", "/rooms", { name: `${one.name}, ${other.name}`, kind: "direct", members: [other.id] });
  return { id: made.id, name: other.name };
};

const openDirect = async (page: Page, name: string) => {
  await page.getByRole("navigation").getByRole("link", { name: new RegExp(`^(?!.*Garden).*${name}`) }).click();
  await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
};

test("a status is set, shown to the other one at once, and ended", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(mina, "Garden", [joon]);
  const talk = await direct(mina, joon);
  await say(mina, talk, "Hello");
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(other, "Garden");
  await openMembers(other);
  await expect(member(other, "Mina")).not.toContainText("At lunch");

  await openSettings(page, "Profile");
  await page.getByRole("textbox", { name: "Status" }).fill("At lunch");
  await page.getByRole("radio", { name: "In an hour" }).check();
  await page.getByRole("button", { name: "Set status" }).click();
  await expect(page.getByText(/^It ends by itself: .*\d/)).toBeVisible();
  await expect(member(other, "Mina")).toContainText("At lunch");
  await openDirect(other, "Mina");
  await expect(other.getByRole("main").getByText("At lunch")).toBeVisible();

  // It is there after a fresh load, with its end, and another text takes its place.
  await page.reload();
  await openSettings(page, "Profile");
  await expect(page.getByRole("textbox", { name: "Status" })).toHaveValue("At lunch");
  await page.getByRole("textbox", { name: "Status" }).fill("In a meeting");
  await page.getByRole("textbox", { name: "Status" }).press("Enter");
  await expect(other.getByRole("main").getByText("In a meeting")).toBeVisible();
  await expect(page.getByText(/^It ends by itself: /)).toHaveCount(0);

  await page.getByRole("button", { name: "End status" }).click();
  await expect(page.getByRole("textbox", { name: "Status" })).toHaveValue("");
  await expect(page.getByRole("button", { name: "End status" })).toHaveCount(0);
  await expect(other.getByRole("main").getByText("In a meeting")).toHaveCount(0);
});

test("a status goes at its end by itself, also where nobody tells of it", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(mina, "Garden", [joon]);
  const page = await signedIn(joon);
  await openRoom(page, "Garden");
  await openMembers(page);
  await expect(member(page, "Mina")).toBeVisible();
  await mina.call("PUT", "/users/me/status", { text: "Back in a moment", until: new Date(Date.now() + 8_000).toISOString() });
  await expect(member(page, "Mina")).toContainText("Back in a moment");
  await expect(member(page, "Mina")).not.toContainText("Back in a moment");
});

test("who leaves was there a moment ago: the list and a direct room say so", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(mina, "Garden", [joon]);
  await say(joon, await direct(joon, mina), "Hello");
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(other, "Garden");
  await openRoom(page, "Garden");
  await openMembers(page);
  await expect(member(page, "Joon")).toContainText("here now");
  await expect(member(page, "Joon")).not.toContainText("last here");
  await other.context().close();
  await expect(member(page, "Joon")).not.toContainText("here now");
  await expect(member(page, "Joon")).toContainText(/last here \d/);
  await openDirect(page, "Joon");
  await expect(page.getByRole("main").getByText(/^last here \d/)).toBeVisible();
});

test("who hides presence, typing and the last visit is not seen, and sees others as before", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(mina, "Garden", [joon]);
  await say(joon, await direct(joon, mina), "Hello");
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(other, "Garden");
  await openRoom(page, "Garden");
  for (const each of [page, other]) await openMembers(each);
  await expect(member(other, "Mina")).toContainText("here now");
  await expect(member(page, "Joon")).toContainText("here now");
  await composer(page).pressSequentially("On");
  await expect(other.getByText("Mina is typing")).toBeVisible();

  await openSettings(page, "Privacy");
  for (const what of ["That I am here", "When I was last here", "That I am typing"]) {
    const box = page.getByRole("checkbox", { name: what });
    await expect(box).toBeChecked();
    await box.uncheck();
  }
  await expect(member(other, "Mina")).not.toContainText("here now");
  await expect(other.getByText("Mina is typing")).toHaveCount(0);
  await close(page);
  await composer(page).fill("");
  await composer(page).pressSequentially("Nobody sees this yet");
  await expect(member(page, "Joon")).toContainText("here now");
  // What comes after the strokes says that they were told to nobody.
  await composer(page).press("Enter");
  await expect(messages(other)).toHaveText(["Nobody sees this yet"]);
  await expect(other.getByText("is typing")).toHaveCount(0);

  // It is what was chosen after a fresh load, too.
  await page.reload();
  await openSettings(page, "Privacy");
  for (const what of ["That I am here", "When I was last here", "That I am typing"]) {
    await expect(page.getByRole("checkbox", { name: what })).not.toBeChecked();
  }
  await page.context().close();
  await openDirect(other, "Mina");
  await expect(other.getByRole("main").getByText(`@${mina.username}`)).toBeVisible();
  await expect(other.getByText("last here")).toHaveCount(0);
});

test("what the server does not take is as it was before, and says why", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const page = await signedIn(mina);
  await page.route("**/users/me/settings", (route) =>
    route.request().method() === "PUT"
      ? route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"code":"unavailable","title":"away","status":503}' })
      : route.continue(),
  );
  await openSettings(page, "Privacy");
  const box = page.getByRole("checkbox", { name: "That I am typing" });
  await box.click();
  await expect(page.getByText("The server cannot be reached.").first()).toBeVisible();
  await expect(box).toBeChecked();
});

test("somebody who is blocked is not heard of, and cannot write directly", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(mina, "Garden", [joon]);
  await say(joon, garden, "Something rude");
  await say(joon, await direct(joon, mina), "Hello");
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await openDirect(other, "Mina");
  await openMembers(page);
  await page.getByRole("button", { name: "Actions for Joon" }).click();
  await page.getByRole("menuitem", { name: "Block", exact: true }).click();
  await page.getByRole("alertdialog", { name: "Block Joon?" }).getByRole("button", { name: "Block" }).click();
  await expect(member(page, "Joon")).toContainText("Blocked");
  await expect(page.getByRole("article")).toContainText("A message of somebody whom you have blocked");
  // The focus comes back to where it was.
  await expect(page.getByRole("button", { name: "Actions for Joon" })).toBeFocused();

  // The one concerned is told by the refusal, and keeps the text.
  await write(other, "Are you there?");
  await expect(other.getByRole("article").last().getByRole("alert")).toContainText("Not sent");
  await expect(messages(other).last()).toHaveText("Are you there?");

  await page.getByRole("article").getByRole("button", { name: "Show" }).click();
  await expect(messages(page)).toHaveText(["Something rude"]);
  await openSettings(page, "Privacy");
  const unblock = page.getByRole("button", { name: "Unblock: Joon" });
  await unblock.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByText("You have blocked nobody.")).toBeVisible();
  await close(page);
  await expect(member(page, "Joon")).not.toContainText("Blocked");
  await other.getByRole("button", { name: "Send again" }).click();
  await openDirect(page, "Joon");
  await expect(messages(page).last()).toHaveText("Are you there?");
});

test("somebody who is no member any more has a name in what is told, after a fresh load too", async ({ somebody, signedIn }) => {
  const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
  const garden = await room(mina, "Garden", [joon]);
  // Those who came in stand further back than what is loaded.
  for (let count = 1; count <= 60; count += 1) await say(mina, garden, `number ${count}`);
  await mina.call("POST", `/rooms/${garden.id}/members/${theo.id}/ban`, { reason: "Rude words" });
  await joon.call("POST", `/rooms/${garden.id}/leave`);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await expect(page.getByText("Mina banned Theo", { exact: true })).toBeVisible();
  await expect(page.getByText("Joon left", { exact: true })).toBeVisible();
  await expect(page.getByText("Somebody")).toHaveCount(0);
});
