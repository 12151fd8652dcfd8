// What a timeline shows, row by row. No React: what stands where is tested by itself.
import type { ShownEvent, ShownItem, ShownMessage } from "@madang/react";

/** Messages of one person within this time stand together. */
const GROUP_MS = 5 * 60_000;

export interface MessageRow {
  readonly type: "message";
  readonly key: string;
  readonly shown: ShownMessage;
  readonly isMine: boolean;
  /** The first of its group has the name, the picture and the time. */
  readonly isFirst: boolean;
}

export type Row =
  | { readonly type: "beginning"; readonly key: "beginning" }
  | { readonly type: "day"; readonly key: string; readonly at: string }
  | { readonly type: "new"; readonly key: "new" }
  /** People who come in one after another stand together. */
  | { readonly type: "event"; readonly key: string; readonly events: readonly [ShownEvent, ...ShownEvent[]] }
  | MessageRow;

export interface RowOptions {
  readonly me: string;
  readonly hasOlder: boolean;
  /** A direct room has its two people from the beginning. */
  readonly isDirect: boolean;
  /** The line of what is new stands after this place; null: there is none. */
  readonly newAfter: number | null;
}

/** A key of two people may be the same; only one's own is there before the message has a place. */
function keyOf(shown: ShownMessage, isMine: boolean): string {
  return isMine ? `own-${shown.key}` : `message-${shown.seq}`;
}

function isOf(me: string, item: ShownItem): boolean {
  return item.type === "message" && (item.message === undefined || item.message.sender.id === me);
}

/** The key of the row in which an item is shown. */
export function shownKeyOf(item: ShownItem, me: string): string {
  return item.type === "message" ? keyOf(item, isOf(me, item)) : item.key;
}

/** What of an item's time the rows need: dates are dear, and most items were here the last time. */
interface Moment {
  readonly day: string;
  readonly ms: number;
}

const moments = new WeakMap<ShownItem, Moment>();
/** The row that an item had the last time: one that is still the same is not drawn again. */
const known = new WeakMap<ShownItem, MessageRow>();

function momentOf(item: ShownItem, at: string): Moment {
  const before = moments.get(item);
  if (before) return before;
  const date = new Date(at);
  const moment = { day: date.toDateString(), ms: date.getTime() };
  // What is on its way has no time yet.
  if (item.at !== undefined) moments.set(item, moment);
  return moment;
}

function rowOf(shown: ShownMessage, isMine: boolean, isFirst: boolean): MessageRow {
  const before = known.get(shown);
  if (before && before.isMine === isMine && before.isFirst === isFirst) return before;
  const row: MessageRow = { type: "message", key: keyOf(shown, isMine), shown, isMine, isFirst };
  known.set(shown, row);
  return row;
}

export function rowsOf(items: readonly ShownItem[], { me, hasOlder, isDirect, newAfter }: RowOptions): Row[] {
  const rows: Row[] = [];
  if (!hasOlder) rows.push({ type: "beginning", key: "beginning" });
  let day = "";
  let before: { sender: string; atMs: number } | null = null;
  let isLineDue = newAfter !== null;
  for (const item of items) {
    // What is on its way has no time yet: it belongs to now.
    const at = item.at ?? new Date().toISOString();
    const { day: ownDay, ms: atMs } = momentOf(item, at);
    if (ownDay !== day) {
      rows.push({ type: "day", key: `day-${ownDay}`, at });
      day = ownDay;
      before = null;
    }
    const isMine = isOf(me, item);
    if (isLineDue && newAfter !== null && item.seq !== undefined && item.seq > newAfter && item.type === "message" && !isMine) {
      rows.push({ type: "new", key: "new" });
      isLineDue = false;
      before = null;
    }
    if (item.type === "event") {
      if (!isTold(item) || (isDirect && item.event.kind === "joined")) continue;
      const last = rows.at(-1);
      if (last?.type === "event" && isComing(item) && isComing(last.events[0])) {
        rows[rows.length - 1] = { ...last, events: [...last.events, item] };
      } else {
        rows.push({ type: "event", key: item.key, events: [item] });
      }
      before = null;
      continue;
    }
    const sender = item.message?.sender.id ?? me;
    const isFirst = !before || before.sender !== sender || atMs - before.atMs > GROUP_MS || item.replyTo !== undefined;
    rows.push(rowOf(item, isMine, isFirst));
    before = { sender, atMs };
  }
  return rows;
}

/** Kinds that this version has no words for pass in silence. */
function isTold({ event }: ShownEvent): boolean {
  return ["joined", "left", "role", "room", "pinned", "banned", "muted"].includes(event.kind);
}

/** Somebody came in without being added. The first of a room is who has made it. */
function isComing({ event, seq }: ShownEvent): boolean {
  return event.kind === "joined" && event.joined.by === event.joined.user.id && seq > 1;
}
