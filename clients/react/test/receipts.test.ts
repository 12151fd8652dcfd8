// The hook of receipts with real React, in strict mode, on a client that answers as it is told.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { JSDOM } from "jsdom";
import type { Client, PassingFrame, Reads } from "@madang/client";
import { type FC, StrictMode, act, createElement } from "react";
import type { Root } from "react-dom/client";
import { MadangProvider } from "../src/index.js";
import { useReceipts } from "../src/receipts.js";

const { window } = new JSDOM("<!doctype html><div id=root></div>");
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
const { createRoot } = await import("react-dom/client");

let answers: ((reads: Partial<Reads>) => Promise<void>)[];
let listeners: Set<(frame: PassingFrame) => void>;
let root: Root;
let shown: ReturnType<typeof useReceipts>;

const pass = (frame: unknown) => act(async () => listeners.forEach((tell) => tell(frame as PassingFrame)));

beforeEach(async () => {
  answers = [];
  listeners = new Set();
  const call = (method: string, path: string) => {
    assert.deepEqual([method, path], ["GET", "/v1/rooms/yard/reads"]);
    return new Promise((resolve) => {
      answers.push((reads) =>
        act(async () => resolve({ room: "yard", receipts: "count", members: 3, from: 0, marks: [], ...reads })),
      );
    });
  };
  const client = {
    start() {},
    stop() {},
    rest: { http: { call } },
    status: { get: () => ({ phase: "open" }), subscribe: () => () => {} },
    on: (_name: string, listener: (frame: PassingFrame) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Client;
  root = createRoot(window.document.createElement("div"));
  const Probe: FC = () => {
    shown = useReceipts("yard");
    return null;
  };
  await act(async () =>
    root.render(createElement(StrictMode, null, createElement(MadangProvider, { client }, createElement(Probe)))),
  );
});

afterEach(() => act(() => root.unmount()));

test("it shows what the room says, and what is told later", async () => {
  assert.equal(shown.notRead(5), null);
  await answers.at(-1)?.({ marks: [{ seq: 2, members: 2 }, { seq: 5, members: 1 }] });
  assert.deepEqual([shown.notRead(5), shown.notRead(6)], [2, 2]);
  await pass({ type: "delivered", room: "yard", marks: [{ seq: 5, members: 3 }] });
  await pass({ type: "read", room: "yard", members: 3, from: 0, marks: [{ seq: 2, members: 1 }, { seq: 5, members: 2 }] });
  assert.deepEqual([shown.notRead(5), shown.delivered], [1, [{ seq: 5, members: 3 }]]);
  await pass({ type: "read", room: "another", members: 3, from: 0, marks: [] });
  await pass({ type: "read", room: "yard", user: "me", seq: 5 });
  assert.equal(shown.notRead(5), 1, "neither another room's nor the own mark");
  await pass({ type: "read", room: "yard", members: 3, from: 0, marks: [{ seq: 5, members: 3 }] });
  assert.deepEqual([shown.notRead(5), shown.delivered], [0, null], "all that was received is read");
});

test("what was told meanwhile is later than the answer", async () => {
  await pass({ type: "read", room: "yard", members: 3, from: 0, marks: [{ seq: 5, members: 3 }] });
  await answers.at(-1)?.({ marks: [{ seq: 2, members: 3 }] });
  assert.equal(shown.notRead(5), 0);
});

test("a room that shows nothing has no numbers, and nobody listens any more afterwards", async () => {
  await answers.at(-1)?.({ receipts: "none" });
  assert.deepEqual([shown.marks, shown.notRead(5)], [null, null]);
  act(() => root.unmount());
  assert.equal(listeners.size, 0);
});
