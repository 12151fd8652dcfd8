// The hook of a thread with real React, in strict mode, on a client that answers as it is told.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { JSDOM } from "jsdom";
import type { Client, OutgoingMessage, RoomEvent, RoomMessage, SubscriptionHandlers, ThreadPage } from "@madang/client";
import { type FC, StrictMode, act, createElement } from "react";
import type { Root } from "react-dom/client";
import { MadangProvider } from "../src/index.js";
import { SPREAD_MS } from "../src/store.js";
import { useThread } from "../src/threads.js";

const { window } = new JSDOM("<!doctype html><div id=root></div>");
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
const { createRoot } = await import("react-dom/client");

const ROOM = "00000000-0000-4000-8000-000000000001";
const [mina, joon] = ["mina", "joon"].map((id) => ({ id, name: id, avatar_url: null })) as [RoomMessage["sender"], RoomMessage["sender"]];
const at = "2026-01-01T00:00:00.000Z";

interface Call {
  readonly method: string;
  readonly path: string;
  readonly options: { query?: object; body?: object };
  readonly answer: (value: unknown) => Promise<void>;
}

let calls: Call[];
let handlers: SubscriptionHandlers<RoomEvent>;
let outgoing: OutgoingMessage[];
let told: () => void;
let refuse: (event: { message: OutgoingMessage; error: Error }) => void;
let sent: unknown[];
let root: Root;
let shown: ReturnType<typeof useThread>;

const said = (seq: number, more: Partial<RoomMessage> = {}): RoomMessage => ({
  room: ROOM,
  seq,
  at,
  id: String(seq),
  sender: joon,
  text: `text ${seq}`,
  key: `k${seq}`,
  reply_to: null,
  mentions: [],
  attachments: [],
  ...more,
});
const of = (replies: number, by: string[] = ["joon"]) => ({ root: "2", replies, last_at: at, by });
const event = (seq: number, body: object) => act(async () => void handlers.onItem({ room: ROOM, seq, at, ...body } as RoomEvent));
const replied = (seq: number, replies: number, more: Partial<RoomMessage> = {}) => {
  const { room: _, seq: __, at: ___, ...message } = said(seq, { thread: of(replies), ...more });
  return event(seq, { kind: "message", message });
};
const page = (items: RoomMessage[], more: Partial<ThreadPage> = {}): ThreadPage => ({
  root: said(2, { sender: mina, thread: { replies: items.length, last_at: at, by: ["joon"] } }),
  following: true,
  read: 0,
  unread: items.length,
  items: [...items].reverse(),
  next_cursor: null,
  more: false,
  ...more,
});
const ids = () => shown.messages.map(({ key }) => key);

beforeEach(async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  [calls, outgoing, sent] = [[], [], []];
  const call = (method: string, path: string, options: Call["options"]) =>
    new Promise((resolve) => calls.push({ method, path, options, answer: (value) => act(async () => resolve(value)) }));
  const client = {
    start() {},
    stop() {},
    user: mina,
    rest: { http: { call } },
    outgoing: { get: () => outgoing, subscribe: (listener: () => void) => ((told = listener), () => {}) },
    on: (_: string, listener: typeof refuse) => ((refuse = listener), () => {}),
    subscribe: (_: string, given: SubscriptionHandlers<RoomEvent>) => ((handlers = given), { close() {} }),
    send: (room: string, text: string, options: object) => sent.push({ room, text, ...options }),
    discard: () => true,
  } as unknown as Client;
  root = createRoot(window.document.createElement("div"));
  const Probe: FC = () => {
    shown = useThread(ROOM, "2");
    return null;
  };
  await act(async () => root.render(createElement(StrictMode, null, createElement(MadangProvider, { client }, createElement(Probe)))));
  await act(async () => handlers.onStarted?.({ seq: 4 }, {} as never));
});

afterEach(() => {
  act(() => root.unmount());
  mock.timers.reset();
});

test("it shows the thread, and what comes while it loads once", async () => {
  assert.deepEqual([calls.length, calls[0]?.path, shown.ready], [1, `/v1/rooms/${ROOM}/threads/2/messages`, false]);
  await replied(5, 2);
  await replied(6, 3);
  // The answer has the first of the two already.
  await calls[0]?.answer(page([said(4), said(5)], { unread: 2 }));
  assert.deepEqual([ids(), shown.ready, shown.unread, shown.root?.thread?.replies], [["k4", "k5", "k6"], true, 3, 3]);
});

test("events change messages, root and what is unread, and other threads nothing", async () => {
  await calls[0]?.answer(page([said(4)]));
  await replied(5, 2);
  await event(6, { kind: "message", message: { ...said(6), thread: { ...of(1), root: "3" } } });
  assert.deepEqual([ids(), shown.unread, shown.root?.thread], [["k4", "k5"], 2, { root: null, replies: 2, last_at: at, by: ["joon"] }]);
  await event(7, { kind: "edited", edited: { message: "5", text: "other", mentions: [], edited_at: at } });
  assert.equal(shown.messages[1]?.text, "other");
  await event(8, { kind: "deleted", deleted: { message: "5", by: "joon", thread: of(1) } });
  assert.deepEqual([shown.messages[1]?.message?.deleted, shown.unread, shown.root?.thread?.replies], [true, 1, 1]);
  await event(9, { kind: "deleted", deleted: { message: "2", by: "mina" } });
  assert.deepEqual([shown.root?.deleted, shown.root?.thread?.replies], [true, 1]);
});

test("reading moves the mark once, and only of who follows", async () => {
  await calls[0]?.answer(page([said(4)], { following: false, read: 0, unread: 0 }));
  await act(async () => shown.markRead());
  assert.equal(calls.length, 1);
  await replied(5, 2, { mentions: ["mina"] });
  assert.deepEqual([shown.following, shown.unread], [true, 1]);
  await act(async () => shown.markRead());
  await act(async () => shown.markRead());
  assert.deepEqual(calls.slice(1).map(({ method, path, options }) => [method, path, options]), [
    ["PUT", `/v1/rooms/${ROOM}/threads/2/read`, { body: { seq: 5 } }],
  ]);
  assert.deepEqual([shown.unread, shown.read], [0, 5]);
});

test("what is on its way stands at the end, once, and what was refused can be sent again", async () => {
  await calls[0]?.answer(page([]));
  await act(async () => shown.send("hello", { inRoom: true }));
  assert.deepEqual(sent, [{ room: ROOM, text: "hello", thread: "2", inRoom: true }]);
  const message = { key: "new", room: ROOM, text: "hello", thread: "2", order: 1, owner: "tab" };
  outgoing = [message, { ...message, key: "elsewhere", thread: "3" }];
  await act(async () => told());
  assert.deepEqual(shown.messages.map(({ key, state }) => [key, state]), [["new", "sending"]]);
  await replied(5, 1, { key: "new", sender: mina });
  assert.deepEqual(shown.messages.map(({ key, state }) => [key, state]), [["new", "sent"]]);
  assert.deepEqual([shown.following, shown.unread], [true, 0]);
  outgoing = [];
  await act(async () => refuse({ message: { ...message, key: "bad", inRoom: true }, error: new Error("muted") }));
  assert.deepEqual(shown.messages.at(-1)?.state, "failed");
  await act(async () => refuse({ message: { ...message, key: "other", thread: "3" }, error: new Error("muted") }));
  assert.equal(shown.messages.at(-1)?.key, "bad", "what another thread was refused is not shown here");
  await act(async () => shown.retry("bad"));
  assert.deepEqual(sent.at(-1), { room: ROOM, text: "hello", key: "bad", thread: "2", inRoom: true });
});

test("what comes while an older page is on its way is shown, also where that page cannot be had", async () => {
  await calls[0]?.answer(page([said(8), said(9)], { more: true }));
  await act(async () => void shown.loadOlder());
  await replied(10, 3);
  await event(11, { kind: "deleted", deleted: { message: "9", by: "joon", thread: of(2) } });
  await calls[1]?.answer(Promise.reject(new Error("no answer came in time")));
  assert.deepEqual([ids(), shown.unread, shown.error?.message], [["k8", "k9", "k10"], 2, "no answer came in time"]);
  assert.equal(shown.messages[1]?.message?.deleted, true);
  await act(async () => void shown.loadOlder());
  await calls[2]?.answer(page([said(7)]));
  assert.deepEqual([ids(), shown.error], [["k7", "k8", "k9", "k10"], null]);
});

test("a thread that could not be had is loaded when it is asked for again", async () => {
  await calls[0]?.answer(Promise.reject(new Error("no answer came in time")));
  assert.deepEqual([shown.ready, shown.root, shown.error?.message], [false, null, "no answer came in time"]);
  // What comes meanwhile is in the page.
  await replied(9, 2);
  assert.deepEqual(ids(), []);
  await act(async () => void shown.reload());
  await act(async () => void shown.reload());
  assert.equal(calls.length, 2, "one page is on its way");
  await calls[1]?.answer(page([said(8), said(9)]));
  assert.deepEqual([shown.ready, ids(), shown.error], [true, ["k8", "k9"], null]);
  await act(async () => void shown.reload());
  assert.equal(calls.length, 2, "nothing is loaded twice");
  // Another history, or a gap: what is shown stays until the page is there.
  await act(async () => handlers.onReset?.({ seq: 9 }));
  await calls[2]?.answer(Promise.reject(new Error("no answer came in time")));
  assert.deepEqual([ids(), shown.ready], [["k8", "k9"], false]);
  await act(async () => void shown.reload());
  await calls[3]?.answer(page([said(11), said(12)], { more: true }));
  assert.deepEqual([ids(), shown.ready, shown.hasOlder], [["k11", "k12"], true, true]);
});

test("of deleted messages that are not loaded, the server says once how many were unread", async () => {
  await calls[0]?.answer(page([said(8), said(9)], { more: true, unread: 9 }));
  for (let count = 0; count < 20; count += 1) {
    await event(10 + count, { kind: "deleted", deleted: { message: `old ${count}`, by: "joon", thread: of(9) } });
  }
  assert.equal(calls.length, 1, "the members do not ask all at once");
  await act(async () => mock.timers.tick(SPREAD_MS));
  assert.deepEqual(calls.slice(1).map(({ options }) => options.query), [{ limit: 1 }]);
  // One comes while it is asked.
  await replied(31, 10);
  await calls[1]?.answer(page([said(9)], { more: true, unread: 4 }));
  assert.deepEqual([ids(), shown.unread, shown.hasOlder], [["k8", "k9", "k31"], 5, true]);
  await event(32, { kind: "deleted", deleted: { message: "old", by: "joon", thread: of(9) } });
  await act(async () => mock.timers.tick(SPREAD_MS));
  // One that is loaded is deleted while it is asked: nobody knows whether the answer has it.
  await event(33, { kind: "deleted", deleted: { message: "31", by: "joon", thread: of(8) } });
  await calls[2]?.answer(page([said(31)], { more: true, unread: 4 }));
  assert.equal(shown.unread, 4);
  await act(async () => mock.timers.tick(SPREAD_MS));
  await calls[3]?.answer(page([said(31)], { more: true, unread: 2 }));
  assert.deepEqual([shown.unread, calls.length], [2, 4]);
});

test("older messages come before", async () => {
  await calls[0]?.answer(page([said(8), said(9)], { more: true }));
  await act(async () => void shown.loadOlder());
  assert.deepEqual(calls[1]?.options.query, { before: 8, limit: 50 });
  await calls[1]?.answer(page([said(6), said(7)]));
  assert.deepEqual([ids(), shown.hasOlder, shown.unread], [["k6", "k7", "k8", "k9"], false, 2]);
});
