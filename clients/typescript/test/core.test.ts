// The core of a session: what it writes and tells for what arrives. No network, no timers, no storage.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientFrame, RoomEvent, ServerFrame, ServerHello, SubscribedRoom } from "../src/contract/index.js";
import { Core } from "../src/sync/core.js";
import { type Effect, INBOX } from "../src/sync/effects.js";
import { OUTBOX_MAX } from "../src/sync/outbox.js";
import { ANSWER_DEADLINE_MS, ANSWER_MAX_MS, QUESTION_DEADLINE_MS } from "../src/sync/requests.js";
import { type Cursor, UNDELIVERED_MAX } from "../src/sync/topic.js";

const ROOM = "room";
const user = { id: "me", name: "Me", avatar_url: null };
const hello: ServerHello = {
  type: "hello",
  session: "s",
  user,
  heartbeat_ms: 15_000,
  limits: { frame_bytes: 65_536, text_chars: 4_000, subscribe_rooms: 2, replay_events: 500 },
};

const event = (seq: number, more: object = { kind: "unknown" }) =>
  ({ type: "event", room: ROOM, seq, at: "2026-01-01T00:00:00.000Z", ...more }) as ServerFrame & RoomEvent;
const events = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, place) => event(from + place));
const message = (key: string, room = ROOM, text = key) => ({ key, room, text, order: 1, owner: "tab" });

class Driven {
  readonly core = new Core(() => 1);
  nowMs = 0;
  effects: Effect[] = [];

  /** Does it, then what is due; keeps what is to be done. */
  run(act: (core: Core) => void = () => {}): this {
    act(this.core);
    this.core.tick(this.nowMs);
    this.effects = this.core.take();
    return this;
  }

  follow(since: Cursor | null, name = ROOM): this {
    return this.run((core) => core.follow(name, since));
  }

  connect(): this {
    return this.run((core) => core.connected(hello));
  }

  lose(): this {
    return this.run((core) => core.disconnected());
  }

  hear(...frames: ServerFrame[]): this {
    return this.run((core) => frames.forEach((frame) => core.arrived(frame, this.nowMs)));
  }

  pass(ms: number): this {
    this.nowMs += ms;
    return this.run();
  }

  /** The answer to the last `subscribe`. */
  subscribed(standing: Partial<SubscribedRoom> & { from: number }): this {
    const { id } = this.last("subscribe");
    const room = { room: ROOM, epoch: "e1", head: standing.from, complete: true, members: 1, role: "member", read: 0 };
    return this.hear({ type: "subscribed", re: id as string, rooms: [{ ...room, ...standing } as SubscribedRoom] });
  }

  writes<Type extends ClientFrame["type"]>(type: Type): (ClientFrame & { type: Type })[] {
    const frames = this.effects.flatMap((effect) => (effect.type === "write" ? [effect.frame] : []));
    return frames.filter((frame): frame is ClientFrame & { type: Type } => frame.type === type);
  }

  last<Type extends ClientFrame["type"]>(type: Type): ClientFrame & { type: Type } {
    const frame = this.writes(type).at(-1);
    assert.ok(frame, `no ${type} was written`);
    return frame;
  }

  did<Type extends Effect["type"]>(type: Type): (Effect & { type: Type })[] {
    return this.effects.filter((effect): effect is Effect & { type: Type } => effect.type === type);
  }

  get delivered(): number[] {
    return this.did("deliver").map(({ item }) => item.seq);
  }
}

describe("rooms", () => {
  test("a subscription resumes behind the last event that was handed out, with its epoch", () => {
    const driven = new Driven().follow({ seq: 4 }).connect();
    assert.deepEqual(driven.last("subscribe").rooms, [{ room: ROOM, since: 4, epoch: null }]);
    driven.subscribed({ from: 4, head: 6 }).hear(...events(5, 7));
    assert.deepEqual(driven.delivered, [5, 6, 7]);
    driven.lose().connect();
    assert.deepEqual(driven.last("subscribe").rooms, [{ room: ROOM, since: 7, epoch: "e1" }]);
  });

  test("an event that comes again is not handed out again", () => {
    const driven = new Driven().follow({ seq: 4 }).connect().subscribed({ from: 4 });
    assert.deepEqual(driven.hear(event(5), event(5), event(4), event(6)).delivered, [5, 6]);
  });

  test("after a gap the subscription begins again, at once and then with pauses", () => {
    const driven = new Driven().follow({ seq: 4 }).connect().subscribed({ from: 4 });
    assert.deepEqual(driven.hear(event(6)).delivered, []);
    assert.equal(driven.last("subscribe").rooms?.[0]?.since, 4);
    driven.subscribed({ from: 4 }).hear(event(6));
    assert.equal(driven.writes("subscribe").length, 0);
    assert.equal(driven.pass(30_000).writes("subscribe").length, 1);
  });

  test("a head that was not reached is a gap, too", () => {
    const driven = new Driven().follow({ seq: 4 }).connect().subscribed({ from: 4 });
    driven.hear({ type: "caught_up", room: ROOM, seq: 5 });
    assert.equal(driven.last("subscribe").rooms?.[0]?.since, 4);
    assert.deepEqual(driven.did("caughtUp"), []);
  });

  test("what was missed and is not replayed is paged, with what comes meanwhile", () => {
    const driven = new Driven().follow({ seq: 4 }).connect().subscribed({ from: 9, head: 9, complete: false });
    assert.deepEqual({ ...driven.last("history"), id: "" }, { type: "history", id: "", room: ROOM, after: 4, limit: 200 });
    const first = driven.last("history").id as string;
    // Live ones wait for what is before them.
    assert.deepEqual(driven.hear(event(10)).delivered, []);
    driven.hear({ type: "ok", re: first, room: ROOM, events: events(5, 7), more: true });
    assert.deepEqual(driven.delivered, [5, 6, 7]);
    const second = driven.last("history");
    assert.equal(second.after, 7);
    driven.hear({ type: "ok", re: second.id as string, room: ROOM, events: events(8, 10), more: false });
    assert.deepEqual(driven.delivered, [8, 9, 10]);
    assert.deepEqual(driven.did("caughtUp").map(({ seq }) => seq), [10]);
    assert.deepEqual(driven.hear(event(11)).delivered, [11]);
  });

  test("what was known of another history does not count for a later paging", () => {
    const driven = new Driven().follow({ seq: 4, epoch: "e1" }).connect().subscribed({ from: 900, head: 900, complete: false });
    driven.lose().connect().subscribed({ from: 3, head: 3, complete: false, epoch: "e2" });
    assert.deepEqual(driven.did("reset").map(({ cursor }) => cursor.seq), [3]);
    driven.lose().connect().subscribed({ from: 5, head: 5, complete: false, epoch: "e2" });
    driven.hear({ type: "ok", re: driven.last("history").id as string, room: ROOM, events: events(4, 5), more: false });
    assert.deepEqual([driven.delivered, driven.did("abandon"), driven.writes("history")], [[4, 5], [], []]);
    assert.deepEqual(driven.did("caughtUp").map(({ seq }) => seq), [5]);
  });

  test("history that ends too early ends the connection", () => {
    const driven = new Driven().follow({ seq: 4 }).connect().subscribed({ from: 9, head: 9, complete: false });
    driven.hear({ type: "ok", re: driven.last("history").id as string, room: ROOM, events: [], more: false });
    assert.equal(driven.did("abandon").length, 1);
  });

  test("another epoch is a reset, and so is a head before the cursor where no epoch is known", () => {
    for (const epoch of ["e1", undefined]) {
      const driven = new Driven().follow({ seq: 4, epoch }).connect();
      driven.subscribed({ from: 3, head: 3, complete: false, epoch: "e2" });
      assert.deepEqual(driven.did("reset"), [{ type: "reset", topic: ROOM, cursor: { seq: 3, epoch: "e2" } }]);
      assert.deepEqual(driven.hear(event(4)).delivered, [4]);
    }
  });

  test("a head before the cursor, of the same epoch, is a reset when two more answers say the same", () => {
    const driven = new Driven().follow({ seq: 4, epoch: "e1" }).connect();
    for (let time = 0; time < 2; time += 1) {
      driven.subscribed({ from: 3, head: 3, complete: false });
      assert.deepEqual(driven.did("reset"), []);
      if (driven.writes("subscribe").length === 0) driven.pass(30_000);
      assert.deepEqual(driven.last("subscribe").rooms, [{ room: ROOM, since: 4, epoch: "e1" }]);
    }
    driven.subscribed({ from: 3, head: 3, complete: false });
    assert.deepEqual(driven.did("reset"), [{ type: "reset", topic: ROOM, cursor: { seq: 3, epoch: "e1" } }]);
    assert.deepEqual(driven.hear(event(4)).delivered, [4]);
  });

  test("an application that is slow is not buried: the subscription is left, and begins again", () => {
    const driven = new Driven().follow({ seq: 0 }).connect().subscribed({ from: 0 });
    const topic = driven.core.topic(ROOM) as object;
    driven.hear(...events(1, UNDELIVERED_MAX + 5));
    assert.equal(driven.delivered.length, UNDELIVERED_MAX);
    for (let taken = 1; taken < UNDELIVERED_MAX / 2; taken += 1) driven.run((core) => core.delivered(ROOM, topic, 0));
    assert.equal(driven.writes("subscribe").length, 0);
    driven.run((core) => core.delivered(ROOM, topic, 0));
    assert.equal(driven.last("subscribe").rooms?.[0]?.since, UNDELIVERED_MAX);
  });

  test("rooms are asked for within the server's limit", () => {
    const driven = new Driven();
    for (const name of ["a", "b", "c"]) driven.follow(null, name);
    driven.connect();
    assert.deepEqual(driven.writes("subscribe").map(({ rooms }) => rooms?.length), [2, 1]);
  });

  test("a refusal that passes is asked for again, another one ends the subscription", () => {
    const refused = (code: "unavailable" | "not_found") => {
      const driven = new Driven().follow(null).connect();
      const error = { code, message: "no", retry_after_ms: 700 };
      return driven.hear({ type: "error", re: driven.last("subscribe").id as string, ...error });
    };
    const passing = refused("unavailable");
    assert.equal(passing.pass(699).writes("subscribe").length, 0);
    assert.equal(passing.pass(1).writes("subscribe").length, 1);
    assert.equal(refused("not_found").did("closed")[0]?.error?.code, "not_found");
  });

  test("where several rooms are refused as one, each is asked for by itself", () => {
    const driven = new Driven().follow(null, "a").follow(null, "b").connect();
    driven.hear({ type: "error", re: driven.last("subscribe").id as string, code: "not_found", message: "no" });
    assert.deepEqual(driven.did("closed"), []);
    assert.deepEqual(driven.writes("subscribe").map(({ rooms }) => rooms?.map(({ room }) => room)), [["a"], ["b"]]);
  });

  test("the user's own departure ends a room, but not one that lies in the past", () => {
    const left = { kind: "left", left: { user: "me", by: "me" } };
    const driven = new Driven().follow({ seq: 4 }).connect().subscribed({ from: 4, head: 6 });
    assert.deepEqual(driven.hear(event(5, left), event(6)).did("closed"), []);
    assert.equal(driven.hear(event(7, left)).did("closed").length, 1);
    assert.equal(driven.lose().connect().writes("subscribe").length, 0);
  });
});

describe("the inbox", () => {
  const standing = (from: number, head: number, more: object = {}) =>
    ({ type: "inbox", epoch: "e1", head, from, complete: true, read: 0, unread: 0, ...more }) as ServerFrame;
  const notice = (seq: number) => ({ type: "notice", seq, at: "", kind: "custom", data: {} }) as ServerFrame;

  test("what every socket is told by itself is not taken for the answer from the cursor", () => {
    const driven = new Driven().follow({ seq: 2, epoch: "e1" }, INBOX).connect();
    assert.equal(driven.last("subscribe").inbox_since, 2);
    driven.hear(standing(5, 5), notice(6));
    assert.deepEqual(driven.delivered, []);
    driven.hear(standing(2, 6), notice(3), notice(4), notice(5), notice(6));
    assert.deepEqual(driven.delivered, [3, 4, 5, 6]);
  });

  test("a standing that does not come is asked for again", () => {
    const driven = new Driven().follow({ seq: 2, epoch: "e1" }, INBOX).connect();
    driven.hear({ type: "subscribed", re: driven.last("subscribe").id as string, rooms: [] });
    assert.equal(driven.pass(ANSWER_DEADLINE_MS).last("subscribe").inbox_since, 2);
    driven.hear({ type: "subscribed", re: driven.last("subscribe").id as string, rooms: [] }, standing(2, 2));
    assert.deepEqual(driven.pass(ANSWER_DEADLINE_MS).writes("subscribe"), []);
  });

  test("a standing of before, which another tab's socket was told, begins nothing anew", () => {
    const driven = new Driven().follow({ seq: 2, epoch: "e1" }, INBOX).connect().hear(standing(2, 4), notice(3), notice(4));
    driven.hear(notice(5), standing(4, 4));
    assert.deepEqual(driven.did("reset"), []);
    assert.deepEqual(driven.hear(notice(5), notice(6)).delivered, [6]);
  });

  test("a page by HTTP overtakes a standing on the socket: what it brought is not told again", () => {
    const driven = new Driven().follow({ seq: 2, epoch: "e1" }, INBOX).connect().hear(standing(4, 4, { complete: false }));
    const topic = driven.core.topic(INBOX) as object;
    const items = [3, 4, 5].map((seq) => ({ seq, at: "", kind: "unknown" as const }));
    const page = { items, next_cursor: null, more: false, epoch: "e1", head: 5, read: 0, unread: 0 };
    assert.deepEqual(driven.run((core) => core.inboxPage(topic, page, 0)).delivered, [3, 4, 5]);
    // The answer to another tab's question, from before the page was read.
    driven.hear(standing(4, 4, { complete: false }), notice(5));
    assert.deepEqual([driven.did("reset"), driven.delivered], [[], []]);
    assert.equal(driven.last("subscribe").inbox_since, 5);
    assert.deepEqual(driven.hear(standing(5, 6), notice(6)).delivered, [6]);
  });

  test("a page that comes when the inbox goes on already holds up no later one", () => {
    const driven = new Driven().follow({ seq: 2, epoch: "e1" }, INBOX).connect();
    const topic = driven.core.topic(INBOX) as object;
    driven.hear(standing(4, 4, { complete: false }));
    // The standing of another tab, from where this one stands.
    driven.hear(standing(2, 4), notice(3), notice(4));
    const items = [3, 4].map((seq) => ({ seq, at: "", kind: "unknown" as const }));
    const page = { items, next_cursor: null, more: false, epoch: "e1", head: 4, read: 0, unread: 0 };
    assert.deepEqual(driven.run((core) => core.inboxPage(topic, page, 0)).delivered, []);
    driven.hear(standing(8, 8, { complete: false }));
    assert.deepEqual(driven.did("pageInbox"), [{ type: "pageInbox", after: 4 }]);
  });

  test("too many missed notices are paged", () => {
    const driven = new Driven().follow({ seq: 2, epoch: "e1" }, INBOX).connect();
    driven.hear(standing(6, 6, { complete: false }));
    assert.deepEqual(driven.did("pageInbox"), [{ type: "pageInbox", after: 2 }]);
    const topic = driven.core.topic(INBOX) as object;
    const items = [3, 4, 5, 6].map((seq) => ({ seq, at: "", kind: "unknown" as const }));
    const page = { items, next_cursor: null, more: false, epoch: "e1", head: 6, read: 0, unread: 0 };
    driven.run((core) => core.inboxPage(topic, page, 0));
    assert.deepEqual(driven.delivered, [3, 4, 5, 6]);
  });
});

describe("messages on their way", () => {
  const ack = (id: string, key: string, seq: number) =>
    ({ type: "ack", re: id, room: ROOM, key, id: String(seq), seq, at: "", duplicate: false }) as ServerFrame;

  test("of a room the next one is sent when the one before is settled; rooms do not wait for each other", () => {
    const driven = new Driven().connect();
    driven.run((core) => [message("1"), message("2"), message("3", "other")].forEach((one) => core.send(one)));
    assert.deepEqual(driven.writes("send").map(({ key }) => key), ["1", "3"]);
    driven.hear(ack(driven.writes("send")[0]?.id as string, "1", 1));
    assert.deepEqual(driven.did("acknowledged").map(({ ack: { seq } }) => seq), [1]);
    assert.deepEqual(driven.writes("send").map(({ key }) => key), ["2"]);
  });

  test("what was sent on a lost connection is sent again, under the same key", () => {
    const driven = new Driven().connect().run((core) => core.send(message("1")));
    const before = driven.last("send");
    driven.lose().connect();
    assert.equal(driven.last("send").key, before.key);
    assert.notEqual(driven.last("send").id, before.id);
  });

  test("the event says the same as an acknowledgement that was lost", () => {
    const driven = new Driven().follow({ seq: 0 }).connect().run((core) => core.send(message("1")));
    driven.lose().connect().subscribed({ from: 0, head: 1 });
    const own = { kind: "message", message: { id: "1", key: "1", text: "1", sender: user, mentions: [], attachments: [], reply_to: null } };
    assert.equal(driven.hear(event(1, own)).did("acknowledged").length, 1);
    assert.equal(driven.core.outgoing().length, 0);
    const of = { ...own, message: { ...own.message, sender: { ...user, id: "other" } } };
    driven.run((core) => core.send(message("1")));
    assert.equal(driven.hear(event(2, of)).did("acknowledged").length, 0, "another user's key is another key");
  });

  test("a refusal that passes is sent again, before what follows it", () => {
    const driven = new Driven().connect().run((core) => [message("1"), message("2")].forEach((one) => core.send(one)));
    const error = { type: "error", code: "rate_limited", message: "slow down", limit: "user_sends", retry_after_ms: 33 } as const;
    driven.hear({ ...error, re: driven.last("send").id as string });
    assert.deepEqual(driven.writes("send"), []);
    assert.deepEqual(driven.pass(33).writes("send").map(({ key }) => key), ["1"]);
  });

  test("a refusal for good is told, and the next one goes on", () => {
    const driven = new Driven().connect().run((core) => [message("1"), message("2")].forEach((one) => core.send(one)));
    driven.hear({ type: "error", re: driven.last("send").id as string, code: "permission_denied", message: "no" });
    assert.deepEqual(driven.did("refused").map(({ error }) => error.code), ["permission_denied"]);
    assert.equal(driven.last("send").key, "2");
  });

  test("a message that no frame holds is refused here, for the server would close the socket", () => {
    const driven = new Driven().connect().run((core) => core.send(message("1", ROOM, "가".repeat(30_000))));
    assert.deepEqual(driven.did("refused").map(({ error }) => error.code), ["too_large"]);
    assert.deepEqual(driven.writes("send"), []);
  });

  test("what waits has a bound", () => {
    const { core } = new Driven();
    for (let count = 0; count < OUTBOX_MAX; count += 1) core.send(message(String(count)));
    assert.ok(core.outboxIsFull);
  });
});

describe("requests", () => {
  test("one that is left without an answer ends the connection", () => {
    const driven = new Driven().follow(null).connect();
    assert.equal(driven.pass(ANSWER_DEADLINE_MS - 1).did("abandon").length, 0);
    assert.equal(driven.pass(1).did("abandon").length, 1);
  });

  test("one whose answer stands behind much else waits for as long as that comes, within a bound", () => {
    const silent = new Driven().follow(null).connect();
    silent.pass(ANSWER_DEADLINE_MS - 1).hear(event(1)).pass(ANSWER_DEADLINE_MS - 1);
    assert.equal(silent.did("abandon").length, 0);
    assert.equal(silent.pass(1).did("abandon").length, 1);
    const busy = new Driven().follow(null).connect();
    for (let ms = 0; ms < ANSWER_MAX_MS - 1_000; ms += 1_000) {
      assert.equal(busy.hear(event(1)).pass(1_000).did("abandon").length, 0);
    }
    assert.equal(busy.hear(event(1)).pass(1_000).did("abandon").length, 1);
  });

  test("a question is asked again after a reconnect, and has an end", async () => {
    const driven = new Driven();
    const ask = () => {
      let answer: Promise<ServerFrame> = Promise.reject(new Error("never"));
      answer.catch(() => {});
      driven.run((core) => (answer = core.ask({ type: "presence", room: ROOM }, driven.nowMs)));
      return answer;
    };
    const answered = ask();
    driven.connect().lose().connect();
    driven.hear({ type: "ok", re: driven.last("presence").id as string, room: ROOM, count: 7 });
    assert.equal(((await answered) as { count: number }).count, 7);
    driven.lose();
    const late = ask();
    driven.pass(QUESTION_DEADLINE_MS);
    await assert.rejects(late, { code: "deadline_exceeded" });
  });
});
