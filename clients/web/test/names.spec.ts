// Names as long as they may be, without a space, in Latin and Hangul: what is said beside them is read, and nothing is
// wider than the page.
import { type Page, devices } from "@playwright/test";
import { person, room, say } from "./kit/people";
import { composer, expect, openRoom, test } from "./kit/test";

const LATIN = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenh";
const HANGUL = "김수한무거북이와두루미삼천갑자동방삭치치카포사리사리센타워리워리세브리깡무두셀라구름이허리케인에담벼락서생원에고양이";
const ROOM = "Donaudampfschifffahrtselektrizitatenhauptbetriebswerkbauunterbea";
const { viewport, isMobile, hasTouch } = devices["iPhone 13 Mini"];
/** A text of one line in its field; with two it would be higher. */
const LINE_PX = 45;

/** What reaches out of the page on the right. */
function wide(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("body *:not(.visually-hidden)")]
      .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
      .map(({ tagName, className }) => `${tagName} ${className}`),
  );
}

for (const [device, options] of [
  ["desktop", { viewport: { width: 1280, height: 800 } }],
  ["phone", { viewport, isMobile, hasTouch }],
] as const) {
  test(`long names leave space for what is said (${device})`, async ({ server, somebody, signedIn }) => {
    const mina = await somebody("Mina");
    const latin = await person(server.url, LATIN, `latin${device}`);
    const hangul = await person(server.url, HANGUL, `hangul${device}`);
    const works = await room(mina, ROOM, [latin, hangul]);
    const root = await say(latin, works, "Lunch at noon?");
    await say(latin, works, "In the thread", { thread: root.id });
    await say(hangul, works, "좋아요", { reply_to: root.id });

    const page = await signedIn(mina, options);
    const row = page.getByRole("navigation").getByRole("link", { name: new RegExp(ROOM) });
    await expect(row).toBeVisible();
    await expect(row.locator(".room-row-last")).toHaveText(/^김수한무.{11}…: 좋아요$/);
    expect(await wide(page)).toEqual([]);

    // Beside the panel the field is narrower, and what stands in it is as high as one line.
    await openRoom(page, ROOM);
    const field = composer(page);
    expect((await field.boundingBox())?.height).toBeLessThan(LINE_PX);
    await page.getByRole("button", { name: "Members and pins" }).click();
    await expect(page.getByText(HANGUL, { exact: true }).last()).toBeVisible();
    expect(await wide(page)).toEqual([]);
    if (device === "desktop") {
      expect((await field.boundingBox())?.height).toBeLessThan(LINE_PX);
      // What is written has more lines in a narrower field, and is seen whole.
      await field.fill("as long as a line of the wide field, and somewhat longer than a line of the one beside the panel");
      const isWhole = () => field.evaluate(({ scrollHeight, clientHeight }) => scrollHeight <= clientHeight);
      await expect.poll(isWhole).toBe(true);
      const high = (await field.boundingBox())?.height ?? 0;
      expect(high).toBeGreaterThan(LINE_PX);
      await page.getByRole("button", { name: "Close" }).click();
      await expect.poll(async () => (await field.boundingBox())?.height).toBeLessThan(high);
      await page.getByRole("button", { name: "Members and pins" }).click();
      await expect.poll(async () => (await field.boundingBox())?.height).toBe(high);
      await field.fill("");
    } else {
      await page.getByRole("button", { name: "Close" }).click();
      await page.getByRole("link", { name: "Back" }).click();
    }

    // Whose it is and where stand on one line, and both are told.
    await page.getByRole("button", { name: "Search messages" }).click();
    const search = page.getByRole("dialog", { name: "Search messages" });
    await search.getByRole("searchbox").fill("lunch");
    const found = search.getByRole("listitem").filter({ hasText: "Lunch at noon?" });
    for (const name of [LATIN, ROOM]) expect((await found.getByTitle(name).boundingBox())?.width).toBeGreaterThan(50);
    expect((await found.locator(".pin-head").boundingBox())?.height).toBeLessThan(LINE_PX);
    expect(await wide(page)).toEqual([]);
  });
}
