// Screen readers and keyboards: nothing serious is found on any screen, and everything is reached without a mouse.
import { devices } from "@playwright/test";
import { isClean } from "./kit/axe";
import { room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test } from "./kit/test";

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing on any screen (${colorScheme})`, async ({ somebody, nobody, signedIn }) => {
    test.setTimeout(240_000);
    const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
    const garden = await room(mina, "Garden", [joon]);
    await room(joon, "Library");
    const { id } = await say(joon, garden, `@${mina.username} look at https://example.com`);
    await say(joon, garden, "A reply", { reply_to: id });
    const own = await say(mina, garden, "One of mine");
    await mina.call("PATCH", `/rooms/${garden.id}/messages/${own.id}`, { text: "One of mine, edited" });
    for (const who of [mina, joon]) await who.call("PUT", `/rooms/${garden.id}/messages/${id}/reactions/${encodeURIComponent("👍")}`);
    await joon.call("PUT", `/rooms/${garden.id}/messages/${own.id}/reactions/${encodeURIComponent("🎉")}`);
    await mina.call("PUT", `/rooms/${garden.id}/pins/${id}`);

    const out = await nobody({ colorScheme });
    await expect(out.getByLabel("Username")).toBeVisible();
    await isClean(out, "sign in");
    await out.getByRole("button", { name: "Create account" }).click();
    await isClean(out, "sign up");

    const page = await signedIn(mina, { colorScheme });
    await expect(page.getByRole("link", { name: /Garden/ })).toBeVisible();
    await isClean(page, "rooms");
    await openRoom(page, "Garden");
    await expect(messages(page)).toHaveCount(3);
    await isClean(page, "room");
    await composer(page).fill("@");
    await expect(page.getByRole("listbox")).toBeVisible();
    await isClean(page, "mentions");
    await composer(page).fill("");
    await page.getByRole("article").first().hover();
    await page.getByRole("button", { name: "Actions for the message of Joon" }).first().click();
    await expect(page.getByRole("menu")).toBeVisible();
    await isClean(page, "actions");
    await page.getByRole("menuitem", { name: "React" }).click();
    await expect(page.getByRole("dialog", { name: "React" })).toBeVisible();
    await page.getByRole("textbox", { name: "Another emoji" }).fill("none");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await isClean(page, "reactions");
    await page.keyboard.press("Escape");
    await composer(page).press("ArrowUp");
    await expect(page.getByRole("textbox", { name: "Text of the message" })).toBeFocused();
    await isClean(page, "editing");
    await page.keyboard.press("Escape");
    await page.getByRole("article").last().hover();
    await page.getByRole("button", { name: "Actions for the message of Mina" }).last().click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await expect(page.getByRole("alertdialog")).toBeVisible();
    await isClean(page, "deleting");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Members and pins" }).click();
    await expect(page.getByRole("list", { name: "Members" })).toBeVisible();
    await isClean(page, "members");
    await page.getByRole("tab", { name: "Pins" }).click();
    await expect(page.getByRole("button", { name: "Go to message" })).toBeVisible();
    await isClean(page, "pins");
    await page.getByRole("button", { name: /^Notices/ }).click();
    await expect(page.getByRole("dialog")).toContainText("mentioned you");
    await isClean(page, "notices");
    await page.keyboard.press("Escape");
    for (const [item, text] of [
      ["New room", "Name of the room"],
      ["New direct message", "Joon"],
      ["Public rooms", "Library"],
    ] as const) {
      await page.getByRole("button", { name: "New room" }).click();
      await page.getByRole("menuitem", { name: item }).click();
      await expect(page.getByRole("dialog")).toContainText(text);
      await isClean(page, item);
      await page.keyboard.press("Escape");
    }
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("dialog")).toContainText("Go to room");
    await isClean(page, "switcher");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Room", exact: true }).click();
    await page.getByRole("menuitem", { name: "Leave room" }).click();
    await expect(page.getByRole("alertdialog")).toBeVisible();
    await isClean(page, "confirmation");
    await page.keyboard.press("Escape");
    await page.locator(".me").click();
    await page.getByRole("menuitem", { name: "Settings" }).click();
    for (const tab of ["Profile", "Appearance", "Privacy", "Devices", "Keyboard"]) {
      await page.getByRole("tab", { name: tab }).click();
      await expect(page.getByRole("tabpanel", { name: tab })).not.toBeEmpty();
      await isClean(page, tab);
    }
  });
}

test("axe finds nothing on a phone, in Korean", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("미나"), await somebody("준")];
  const garden = await room(joon, "마당", [mina]);
  await say(joon, garden, "안녕하세요");
  const { viewport, isMobile, hasTouch } = devices["iPhone 13 Mini"];
  const page = await signedIn(mina, { viewport, isMobile, hasTouch, locale: "ko-KR" });
  await expect(page.getByRole("link", { name: /마당/ })).toBeVisible();
  await isClean(page, "rooms");
  await openRoom(page, "마당");
  await expect(messages(page)).toHaveCount(1);
  await isClean(page, "room");
  await page.getByRole("button", { name: "멤버와 고정 메시지" }).tap();
  await expect(page.getByRole("list", { name: "멤버" })).toBeVisible();
  await isClean(page, "members");
});

test("without a mouse: to a room by its name, up to a message, a reply, and back", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  await room(joon, "Library", [mina]);
  await say(joon, garden, "first");
  await say(joon, garden, "second");
  const page = await signedIn(mina);
  await expect(page.getByRole("link", { name: /Garden/ })).toBeVisible();
  const { keyboard } = page;
  await keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Find a room" })).toBeFocused();
  await keyboard.type("gard");
  await keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Garden" })).toBeVisible();
  await expect(composer(page)).toBeFocused();
  await expect(messages(page)).toHaveText(["first", "second"]);
  await keyboard.press("ArrowUp");
  await expect(page.getByRole("article").last()).toBeFocused();
  await keyboard.press("ArrowUp");
  await expect(page.getByRole("article").first()).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Reply", exact: true })).toBeFocused();
  await keyboard.press("Enter");
  await expect(composer(page)).toBeFocused();
  await keyboard.type("to the first");
  await keyboard.press("Enter");
  await expect(page.getByRole("article").last().locator(".quote")).toContainText("first");
  await keyboard.press("PageUp");
  await expect(page.getByRole("article").last()).toBeFocused();
  await keyboard.press("Escape");
  await expect(composer(page)).toBeFocused();
  await keyboard.press("Alt+ArrowDown");
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
});

test("a dialog has the focus and gives it back; what comes is spoken once", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  const bell = page.getByRole("button", { name: "Notices" });
  await bell.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await expect(page.getByRole("dialog").getByRole("button", { name: "Close" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(bell).toBeFocused();
  await say(joon, garden, "Hello");
  await expect(page.locator("[aria-live=polite]", { hasText: "Joon: Hello" })).toHaveCount(1);
});
