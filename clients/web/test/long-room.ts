// Measures a room of 100,000 messages in the real browser: npm run long-room. MESSAGES=1000 makes a shorter one, and
// SECONDS=30 scrolls for longer. It prints figures, and fails only if something does not work.
import { type CDPSession, type Page, expect, test } from "@playwright/test";
import { fill, heapBytes, oldest, patientServer } from "./kit/long";
import { person, room } from "./kit/people";
import { traced } from "./kit/trace";

const MESSAGES = Number(process.env["MESSAGES"] ?? 100_000);
const SECONDS = Number(process.env["SECONDS"] ?? 20);
/** As fast as one reads who looks for something. */
const PIXELS_PER_SECOND = 3_000;
const MEGABYTE = 1_000_000;

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

test(`a room of ${MESSAGES} messages`, async ({ browser }) => {
  test.setTimeout(1_200_000);
  const server = await patientServer();
  const mina = await person(server.url, "Mina");
  const garden = await room(mina, "Garden");
  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
  const session = await page.context().newCDPSession(page);
  await page.goto(server.url);
  const filledAt = Date.now();
  await fill(server.url, mina, garden.id, MESSAGES);
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
    const { tookMs, mainMs, longTasks, frames: seen } = await traced(session, () => scroll(page, session, 1, SECONDS), process.env["TRACE"]);
    const { shown, late, blank, dropped } = seen;
    console.log(`the trace: ${shown} frames shown, ${dropped} dropped, ${late} late, ${blank} with a blank part`);
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
