// What an event costs, and that the log shows what a walk over everything would show.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message, RoomEvent } from "@madang/client";
import { changed } from "../src/changes.js";
import { Log } from "../src/log.js";
import type { ShownItem } from "../src/room-store.js";
import { Chance } from "../../typescript/test/model/world.js";

const AT = "2026-01-01T00:00:00.000Z";
const LOADED = 20_000;

function item(seq: number, replyTo: string | null = null): ShownItem {
  const sender = { id: "joon", name: "Joon", avatar_url: null };
  const excerpt = replyTo === null ? {} : { excerpt: { sender, text: "before" } };
  const message = { id: `${seq}`, sender, text: `${seq}`, key: `${seq}`, reply_to: replyTo, mentions: [], attachments: [], ...excerpt };
  return { type: "message", key: `${seq}`, text: `${seq}`, state: "sent", seq, at: AT, message: message as Message };
}

const edited = (seq: number, id: string, text: string) =>
  ({ room: "r", seq, at: AT, kind: "edited", edited: { message: id, text, mentions: [], edited_at: AT } }) as RoomEvent;
const deleted = (seq: number, id: string) => ({ room: "r", seq, at: AT, kind: "deleted", deleted: { message: id, by: "joon" } }) as RoomEvent;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, place) => item(from + place));

test("an event looks at what it is about, and at nothing else of what is loaded", () => {
  let looked = 0;
  const log = new Log(
    () => "mina",
    (...parameters) => {
      looked += 1;
      return changed(...parameters);
    },
  );
  log.append(range(10_001, 10_000 + LOADED));
  log.append([item(40_001, "15000"), item(40_002, "15000")]);
  log.prepend([...range(1, 9_999), item(10_000, "5")]);
  const before = [...log.items];
  log.apply(edited(40_003, "15000", "after"));
  assert.equal(looked, 3);
  const touched = log.items.filter((now, place) => now !== before[place]);
  assert.deepEqual(touched.map(({ seq }) => seq), [15_000, 40_001, 40_002]);
  assert.deepEqual(touched.map((now) => now.type === "message" && (now.message?.excerpt?.text ?? now.text)), ["after", "after", "after"]);
  // What came in front moves nothing, and what is forgotten is not looked for.
  log.apply(deleted(40_004, "5"));
  assert.equal(looked, 5);
  log.keep(-2);
  log.apply(edited(40_005, "5", "gone"));
  assert.equal(looked, 5);
  log.apply(edited(40_006, "15000", "again"));
  assert.equal(looked, 7);
});

test("whatever happens, the log shows what a walk over everything shows", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const chance = new Chance(seed);
    const log = new Log(() => "mina");
    let naive: ShownItem[] = [];
    let [oldest, newest] = [500, 499];
    for (let step = 0; step < 60; step += 1) {
      const id = `${Math.max(1, oldest - 2) + chance.below(newest - oldest + 4)}`;
      const replied = chance.is(0.3) ? id : null;
      const what = chance.below(6);
      if (what < 2) {
        const next = item((newest += 1), replied);
        log.append([next]);
        naive.push(next);
      } else if (what === 2 && oldest > 10) {
        const older = [item(oldest - 2, replied), item(oldest - 1, `${oldest - 2}`)];
        oldest -= 2;
        log.prepend(older);
        naive = [...older, ...naive];
      } else if (what === 3 && naive.length > 20) {
        // From the beginning, or from the end; what is gone there is not appended again here.
        const [from, to] = chance.is(0.5) ? [naive.length - 15, naive.length] : [0, 15];
        log.keep(from, to);
        naive = naive.slice(from, to);
        oldest = naive[0]?.seq as number;
        newest = naive.at(-1)?.seq as number;
      } else {
        const event = chance.is(0.7) ? edited(1_000 + step, id, `text ${step}`) : deleted(1_000 + step, id);
        log.apply(event);
        naive = naive.map((one) => log.after(one, event));
      }
      assert.deepEqual(log.items, naive, `seed ${seed}, step ${step}`);
    }
  }
});
