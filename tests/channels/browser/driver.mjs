// Serves the front end and drives it in headless Chromium, as a test asks by HTTP: `POST /` with {"do": ..., ...}, one
// action a request; the answer is JSON, {"failed": why} where the action failed.
//
//   node driver.mjs <port> <path of Chromium>

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

const [port, executablePath] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
/** How long one action of a page may take, in milliseconds. */
const ACTION_TIMEOUT_MS = 15_000;

const here = (name) => new URL(name, import.meta.url);
const frontEnd = {
  "index.html": ["text/html; charset=utf-8", await readFile(here("front-end/index.html"))],
  "chat.js": ["text/javascript; charset=utf-8", await readFile(here("front-end/chat.js"))],
};
const config = await readFile(here("front-end/config.js"), "utf8");
const recorder = await readFile(here("recorder.js"), "utf8");

const browser = await chromium.launch({ executablePath, timeout: ACTION_TIMEOUT_MS * 4 });
/** By name of the system: the base URL of its sockets. */
const systems = new Map();
/** By system and user: a browser's storage of their own, with the token in it. */
const people = new Map();
/** By name: { page, entries, waiting }. */
const tabs = new Map();

const actions = {
  /** A system to which the front end may be pointed. */
  serve({ system, base }) {
    systems.set(system, base);
  },

  /** Opens the front end in a new tab of a user's browser. */
  async open({ tab, system, user, query, storage }) {
    const person = `${system}/${user}`;
    if (!people.has(person)) people.set(person, await newPerson(storage));
    const page = await people.get(person).newPage();
    page.setDefaultTimeout(ACTION_TIMEOUT_MS);
    const opened = { page, entries: [], waiting: new Set() };
    page.on("pageerror", (error) => record(opened, { event: "page failed", error: error.message }));
    tabs.set(tab, opened);
    await page.goto(`${origin}/${system}/index.html?${query}`);
  },

  /** Types a line and sends it with the button. */
  async say({ tab, text }) {
    const { page } = found(tab);
    await page.fill("#text", text);
    await page.click("#say button");
  },

  /** Sends a frame that the front end would not send. */
  async send({ tab, frame }) {
    await found(tab).page.evaluate((frame) => window.recordedSocket.send(frame), frame);
  },

  /** Leaves by the button: the page closes its socket. */
  async leave({ tab }) {
    await found(tab).page.click("#leave");
  },

  /** Closes the tab. */
  async close({ tab }) {
    await found(tab).page.close();
  },

  /** What the page shows, line by line. */
  async shown({ tab }) {
    return found(tab).page.locator("#lines li").allTextContents();
  },

  /** What the tab's socket has said, once it has said more than `after` things, or the time is over. */
  async transcript({ tab, after, within_ms }) {
    const opened = found(tab);
    if (opened.entries.length <= after) await more(opened, within_ms);
    return opened.entries;
  },
};

async function newPerson(storage) {
  const context = await browser.newContext();
  await context.exposeBinding("tellDriver", ({ page }, entry) => {
    for (const opened of tabs.values()) if (opened.page === page) record(opened, entry);
  });
  await context.addInitScript(recorder);
  await context.addInitScript((storage) => {
    for (const [key, value] of Object.entries(storage)) localStorage.setItem(key, value);
  }, storage);
  return context;
}

function found(tab) {
  const opened = tabs.get(tab);
  if (!opened) throw new Error(`no tab is called ${tab}`);
  return opened;
}

function record(opened, entry) {
  opened.entries.push(entry);
  for (const wake of opened.waiting) wake();
}

function more(opened, within) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      opened.waiting.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, within);
    opened.waiting.add(wake);
  });
}

async function act(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { do: action, ...parameters } = JSON.parse(Buffer.concat(chunks));
  return (await actions[action](parameters)) ?? null;
}

function file(url) {
  const [system, name] = url.split("?")[0].slice(1).split("/");
  if (name !== "config.js") return frontEnd[name];
  const moved = config.replace(/"ws:[^"]*"/, JSON.stringify(systems.get(system)));
  return ["text/javascript; charset=utf-8", moved];
}

const server = createServer(async (request, response) => {
  if (request.method === "GET") {
    const [type, body] = file(request.url) ?? [];
    response.writeHead(body ? 200 : 404, { "content-type": type ?? "text/plain" }).end(body);
    return;
  }
  const answer = await act(request).catch((error) => ({ failed: error.message }));
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
});
server.listen(Number(port), "127.0.0.1");

process.once("SIGTERM", async () => {
  await browser.close();
  process.exit(0);
});
