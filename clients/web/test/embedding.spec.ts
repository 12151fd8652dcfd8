// Executes the code of docs/embedding.md: pages of another origin, of whose blocks none is skipped.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Client, RoomEvent } from "@madang/client";
import { type Browser, type BrowserContext, type Page, expect, test as base } from "@playwright/test";
import { build } from "vite";
import { blockOf, blocksOf, settingsOf } from "../../typescript/test/kit/document";
import { type Server, ownServer } from "./kit/server";
import { type Site, type SiteOptions, startSite } from "./kit/site";

const at = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const EXAMPLE = at("examples/react-minimal");
const DOCUMENTED_SERVER = "http://127.0.0.1:8080";
const DOCUMENTED_SITE = "http://127.0.0.1:5173";

const blocks = await blocksOf(at("docs/embedding.md"));
const block = (name: string) => blockOf(blocks, name);

interface Place {
  readonly server: Server;
  readonly site: Site;
  /** The folder that the site serves. */
  readonly folder: string;
}

interface Fixtures {
  /** The server of a block, with the site whose origin it allows. */
  place: (settings: string, site?: Omit<SiteOptions, "folder">) => Promise<Place>;
}

const test = base.extend<Fixtures>({
  place: async ({}, use) => {
    const stops: (() => Promise<void>)[] = [];
    await use(async (settings, options = {}) => {
      const folder = await mkdtemp(join(tmpdir(), "madang-site-"));
      stops.push(() => rm(folder, { recursive: true, force: true }));
      const site = await startSite({ ...options, folder });
      stops.push(() => site.stop());
      const server = await ownServer(settingsOf(settings.replaceAll(DOCUMENTED_SITE, site.origin)));
      stops.push(() => server.stop());
      return { server, site, folder };
    });
    for (const stop of stops.reverse()) await stop();
  },
});

/** Pages of two people, in two browser contexts. What they complain about fails the test. */
async function pages(browser: Browser, address: string, count = 2): Promise<Page[]> {
  const opened: Page[] = [];
  for (let number = 0; number < count; number += 1) {
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error.stack)));
    page.on("console", (message) => {
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(address);
    opened.push(page);
  }
  return opened;
}

const contexts: BrowserContext[] = [];
const complaints: string[] = [];
test.afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
  expect(complaints.splice(0)).toEqual([]);
});

/** Writes a page's script, bundled as a site would. */
async function bundle(folder: string, entry: string): Promise<void> {
  const sources = await mkdtemp(join(tmpdir(), "madang-sources-"));
  try {
    await symlink(at("clients/web/node_modules"), join(sources, "node_modules"));
    for (const name of ["site.js", "ticket-page.js"]) await writeFile(join(sources, name), block(name));
    await writeFile(join(sources, "entry.js"), entry);
    const input = join(sources, "entry.js");
    const output = { entryFileNames: "chat.js" };
    const rollupOptions = { input, output, preserveEntrySignatures: "strict" as const };
    await build({ root: sources, configFile: false, logLevel: "error", build: { outDir: folder, emptyOutDir: false, rollupOptions } });
  } finally {
    await rm(sources, { recursive: true, force: true });
  }
}

/** Both enter and write, and both see the same. */
async function talk(mina: Page, joon: Page, lines: (page: Page) => ReturnType<Page["locator"]>): Promise<void> {
  const seen = ["mina: 안녕하세요", "joon: <b>Hello</b>", "mina: 반갑습니다"];
  for (const [page, username] of [[mina, "mina"], [joon, "joon"]] as const) {
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Password").fill("a courtyard at noon");
    await page.getByRole("button", { name: "Enter" }).click();
    await expect(page.getByLabel("Message")).toBeVisible();
  }
  for (const [place, line] of seen.entries()) {
    const page = line.startsWith("mina") ? mina : joon;
    await page.getByLabel("Message").fill(line.slice(6));
    await page.getByLabel("Message").press("Enter");
    for (const one of [mina, joon]) await expect(lines(one)).toHaveText(seen.slice(0, place + 1));
  }
}

test("the document has these blocks, and each of them is executed", () => {
  expect(blocks.map(({ language, name }) => `${language} ${name}`.trim())).toEqual([
    "sh server",
    // What `npm run dev` does, the next test does with `npm run build`.
    "sh",
    "tsx chat.tsx",
    "html page.html",
    "js chat.js",
    "js import.js",
    "sh issuer",
    "js chat-token.js",
    "js site.js",
    "js chat-ticket.js",
    "js ticket-page.js",
    "http policy",
    // clients/typescript/test/embedding.test.ts
    "ts native.ts",
  ]);
});

test("the example in React is what the document shows, is shorter than 30 lines, and two browsers chat", async ({ browser, place }) => {
  const chat = await readFile(join(EXAMPLE, "src/chat.tsx"), "utf8");
  expect(block("chat.tsx")).toBe(chat);
  expect(chat.trimEnd().split("\n").length).toBeLessThan(30);
  expect(existsSync(join(EXAMPLE, "node_modules")), `npm --prefix ${EXAMPLE} ci was not run`).toBe(true);
  const { server, site, folder } = await place(block("server"));
  const environment = { ...process.env, VITE_MADANG_URL: server.url };
  await promisify(execFile)("npm", ["run", "build", "--", "--outDir", folder, "--emptyOutDir"], { cwd: EXAMPLE, env: environment });
  const [mina, joon] = (await pages(browser, site.origin)) as [Page, Page];
  await talk(mina, joon, (page) => page.locator("form > p"));
});

for (const bundled of [false, true]) {
  test(`the page without React, ${bundled ? "with" : "without"} a bundler, under the document's policy: two browsers chat`, async ({ browser, place }) => {
    const headers: Record<string, string> = {};
    const { server, site, folder } = await place(block("server"), { headers });
    const [name, policy] = block("policy").trim().split(": ") as [string, string];
    const socket = server.url.replace("http", "ws");
    headers[name] = policy.replace(DOCUMENTED_SERVER, server.url).replace(DOCUMENTED_SERVER.replace("http", "ws"), socket);
    const script = block("chat.js").replace(DOCUMENTED_SERVER, server.url);
    await writeFile(join(folder, "index.html"), block("page.html"));
    if (bundled) {
      await bundle(folder, script.replace(/^import .*\n/, block("import.js")));
    } else {
      await writeFile(join(folder, "chat.js"), script);
      await cp(at("clients/typescript/dist"), join(folder, "madang"), { recursive: true });
    }
    const [mina, joon] = (await pages(browser, site.origin)) as [Page, Page];
    await talk(mina, joon, (page) => page.locator("#messages > li"));
  });
}

/** What a page's script puts there for this test. */
interface ClientWindow extends Window {
  client: Client;
  texts: string[];
}

/** Connects the page, and lists what is said in a room. */
async function connected(page: Page, url: string, user: string): Promise<void> {
  await page.evaluate(
    async ([script, server, id]) => {
      const { connect } = (await import(script as string)) as { connect: (url: string, user: string) => Client };
      const here = window as unknown as ClientWindow;
      here.client = connect(server as string, id as string);
      here.texts = [];
    },
    ["/chat.js", url, user],
  );
}

async function follows(page: Page, room: string): Promise<void> {
  await page.evaluate((id) => {
    const { client, texts } = window as unknown as ClientWindow;
    const onItem = (event: RoomEvent) => {
      if (event.kind === "message") texts.push(`${event.message.sender.name}: ${event.message.text}`);
    };
    client.subscribe(id, { onItem }, { since: 0 });
    client.start();
  }, room);
}

const says = (page: Page, room: string, text: string) =>
  page.evaluate(async ([id, words]) => {
    await (window as unknown as ClientWindow).client.send(id as string, words as string).done;
  }, [room, text]);

const texts = (page: Page) => page.evaluate(() => (window as unknown as ClientWindow).texts);

test("the site's own users chat with tokens of its backend, and who signs out there gets no more", async ({ browser, place }) => {
  const settings = `${block("server")} ${block("issuer")}`;
  const secret = settingsOf(block("issuer"))["MADANG_ISSUER_SECRET"] as string;
  const backend = await mkdtemp(join(tmpdir(), "madang-backend-"));
  await writeFile(join(backend, "package.json"), '{ "type": "module" }');
  await writeFile(join(backend, "chat-token.js"), block("chat-token.js"));
  const { chatToken } = (await import(pathToFileURL(join(backend, "chat-token.js")).href)) as {
    chatToken: (user: object, secret: string) => string;
  };
  const posts: SiteOptions["posts"] = {
    "/chat-token": ({ headers }) => {
      const [, id] = /user=(\w+)/.exec(headers.cookie ?? "") ?? [];
      return id === undefined ? null : chatToken({ id, username: `user${id}`, name: `User ${id}` }, secret);
    },
  };
  const { server, site, folder } = await place(settings, { posts });
  await bundle(folder, 'export { connect } from "./site.js";');
  await writeFile(join(folder, "index.html"), "<!doctype html><title>The site</title>");
  const [seven, eight] = (await pages(browser, site.origin)) as [Page, Page];
  for (const [page, id] of [[seven, "7"], [eight, "8"]] as const) {
    await page.context().addCookies([{ name: "user", value: id, url: site.origin }]);
    await connected(page, server.url, id);
  }
  const room = await seven.evaluate(async () => {
    const { client } = window as unknown as ClientWindow;
    return (await client.rest.createRoom({ name: "Orders", kind: "public" })).id;
  });
  await eight.evaluate((id) => (window as unknown as ClientWindow).client.rest.joinRoom(id), room);
  for (const page of [seven, eight]) await follows(page, room);
  await says(seven, room, "one");
  await says(eight, room, "two");
  for (const page of [seven, eight]) await expect.poll(() => texts(page)).toEqual(["User 7: one", "User 8: two"]);

  await eight.context().clearCookies();
  await eight.reload();
  await connected(eight, server.url, "8");
  await follows(eight, room);
  const status = () => eight.evaluate(() => (window as unknown as ClientWindow).client.status.get().phase);
  await expect.poll(status).toBe("denied");
  await rm(backend, { recursive: true, force: true });
});

test("a page without a token chats by tickets of its backend", async ({ browser, place }) => {
  const backend = await mkdtemp(join(tmpdir(), "madang-backend-"));
  await writeFile(join(backend, "package.json"), '{ "type": "module" }');
  await writeFile(join(backend, "chat-ticket.js"), block("chat-ticket.js"));
  const { chatTicket } = (await import(pathToFileURL(join(backend, "chat-ticket.js")).href)) as {
    chatTicket: (url: string, key: string, user: string) => Promise<string>;
  };
  let key = "";
  let address = "";
  const posts: SiteOptions["posts"] = { "/chat-ticket": () => chatTicket(address, key, "7") };
  const { server, site, folder } = await place(block("server"), { posts });
  address = server.url;
  key = (await server.command("keys", "create", "--name", "site", "--scope", "users", "--scope", "rooms", "--scope", "tickets")).trim();
  const asSite = async (method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const response = await fetch(`${address}/v1/server${path}`, { method, headers, body: JSON.stringify(body) });
    expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
    return (await response.json()) as { id: string };
  };
  await asSite("PUT", "/users/ext:7", { username: "user7", name: "User 7" });
  const { id: room } = await asSite("POST", "/rooms", { name: "Orders", kind: "private", owner: "ext:7" });
  await bundle(folder, 'export { connect } from "./ticket-page.js";');
  await writeFile(join(folder, "index.html"), "<!doctype html><title>The site</title>");
  const [page] = (await pages(browser, site.origin, 1)) as [Page];
  await connected(page, server.url, "7");
  await follows(page, room);
  await says(page, room, "one");
  await expect.poll(() => texts(page)).toEqual(["User 7: one"]);
  const code = await page.evaluate(() =>
    (window as unknown as ClientWindow).client.rest.listRooms().then(() => "none", (error: { code: string }) => error.code),
  );
  expect(code).toBe("unauthenticated");
  await rm(backend, { recursive: true, force: true });
});
