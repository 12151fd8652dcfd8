// The hooks with real React, in strict mode, on a client in simulated time.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { afterEach, beforeEach, mock, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { JSDOM } from "jsdom";
import { Client } from "@madang/client";
import { type FC, StrictMode, act, createElement } from "react";
import type { Root } from "react-dom/client";
import {
  MadangProvider,
  useConnection,
  useMessages,
  useNotices,
  useRooms,
  useTimeline,
  useUnread,
} from "../src/index.js";
import { usePersonState } from "../src/people.js";
import { usePresence } from "../src/presence.js";
import { useTyping } from "../src/typing.js";
import { Browser } from "../../typescript/test/model/browser.js";
import { Server } from "../../typescript/test/model/server.js";
import { Life, World } from "../../typescript/test/model/world.js";

const ROOM = "00000000-0000-4000-8000-000000000001";

const { window } = new JSDOM("<!doctype html><div id=root></div>");
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
const { createRoot } = await import("react-dom/client");

let world: World;
let server: Server;
let client: Client;
let root: Root;

beforeEach(() => {
  // The stores' own timers: the linger, and the end of typing.
  mock.timers.enable({ apis: ["setTimeout"] });
  world = new World(3);
  server = new Server(world);
  const browser = new Browser(world, server, "mina");
  const life = new Life();
  const environment = browser.environment(life);
  const tokens = () => ({ token: "token", expiresInMs: 1e9 });
  client = new Client({ url: "http://server", account: "mina", tokens, storage: browser.storage(life), environment, page: undefined });
  root = createRoot(window.document.createElement("div"));
});

afterEach(() => {
  act(() => root.unmount());
  mock.timers.reset();
});

const pass = (ms: number) => act(() => world.pass(ms));

/** Renders what the hook returns; the last one is what is shown. */
async function show<Shown>(use: () => Shown): Promise<{ last: Shown; times: number }> {
  const shown = { last: undefined as Shown, times: 0 };
  const Probe: FC = () => {
    shown.last = use();
    shown.times += 1;
    return null;
  };
  await act(async () => root.render(createElement(StrictMode, null, createElement(MadangProvider, { client }, createElement(Probe)))));
  await pass(2_000);
  return shown;
}

const say = (text: string) => server.append(ROOM, "joon", text, text);
const texts = (shown: { last: { messages: readonly { text: string }[] } }) => shown.last.messages.map(({ text }) => text);

test("the connection is there while the provider is mounted, once also in strict mode", async () => {
  const shown = await show(useConnection);
  assert.equal(shown.last.phase, "open");
  assert.equal(server.sockets.size, 1);
  act(() => root.render(null));
  await pass(2_000);
  assert.equal(server.sockets.size, 0);
});

test("messages: what was there, what comes, and what is older", async () => {
  for (let count = 1; count <= 20; count += 1) say(`${count}`);
  const shown = await show(() => useMessages(ROOM));
  // A page of this server has seven.
  assert.deepEqual(texts(shown), ["14", "15", "16", "17", "18", "19", "20"]);
  assert.ok(shown.last.ready && shown.last.hasOlder);
  say("21");
  await pass(1_000);
  assert.equal(texts(shown).at(-1), "21");
  for (let time = 0; time < 3; time += 1) {
    void shown.last.loadOlder();
    await pass(1_000);
  }
  assert.deepEqual(texts(shown), Array.from({ length: 21 }, (_, place) => `${place + 1}`));
  assert.equal(shown.last.hasOlder, false);
});

test("messages: an own one is shown at once, and once", async () => {
  const shown = await show(() => useMessages(ROOM));
  act(() => shown.last.send("hello"));
  assert.deepEqual(shown.last.messages.map(({ text, state }) => [text, state]), [["hello", "sending"]]);
  await pass(2_000);
  assert.deepEqual(shown.last.messages.map(({ text, state, seq }) => [text, state, seq]), [["hello", "sent", 1]]);
});

test("messages: an own one that is acknowledged before its event comes stays where it is", async () => {
  const shown = await show(() => useMessages(ROOM));
  const [socket] = server.sockets;
  assert.ok(socket);
  const tell = socket.tell.bind(socket);
  socket.tell = (frame) => (frame.type === "event" ? void world.after(500, () => tell(frame)) : tell(frame));
  act(() => shown.last.send("hello"));
  const state = () => shown.last.messages.map(({ text, state: how, message }) => `${text} ${how} ${message !== undefined}`).join();
  const states = [state()];
  for (let time = 0; time < 40; time += 1) {
    await pass(25);
    states.push(state());
  }
  assert.deepEqual([...new Set(states)], ["hello sending false", "hello sent false", "hello sent true"]);
});

test("messages: one that fails says why, and can be sent again or given up", async () => {
  const shown = await show(() => useMessages(ROOM));
  act(() => shown.last.send("가".repeat(40_000)));
  await pass(1_000);
  const [failed] = shown.last.messages;
  assert.equal(failed?.state, "failed");
  assert.equal(failed?.error?.code, "too_large");
  act(() => shown.last.retry(failed?.key as string));
  await pass(1_000);
  assert.deepEqual(shown.last.messages.map(({ key, state }) => [key, state]), [[failed?.key, "failed"]]);
  act(() => shown.last.discard(failed?.key as string));
  assert.deepEqual(shown.last.messages, []);
});

test("messages: nothing is lost or doubled over a broken connection", async () => {
  const shown = await show(() => useMessages(ROOM));
  for (let round = 0; round < 5; round += 1) {
    say(`${round}`);
    act(() => shown.last.send(`mine ${round}`));
    for (const socket of server.sockets) socket.cut();
    await pass(40_000);
  }
  assert.deepEqual(
    shown.last.messages.map(({ seq }) => seq),
    Array.from({ length: 10 }, (_, place) => place + 1),
  );
});

test("messages: edits, reactions and deletions are applied to what is shown", async () => {
  say("first");
  const shown = await show(() => ({ ...useMessages(ROOM), ...useUnread(ROOM) }));
  say("second");
  await pass(1_000);
  const edited = { message: "1", text: "edited", mentions: [], edited_at: "2026-01-01T00:00:00.000Z" };
  server.happen(ROOM, { kind: "edited", edited });
  server.happen(ROOM, { kind: "reaction", reaction: { message: "1", user: "joon", emoji: "👍", on: true, count: 1 } });
  server.happen(ROOM, { kind: "reaction", reaction: { message: "1", user: "mina", emoji: "👍", on: true, count: 2 } });
  await pass(1_000);
  assert.deepEqual(texts(shown), ["edited", "second"]);
  assert.deepEqual(shown.last.messages[0]?.message?.reactions, [{ emoji: "👍", count: 2, me: true }]);
  assert.equal(shown.last.unread, 2);
  server.happen(ROOM, { kind: "deleted", deleted: { message: "1", by: "joon" } });
  await pass(1_000);
  const [tombstone] = shown.last.messages;
  assert.deepEqual([tombstone?.text, tombstone?.message?.deleted, tombstone?.message?.reactions], ["", true, undefined]);
  assert.equal(shown.last.unread, 1);
});

test("unread counts what others write, and ends with the mark", async () => {
  for (let count = 1; count <= 3; count += 1) say(`${count}`);
  const shown = await show(() => useUnread(ROOM));
  assert.equal(shown.last.unread, 3);
  say("4");
  await pass(1_000);
  assert.equal(shown.last.unread, 4);
  act(() => shown.last.markRead());
  await pass(1_000);
  assert.equal(shown.last.unread, 0);
});

test("typing is shown until it ends by itself", async () => {
  const shown = await show(() => useTyping(ROOM));
  const [socket] = server.sockets;
  socket?.tell({ type: "typing", room: ROOM, user: "joon", name: "Joon", on: true, expires_ms: 6_000 });
  await pass(100);
  assert.deepEqual(shown.last.typing, [{ id: "joon", name: "Joon" }]);
  act(() => mock.timers.tick(6_000));
  assert.deepEqual(shown.last.typing, []);
});

test("a status is what was told last, until it ends by itself", async () => {
  const known = { status: { text: "here", until: null }, last_seen: "2026-11-22T08:00:00.000Z" };
  const shown = await show(() => usePersonState("joon", known));
  assert.equal(shown.last.lastSeen, known.last_seen);
  const [socket] = server.sockets;
  const text = () => shown.last.status?.text ?? null;
  const tell = async (user: string, status: { text: string; until: string | null } | null) => {
    socket?.tell({ type: "status", user, status });
    await pass(100);
  };
  await tell("sora", { text: "of another one", until: null });
  assert.equal(text(), "here");
  let nowMs = Date.now();
  const clock = mock.method(Date, "now", () => nowMs);
  await tell("joon", { text: "for a moment", until: new Date(nowMs + 5_000).toISOString() });
  assert.equal(text(), "for a moment");
  nowMs += 5_000;
  act(() => mock.timers.tick(5_000));
  clock.mock.restore();
  assert.equal(text(), null);
  await tell("joon", { text: "again", until: null });
  assert.equal(text(), "again");
  await tell("joon", null);
  assert.equal(text(), null);
});

test("presence is asked for, and asked for again when a change does not fit", async () => {
  const shown = await show(() => usePresence(ROOM));
  assert.deepEqual(shown.last.users?.map(({ id }) => id), ["mina"]);
  const [socket] = server.sockets;
  const joon = { id: "joon", name: "Joon", avatar_url: null };
  socket?.tell({ type: "presence", room: ROOM, count: 2, changes: [{ user: joon, on: true }] });
  await pass(100);
  assert.deepEqual(shown.last.users?.map(({ id }) => id), ["mina", "joon"]);
  socket?.tell({ type: "presence", room: ROOM, count: 9, changes: [] });
  await pass(1_000);
  assert.deepEqual(shown.last.users?.map(({ id }) => id), ["mina"]);
});

test("rooms are listed, and notices with what is unread", async () => {
  say("1");
  server.notify("mina");
  const shown = await show(() => ({ rooms: useRooms(), notices: useNotices() }));
  assert.deepEqual(shown.last.rooms.rooms.map(({ id }) => id), [ROOM]);
  assert.deepEqual(shown.last.notices.notices.map(({ seq }) => seq), [1]);
  server.notify("mina");
  await pass(1_000);
  assert.deepEqual(shown.last.notices.notices.map(({ seq }) => seq), [2, 1]);
  assert.equal(shown.last.notices.unread, 2);
});

test("rooms: what happens in one moves the list, with one subscription for the list and the open room", async () => {
  say("1");
  const shown = await show(() => ({ rooms: useRooms(), messages: useMessages(ROOM), unread: useUnread(ROOM) }));
  const [socket] = server.sockets;
  assert.deepEqual([...(socket?.rooms ?? [])], [ROOM]);
  const room = () => shown.last.rooms.rooms[0];
  assert.deepEqual([room()?.unread, shown.last.unread.unread], [1, 1]);
  say("2");
  await pass(1_000);
  assert.equal(room()?.last_message?.text, "2");
  assert.deepEqual([room()?.unread, shown.last.unread.unread], [2, 2]);
  assert.deepEqual(texts({ last: shown.last.messages }), ["1", "2"]);
  act(() => shown.last.unread.markRead());
  await pass(1_000);
  assert.deepEqual([room()?.unread, shown.last.unread.unread, shown.last.unread.read], [0, 0, 2]);
});

test("rooms: the last message of the list follows an edit and a deletion", async () => {
  say("1");
  const shown = await show(useRooms);
  say("2");
  await pass(1_000);
  const last = () => shown.last.rooms[0]?.last_message;
  server.happen(ROOM, { kind: "edited", edited: { message: last()?.id, text: "one", mentions: [], edited_at: "2026-01-01T00:00:00.000Z" } });
  await pass(1_000);
  assert.equal(last()?.text, "one");
  server.happen(ROOM, { kind: "deleted", deleted: { message: last()?.id, by: "joon" } });
  await pass(1_000);
  assert.deepEqual([last()?.text, last()?.deleted, last()?.seq], ["", true, 2]);
});

test("timeline: a place far back is loaded, and one that is not there is not looked for without an end", async () => {
  for (let count = 1; count <= 40; count += 1) say(`${count}`);
  const shown = await show(() => useTimeline(ROOM));
  assert.equal(shown.last.items.length, 7);
  let found: boolean | null = null;
  await act(async () => void shown.last.loadBackTo(5).then((is) => (found = is)));
  await pass(5_000);
  assert.equal(found, true);
  assert.ok(shown.last.items.some(({ seq }) => seq === 5));
  await act(async () => void shown.last.loadBackTo(1_000).then((is) => (found = is)));
  await pass(1_000);
  assert.equal(found, false);
});

test("timeline: what is forgotten is loaded again", async () => {
  for (let count = 1; count <= 20; count += 1) say(`${count}`);
  const shown = await show(() => useTimeline(ROOM));
  await act(async () => void shown.last.loadBackTo(1));
  await pass(5_000);
  assert.deepEqual([shown.last.items.length, shown.last.hasOlder], [20, false]);
  act(() => shown.last.forget(5));
  assert.deepEqual([shown.last.items.map(({ seq }) => seq), shown.last.hasOlder], [[16, 17, 18, 19, 20], true]);
  void shown.last.loadOlder();
  await pass(1_000);
  assert.deepEqual(shown.last.items.map(({ seq }) => seq), [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
});

test("a component that goes leaves its room a moment later, and one that comes back in between keeps it", async () => {
  const Probe: FC = () => (useMessages(ROOM), null);
  const render = (child: FC | null) =>
    act(async () => root.render(createElement(MadangProvider, { client }, child && createElement(child))));
  const rooms = () => [...server.sockets].map((socket) => socket.rooms.size);
  let subscriptions = 0;
  const answer = server.answer.bind(server);
  server.answer = (socket, frame) => {
    if (frame.type === "subscribe") subscriptions += 1;
    answer(socket, frame);
  };
  await render(Probe);
  await pass(2_000);
  await render(null);
  act(() => mock.timers.tick(500));
  await render(Probe);
  act(() => mock.timers.tick(5_000));
  await pass(1_000);
  assert.deepEqual(rooms(), [1]);
  assert.equal(subscriptions, 1);
  await render(null);
  act(() => mock.timers.tick(1_000));
  await pass(1_000);
  assert.deepEqual(rooms(), [0]);
});

test("the hooks are smaller than 5 kB with gzip", async () => {
  mock.timers.reset();
  const script = fileURLToPath(new URL("../../../scripts/size.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  console.log(stdout.trim());
});
