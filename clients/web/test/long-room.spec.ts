// A room of very many messages: what is far away is given up, and comes back.
import type { Locator, Page } from "@playwright/test";
import { fill, heapBytes, patientServer } from "./kit/long";
import { PASSWORD, person, room } from "./kit/people";
import { expect, openRoom, test as base } from "./kit/test";

const MESSAGES = 20_000;
/** How much more than after the first 2,000 messages may be left after all of them. Each takes 2 kB while it is held. */
const GROWTH_BYTES = 2_000_000;
const WHEEL_PX = 2_400;
/** What a row may be off by where its height is not whole. */
const JUMP_PX = 2;

interface Long {
  readonly url: string;
  readonly username: string;
}

const test = base.extend<object, { long: Long }>({
  long: [
    async ({}, use) => {
      const server = await patientServer();
      const mina = await person(server.url, "Mina");
      const { id } = await room(mina, "Garden");
      await fill(server.url, mina, id, MESSAGES, 12);
      await use({ url: server.url, username: mina.username });
      await server.stop();
    },
    { scope: "worker", timeout: 300_000 },
  ],
});

// Playwright films for its trace, and keeps what it films.
test.use({ trace: "off" });

async function open(page: Page, { url, username }: Long): Promise<Locator> {
  await page.setViewportSize({ width: 1_000, height: 800 });
  await page.goto(url);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await openRoom(page, "Garden");
  await page.getByRole("log").hover();
  return page.getByRole("log");
}

/** The numbers of the messages in the page. */
function numbers(log: Locator): Promise<number[]> {
  return log.locator(".message-text").evaluateAll((texts) => texts.map((text) => Number.parseInt(text.textContent ?? "", 10)));
}

async function turn(page: Page, px: number, frames: number): Promise<void> {
  await page.mouse.wheel(0, px);
  await page.evaluate(async (count) => {
    for (let frame = 0; frame < count; frame += 1) await new Promise(requestAnimationFrame);
  }, frames);
}

test(`the memory of a page is flat over ${MESSAGES} messages, up and down again`, async ({ page, long }) => {
  test.setTimeout(600_000);
  const log = await open(page, long);
  const session = await page.context().newCDPSession(page);
  const heaps: string[] = [];
  let first: number | null = null;
  const walk = async (direction: 1 | -1, goal: number) => {
    let due = 2_000;
    for (let steps = 0; ; steps += 1) {
      await turn(page, direction * WHEEL_PX, 2);
      const seen = await numbers(log);
      const at = seen[0] ?? 0;
      if (Math.abs((direction < 0 ? MESSAGES : 0) - at) >= due) {
        due += 2_000;
        const bytes = await heapBytes(session);
        first ??= bytes;
        heaps.push(`${at}: ${(bytes / 1e6).toFixed(1)} MB`);
      }
      if (seen.includes(goal)) return heapBytes(session);
      if (steps > MESSAGES / 2) throw new Error(`at ${at} after ${steps} steps: ${heaps.join(", ")}`);
    }
  };
  const top = await walk(-1, 1);
  const bottom = await walk(1, MESSAGES);
  console.log(`the heap at message ${heaps.join(", ")}; ${(top / 1e6).toFixed(1)} MB at the top, ${(bottom / 1e6).toFixed(1)} MB at the end`);
  expect(top - (first ?? 0)).toBeLessThan(GROWTH_BYTES);
  expect(bottom - (first ?? 0)).toBeLessThan(GROWTH_BYTES);
});

/** With more, the page gives some up once the list rests. */
const HELD_MAX = 400;
/** In so many frames one after the other nothing may be due: a page that has come is drawn by then. */
const QUIET_FRAMES = 4;

/** Until the list rests: no page is on its way, nothing is to be given up, and nothing moves. */
async function settled(log: Locator): Promise<void> {
  await log.evaluate(
    async (box, [most, frames]) => {
      let [quiet, before] = [0, ""];
      while (quiet < frames) {
        await new Promise(requestAnimationFrame);
        const now = `${box.scrollTop} ${box.scrollHeight} ${box.dataset["items"]}`;
        const isDue = box.getAttribute("aria-busy") === "true" || Number(box.dataset["items"]) > most;
        quiet = isDue || now !== before ? 0 : quiet + 1;
        before = now;
      }
    },
    [HELD_MAX, QUIET_FRAMES] as const,
  );
}

interface Watched {
  moved: number;
  lost: number;
}

test("what is read does not move while pages come, go and come back", async ({ page, long }) => {
  test.setTimeout(300_000);
  const log = await open(page, long);
  // In each frame: how far what stands in the middle has moved since the one before.
  await log.evaluate((box) => {
    const watched = { moved: 0, lost: 0 };
    Object.assign(window, { watched });
    const look = () => {
      const middle = box.getBoundingClientRect().top + box.clientHeight / 2;
      const tops = new Map<string, number>();
      let nearest: { text: string; top: number } | null = null;
      for (const row of box.querySelectorAll(".message")) {
        const text = row.querySelector(".message-text")?.textContent ?? "";
        const { top } = row.getBoundingClientRect();
        tops.set(text, top);
        if (nearest === null || Math.abs(top - middle) < Math.abs(nearest.top - middle)) nearest = { text, top };
      }
      return { tops, nearest };
    };
    let before = look();
    const frame = () => {
      const now = look();
      if (before.nearest) {
        const top = now.tops.get(before.nearest.text);
        if (top === undefined) watched.lost += 1;
        else watched.moved += Math.abs(top - before.nearest.top);
      }
      before = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const watched = () =>
    page.evaluate(() => {
      const { watched: now } = window as unknown as { watched: Watched };
      const seen = { ...now };
      Object.assign(now, { moved: 0, lost: 0 });
      return seen;
    });
  const jumps: string[] = [];
  const numbersSeen = new Set<number>();
  const see = async () => (await numbers(log)).forEach((number) => numbersSeen.add(number));
  let [pages, before] = [0, 0];
  for (const direction of [-1, 1] as const) {
    for (let burst = 1; burst <= 40; burst += 1) {
      for (let step = 0; step < 3; step += 1) {
        await turn(page, direction * 500, 2);
        await see();
      }
      // A wheel goes further than the list draws ahead: what comes in sight unmeasured has its place some frames later.
      await turn(page, 0, 8);
      await watched();
      // What one came near to is loaded, and what is far is given up: the list has another height then.
      await settled(log);
      const { moved, lost } = await watched();
      if (lost > 0 || moved > JUMP_PX) jumps.push(`burst ${direction * burst}: moved ${moved}, lost ${lost}`);
      const height = await log.evaluate((box) => box.scrollHeight);
      if (Math.abs(height - before) > 1_000) pages += 1;
      before = height;
      await see();
    }
  }
  // Numbers are only nearly in order, so that the last ones of the page may come without those before them.
  const from = Math.min(...numbersSeen) + 100;
  console.log(`${pages} pauses in which pages came or went; from message ${from} on each was in the page`);
  expect(jumps).toEqual([]);
  expect(pages).toBeGreaterThan(15);
  // More than are held at once.
  expect(from).toBeLessThan(MESSAGES - 800);
  expect([...numbersSeen].filter((number) => number >= from)).toHaveLength(MESSAGES - from + 1);
});
