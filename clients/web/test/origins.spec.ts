// Pages of other origins, as a browser treats them: what MADANG_ALLOWED_ORIGINS lets them do.
import type { Page } from "@playwright/test";
import { type Person, person } from "./kit/people";
import { type Server, ownServer } from "./kit/server";
import { type Site, startSite } from "./kit/site";
import { expect, test } from "./kit/test";

let listed: Site;
let other: Site;
let server: Server;
let open: Server;
let mina: Person & { token: string };

const withToken = async (url: string): Promise<Person & { token: string }> => {
  const who = await person(url, "Mina");
  const body = JSON.stringify({ username: who.username, password: who.password });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/auth/login`, { method: "POST", headers, body });
  return { ...who, token: ((await answer.json()) as { access_token: string }).access_token };
};

test.beforeAll(async () => {
  listed = await startSite();
  other = await startSite();
  server = await ownServer({ MADANG_ALLOWED_ORIGINS: listed.origin, MADANG_ROOM_CREATIONS_PER_MINUTE: "1" });
  open = await ownServer({ MADANG_ALLOWED_ORIGINS: "*" });
  mina = await withToken(server.url);
});

test.afterAll(async () => {
  for (const one of [server, open, listed, other]) await one?.stop();
});

interface Read {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly nosniff: string | null;
}

/** Creates a room from the page, with all that a client sends; "refused" where the browser does not let it. */
const creates = (page: Page, url: string, token: string, credentials: RequestCredentials = "omit") =>
  page.evaluate(
    async ([address, bearer, mode]) => {
      const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
      const body = JSON.stringify({ name: "Courtyard", kind: "private" });
      const call = { method: "POST", headers, body, credentials: mode as RequestCredentials };
      const response = await fetch(`${address}/v1/rooms`, call).catch(() => null);
      if (!response) return "refused" as const;
      const read = (name: string) => response.headers.get(name);
      return { status: response.status, retryAfter: read("retry-after"), nosniff: read("x-content-type-options") };
    },
    [url, token, credentials] as const,
  );

/** Opens a socket from the page with the token in its first frame: what the server says first. */
const opensSocket = (page: Page, url: string, token: string) =>
  page.evaluate(
    ([address, bearer]) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`${(address as string).replace("http", "ws")}/v1/ws`, "madang.v1.json");
        socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token: bearer }));
        socket.onmessage = ({ data }) => resolve((JSON.parse(String(data)) as { type: string }).type);
        socket.onclose = () => resolve("refused");
      }),
    [url, token] as const,
  );

/** What the browser asked by itself, before the page's request. */
async function preflightsOf(page: Page): Promise<{ method: string; headers: Record<string, string> }[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const asked: { method: string; headers: Record<string, string> }[] = [];
  session.on("Network.requestWillBeSent", ({ request }) => {
    if (request.method === "OPTIONS") asked.push({ method: request.method, headers: request.headers as Record<string, string> });
  });
  return asked;
}

test("a page of a listed origin calls the API after a preflight, and reads how long to wait", async ({ browser }) => {
  const page = await browser.newPage();
  await page.goto(listed.origin);
  const preflights = await preflightsOf(page);
  expect((await creates(page, server.url, mina.token)) as Read).toMatchObject({ status: 201 });
  await expect.poll(() => preflights.length).toBe(1);
  expect(preflights[0]?.method).toBe("OPTIONS");
  const asked = Object.entries(preflights[0]?.headers ?? {}).find(([name]) => name.toLowerCase() === "access-control-request-headers");
  expect(asked?.[1].split(",").map((name) => name.trim()).sort()).toEqual(["authorization", "content-type", "idempotency-key"]);
  let read: Read;
  do read = (await creates(page, server.url, mina.token)) as Read;
  while (read.status === 201);
  expect(read.status).toBe(429);
  expect(Number(read.retryAfter)).toBeGreaterThan(0);
  // A header that the server sends, and does not show to pages.
  expect(read.nosniff).toBeNull();
  expect(preflights, "the browser has kept the permission").toHaveLength(1);
  expect(await opensSocket(page, server.url, mina.token)).toBe("hello");
  await page.close();
});

test("a page of another origin neither calls the API nor opens a socket", async ({ browser }) => {
  const page = await browser.newPage();
  await page.goto(other.origin);
  expect(await creates(page, server.url, mina.token)).toBe("refused");
  expect(await opensSocket(page, server.url, mina.token)).toBe("refused");
  await page.close();
});

test("no page may call with the browser's credentials, also where all origins are allowed", async ({ browser }) => {
  const joon = await withToken(open.url);
  for (const [url, token] of [[server.url, mina.token], [open.url, joon.token]] as const) {
    const page = await browser.newPage();
    await page.goto(listed.origin);
    expect(await creates(page, url, token, "include")).toBe("refused");
    expect(((await creates(page, url, token)) as Read).status).toBeGreaterThan(200);
    await page.close();
  }
  const answer = await fetch(`${open.url}/v1/openapi.json`, { headers: { origin: other.origin } });
  expect(answer.headers.get("access-control-allow-origin")).not.toBeNull();
  expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
});

test("without a setting only pages of the server's own origin may", async ({ browser, server: plain }) => {
  const joon = await withToken(plain.url);
  const page = await browser.newPage();
  await page.goto(other.origin);
  expect(await creates(page, plain.url, joon.token)).toBe("refused");
  await page.goto(plain.url);
  expect(await opensSocket(page, plain.url, joon.token)).toBe("hello");
  await page.close();
});
