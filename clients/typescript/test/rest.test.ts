// Calls by HTTP: what is refused, what takes too long, and whose token is used.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AccessTokens, type TokenProvider, lifetimeOf } from "../src/connection/tokens.js";
import { systemEnvironment } from "../src/environment.js";
import { MadangError } from "../src/errors.js";
import { Http } from "../src/rest/http.js";
import { Rest } from "../src/rest/rest.js";

type Answer = (url: string, init: RequestInit) => Response | Promise<Response>;

function http(answer: Answer, provider: TokenProvider = () => "token", deadlineMs = 1_000): Http {
  const environment = { ...systemEnvironment(), fetch: (async (url: string, init: RequestInit) => answer(url, init)) as typeof fetch };
  return new Http("http://server", new AccessTokens(provider, environment), environment, deadlineMs);
}

const problem = (status: number, body: object, headers = {}) => () =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json", ...headers } });

async function failure(call: Promise<unknown>): Promise<MadangError> {
  const error = await call.then(
    () => assert.fail("it was not refused"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof MadangError);
  return error;
}

test("a refusal has its code, its limit, its pause and its fields", async () => {
  const errors = [{ pointer: "/username", detail: "is too short" }];
  const body = { code: "rate_limited", detail: "slow down", limit: "user_sends", retry_after_ms: 33, errors };
  const error = await failure(http(problem(429, body, { "Retry-After": "1" })).call("GET", "/v1/rooms"));
  assert.deepEqual(
    { ...error, message: error.message },
    { name: "MadangError", code: "rate_limited", status: 429, limit: "user_sends", retryAfterMs: 33, errors, message: "slow down" },
  );
});

test("an answer of what stands before the server has a code, too", async () => {
  const of = async (status: number, headers = {}) =>
    failure(http(() => new Response("<h1>Sorry</h1>", { status, headers })).call("GET", "/v1/rooms"));
  assert.equal((await of(502)).code, "unavailable");
  assert.equal((await of(503, { "Retry-After": "7" })).retryAfterMs, 7_000);
  assert.equal((await of(429)).code, "rate_limited");
  assert.equal((await of(413)).code, "too_large");
  assert.equal((await of(500)).code, "internal");
});

test("a server that cannot be reached is unavailable; one that does not answer misses the deadline", async () => {
  const gone = http(() => Promise.reject(new TypeError("fetch failed")));
  assert.equal((await failure(gone.call("GET", "/v1/rooms"))).code, "unavailable");
  const silent: Answer = (_url, { signal }) =>
    new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  assert.equal((await failure(http(silent, () => "token", 20).call("GET", "/v1/rooms"))).code, "deadline_exceeded");
});

test("a caller may give up", async () => {
  const silent: Answer = (_url, { signal }) =>
    new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  const controller = new AbortController();
  const call = http(silent).call("GET", "/v1/rooms", {}, { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
});

test("a refused token is replaced once, and by one refresh for all calls", async () => {
  let refreshes = 0;
  const provider: TokenProvider = async ({ replace }) => {
    if (replace !== undefined) refreshes += 1;
    return replace === undefined ? "old" : "new";
  };
  const answer: Answer = (_url, { headers }) =>
    (headers as Record<string, string>)["Authorization"] === "Bearer new"
      ? Response.json({})
      : problem(401, { code: "unauthenticated" })();
  const calls = http(answer, provider);
  await Promise.all([1, 2, 3].map(() => calls.call("GET", "/v1/rooms")));
  assert.equal(refreshes, 1);
  const never = http(problem(401, { code: "unauthenticated" }), provider);
  assert.equal((await failure(never.call("GET", "/v1/rooms"))).code, "unauthenticated");
});

test("nobody who is signed in is a refusal without a call", async () => {
  const error = await failure(http(() => assert.fail("it was called"), () => null).call("GET", "/v1/rooms"));
  assert.equal(error.code, "unauthenticated");
});

test("the life of a token is the difference of its own times", () => {
  const token = (payload: object) => `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.x`;
  // Of a server whose clock is years away.
  assert.equal(lifetimeOf(token({ iat: 1_000, exp: 1_900, name: "미나" })), 900_000);
  assert.equal(lifetimeOf(token({ exp: 1_900 })), null);
  assert.equal(lifetimeOf("opaque"), null);
});

test("a token is used for as long as it lives by a clock that nobody sets", async () => {
  let nowMs = 0;
  let given = 0;
  const environment = { ...systemEnvironment(), monotonicMs: () => nowMs, wallMs: () => Number.NaN };
  const tokens = new AccessTokens(() => ({ token: `token-${(given += 1)}`, expiresInMs: 60_000 }), environment);
  assert.equal((await tokens.get())?.token, "token-1");
  nowMs = 50_000;
  assert.equal((await tokens.get())?.token, "token-1");
  nowMs = 58_000;
  assert.equal((await tokens.get())?.token, "token-2");
});

test("a search says what, where and from which place on, in the query", async () => {
  let asked = "";
  const answer = { items: [], next_cursor: null, complete: true };
  const rest = new Rest(
    http((url) => {
      asked = url;
      return new Response(JSON.stringify(answer), { headers: { "Content-Type": "application/json" } });
    }),
  );
  assert.deepEqual(await rest.search({ q: "서울 & 부산", room: "courtyard", cursor: "s.1" }), answer);
  const { pathname, searchParams } = new URL(asked);
  assert.equal(pathname, "/v1/search");
  assert.deepEqual([...searchParams], [["q", "서울 & 부산"], ["room", "courtyard"], ["cursor", "s.1"]]);
});
