// What events do to a message.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message, RoomEvent } from "@madang/client";
import { changed, isApart } from "../src/changes.js";

const joon = { id: "joon", name: "Joon", avatar_url: null };
const said = (more: Partial<Message> = {}): Message => ({
  id: "3",
  sender: joon,
  text: "first",
  key: "k",
  reply_to: null,
  mentions: [],
  attachments: [],
  ...more,
});
let seq = 3;
const event = (body: object): RoomEvent => {
  seq += 1;
  return { room: "r", seq, at: "2026-01-01T00:00:00.000Z", ...body } as RoomEvent;
};
const edited = (text: string | null, message = "3") =>
  event({ kind: "edited", edited: { message, text, mentions: ["mina"], edited_at: "2026-01-02T00:00:00.000Z" } });
const deleted = (message = "3") => event({ kind: "deleted", deleted: { message, by: "joon" } });
const reacted = (user: string, emoji: string, on: boolean, count: number) =>
  event({ kind: "reaction", reaction: { message: "3", user, emoji, on, count } });
const after = (message: Message, ...events: RoomEvent[]) =>
  events.reduce((now, next) => changed(now, next, "mina"), message);

test("an edit changes the text, unless a later change follows", () => {
  const message = said();
  assert.equal(after(message, edited(null)), message);
  assert.equal(after(message, edited("other", "4")), message);
  const now = after(message, edited("second"));
  assert.deepEqual([now.text, now.mentions, now.edited_at], ["second", ["mina"], "2026-01-02T00:00:00.000Z"]);
  const tombstone = after(message, deleted());
  assert.equal(after(tombstone, edited("late")), tombstone);
});

test("an edit says whom the text mentions besides", () => {
  const to = (text: string, mentions_all?: "all" | "here") =>
    event({
      kind: "edited",
      edited: { message: "3", text, mentions: [], ...(mentions_all && { mentions_all }), edited_at: "2026-01-02T00:00:00.000Z" },
    });
  const all = after(said(), to("@all", "all"));
  assert.equal(all.mentions_all, "all");
  assert.ok(!("mentions_all" in after(all, to("nobody"))));
  assert.deepEqual(after(said({ metadata: { order: 7 } }), to("second")).metadata, { order: 7 });
});

test("a deletion leaves the place alone", () => {
  const full = said({ mentions: ["mina"], mentions_all: "all", metadata: { order: 7 }, reactions: [{ emoji: "👍", count: 1 }], edited_at: "2026-01-01T00:00:00.000Z" });
  assert.deepEqual(after(full, deleted()), { ...said(), text: "", deleted: true });
  assert.deepEqual(after(full, deleted(), reacted("joon", "👍", true, 1)), { ...said(), text: "", deleted: true });
});

test("a reply shows what it answers as it is now", () => {
  const reply = said({ id: "5", reply_to: "3", excerpt: { sender: joon, text: "first" } });
  assert.equal(after(reply, edited("마".repeat(101))).excerpt?.text, "마".repeat(100));
  assert.equal(after(reply, deleted()).excerpt, undefined);
  assert.equal(after(reply, deleted("4")), reply);
});

test("reactions are counted, in the order of the first of each", () => {
  const [up, party] = ["👍", "🎉"];
  const both = after(said(), reacted("joon", up, true, 1), reacted("joon", party, true, 1));
  assert.deepEqual(both.reactions, [{ emoji: up, count: 1, me: false }, { emoji: party, count: 1, me: false }]);
  const mine = after(both, reacted("mina", up, true, 2));
  assert.deepEqual(mine.reactions?.[0], { emoji: up, count: 2, me: true });
  assert.deepEqual(after(mine, reacted("joon", up, false, 1)).reactions?.[0], { emoji: up, count: 1, me: true });
  const gone = after(both, reacted("joon", up, false, 0));
  assert.deepEqual(gone.reactions, [{ emoji: party, count: 1, me: false }]);
  // What the loaded state has already: the first of an emoji comes last again.
  assert.deepEqual(after(both, reacted("joon", up, true, 1)).reactions?.map(({ emoji }) => emoji), [party, up]);
});

test("the root of a thread shows it as the last event says, also when it is deleted", () => {
  const thread = (replies: number, root = "3") => ({ root, replies, last_at: "2026-01-02T00:00:00.000Z", by: ["joon"] });
  const reply = (replies: number, root?: string) =>
    event({ kind: "message", message: { ...said({ id: "9" }), thread: { ...thread(replies, root), in_room: true } } });
  const now = after(said(), reply(1), reply(2), reply(7, "4"));
  assert.deepEqual([now.thread?.root, now.thread?.replies, now.thread?.by], [null, 2, ["joon"]]);
  const fewer = event({ kind: "deleted", deleted: { message: "9", by: "joon", thread: thread(1) } });
  assert.equal(after(now, deleted(), fewer).thread?.replies, 1);
  assert.ok(after(now, deleted()).deleted);
  assert.ok(isApart({ ...said(), thread: thread(1) }));
  assert.ok(!isApart({ ...said(), thread: { ...thread(1), in_room: true } }));
  assert.ok(!isApart(now));
});
