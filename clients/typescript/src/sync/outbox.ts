// Messages on their way: each is kept until the server has acknowledged or refused it. No I/O.
import type { ClientSend, NewAttachment } from "../contract/index.js";

/** A message as it is kept, also over a reload. Its key is made once and never again. */
export interface OutgoingMessage {
  readonly key: string;
  readonly room: string;
  readonly text: string;
  readonly replyTo?: string | undefined;
  readonly attachments?: readonly NewAttachment[] | undefined;
  /** The root of the thread in which it is to stand. */
  readonly thread?: string | undefined;
  /** Whether it is to stand among the messages of the room as well. */
  readonly inRoom?: boolean | undefined;
  /** The JSON object that it carries. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Its place among the messages of its tab. */
  readonly order: number;
  /** The tab that sends it. */
  readonly owner: string;
}

/** What may wait at most. */
export const OUTBOX_MAX = 1_000;

interface Entry {
  readonly message: OutgoingMessage;
  /** The id of the request that is on its way with it. */
  request: string | null;
  /** Not before this. */
  dueMs: number;
  refusals: number;
}

export class Outbox {
  /** By room, oldest first: the next is sent when the one before is settled, so that a refusal changes no order. */
  readonly #rooms = new Map<string, Entry[]>();
  #size = 0;

  get isFull(): boolean {
    return this.#size >= OUTBOX_MAX;
  }

  /** All messages, oldest first in each room. */
  messages(): OutgoingMessage[] {
    return [...this.#rooms.values()].flat().map(({ message }) => message);
  }

  /** A key that is there already stays where it is. */
  push(message: OutgoingMessage): void {
    const entries = this.#rooms.get(message.room) ?? [];
    if (entries.some((entry) => entry.message.key === message.key)) return;
    this.#rooms.set(message.room, entries);
    entries.push({ message, request: null, dueMs: 0, refusals: 0 });
    this.#size += 1;
  }

  /** The requests to write now; `ask` gives each its id. */
  due(nowMs: number, ask: () => string): ClientSend[] {
    const frames: ClientSend[] = [];
    for (const [first] of this.#rooms.values()) {
      if (!first || first.request !== null || first.dueMs > nowMs) continue;
      first.request = ask();
      frames.push(frameOf(first.message, first.request));
    }
    return frames;
  }

  /** When `due` has something next; Infinity without a message that waits for its time. */
  nextMs(): number {
    let next = Infinity;
    for (const [first] of this.#rooms.values()) if (first?.request === null) next = Math.min(next, first.dueMs);
    return next;
  }

  /** What was written on a lost connection may not have arrived: it is written again, under the same key. */
  disconnected(): void {
    for (const [first] of this.#rooms.values()) if (first) first.request = null;
  }

  /** The message of a request, as long as it is not settled. */
  of(request: string): OutgoingMessage | null {
    for (const [first] of this.#rooms.values()) if (first?.request === request) return first.message;
    return null;
  }

  /** The refusal passes: it is sent again after a pause, which is asked for with the number of earlier refusals. */
  putOff(request: string, nowMs: number, pauseMs: (refusals: number) => number): void {
    for (const [first] of this.#rooms.values()) {
      if (first?.request !== request) continue;
      first.request = null;
      first.dueMs = nowMs + pauseMs(first.refusals);
      first.refusals += 1;
    }
  }

  /** It is acknowledged, refused for good, or given up. */
  settle(room: string, key: string): OutgoingMessage | null {
    const entries = this.#rooms.get(room);
    const place = entries?.findIndex((entry) => entry.message.key === key) ?? -1;
    if (!entries || place < 0) return null;
    const [entry] = entries.splice(place, 1);
    if (entries.length === 0) this.#rooms.delete(room);
    this.#size -= 1;
    return (entry as Entry).message;
  }
}

function frameOf(message: OutgoingMessage, id: string): ClientSend {
  const { room, key, text, replyTo, attachments, thread, inRoom, metadata } = message;
  return {
    type: "send",
    id,
    room,
    key,
    text,
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
    ...(attachments === undefined ? {} : { attachments: [...attachments] }),
    ...(thread === undefined ? {} : { thread, in_room: inRoom === true }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
