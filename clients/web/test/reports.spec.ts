// What moderators see and settle: reports, the audit log, and the words that are not accepted.
import type { Page } from "@playwright/test";
import { devices } from "@playwright/test";
import { isClean } from "./kit/axe";
import { type Person, type Room, room, say } from "./kit/people";
import { expect, messages, openRoom, test, write } from "./kit/test";

const openRoomDialog = async (page: Page, item: string) => {
  await page.getByRole("button", { name: "Room", exact: true }).click();
  await page.getByRole("menuitem", { name: item }).click();
  await expect(page.getByRole("dialog", { name: item })).toBeVisible();
};
const openReports = async (page: Page) => {
  await page.locator(".me").click();
  await page.getByRole("menuitem", { name: "Reports" }).click();
  await expect(page.getByRole("dialog", { name: "Reports" })).toBeVisible();
};
const report = (who: Person, { id }: Room, message: { id: string }, reason?: string) =>
  who.call("POST", `/rooms/${id}/messages/${message.id}/report`, reason === undefined ? {} : { reason });

test("reports of all rooms stand in one queue; one is gone to, settled, and opened again", async ({ somebody, signedIn }) => {
  const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
  const [garden, library] = [await room(mina, "Garden", [joon, theo]), await room(mina, "Library", [joon, theo])];
  const other = await room(theo, "Elsewhere", [mina, joon]);
  const spam = await say(joon, garden, "Cheap watches, only today");
  const gone = await say(joon, library, "Something rude");
  await report(theo, garden, spam, "Nobody asked for it");
  await report(theo, library, gone);
  // Of a room that she does not moderate.
  await report(mina, other, await say(joon, other, "Not for her"));
  await joon.call("DELETE", `/rooms/${library.id}/messages/${gone.id}`);

  const page = await signedIn(mina);
  await openRoom(page, "Library");
  await openReports(page);
  const dialog = page.getByRole("dialog", { name: "Reports" });
  const rows = dialog.getByRole("listitem");
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText("Cheap watches, only today");
  await expect(rows.first()).toContainText("Garden");
  await expect(rows.first()).toContainText("Reported by Theo");
  await expect(rows.first()).toContainText("Nobody asked for it");
  await expect(rows.last()).toContainText("This message was deleted.");
  await rows.first().getByRole("button", { name: "Go to message" }).click();
  await expect(page.getByRole("heading", { name: "Garden" })).toBeVisible();
  await expect(messages(page)).toHaveText(["Cheap watches, only today"]);
  await expect(dialog).toBeHidden();

  // From the room there are only its own.
  await openRoomDialog(page, "Reports");
  await expect(rows).toHaveCount(1);
  await dialog.getByRole("button", { name: /^Resolved: Report of a message of Joon/ }).click();
  await expect(dialog.getByText("Nothing is reported.")).toBeVisible();
  await dialog.getByLabel("Room", { exact: true }).selectOption("All rooms that you moderate");
  await expect(rows).toHaveCount(1);
  await dialog.getByRole("button", { name: /^Dismiss: / }).click();
  await expect(dialog.getByText("Nothing is reported.")).toBeVisible();
  await dialog.getByLabel("Which").selectOption("Resolved");
  await expect(rows).toHaveText([/Cheap watches/]);
  await dialog.getByLabel("Which").selectOption("Dismissed");
  await expect(rows).toHaveText([/This message was deleted/]);
  await dialog.getByRole("button", { name: /^Open again: / }).click();
  await expect(dialog.getByText("There is no such report.")).toBeVisible();
  const open = await mina.call<{ items: { room: string }[] }>("GET", "/reports?status=open");
  expect(open.items.map((one) => one.room)).toEqual([library.id]);
});

test("a word list refuses a message, or reports it; members see neither list, nor reports, nor log", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(mina, "Garden", [joon]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await openRoom(other, "Garden");
  await openRoomDialog(page, "Word list");
  const dialog = page.getByRole("dialog", { name: "Word list" });
  const field = dialog.getByLabel("Words, one a line");
  await expect(field).toHaveValue("");
  await field.fill(`turnip\n\n바보\nturnip\n${"x".repeat(65)}`);
  await expect(dialog.getByRole("alert")).toContainText("is longer than 64 characters");
  await expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
  await field.fill("turnip\n\n바보\nturnip");
  await expect(dialog.getByText("2 words")).toBeVisible();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();

  await write(other, "You T.u.r.n.i.p!");
  await expect(other.locator(".message-failed")).toBeVisible();
  await openRoomDialog(page, "Word list");
  await expect(field).toHaveValue(/^(turnip\n바보|바보\nturnip)$/);
  await dialog.getByRole("radio", { name: "is reported" }).check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await write(other, "ㅂㅏㅂㅗ");
  await expect(messages(page)).toHaveText(["ㅂㅏㅂㅗ"]);
  await openRoomDialog(page, "Reports");
  await expect(page.getByRole("dialog", { name: "Reports" }).getByRole("listitem")).toHaveText([/ㅂㅏㅂㅗ.*Reported by the word list/s]);

  await other.getByRole("button", { name: "Room", exact: true }).click();
  await expect(other.getByRole("menuitem", { name: "Leave room" })).toBeVisible();
  for (const name of ["Reports", "Word list", "Audit log"]) await expect(other.getByRole("menuitem", { name })).toHaveCount(0);
  await other.keyboard.press("Escape");
  await other.locator(".me").click();
  await expect(other.getByRole("menuitem", { name: "Settings" })).toBeVisible();
  await expect(other.getByRole("menuitem", { name: "Reports" })).toHaveCount(0);
});

test("the audit log says what was done, by whom, to whom and why, the latest first, page after page", async ({ somebody, signedIn }) => {
  test.setTimeout(120_000);
  const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
  const garden = await room(mina, "Garden", [joon, theo]);
  const at = `/rooms/${garden.id}`;
  await mina.call("PUT", `${at}/members/${joon.id}`, { role: "moderator" });
  const message = await say(theo, garden, "To be deleted");
  await mina.call("DELETE", `${at}/messages/${message.id}`);
  await joon.call("POST", `${at}/members/${theo.id}/mute`, { reason: "Rude words", until: new Date(Date.now() + 86_400_000).toISOString() });
  await joon.call("DELETE", `${at}/members/${theo.id}/mute`);
  await mina.call("PATCH", at, { slow_mode_s: 30 });
  const { id } = await mina.call<{ id: string }>("POST", `${at}/invitations`, {});
  await mina.call("DELETE", `${at}/invitations/${id}`);
  await mina.call("PUT", `${at}/words`, { words: ["turnip"], action: "refuse" });
  await joon.call("POST", `${at}/members/${theo.id}/ban`, { reason: "Once more" });

  // He is a moderator, and no owner.
  const page = await signedIn(joon);
  await openRoom(page, "Garden");
  await openRoomDialog(page, "Audit log");
  const dialog = page.getByRole("dialog", { name: "Audit log" });
  await expect(dialog.locator(".notice-text")).toHaveText([
    "Joon banned Theo",
    "Mina set the word list",
    "Mina revoked an invitation link",
    "Mina made an invitation link",
    "Mina changed the room",
    "Joon ended the mute of Theo",
    "Joon muted Theo",
    "Mina deleted a message of Theo",
    "Mina made Joon a moderator",
  ]);
  await expect(dialog.getByRole("listitem").nth(6)).toContainText("Rude words");
  await expect(dialog.getByRole("listitem").nth(6)).toContainText("until");
  await page.keyboard.press("Escape");
  for (let pause = 1; pause <= 45; pause += 1) await mina.call("PATCH", at, { slow_mode_s: pause });
  await openRoomDialog(page, "Audit log");
  await expect(dialog.getByRole("listitem")).toHaveCount(50);
  await dialog.getByRole("button", { name: "More" }).click();
  await expect(dialog.getByRole("listitem")).toHaveCount(54);
  await expect(dialog.getByRole("button", { name: "More" })).toHaveCount(0);
});

/** Something in each of the three. */
async function busyGarden(mina: Person, joon: Person, theo: Person): Promise<Room> {
  const garden = await room(mina, "Garden", [joon, theo]);
  await mina.call("PUT", `/rooms/${garden.id}/words`, { words: ["turnip", "바보"], action: "flag" });
  await report(theo, garden, await say(joon, garden, `Cheap watches: https://example.com/${"watches/".repeat(20)}`), "Nobody asked for it, and the address is long".repeat(4));
  await say(joon, garden, "turnip");
  await mina.call("POST", `/rooms/${garden.id}/members/${theo.id}/mute`, { reason: "Rude words" });
  return garden;
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in reports, words and log, which are reached by the keys, in English and Korean (${colorScheme})`, async ({ somebody, signedIn }) => {
    test.setTimeout(180_000);
    const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
    await busyGarden(mina, joon, theo);
    for (const [locale, menu, names] of [
      ["en-US", "Room", ["Reports", "Word list", "Audit log"]],
      ["ko-KR", "대화방 메뉴", ["신고", "금지어", "관리 기록"]],
    ] as const) {
      const page = await signedIn(mina, { colorScheme, locale });
      await openRoom(page, "Garden");
      for (const name of names) {
        await page.getByRole("button", { name: menu, exact: true }).focus();
        await page.keyboard.press("Enter");
        const items = page.getByRole("menuitem");
        await expect(items.first()).toBeFocused();
        const place = (await items.allTextContents()).indexOf(name);
        for (let at = 1; at <= place; at += 1) {
          await page.keyboard.press("ArrowDown");
          await expect(items.nth(at)).toBeFocused();
        }
        await page.keyboard.press("Enter");
        const dialog = page.getByRole("dialog", { name });
        await expect(dialog).toBeVisible();
        if (name === names[1]) await expect(dialog.getByRole("textbox")).toHaveValue(/turnip/);
        else await expect(dialog.getByRole("listitem")).toHaveCount(2);
        await isClean(page, `${name} (${locale})`);
        await page.keyboard.press("Escape");
        await expect(dialog).toBeHidden();
        await expect(page.getByRole("button", { name: menu, exact: true })).toBeFocused();
      }
    }
  });
}

test("a report is settled by the keys alone", async ({ somebody, signedIn }) => {
  const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
  await busyGarden(mina, joon, theo);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await openReports(page);
  const dialog = page.getByRole("dialog", { name: "Reports" });
  await expect(dialog.getByRole("listitem")).toHaveCount(2);
  await dialog.getByLabel("Room", { exact: true }).focus();
  await page.keyboard.press("Tab");
  await expect(dialog.getByRole("button", { name: "Go to message" }).first()).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(dialog.getByRole("button", { name: /^Resolved: / }).first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("listitem")).toHaveCount(1);
  // The focus goes on to the next report, and not out of the dialog.
  await expect(dialog.getByRole("button", { name: /^Resolved: / })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("Nothing is reported.")).toBeVisible();
  expect(await dialog.evaluate((box) => box.contains(document.activeElement))).toBe(true);
});

test("reports, words and log fit on a phone, in Korean", async ({ somebody, signedIn }) => {
  const [mina, joon, theo] = [await somebody("Mina"), await somebody("Joon"), await somebody("Theo")];
  await busyGarden(mina, joon, theo);
  const { viewport, isMobile, hasTouch, deviceScaleFactor } = devices["iPhone 13 Mini"];
  const page = await signedIn(mina, { viewport, isMobile, hasTouch, deviceScaleFactor, locale: "ko-KR" });
  await openRoom(page, "Garden");
  await expect(page.getByRole("textbox")).toBeVisible();
  for (const name of ["신고", "금지어", "관리 기록"]) {
    await page.getByRole("button", { name: "대화방 메뉴", exact: true }).tap();
    await page.getByRole("menuitem", { name }).tap();
    const dialog = page.getByRole("dialog", { name });
    if (name !== "금지어") await expect(dialog.getByRole("listitem")).toHaveCount(2);
    await expect(dialog).toBeVisible();
    const wide = await dialog.evaluate((box) => {
      const within = [...box.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > box.getBoundingClientRect().right + 1);
      return { outside: within.map((one) => one.className), page: document.documentElement.scrollWidth - innerWidth };
    });
    expect(wide).toEqual({ outside: [], page: 0 });
    await isClean(page, name);
    await page.getByRole("button", { name: "닫기" }).tap();
    await expect(dialog).toBeHidden();
  }
});
