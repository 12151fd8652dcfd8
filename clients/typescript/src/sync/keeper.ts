// Cursors and messages on their way, in the storage that outlives the page.
import type { ClientStorage } from "../storage/storage.js";
import type { OutgoingMessage } from "./outbox.js";
import type { Cursor } from "./topic.js";

/** Keeps what belongs to one account. */
export class Keeper {
  /** The newest cursor that is not written yet, of each log. One write of a log is on its way at a time. */
  readonly #unwritten = new Map<string, Cursor>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(
    private readonly storage: ClientStorage,
    private readonly account: string,
  ) {}

  // Cursors.

  async cursor(topic: string): Promise<Cursor | null> {
    return ((await this.storage.get("cursors", this.#name(topic))) as Cursor | undefined) ?? null;
  }

  /** To be called once the application has taken everything up to there; the promise says that it is written. */
  keepCursor(topic: string, cursor: Cursor): Promise<void> {
    this.#unwritten.set(topic, cursor);
    let writing = this.#writing.get(topic);
    if (!writing) {
      writing = this.#writeCursors(topic);
      this.#writing.set(topic, writing);
    }
    return writing;
  }

  async #writeCursors(topic: string): Promise<void> {
    for (let next = this.#unwritten.get(topic); next; next = this.#unwritten.get(topic)) {
      this.#unwritten.delete(topic);
      const cursor = next;
      await this.storage.update("cursors", this.#name(topic), (kept) => {
        const before = kept as Cursor | undefined;
        // Another tab may be further in the same history.
        return before && before.epoch === cursor.epoch && before.seq >= cursor.seq ? before : cursor;
      });
    }
    this.#writing.delete(topic);
  }

  // Messages on their way.

  keepMessage(message: OutgoingMessage): Promise<void> {
    return this.storage.update("outbox", this.#name(message.key), () => message);
  }

  dropMessage(key: string): Promise<void> {
    return this.storage.update("outbox", this.#name(key), () => undefined);
  }

  async messages(): Promise<OutgoingMessage[]> {
    const kept = await this.storage.list("outbox", this.#name(""));
    return (kept.map(([, value]) => value) as OutgoingMessage[]).sort((one, other) => one.order - other.order);
  }

  /** The tabs that have messages here. */
  async owners(): Promise<Set<string>> {
    return new Set((await this.messages()).map(({ owner }) => owner));
  }

  /** Takes over the messages of tabs that are gone; returns them, oldest first. */
  async adopt(from: ReadonlySet<string>, owner: string): Promise<OutgoingMessage[]> {
    const adopted: OutgoingMessage[] = [];
    // The last one first: if this tab ends in the middle, the next one finds the earlier ones in no other's hands.
    for (const { key, owner: before } of (await this.messages()).reverse()) {
      if (!from.has(before)) continue;
      const taken: { message?: OutgoingMessage } = {};
      await this.storage.update("outbox", this.#name(key), (value) => {
        const kept = value as OutgoingMessage | undefined;
        if (kept?.owner !== before) return kept;
        return (taken.message = { ...kept, owner });
      });
      if (taken.message) adopted.unshift(taken.message);
    }
    return adopted;
  }

  #name(key: string): string {
    return `${this.account}:${key}`;
  }
}
