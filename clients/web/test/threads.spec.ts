// Threads: one replies under a message, the other sees how many there are, opens the panel and answers.
import { mkdirSync } from "node:fs";
import { devices } from "@playwright/test";
import { room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test } from "./kit/test";

/** Where the pictures of these tests go, where somebody wants to look at them. */
const PICTURES = process.env["THREAD_PICTURES"];
if (PICTURES !== undefined) mkdirSync(PICTURES, { recursive: true });

test("a thread is opened beside the room, written in, and read", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const yard = await room(mina, "Lunch", [joon]);
  const root = await say(mina, yard, "Where do we eat at noon?");
  await say(joon, yard, "Good morning");
  const page = await signedIn(mina, { viewport: { width: 1280, height: 800 } });
  await openRoom(page, "Lunch");
  await say(joon, yard, "Noodles at the corner?", { thread: root.id });
  await say(joon, yard, "Or rice with vegetables", { thread: root.id });

  // In the room: the number, what is new, and none of the texts.
  const line = page.getByRole("button", { name: /^2 replies/ });
  await expect(line).toContainText("2 new");
  await expect(messages(page)).toHaveText(["Where do we eat at noon?", "Good morning"]);
  await line.click();
  const panel = page.getByRole("complementary", { name: "Thread" });
  const list = panel.getByRole("log");
  await expect(list.locator(".message-text")).toHaveText([
    "Where do we eat at noon?",
    "Noodles at the corner?",
    "Or rice with vegetables",
  ]);

  // Written there alone, and in the room as well.
  const field = panel.getByRole("textbox", { name: "Reply in the thread" });
  await expect(field).toBeFocused();
  await field.fill("Noodles for me");
  await field.press("Enter");
  await expect(list.locator(".message-text").last()).toHaveText("Noodles for me");
  await expect(page.getByRole("button", { name: /^3 replies/ })).not.toContainText("new");
  await panel.getByRole("checkbox", { name: "Send to the room as well" }).check();
  await field.fill("Decided: noodles, at noon");
  await field.press("Enter");
  await expect(page.getByRole("main").getByRole("article").locator(".message-text")).toHaveText([
    "Where do we eat at noon?",
    "Good morning",
    "Decided: noodles, at noon",
  ]);
  await expect(page.getByRole("main").getByRole("button", { name: "Replied in a thread" })).toBeVisible();
  if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/desktop.png`, animations: "disabled" });

  // It comes live, and the other is told in the inbox.
  await say(joon, yard, "See you there", { thread: root.id });
  await expect(list.locator(".message-text").last()).toHaveText("See you there");
  await panel.getByRole("button", { name: "Close" }).click();
  await expect(panel).toBeHidden();
  await expect(composer(page)).toBeFocused();
  await page.getByRole("button", { name: /^Notices/ }).click();
  await expect(page.getByRole("dialog", { name: "Notices" }).getByText("Joon replied in a thread in Lunch").first()).toBeVisible();
});

test("a thread that could not be loaded is there when one tries again", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const yard = await room(mina, "Lunch", [joon]);
  const root = await say(mina, yard, "Where do we eat at noon?");
  await say(joon, yard, "Noodles at the corner?", { thread: root.id });
  const page = await signedIn(mina, { viewport: { width: 1280, height: 800 } });
  await openRoom(page, "Lunch");
  await page.route("**/v1/rooms/*/threads/**", (route) => route.abort());
  await page.getByRole("button", { name: /^1 reply/ }).click();
  const panel = page.getByRole("complementary", { name: "Thread" });
  await expect(panel.getByRole("alert")).toBeVisible();
  await expect(panel.getByRole("textbox")).toBeHidden();
  // Still without the server: it stays as it is, and does not go away.
  await panel.getByRole("button", { name: "Try again" }).click();
  await expect(panel.getByRole("alert")).toBeVisible();
  await page.unroute("**/v1/rooms/*/threads/**");
  await panel.getByRole("button", { name: "Try again" }).click();
  await expect(panel.getByRole("log").locator(".message-text")).toHaveText(["Where do we eat at noon?", "Noodles at the corner?"]);
  await expect(panel.getByRole("alert")).toBeHidden();
  await expect(panel.getByRole("textbox", { name: "Reply in the thread" })).toBeFocused();
});

test("on a phone a thread fills the screen, in Korean", async ({ somebody, signedIn }) => {
  const [sora, joon] = [await somebody("소라"), await somebody("Joon")];
  const lunch = await room(sora, "점심 모임", [joon]);
  const root = await say(sora, lunch, "오늘 점심은 어디서 먹을까요?");
  await say(joon, lunch, "국수 어때요?", { thread: root.id });
  await say(joon, lunch, "비빔밥도 좋아요 🍚", { thread: root.id });
  const { viewport, isMobile, hasTouch } = devices["iPhone 13 Mini"];
  const page = await signedIn(sora, { viewport, isMobile, hasTouch, deviceScaleFactor: 2, locale: "ko-KR" });
  await openRoom(page, "점심 모임");
  await page.getByRole("button", { name: /^답글 2개/ }).click();
  const panel = page.getByRole("dialog", { name: "스레드" });
  await expect(panel.locator(".message-text").last()).toHaveText("비빔밥도 좋아요 🍚");
  const box = await panel.boundingBox();
  expect([box?.x, box?.y, box?.width, box?.height]).toEqual([0, 0, viewport.width, viewport.height]);
  await panel.getByRole("textbox", { name: "스레드에 답글 쓰기" }).fill("국수로 해요");
  await panel.getByRole("button", { name: "보내기" }).click();
  await expect(panel.locator(".message-text").last()).toHaveText("국수로 해요");
  await expect(panel.getByText("답글 3개")).toBeVisible();
  if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/phone.png`, animations: "disabled" });
});
