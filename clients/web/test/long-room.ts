// Measures a room of 100,000 messages in the real browser: npm run long-room. MESSAGES=1000 makes a shorter one, and
// SECONDS=30 scrolls for longer. It prints figures, and fails only if something does not work.
import { type CDPSession, type Page, expect, test } from "@playwright/test";
import { person, room } from "./kit/people";
import { ownServer } from "./kit/server";
import { traced } from "./kit/trace";

const MESSAGES = Number(process.env["MESSAGES"] ?? 100_000);
const SECONDS = Number(process.env["SECONDS"] ?? 20);
/** Sends that wait for their answers. */
const AT_ONCE = 48;
const TRIES = 10;
/** As fast as one reads who looks for something. */
const PIXELS_PER_SECOND = 3_000;
const MEGABYTE = 1_000_000;

const WORDS = ["courtyard", "마당에서 만나요", "lunch", "review", "오늘", "tomorrow", "https://example.com/reviews/42", "🎉"];

/** Texts of different lengths, which begin with their number. */
function textOf(number: number): string {
  const words = Array.from({ length: 1 + ((number * 7) % 40) }, (_, place) => WORDS[(number + place) % WORDS.length]);
  return `${number} ${words.join(" ")}`;
}

/** Sends that many messages, several at a time: their numbers are nearly in order. */
async function fill(url: string, token: string, id: string): Promise<void> {
  let sent = 0;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const send = async (number: number) => {
    const body = JSON.stringify({ text: textOf(number), key: `number-${number}` });
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(`${url}/v1/rooms/${id}/messages`, { method: "POST", headers, body });
      await response.arrayBuffer();
      if (response.ok) return;
      // A machine with other work may not do it in time; with the same key it is one message.
      if (response.status < 500 || tries === TRIES) throw new Error(`message ${number} got ${response.status}`);
    }
  };
  const work = async () => {
    while (sent < MESSAGES - 1) await send((sent += 1));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await send(MESSAGES);
}

async function heapBytes(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

interface Frames {
  readonly perSecond: number;
  readonly slowestMs: number;
  readonly late: number;
  readonly longTasksMs: readonly number[];
}

/** Looks at each frame and each long task of the page while something happens. */
async function frames(page: Page, happens: () => Promise<void>): Promise<Frames> {
  await page.evaluate(() => {
    const times: number[] = [];
    const longTasks: number[] = [];
    const observer = new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))));
    observer.observe({ type: "longtask" });
    const frame = (time: number) => {
      times.push(time);
      if (watched.isOn) requestAnimationFrame(frame);
    };
    const watched = { isOn: true, times, longTasks };
    Object.assign(window, { watched });
    requestAnimationFrame(frame);
  });
  await happens();
  return page.evaluate(() => {
    const { watched } = window as unknown as { watched: { isOn: boolean; times: number[]; longTasks: number[] } };
    watched.isOn = false;
    const gaps = watched.times.slice(1).map((time, place) => time - (watched.times[place] as number));
    const tookMs = (watched.times.at(-1) as number) - (watched.times[0] as number);
    return {
      perSecond: Math.round((gaps.length / tookMs) * 10_000) / 10,
      slowestMs: Math.round(Math.max(...gaps)),
      // More than one frame of 60 a second was left out.
      late: gaps.filter((gap) => gap > 34).length,
      longTasksMs: watched.longTasks.sort((one, other) => other - one),
    };
  });
}

/** Scrolls evenly, as fingers on a touchpad do: the browser makes the gesture. */
async function scroll(page: Page, session: CDPSession, direction: 1 | -1, seconds: number): Promise<void> {
  const box = await page.getByRole("log").boundingBox();
  if (!box) throw new Error("the timeline is not in sight");
  await session.send("Input.synthesizeScrollGesture", {
    x: box.x + box.width / 2,
    y: box.y + box.height / 2,
    yDistance: direction * PIXELS_PER_SECOND * seconds,
    speed: PIXELS_PER_SECOND,
    gestureSourceType: "mouse",
    preventFling: true,
  });
}

const rows = (page: Page) => page.getByRole("article").count();
const newest = (page: Page) => page.locator(".message-text").last().textContent();
const oldest = async (page: Page) => Number(((await page.locator(".message-text").first().textContent()) ?? "0").split(" ")[0]);

test(`a room of ${MESSAGES} messages`, async ({ browser }) => {
  test.setTimeout(1_200_000);
  const many = "1000000";
  const server = await ownServer({
    MADANG_SENDS_PER_SECOND: many,
    MADANG_SENDS_BURST: many,
    MADANG_ROOM_SENDS_PER_SECOND: many,
    MADANG_ADDRESS_SENDS_PER_SECOND: "0",
  });
  const mina = await person(server.url, "Mina");
  const garden = await room(mina, "Garden");
  const answer = await fetch(`${server.url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: mina.username, password: mina.password }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
  const session = await page.context().newCDPSession(page);
  await page.goto(server.url);
  const filledAt = Date.now();
  await fill(server.url, token, garden.id);
  console.log(`sent ${MESSAGES} messages in ${Math.round((Date.now() - filledAt) / 1_000)} s`);

  await page.getByLabel("Username").fill(mina.username);
  await page.getByLabel("Password", { exact: true }).fill(mina.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").getByRole("link", { name: /Garden/ }).click();
  await expect(page.getByRole("log")).toHaveAttribute("data-ready", "true");

  // From an empty cache and from a full one: until the last message stands in the page.
  await session.send("Network.clearBrowserCache");
  for (const cache of ["empty", "full"]) {
    await page.reload({ waitUntil: "commit" });
    await page.getByText(`${MESSAGES} `, { exact: false }).last().waitFor();
    const ms = await page.evaluate(() => Math.round(performance.now()));
    const paintMs = await page.evaluate(() => Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN));
    console.log(`${cache} cache: first paint after ${paintMs} ms, the last message after ${ms} ms`);
  }
  await expect(page.getByRole("log")).toHaveAttribute("data-ready", "true");

  const before = await heapBytes(session);
  const idle = await frames(page, () => page.waitForTimeout(3_000));
  if (process.env["TRACE"] !== undefined) {
    const { tookMs, mainMs, longTasks } = await traced(session, () => scroll(page, session, 1, SECONDS), process.env["TRACE"]);
    console.log(`traced for ${Math.round(tookMs)} ms; main thread: ${mainMs.slice(0, 24).map(([what, ms]) => `${what} ${ms}`).join(", ")}; long tasks: ${longTasks.join("; ") || "none"}`);
  }
  const up = await frames(page, () => scroll(page, session, 1, SECONDS));
  const reached = await oldest(page);
  const after = await heapBytes(session);
  const down = await frames(page, () => scroll(page, session, -1, SECONDS));
  const again = await frames(page, () => scroll(page, session, 1, SECONDS / 2));
  const end = await heapBytes(session);
  for (const [what, { perSecond, late, slowestMs, longTasksMs }] of Object.entries({ idle, up, down, again })) {
    console.log(`${what}: ${perSecond} frames/s, ${late} frames late, the slowest ${slowestMs} ms; long tasks ${longTasksMs.join(", ") || "none"}`);
  }
  const [mb, mbAfter, mbEnd] = [before, after, end].map((bytes) => (bytes / MEGABYTE).toFixed(1));
  console.log(`heap ${mb} MB before, ${mbAfter} MB with ${MESSAGES - reached} messages loaded, ${mbEnd} MB at the end; ${await rows(page)} rows in the page`);
  await page.getByRole("button", { name: "To the latest message" }).click();
  await expect.poll(() => newest(page)).toContain(`${MESSAGES} `);
  expect(reached).toBeLessThan(MESSAGES - 100);
  await page.close();
  await server.stop();
});
