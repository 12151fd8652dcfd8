// The width of a phone, and fingers.
import type { Page } from "@playwright/test";
import { devices } from "@playwright/test";
import { person, room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test } from "./kit/test";

const { viewport, isMobile, hasTouch, deviceScaleFactor } = devices["iPhone 13 Mini"];
const phone = { viewport, isMobile, hasTouch, deviceScaleFactor };

/** Nothing stands outside of the width. */
const fits = async (page: Page) => {
  const [inner, whole] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  expect(whole).toBeLessThanOrEqual(inner ?? 0);
};

test("on a phone one goes from the rooms into one and back, and writes there", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden with a name that is longer than a phone is wide", [mina]);
  await say(joon, garden, `Averylongwordwithoutanyspace${"x".repeat(200)} https://example.com/${"path/".repeat(30)}`);
  const page = await signedIn(mina, phone);
  await fits(page);
  await openRoom(page, "Garden");
  await expect(page.getByRole("navigation")).toBeHidden();
  await expect(messages(page)).toHaveCount(1);
  await fits(page);
  // No keyboard covers the room before one writes.
  await expect(composer(page)).not.toBeFocused();
  await composer(page).tap();
  await composer(page).pressSequentially("one");
  await composer(page).press("Enter");
  await composer(page).pressSequentially("two");
  await expect(messages(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Send" }).tap();
  await expect(messages(page).last()).toHaveText("one\ntwo");
  await page.getByRole("button", { name: "Members and pins" }).tap();
  await expect(page.getByRole("dialog")).toBeVisible();
  await fits(page);
  await page.getByRole("button", { name: "Close" }).tap();
  await page.getByRole("link", { name: "Back to rooms" }).tap();
  await expect(page.getByRole("navigation")).toBeVisible();
  await expect(page.getByRole("log")).toHaveCount(0);
});

test("on a phone a room says by itself that there is no connection", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  await room(mina, "Garden");
  const page = await signedIn(mina, phone);
  await openRoom(page, "Garden");
  await page.context().setOffline(true);
  await expect(page.getByText("You are offline.", { exact: false })).toBeInViewport();
  await fits(page);
  await page.context().setOffline(false);
  await expect(page.getByText("You are offline.", { exact: false })).toBeHidden();
});

test("on a phone what can be done with a message comes with a touch", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  await say(joon, garden, "Touch me");
  const page = await signedIn(mina, phone);
  await openRoom(page, "Garden");
  await page.getByRole("article").tap();
  await page.getByRole("button", { name: "Actions for the message of Joon" }).tap();
  await page.getByRole("menuitem", { name: "Reply", exact: true }).tap();
  await expect(page.getByText("Replying to Joon")).toBeVisible();
});

test("on a phone one reacts, edits and deletes with fingers", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  await say(joon, garden, "Touch me");
  await say(mina, garden, "Mine");
  const page = await signedIn(mina, phone);
  await openRoom(page, "Garden");
  const [theirs, mine] = [page.getByRole("article").first(), page.getByRole("article").last()];
  await theirs.tap();
  await theirs.getByRole("button", { name: "React" }).tap();
  await fits(page);
  await page.getByRole("dialog", { name: "React" }).getByRole("button", { name: "❤️" }).tap();
  const own = theirs.getByRole("button", { name: "❤️: 1 person" });
  await expect(own).toHaveAttribute("aria-pressed", "true");
  await own.tap();
  await expect(own).toHaveCount(0);
  await mine.tap();
  await mine.getByRole("button", { name: /^Actions for/ }).tap();
  await page.getByRole("menuitem", { name: "Edit" }).tap();
  const field = page.getByRole("textbox", { name: "Text of the message" });
  await expect(field).toBeFocused();
  await fits(page);
  await field.fill("Mine, edited");
  // Enter begins a new line there.
  await field.press("Enter");
  await expect(field).toBeVisible();
  await mine.getByRole("button", { name: "Save" }).tap();
  await expect(messages(page).last()).toHaveText("Mine, edited");
  await mine.tap();
  await mine.getByRole("button", { name: /^Actions for/ }).tap();
  await page.getByRole("menuitem", { name: "Delete" }).tap();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).tap();
  await expect(mine).toContainText("This message was deleted.");
});

test("the settings fit on a phone", async ({ somebody, signedIn }) => {
  const page = await signedIn(await somebody("Mina"), phone);
  await page.locator(".me").tap();
  await page.getByRole("menuitem", { name: "Settings" }).tap();
  for (const tab of ["Profile", "Appearance", "Privacy", "Devices", "Keyboard"]) {
    await page.getByRole("tab", { name: tab }).tap();
    await expect(page.getByRole("tabpanel", { name: tab })).toBeVisible();
    await fits(page);
  }
});

const LONG_NAME = "Theophilus Bartholomew Martin-Featherstone";

/** What of these parts of the page stands beyond an edge. The page itself does not scroll there: they would be cut off. */
const beyondTheEdge = (page: Page, parts: string) =>
  page.locator(parts).evaluateAll((found) =>
    found.flatMap((part) => {
      const { left, right, width } = part.getBoundingClientRect();
      return width > 0 && (right > innerWidth + 1 || left < -1) ? [`${part.className || part.tagName}: ${left} to ${right}`] : [];
    }),
  );

test("on a phone long names, quotes, pictures, pins and reports keep to the width", async ({ somebody, signedIn, server }) => {
  const [mina, theo] = [await somebody("Mina"), await person(server.url, LONG_NAME, `theo${process.pid}`)];
  const garden = await room(mina, "Garden", [theo]);
  const asked = await say(theo, garden, `Did anybody see ${"x".repeat(80)}?`);
  await say(mina, garden, "I did", { reply_to: asked.id });
  await mina.call("PUT", `/rooms/${garden.id}/pins/${asked.id}`);
  await mina.call("POST", `/rooms/${garden.id}/messages/${asked.id}/report`, { reason: "What is this?" });
  const page = await signedIn(mina, phone);
  await openRoom(page, "Garden");
  await expect(page.locator(".presence")).toBeVisible();
  expect(await page.locator(".room-title p").evaluate((line) => line.getBoundingClientRect().height)).toBeLessThan(24);
  const picture = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(640, 400);
    canvas.getContext("2d")?.fillRect(0, 0, 640, 400);
    return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
  });
  const field = page.locator("input[type=file]");
  await field.setInputFiles({ name: `${"picture".repeat(9)}.png`, mimeType: "image/png", buffer: Buffer.from(picture) });
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeEnabled();
  await page.getByRole("button", { name: "Send", exact: true }).tap();
  await expect(page.locator(".picture img")).toBeVisible();
  expect(await beyondTheEdge(page, ".room-header *, article, article *")).toEqual([]);

  await page.getByRole("button", { name: "Pins: 1" }).tap();
  await expect(page.locator(".pin")).toBeVisible();
  expect(await beyondTheEdge(page, ".pin, .pin *")).toEqual([]);
  await expect(page.getByRole("button", { name: "Unpin" })).toBeInViewport({ ratio: 1 });
  await page.getByRole("button", { name: "Close" }).tap();
  await page.getByRole("button", { name: "Room", exact: true }).tap();
  await page.getByRole("menuitem", { name: "Reports" }).tap();
  const dialog = page.getByRole("dialog", { name: "Reports" });
  await expect(dialog.getByRole("listitem")).toHaveCount(1);
  expect(await beyondTheEdge(page, ".pin, .pin *")).toEqual([]);
  await expect(dialog.getByRole("button", { name: /^Resolve/ })).toBeInViewport({ ratio: 1 });
});

test("on a phone the first message in sight has its actions below the header", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  for (let count = 1; count <= 30; count += 1) await say(joon, garden, `number ${count}`);
  const page = await signedIn(mina, phone);
  await openRoom(page, "Garden");
  const first = page.getByRole("article").filter({ hasText: /number 12$/ });
  await first.evaluate((row) => row.scrollIntoView({ block: "start" }));
  await first.tap();
  const actions = await first.locator(".message-actions").boundingBox();
  const log = await page.getByRole("log").boundingBox();
  expect(actions?.y).toBeGreaterThanOrEqual(log?.y ?? Number.POSITIVE_INFINITY);
});
