// Invitation links, the flags of a room, and who may not come or write.
import type { Page } from "@playwright/test";
import { isClean } from "./kit/axe";
import { PASSWORD, room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test, write } from "./kit/test";

const openRoomDialog = async (page: Page, item: string) => {
  await page.getByRole("button", { name: "Room", exact: true }).click();
  await page.getByRole("menuitem", { name: item }).click();
  await expect(page.getByRole("dialog", { name: item })).toBeVisible();
};

test("a link is made, used as often as it says, and revoked", async ({ somebody, signedIn, nobody, server }) => {
  const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
  const garden = await room(mina, "Garden", [], "private");
  await say(mina, garden, "Welcome");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await openRoomDialog(page, "Invitation links");
  const dialog = page.getByRole("dialog", { name: "Invitation links" });
  await expect(dialog.getByText("There is no link.")).toBeVisible();
  await dialog.getByLabel("It can be used for").selectOption("1 day");
  await dialog.getByLabel("How often").selectOption("5 times");
  await dialog.getByRole("button", { name: "Make a link" }).click();
  const link = await dialog.getByRole("textbox", { name: "New link" }).inputValue();
  expect(link).toMatch(new RegExp(`^${server.url}/#/join/[\\w-]+$`));
  await expect(dialog.getByText("used 0 of 5")).toBeVisible();
  await page.keyboard.press("Escape");

  // Who is signed in joins by a click.
  const other = await signedIn(joon);
  await other.goto(link);
  await expect(other.getByRole("heading", { name: "You are invited to a room" })).toBeVisible();
  await expect(other.getByRole("navigation").getByText("Garden")).toHaveCount(0);
  await other.getByRole("button", { name: "Join" }).click();
  await expect(other.getByRole("heading", { name: "Garden" })).toBeVisible();
  await expect(messages(other)).toHaveText(["Welcome"]);

  // Who is not signs in first, and the code is in no request but the one that joins.
  const third = await nobody();
  const asked: string[] = [];
  third.on("request", (request) => void asked.push(request.url()));
  await third.goto(link);
  await third.getByLabel("Username").fill(theo.username);
  await third.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await third.getByRole("button", { name: "Sign in" }).click();
  await expect(third.getByRole("heading", { name: "You are invited to a room" })).toBeVisible();
  const code = link.slice(link.lastIndexOf("/") + 1);
  expect(asked.filter((url) => url.split("#")[0]?.includes(code))).toEqual([]);

  await openRoomDialog(page, "Invitation links");
  await expect(dialog.getByText("used 1 of 5")).toBeVisible();
  await expect(dialog.getByRole("textbox", { name: "New link" })).toHaveCount(0);
  await dialog.getByRole("button", { name: /^Revoke the link of Mina/ }).click();
  await expect(dialog.getByText("There is no link.")).toBeVisible();
  await third.getByRole("button", { name: "Join" }).click();
  await expect(third.getByRole("alert")).toContainText("not valid any more");
});

test("an owner says who writes; a room of announcements and an archive have no text field for others", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(mina, "Garden", [joon]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await openRoom(other, "Garden");
  await expect(composer(other)).toBeVisible();
  const choose = async (label: string) => {
    await openRoomDialog(page, "Room settings");
    await page.getByRole("radio", { name: label }).check();
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("dialog", { name: "Room settings" })).toBeHidden();
  };
  await choose("Only moderators");
  await expect(other.getByText("Only moderators write here.")).toBeVisible();
  await expect(composer(other)).toBeHidden();
  await write(page, "Closed on Monday");
  await expect(messages(other)).toHaveText(["Closed on Monday"]);
  await choose("Nobody");
  await expect(page.getByText("This room is archived.")).toBeVisible();
  await expect(composer(page)).toBeHidden();
  // What was chosen is what is shown, and the rest is as it was.
  await openRoomDialog(page, "Room settings");
  await expect(page.getByRole("radio", { name: "Nobody" })).toBeChecked();
  await expect(page.getByLabel("Name of the room")).toHaveValue("Garden");
  await page.keyboard.press("Escape");
  await choose("All members");
  await expect(composer(other)).toBeVisible();
});

test("a moderator sets the pause and nothing else; a member is told of it; newcomers see what the owner says", async ({ somebody, signedIn }) => {
  const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
  const garden = await room(mina, "Garden", [joon, theo]);
  await say(mina, garden, "Before you came");
  await mina.call("PUT", `/rooms/${garden.id}/members/${joon.id}`, { role: "moderator" });
  const [page, other] = [await signedIn(joon), await signedIn(theo)];
  await openRoom(page, "Garden");
  await openRoom(other, "Garden");
  await openRoomDialog(page, "Room settings");
  await expect(page.getByLabel("Name of the room")).toHaveCount(0);
  await expect(page.getByRole("radio")).toHaveCount(0);
  await page.getByLabel("Pause between two messages of a member").selectOption("5 minutes");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(other.getByText("Slow mode: one message every 5 minutes.")).toBeVisible();
  await expect(page.getByText("Slow mode:", { exact: false })).toHaveCount(0);
  await write(other, "one");
  await expect(messages(other)).toHaveText(["Before you came", "one"]);

  const owner = await signedIn(mina);
  await openRoom(owner, "Garden");
  await openRoomDialog(owner, "Room settings");
  await owner.getByRole("radio", { name: "Messages from when they came" }).check();
  await owner.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByRole("dialog", { name: "Room settings" })).toBeHidden();
  const sora = await somebody("Sora");
  await sora.call("POST", `/rooms/${garden.id}/join`);
  await say(mina, garden, "Welcome, Sora");
  const newcomer = await signedIn(sora);
  await openRoom(newcomer, "Garden");
  await expect(messages(newcomer)).toHaveText(["Welcome, Sora"]);
});

test("a ban has its reason and end, and is ended; a mute takes the text field away until then", async ({ somebody, signedIn }) => {
  const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
  const garden = await room(mina, "Garden", [joon, theo]);
  const [page, muted, banned] = [await signedIn(mina), await signedIn(theo), await signedIn(joon)];
  for (const one of [page, muted, banned]) await openRoom(one, "Garden");
  await page.getByRole("button", { name: "Members and pins" }).click();
  const restrict = async (name: string, what: string, length: string) => {
    await page.getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("menuitem", { name: what, exact: true }).click();
    await page.getByRole("dialog").getByRole("radio", { name: length }).check();
    await page.getByRole("dialog").getByLabel("Reason").fill("Rude words");
    await page.getByRole("dialog").getByRole("button", { name: what, exact: true }).click();
    await expect(page.getByRole("dialog")).toBeHidden();
  };
  await restrict("Theo", "Mute", "A day");
  await expect(muted.getByText("You are muted until")).toBeVisible();
  await expect(composer(muted)).toBeHidden();
  await page.getByRole("button", { name: "Actions for Theo" }).click();
  await page.getByRole("menuitem", { name: "End the mute" }).click();
  await expect(composer(muted)).toBeVisible();
  await restrict("Theo", "Mute", "Without an end");
  await expect(muted.getByText("You are muted here.")).toBeVisible();

  await restrict("Joon", "Ban", "A week");
  await expect(banned.getByRole("navigation").getByText("Garden")).toHaveCount(0);
  await expect(joon.call("POST", `/rooms/${garden.id}/join`)).rejects.toThrow("403");
  await openRoomDialog(page, "Banned people");
  const dialog = page.getByRole("dialog", { name: "Banned people" });
  await expect(dialog.getByRole("listitem")).toContainText(["Joon"]);
  await expect(dialog.getByText(/^until .* · Rude words$/)).toBeVisible();
  await dialog.getByRole("button", { name: "End the ban of Joon" }).click();
  await expect(dialog.getByText("Nobody is banned.")).toBeVisible();
  await joon.call("POST", `/rooms/${garden.id}/join`);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in what moderators use, in English and Korean (${colorScheme})`, async ({ somebody, signedIn }) => {
    test.setTimeout(180_000);
    const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
    const garden = await room(mina, "Garden", [joon, theo]);
    await mina.call("POST", `/rooms/${garden.id}/members/${theo.id}/ban`, { reason: "Rude words" });
    await mina.call("POST", `/rooms/${garden.id}/invitations`, {});
    await mina.call("PATCH", `/rooms/${garden.id}`, { slow_mode_s: 30 });
    for (const [locale, menu, names] of [
      ["en-US", "Room", ["Room settings", "Invitation links", "Banned people"]],
      ["ko-KR", "대화방 메뉴", ["대화방 설정", "초대 링크", "출입 금지된 사람"]],
    ] as const) {
      const page = await signedIn(mina, { colorScheme, locale });
      await openRoom(page, "Garden");
      for (const name of names) {
        // By the keys alone: the button, its menu, the dialog, and back to the button.
        await page.getByRole("button", { name: menu, exact: true }).focus();
        await page.keyboard.press("Enter");
        await expect(page.getByRole("menu")).toBeVisible();
        // Each key when the one before has moved the focus, as for somebody who looks where it is.
        const items = page.getByRole("menuitem");
        await expect(items.first()).toBeFocused();
        const place = (await items.allTextContents()).indexOf(name);
        for (let presses = 1; presses <= place; presses += 1) {
          await page.keyboard.press("ArrowDown");
          await expect(items.nth(presses)).toBeFocused();
        }
        await expect(page.getByRole("menuitem", { name, exact: true })).toBeFocused();
        await page.keyboard.press("Enter");
        await expect(page.getByRole("dialog", { name })).toBeVisible();
        if (name === names[1]) {
          await page.getByRole("button", { name: /^(Make a link|링크 만들기)$/ }).click();
          await expect(page.getByRole("textbox", { name: /^(New link|새 링크)$/ })).toBeVisible();
        }
        await isClean(page, `${name} (${locale})`);
        await page.keyboard.press("Escape");
        await expect(page.getByRole("dialog", { name })).toBeHidden();
        await expect(page.getByRole("button", { name: menu, exact: true })).toBeFocused();
      }
      const member = await signedIn(joon, { colorScheme, locale });
      await openRoom(member, "Garden");
      await expect(member.locator(".write-note")).toBeVisible();
      await isClean(member, `slow mode (${locale})`);
      await member.goto(`${member.url().split("#")[0]}#/join/nothing`);
      await expect(member.getByRole("heading", { name: /^(You are invited|대화방에 초대)/ })).toBeVisible();
      await isClean(member, `join by a link (${locale})`);
    }
  });
}
