// A sign-in that tabs share: one of them refreshes, whatever the clock says.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tokens } from "../src/contract/index.js";
import { memoryStorage, openSession } from "../src/index.js";
import { Browser } from "./model/browser.js";
import { Server } from "./model/server.js";
import { Life, World } from "./model/world.js";

const user = { id: "u", username: "mina", name: "Mina", avatar_url: null };

/** Some tabs of a browser, and a server that refreshes each token once and ends the session after a second use. */
function tabs(count: number) {
  const world = new World(1);
  const browser = new Browser(world, new Server(world), "mina");
  const storage = memoryStorage();
  const state = { refreshes: 0, wallMs: 1_000_000, lost: 0, ended: false, held: Promise.resolve() };
  const good = new Set(["r0"]);
  const tokens = (): Tokens => ({
    access_token: `a${state.refreshes}`,
    refresh_token: `r${state.refreshes}`,
    token_type: "Bearer",
    expires_in: 900,
    user,
  });
  const answer = (body: unknown, status = 200) => ({ ok: status < 400, status, text: async () => JSON.stringify(body), headers: new Headers() });
  const fetch = (async (url: string, init: { body: string }) => {
    if (url.endsWith("/login")) return answer(tokens());
    if (url.endsWith("/logout")) return answer("");
    const { refresh_token } = JSON.parse(init.body) as { refresh_token: string };
    await state.held;
    if (state.lost > 0) {
      state.lost -= 1;
      throw new TypeError("fetch failed");
    }
    if (!good.delete(refresh_token)) {
      state.ended = true;
      return answer({ code: "unauthenticated" }, 401);
    }
    state.refreshes += 1;
    good.add(`r${state.refreshes}`);
    return answer(tokens());
  }) as unknown as typeof globalThis.fetch;
  const sessions = Array.from({ length: count }, () => {
    const environment = { ...browser.environment(new Life()), fetch, wallMs: () => state.wallMs };
    return openSession({ url: "http://server", storage, environment });
  });
  return { sessions, state: Object.assign(state, { spend: () => good.clear() }), world };
}

const token = async (given: ReturnType<ReturnType<typeof tabs>["sessions"][number]["tokens"]>) =>
  ((await given) as { token: string } | null)?.token;

test("of three tabs whose token has expired one refreshes", async () => {
  const { sessions, state } = tabs(3);
  await sessions[0]?.login({ username: "mina", password: "p" });
  state.wallMs += 900_000;
  const tokens = await Promise.all(sessions.map((session) => token(session.tokens({}))));
  assert.deepEqual(tokens, ["a1", "a1", "a1"]);
  assert.equal(state.refreshes, 1);
});

test("a refused token is replaced by what another tab has got meanwhile", async () => {
  const { sessions, state } = tabs(2);
  await sessions[0]?.login({ username: "mina", password: "p" });
  assert.equal(await token(sessions[0]!.tokens({ replace: "a0" })), "a1");
  assert.equal(await token(sessions[1]!.tokens({ replace: "a0" })), "a1");
  assert.equal(state.refreshes, 1);
});

test("a clock that is set, by hours and either way, costs a refresh and nothing else", async () => {
  for (const hours of [-30, -1, 1, 30]) {
    const { sessions, state } = tabs(1);
    await sessions[0]?.login({ username: "mina", password: "p" });
    state.wallMs += hours * 3_600_000;
    assert.equal(await token(sessions[0]!.tokens({})), "a1", `${hours} h`);
    assert.equal(await token(sessions[0]!.tokens({})), "a1", `${hours} h`);
  }
});

test("a refresh whose answer is lost is asked for again at once", async () => {
  const { sessions, state } = tabs(1);
  await sessions[0]?.login({ username: "mina", password: "p" });
  state.lost = 2;
  assert.equal(await token(sessions[0]!.tokens({ replace: "a0" })), "a1");
  state.lost = 9;
  await assert.rejects(async () => token(sessions[0]!.tokens({ replace: "a1" })), { code: "unavailable" });
  assert.equal((await sessions[0]?.user())?.id, "u", "it is still signed in");
});

test("a refresh that ends after a sign-out or another sign-in changes nothing", async () => {
  for (const isRefused of [false, true]) {
    for (const signsIn of [false, true]) {
      const { sessions, state } = tabs(2);
      const [one, other] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
      await one.login({ username: "mina", password: "p" });
      // An answer takes a while.
      let answer = () => {};
      state.held = new Promise((resolve) => (answer = resolve));
      const refreshed = token(one.tokens({ replace: "a0" }));
      await new Promise(setImmediate);
      if (isRefused) state.spend();
      await other.logout();
      state.refreshes = 7;
      if (signsIn) await other.login({ username: "mina", password: "p" });
      answer();
      assert.equal(await refreshed, signsIn ? "a7" : undefined, "whoever asked gets what is valid now");
      assert.equal((await one.user())?.id, signsIn ? "u" : undefined);
      assert.equal(await token(other.tokens({})), signsIn ? "a7" : undefined);
    }
  }
});

test("a sign-out holds in every tab, and so does the end of the session at the server", async () => {
  const { sessions, state } = tabs(2);
  await sessions[0]?.login({ username: "mina", password: "p" });
  await sessions[0]?.logout();
  assert.equal(await token(sessions[1]!.tokens({})), undefined);
  await sessions[0]?.login({ username: "mina", password: "p" });
  await sessions[0]!.tokens({ replace: "a0" });
  // The server gives the first token again, which was used up.
  state.refreshes = 0;
  await sessions[0]?.login({ username: "mina", password: "p" });
  assert.equal(await token(sessions[0]!.tokens({ replace: "a0" })), undefined);
  assert.ok(state.ended);
  assert.equal(await sessions[1]?.user(), null);
});
