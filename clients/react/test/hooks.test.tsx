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
import { SPREAD_MS } from "../src/store.js";
import { useTyping } from "../src/typing.js";
import { Browser } from "../../typescript/test/model/browser.js";
import { Server } from "../../typescript/test/model/server.js";
import { Chance, Life, World } from "../../typescript/test/model/world.js";

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

/** Counts the calls for one room and for the list; the answers take a while. */
function countCalls(delayMs = 0): { room: number; list: number } {
  const calls = { room: 0, list: 0 };
  const { getRoom, listRooms } = client.rest;
  client.rest.getRoom = async (...parameters) => {
    calls.room += 1;
    const room = await getRoom.apply(client.rest, parameters);
    await world.sleep(delayMs, new Life());
    return room;
  };
  client.rest.listRooms = (...parameters) => {
    calls.list += 1;
    return listRooms.apply(client.rest, parameters);
  };
  return calls;
}

const erase = (message: string) => server.happen(ROOM, { kind: "deleted", deleted: { message, by: "joon" } });
const spread = async () => {
  act(() => mock.timers.tick(SPREAD_MS));
  await pass(2_000);
};

test("rooms: of many deletions the server is asked once, at a moment of this client's own", async () => {
  for (let count = 1; count <= 200; count += 1) say(`${count}`);
  await show(useRooms);
  const calls = countCalls(500);
  for (let count = 1; count <= 100; count += 1) erase(`${count}`);
  await pass(1_000);
  assert.equal(calls.room, 0);
  act(() => mock.timers.tick(SPREAD_MS));
  await pass(300);
  // What comes while it is asked is asked for once more, after it.
  for (let count = 101; count <= 200; count += 1) erase(`${count}`);
  await pass(100);
  act(() => mock.timers.tick(SPREAD_MS));
  await pass(50);
  assert.equal(calls.room, 1);
  await pass(1_000);
  await spread();
  assert.equal(calls.room, 2);
  await spread();
  assert.equal(calls.room, 2);
});

test("unread: of many deletions that are not loaded the server is asked once, and never without a pause", async () => {
  for (let count = 1; count <= 40; count += 1) say(`${count}`);
  const shown = await show(() => ({ ...useTimeline(ROOM), ...useUnread(ROOM) }));
  void shown.last.loadAt(15);
  await pass(5_000);
  assert.ok(shown.last.hasNewer);
  const calls = countCalls(1_000);
  for (let count = 1; count <= 20; count += 1) erase(`${count}`);
  await pass(1_000);
  assert.equal(calls.room, 0);
  await spread();
  assert.equal(calls.room, 1);
  // A mark of another device, in a room that is never quiet for as long as an answer takes.
  for (const socket of server.sockets) socket.tell({ type: "read", room: ROOM, user: "mina", seq: 5 } as never);
  for (let count = 1; count <= 20; count += 1) {
    say(`new ${count}`);
    await pass(300);
  }
  assert.equal(calls.room, 2);
  assert.equal(shown.last.unread, server.log(ROOM).length);
});

test("unread: who asks at once waits for none who asks within a while", async () => {
  for (let count = 1; count <= 40; count += 1) say(`${count}`);
  const shown = await show(() => ({ ...useTimeline(ROOM), ...useUnread(ROOM) }));
  void shown.last.loadAt(15);
  await pass(5_000);
  const calls = countCalls(100);
  erase("20");
  await pass(500);
  assert.equal(calls.room, 0);
  for (const socket of server.sockets) socket.tell({ type: "read", room: ROOM, user: "mina", seq: 5 } as never);
  await pass(500);
  assert.equal(calls.room, 1);
});

test("rooms: an own message in a room that is not followed moves that room alone", async () => {
  const rooms = Array.from({ length: 502 }, (_, place) => `00000000-0000-4000-8000-${String(place + 1).padStart(12, "0")}`);
  for (const room of rooms) server.log(room);
  const shown = await show(useRooms);
  const last = rooms.at(-1) as string;
  assert.deepEqual([shown.last.rooms.length, [...server.sockets].map((socket) => socket.rooms.has(last))], [502, [false]]);
  const calls = countCalls();
  client.send(last, "hello");
  await pass(2_000);
  assert.deepEqual(calls, { room: 1, list: 0 });
  assert.deepEqual([shown.last.rooms.length, shown.last.rooms[0]?.id, shown.last.rooms[0]?.head], [502, last, 1]);
});

const places = (shown: { last: { items: readonly { seq?: number }[] } }) => shown.last.items.map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, place) => from + place);

test("timeline: a place far back is shown with what is around it, and from there the way leads back to the end", async () => {
  for (let count = 1; count <= 40; count += 1) say(`${count}`);
  const shown = await show(() => ({ ...useTimeline(ROOM), ...useUnread(ROOM) }));
  assert.deepEqual(places(shown), range(34, 40));
  const { part } = shown.last;
  let found: boolean | null = null;
  await act(async () => void shown.last.loadAt(15).then((is) => (found = is)));
  await pass(5_000);
  assert.deepEqual([found, shown.last.hasOlder, shown.last.hasNewer], [true, true, true]);
  assert.deepEqual(places(shown), range(9, 22));
  assert.notEqual(shown.last.part, part);
  // What comes is behind what is shown: it is counted, and changes of what is shown are applied.
  say("41");
  server.happen(ROOM, { kind: "edited", edited: { message: "15", text: "fifteen", mentions: [], edited_at: "2026-01-01T00:00:00.000Z" } });
  await pass(1_000);
  assert.deepEqual(places(shown), range(9, 22));
  assert.equal(shown.last.unread, 41);
  assert.deepEqual(shown.last.items.flatMap((item) => (item.seq === 15 && item.type === "message" ? [item.text] : [])), ["fifteen"]);
  while (shown.last.hasNewer) {
    void shown.last.loadNewer();
    await pass(1_000);
  }
  assert.deepEqual(places(shown), range(9, 41));
  say("43");
  await pass(1_000);
  assert.equal(places(shown).at(-1), 43);
  await act(async () => void shown.last.loadAt(1_000).then((is) => (found = is)));
  await pass(1_000);
  assert.equal(found, false);
});

test("timeline: what is forgotten at either end is loaded again", async () => {
  for (let count = 1; count <= 20; count += 1) say(`${count}`);
  const shown = await show(() => useTimeline(ROOM));
  while (shown.last.hasOlder) {
    void shown.last.loadOlder();
    await pass(1_000);
  }
  assert.deepEqual(places(shown), range(1, 20));
  act(() => shown.last.forget(15));
  assert.deepEqual([places(shown), shown.last.hasOlder, shown.last.hasNewer], [range(16, 20), true, false]);
  void shown.last.loadOlder();
  await pass(1_000);
  assert.deepEqual(places(shown), range(9, 20));
  act(() => shown.last.forget(0, 9));
  assert.deepEqual([places(shown), shown.last.hasNewer], [range(9, 11), true]);
  say("21");
  // An own message is shown at once, also where the end is not; its event is at the end.
  act(() => shown.last.send("mine"));
  assert.equal(shown.last.items.at(-1)?.type === "message" && shown.last.items.length, 4);
  await pass(1_000);
  assert.deepEqual(places(shown), range(9, 11));
  await act(async () => void shown.last.loadAt());
  await pass(1_000);
  assert.deepEqual([places(shown), shown.last.hasNewer, shown.last.hasOlder], [range(16, 22), false, true]);
});

/** A page is of the moment at which it was read, and what happens then overtakes it. */
function overtakePages(delayMs: () => number): void {
  const answer = server.answer.bind(server);
  server.answer = (socket, frame) => {
    if (frame.type !== "history") return answer(socket, frame);
    const tell = socket.tell.bind(socket);
    socket.tell = (page) => void world.after(delayMs(), () => tell(page));
    answer(socket, frame);
    socket.tell = tell;
  };
}

test("timeline: what overtakes the last page stands behind it, once", async () => {
  for (let count = 1; count <= 7; count += 1) say(`${count}`);
  const shown = await show(() => useTimeline(ROOM));
  act(() => shown.last.forget(0, 3));
  assert.deepEqual([places(shown), shown.last.hasNewer], [range(1, 4), true]);
  overtakePages(() => 1_000);
  void shown.last.loadNewer();
  await pass(500);
  for (let count = 8; count <= 10; count += 1) say(`${count}`);
  await pass(2_000);
  assert.deepEqual([places(shown), shown.last.hasNewer], [range(1, 10), false]);
});

test("timeline: a part of a log stays a part of it without a gap, whatever is loaded, forgotten, said and broken", async () => {
  const shown = await show(() => useTimeline(ROOM));
  overtakePages(() => world.chance.below(200));
  for (let seed = 1; seed <= 12; seed += 1) {
    const chance = new Chance(seed);
    const log = server.log(ROOM);
    for (let step = 0; step < 60; step += 1) {
      const { items, loadOlder, loadNewer, loadAt, forget } = shown.last;
      const what = chance.below(9);
      if (what < 2) for (let count = chance.below(9); count > 0; count -= 1) say(`${seed} ${step} ${count}`);
      else if (what === 2) void loadOlder();
      else if (what === 3) void loadNewer();
      else if (what === 4) void loadAt(1 + chance.below(log.length + 1));
      else if (what === 5) act(() => forget(...((chance.is(0.5) ? [chance.below(items.length), 0] : [0, chance.below(items.length)]) as [number, number])));
      else if (what === 6) for (const socket of server.sockets) socket.cut();
      else if (what === 7 && chance.is(0.2)) void loadAt();
      else if (items[0]) {
        const message = `${1 + chance.below(log.length)}`;
        server.happen(ROOM, { kind: "reaction", reaction: { message, user: "joon", emoji: "👍", on: true, count: step + 1 } });
      }
      // Mostly in the midst of what is on its way.
      await pass(chance.is(0.3) ? 40_000 : chance.below(60));
      const seen = places(shown) as number[];
      const messages = log.filter(({ kind }) => kind === "message").map(({ seq }) => seq);
      const from = messages.indexOf(seen[0] as number);
      assert.deepEqual(seen, seen.length === 0 ? [] : messages.slice(from, from + seen.length), `seed ${seed}, step ${step}`);
    }
    await pass(40_000);
    while (shown.last.hasNewer) {
      void shown.last.loadNewer();
      await pass(1_000);
    }
    assert.equal(places(shown).at(-1), log.filter(({ kind }) => kind === "message").at(-1)?.seq, `seed ${seed}`);
  }
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
