// The part of a room's log that is loaded. An event costs what it changes, however much is loaded.
import type { RoomEvent } from "@madang/client";
import { about, changed } from "./changes.js";
import type { ShownItem, ShownMessage } from "./room-store.js";

export class Log {
  /** What happened, by `seq`. */
  items: ShownItem[] = [];
  /**
   * Where the messages stand that an event about a message changes: itself, and its replies. Places are counted from
   * the first item that there ever was, so that older ones, which come before it, move none.
   */
  readonly #places = new Map<string, number[]>();
  #first = 0;

  readonly #me: () => string | undefined;
  readonly #change: typeof changed;

  constructor(me: () => string | undefined, change = changed) {
    this.#me = me;
    this.#change = change;
  }

  /** Older items, the oldest first. */
  prepend(older: readonly ShownItem[]): void {
    this.items = [...older, ...this.items];
    this.#first -= older.length;
    older.forEach((item, place) => this.#note(item, this.#first + place));
  }

  append(newer: readonly ShownItem[]): void {
    for (const item of newer) this.#note(item, this.#first + this.items.push(item) - 1);
  }

  /** Forgets all but these items. */
  keep(from: number, to?: number): void {
    const kept = this.items.slice(from, to);
    this.items = [];
    this.#first = 0;
    this.#places.clear();
    this.append(kept);
  }

  /** Applies an event to what it is about. */
  apply(event: RoomEvent): void {
    const what = about(event);
    // Whatever an event names may be a message.
    for (const name of [...Object.values(what), what.thread?.root] as string[]) {
      for (const place of this.#places.get(name) ?? []) {
        const at = place - this.#first;
        this.items[at] = this.after(this.items[at] as ShownItem, event);
      }
    }
  }

  after(item: ShownItem, event: RoomEvent): ShownItem {
    const { message: before } = item as ShownMessage;
    const message = before && this.#change(before, event, this.#me());
    return message === before ? item : ({ ...item, message, text: message?.text } as ShownMessage);
  }

  #note(item: ShownItem, place: number): void {
    const { message } = item as ShownMessage;
    for (const name of [message?.id, message?.reply_to]) {
      if (!name) continue;
      const places = this.#places.get(name);
      places ? places.push(place) : this.#places.set(name, [place]);
    }
  }
}
