// The hook of search with real React, in strict mode, on a client that answers as it is told.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { JSDOM } from "jsdom";
import { type Client, type FoundMessage, MadangError, type SearchPage, type SearchQuery } from "@madang/client";
import { type FC, StrictMode, act, createElement } from "react";
import type { Root } from "react-dom/client";
import { MadangProvider } from "../src/index.js";
import { useSearch } from "../src/search.js";

const { window } = new JSDOM("<!doctype html><div id=root></div>");
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
const { createRoot } = await import("react-dom/client");

interface Asked {
  readonly query: SearchQuery;
  readonly signal: AbortSignal | undefined;
  readonly answer: (page: Partial<SearchPage>) => Promise<void>;
  readonly refuse: (error: MadangError) => Promise<void>;
}

let asked: Asked[];
let root: Root;
let shown: ReturnType<typeof useSearch>;
let ask: (query: SearchQuery) => Promise<void>;

const found = (id: string) => ({ id, room: "r", text: id, ranges: [{ start: 0, end: 1 }] }) as unknown as FoundMessage;
const ids = () => shown.items.map(({ id }) => id);
const pass = (ms: number) => act(async () => mock.timers.tick(ms));

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  asked = [];
  const search = (query: SearchQuery, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<SearchPage>((resolve, reject) => {
      const answer = (page: Partial<SearchPage>) =>
        act(async () => resolve({ items: [], next_cursor: null, complete: true, ...page }));
      asked.push({ query, signal, answer, refuse: (error) => act(async () => reject(error)) });
    });
  const client = { start() {}, stop() {}, rest: { search } } as unknown as Client;
  root = createRoot(window.document.createElement("div"));
  const Probe: FC<{ query: SearchQuery }> = ({ query }) => {
    shown = useSearch(query);
    return null;
  };
  ask = (query) =>
    act(async () =>
      root.render(createElement(StrictMode, null, createElement(MadangProvider, { client }, createElement(Probe, { query })))),
    );
});

afterEach(() => {
  act(() => root.unmount());
  mock.timers.reset();
});

test("it asks once who types has paused, and once also in strict mode", async () => {
  await ask({ q: "서" });
  await pass(200);
  await ask({ q: "서울" });
  assert.ok(shown.searching);
  await pass(200);
  assert.equal(asked.length, 0);
  await pass(50);
  assert.deepEqual(asked.map(({ query }) => query), [{ q: "서울" }]);
  await asked[0]?.answer({ items: [found("1")], complete: false });
  assert.deepEqual([ids(), shown.searching, shown.complete, shown.hasMore], [["1"], false, false, false]);
});

test("nothing to search for asks nobody", async () => {
  await ask({ q: "  " });
  await pass(1_000);
  assert.deepEqual([asked.length, shown.searching, shown.items.length], [0, false, 0]);
});

test("the next page follows the first one", async () => {
  await ask({ q: "회의", room: "r" });
  await pass(250);
  await asked[0]?.answer({ items: [found("3"), found("2")], next_cursor: "n" });
  assert.ok(shown.hasMore);
  await act(async () => void shown.loadMore());
  assert.deepEqual(asked[1]?.query, { q: "회의", room: "r", cursor: "n" });
  await asked[1]?.answer({ items: [found("1")] });
  assert.deepEqual([ids(), shown.hasMore], [["3", "2", "1"], false]);
});

test("an answer to what is not asked any more is not shown", async () => {
  await ask({ q: "서울" });
  await pass(250);
  await ask({ q: "부산" });
  assert.ok(asked[0]?.signal?.aborted);
  await asked[0]?.answer({ items: [found("old")] });
  await pass(250);
  await asked[1]?.answer({ items: [found("new")] });
  assert.deepEqual(ids(), ["new"]);
});

test("a refusal is shown, and another search begins anew", async () => {
  await ask({ q: "밥" });
  await pass(250);
  await asked[0]?.refuse(new MadangError("invalid_argument", "needs a room"));
  assert.deepEqual([shown.error?.code, shown.searching], ["invalid_argument", false]);
  await ask({ q: "밥 먹자" });
  assert.equal(shown.error, null);
  await pass(250);
  await asked[1]?.answer({ items: [found("1")] });
  assert.deepEqual(ids(), ["1"]);
});
