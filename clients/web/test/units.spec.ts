// What needs no browser.
import { expect, test } from "@playwright/test";
import type { AuditEntry, Member, Message } from "@madang/client";
import type { ShownItem } from "@madang/react";
import { en } from "../src/i18n/en";
import { josa } from "../src/i18n/josa";
import { ko } from "../src/i18n/ko";
import { auditText } from "../src/moderation/audit-text";
import { pauseText } from "../src/moderation/pause";
import { wordsOf } from "../src/moderation/word-list";
import { emojiOf } from "../src/room/emoji";
import { complete, completionOf } from "../src/room/mention-completion";
import { rowsOf, shownKeyOf } from "../src/room/rows";
import { deviceOf } from "../src/settings/device-name";

const user = (id: string, username: string, name: string): Member => ({
  user: { id, username, name, avatar_url: null },
  role: "member",
  joined_at: "2026-11-29T00:00:00.000Z",
  read: 0,
});
const members = [user("1", "mina", "Mina Kim"), user("2", "joon", "Joon"), user("3", "소라", "이소라"), user("4", "minho", "Minho")];
const found = (text: string, caret = text.length) =>
  completionOf(text, caret, members, "2")?.candidates.map(({ username }) => username) ?? null;

test("a name is completed where a mention may begin", () => {
  expect(found("@mi")).toEqual(["mina", "minho"]);
  expect(found("hello @kim")).toEqual(["mina"]);
  expect(found("안녕 @소")).toEqual(["소라"]);
  // While it is composed, and in the other normal form.
  expect(found("@소라".normalize("NFD"))).toEqual(["소라"]);
  expect(found("mail@mi")).toBeNull();
  expect(found("@joon")).toBeNull();
  expect(found("@mi na")).toBeNull();
  expect(found("@mi and more", 3)).toEqual(["mina", "minho"]);
});

test("the completed name stands in the text, with one space after it", () => {
  const text = "hello @mi, you";
  const completion = completionOf(text, 9, members, "2");
  expect(completion && complete(text, completion, "mina")).toEqual({ text: "hello @mina , you", caret: 12 });
  const spaced = completionOf("@mi there", 3, members, "2");
  expect(spaced && complete("@mi there", spaced, "mina")).toEqual({ text: "@mina there", caret: 6 });
});

const at = (minute: number, day = 29) => `2026-11-${day}T12:${String(minute).padStart(2, "0")}:00.000Z`;
const message = (seq: number, sender: string, minute: number, more: Partial<ShownItem & { replyTo: string }> = {}): ShownItem =>
  ({
    type: "message",
    key: `k${seq}`,
    text: `${seq}`,
    state: "sent",
    seq,
    at: at(minute),
    message: { id: `${seq}`, sender: { id: sender, name: sender, avatar_url: null } } as Message,
    ...more,
  }) as ShownItem;
const joined = (seq: number, id: string, by = id): ShownItem => ({
  type: "event",
  key: `event-${seq}`,
  seq,
  at: at(seq),
  event: { kind: "joined", seq, at: at(seq), room: "r", joined: { by, role: "member", user: { id, name: id, avatar_url: null } } },
});
const kinds = (items: ShownItem[], more = {}) =>
  rowsOf(items, { me: "me", hasOlder: true, isDirect: false, newAfter: null, ...more }).map((row) =>
    row.type === "message" ? `${row.shown.text}${row.isFirst ? "*" : ""}` : row.type === "event" ? `event ${row.events.length}` : row.type,
  );

test("messages of one person stand together, until another one writes or time has passed", () => {
  expect(kinds([message(1, "a", 0), message(2, "a", 1), message(3, "b", 2), message(4, "b", 20)])).toEqual(["day", "1*", "2", "3*", "4*"]);
  expect(kinds([message(1, "a", 0), message(2, "a", 1, { replyTo: "1" })])).toEqual(["day", "1*", "2*"]);
  expect(kinds([message(1, "a", 0), message(2, "a", 0, { at: at(0, 30) })])).toEqual(["day", "1*", "day", "2*"]);
});

test("a row that is the same is the same object, so that it is not drawn again", () => {
  const items = [message(1, "a", 1), message(2, "a", 2), message(3, "b", 3)];
  const rows = (of: ShownItem[]) => rowsOf(of, { me: "me", hasOlder: true, isDirect: false, newAfter: null }).slice(1);
  const before = rows(items);
  const changed = rows([items[0] as ShownItem, { ...(items[1] as ShownItem) }, items[2] as ShownItem]);
  expect(changed.map((row, place) => row === before[place])).toEqual([true, false, true]);
  const after = rows([message(0, "a", 0), ...items, message(4, "b", 4)]).slice(1);
  // What came before the first one makes it the second of its group.
  expect(after.map((row, place) => row === before[place])).toEqual([false, true, true, false]);
});

test("the pause of slow mode is said in the largest unit that fits", () => {
  expect([0, 5, 60, 90, 900, 3_600, 21_600].map((seconds) => pauseText(en, seconds))).toEqual([
    "No pause",
    "5 seconds",
    "1 minute",
    "90 seconds",
    "15 minutes",
    "1 hour",
    "6 hours",
  ]);
});

test("the line stands before the first message of somebody else after what was read", () => {
  const items = [message(1, "a", 0), message(2, "me", 1), message(3, "a", 2), message(4, "a", 3)];
  expect(kinds(items, { newAfter: 1 })).toEqual(["day", "1*", "2*", "new", "3*", "4"]);
  expect(kinds(items, { newAfter: 4 })).toEqual(["day", "1*", "2*", "3*", "4"]);
});

test("who comes in one after another stands in one line; a direct room says nothing of it", () => {
  const items = [joined(1, "owner"), joined(2, "a"), joined(3, "b"), joined(4, "c", "owner")];
  expect(kinds(items)).toEqual(["day", "event 1", "event 2", "event 1"]);
  expect(kinds(items, { isDirect: true })).toEqual(["day"]);
  expect(kinds([], { hasOlder: false })).toEqual(["beginning"]);
});

test("one emoji is a reaction, whatever it is made of; words and several are not", () => {
  for (const one of ["👍", "❤️", "❤", "👍🏽", "👩‍👩‍👧‍👦", "🇰🇷", "1️⃣", " 🍚 "]) expect(emojiOf(one)).toBe(one.trim());
  expect(emojiOf(":party_parrot:")).toBe(":party_parrot:");
  for (const none of ["", " ", "yes", "y", "가", "1", "👍👍", "👍 ok", ":Loud:", "::"]) expect(emojiOf(none)).toBeNull();
});

test("particles follow the sound of the word", () => {
  expect(["마당", "소라", "Room"].map((word) => josa(word, "을", "를"))).toEqual(["을", "를", "을(를)"]);
  expect(["마당", "교실", "나무"].map((word) => josa(word, "으로", "로"))).toEqual(["으로", "로", "로"]);
});

test("a device is called by its browser and its system", () => {
  const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  expect(deviceOf(chrome)).toEqual({ name: "Chrome, Windows", isPhone: false });
  expect(deviceOf(`${chrome} Edg/140.0.0.0`).name).toBe("Edge, Windows");
  const safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";
  expect(deviceOf(safari)).toEqual({ name: "Safari, iOS", isPhone: true });
  expect(deviceOf(null)).toEqual({ name: null, isPhone: false });
});

test("a word list has a word a line, each once, in one form, and no empty ones", () => {
  expect(wordsOf(" turnip \n\n바보\r\nturnip\n" + "바보".normalize("NFD"))).toEqual(["turnip", "바보"]);
  expect(wordsOf("\n  \n")).toEqual([]);
});

test("the audit log has words for all actions, in both languages, and passes over those of a newer server", () => {
  const account = (name: string) => ({ id: name, username: name, name, avatar_url: null }) as unknown as AuditEntry["actor"];
  const entry = (action: string): AuditEntry => ({
    action,
    actor: account("Mina"),
    at: at(1),
    by_site: false,
    message: null,
    reason: null,
    role: "moderator",
    seq: 1,
    until: null,
    user: account("Joon"),
  });
  const actions = [
    ...["member_added", "member_removed", "banned", "unbanned", "muted", "unmuted", "role_given", "room_changed"],
    ...["message_deleted", "message_edited", "invitation_made", "invitation_revoked", "report_settled", "words_set"],
  ];
  for (const texts of [en, ko]) {
    const told = actions.map((action) => auditText(texts, entry(action)));
    expect(new Set(told).size).toBe(actions.length);
    for (const text of told) expect(text).toContain("Mina");
    expect(auditText(texts, entry("moved_to_the_moon"))).toBeNull();
  }
  expect(auditText(ko, entry("role_given"))).toBe("Mina님이 Joon님을 관리자로 지정했습니다");
});

test("the key of an item is that of its row", () => {
  const items = [message(1, "joon", 1), message(2, "me", 2), joined(3, "theo")];
  const rows = rowsOf(items, { me: "me", hasOlder: true, isDirect: false, newAfter: null });
  expect(items.map((item) => shownKeyOf(item, "me"))).toEqual(rows.flatMap(({ type, key }) => (type === "day" ? [] : [key])));
});
