// The logs that a session follows: when to ask for each, and what to hand out. No I/O.
import { backoffMs } from "../connection/backoff.js";
import type { ClientFrame, InboxNotice, RoomEvent, ServerHello, SubscribedRoom } from "../contract/index.js";
import { type MadangError, errorOfFrame, passes } from "../errors.js";
import { type Effect, INBOX } from "./effects.js";
import { ANSWER_DEADLINE_MS, type Purpose } from "./requests.js";
import { type Cursor, type Standing, Topic } from "./topic.js";

/** A page of history, at most. */
const PAGE_ITEMS = 200;

/** What a log holds. */
export type Item = RoomEvent | InboxNotice;

interface Followed {
  readonly topic: Topic;
  /** When to ask for it; Infinity while an answer is awaited or it is open. */
  askMs: number;
  /** Refusals and gaps since it last went well. */
  failures: number;
  /** A page of it is on its way. */
  paging: boolean;
  /** Asked for by itself: together with others it was refused, and the refusal may be theirs. */
  alone: boolean;
  /** The head when the subscription began: the user was a member then. */
  head: number;
}

export class Topics {
  readonly #followed = new Map<string, Followed>();
  /** Rooms that are to be left. */
  readonly #left = new Set<string>();
  #hello: ServerHello | null = null;

  constructor(
    private readonly random: () => number,
    private readonly tell: (effect: Effect) => void,
    private readonly write: (frame: ClientFrame, purpose: Purpose, nowMs: number) => void,
    /** The connection is of no more use. */
    private readonly abandon: () => void,
  ) {}

  follow(name: string, since: Cursor | null): void {
    this.#left.delete(name);
    this.#followed.set(name, { topic: new Topic(since), askMs: 0, failures: 0, paging: false, alone: false, head: 0 });
  }

  unfollow(name: string): void {
    if (this.#followed.delete(name) && name !== INBOX && this.#hello) this.#left.add(name);
  }

  topic(name: string): Topic | undefined {
    return this.#followed.get(name)?.topic;
  }

  connected(hello: ServerHello): void {
    this.#hello = hello;
    for (const followed of this.#followed.values()) {
      followed.askMs = 0;
      followed.failures = 0;
    }
  }

  disconnected(): void {
    this.#hello = null;
    this.#left.clear();
    for (const followed of this.#followed.values()) {
      followed.topic.close();
      followed.paging = false;
    }
  }

  /** When `askForDue` has something next; Infinity if never. */
  nextMs(): number {
    let next = Infinity;
    for (const { askMs } of this.#followed.values()) next = Math.min(next, askMs);
    return next;
  }

  /** The application has taken what was delivered. */
  delivered(name: string, topic: object, nowMs: number): void {
    const followed = this.#followed.get(name);
    if (!followed || followed.topic !== topic) return;
    if (followed.topic.delivered()) followed.askMs = nowMs;
    if (followed.topic.isPaging && this.#hello) this.#page(name, followed, nowMs);
  }

  /** Leaves what is to be left, and asks for what is due. */
  askForDue(nowMs: number): void {
    this.#inParts([...this.#left], (rooms) => this.write({ type: "unsubscribe", rooms }, { type: "none" }, nowMs));
    this.#left.clear();
    const rooms: string[] = [];
    for (const [name, followed] of this.#followed) {
      if (followed.askMs > nowMs) continue;
      followed.askMs = Infinity;
      followed.topic.close();
      if (name === INBOX) this.#askForInbox(followed, nowMs);
      else if (followed.alone) this.#askForRooms([name], nowMs);
      else rooms.push(name);
    }
    this.#inParts(rooms, (part) => this.#askForRooms(part, nowMs));
  }

  /** What one frame may name at most. */
  #inParts(rooms: string[], write: (part: string[]) => void): void {
    const atOnce = Math.max(1, this.#hello?.limits.subscribe_rooms ?? 1);
    while (rooms[0]) write(rooms.splice(0, atOnce));
  }

  #askForRooms(names: string[], nowMs: number): void {
    const rooms = names.map((room) => {
      const cursor = this.#followed.get(room)?.topic.cursor;
      return { room, since: cursor?.seq ?? null, epoch: cursor?.epoch ?? null };
    });
    this.write({ type: "subscribe", rooms }, { type: "rooms", rooms: names }, nowMs);
  }

  /** Every socket follows the inbox by itself; only from a cursor it is to be asked for. */
  #askForInbox(followed: Followed, nowMs: number): void {
    const { cursor } = followed.topic;
    if (cursor === null) return;
    // Its standing, which is no answer, may not come.
    followed.askMs = nowMs + ANSWER_DEADLINE_MS;
    const frame = { type: "subscribe", inbox_since: cursor.seq, inbox_epoch: cursor.epoch ?? null } as const;
    this.write(frame, { type: "none" }, nowMs);
  }

  subscribed(room: SubscribedRoom, nowMs: number): void {
    if ("error" in room) return this.refused(room.room, errorOfFrame(room.error), nowMs);
    this.opened(room.room, room, nowMs);
  }

  opened(name: string, standing: Standing, nowMs: number): void {
    const followed = this.#followed.get(name);
    if (!followed) return;
    const { topic } = followed;
    const isNew = topic.cursor === null;
    const wasOpen = topic.isOpen;
    switch (topic.opened(standing)) {
      case "follows":
        break;
      case "reset":
        this.tell({ type: "reset", topic: name, cursor: topic.cursor as Cursor });
        break;
      case "page":
        this.#page(name, followed, nowMs);
        break;
      case "behind":
        return this.#askLater(followed, nowMs);
      case "other":
        // Of the inbox, it is the standing that every socket is told, or another tab's; ours is on its way.
        if (name !== INBOX || wasOpen) this.#askLater(followed, nowMs);
        return;
    }
    followed.askMs = Infinity;
    followed.alone = false;
    followed.head = standing.head;
    const { seq, epoch } = topic.cursor as Cursor;
    if (isNew) this.tell({ type: "started", topic: name, cursor: { seq, epoch }, standing });
    // Of the inbox no `caught_up` follows.
    if (name === INBOX && topic.isOpen && seq >= standing.head) this.caughtUp(INBOX, seq, nowMs);
  }

  item(name: string, seq: number, item: Item, nowMs: number): void {
    const followed = this.#followed.get(name);
    switch (followed?.topic.arrived(seq)) {
      case "deliver":
        return this.#deliver(name, followed as Followed, item);
      case "gap":
        return this.#askLater(followed as Followed, nowMs);
      default:
        return;
    }
  }

  #deliver(name: string, followed: Followed, item: Item): void {
    this.tell({ type: "deliver", topic: name, item, cursor: followed.topic.cursor as Cursor });
    // Who was away once and came back meets that `left` in the past of the room.
    const isLast =
      (item.kind === "left" && item.left.user === this.#hello?.user.id && item.seq > followed.head) ||
      (item.kind === "room" && item.properties.deleted);
    if (!isLast) return;
    this.#followed.delete(name);
    this.tell({ type: "closed", topic: name, error: null });
  }

  caughtUp(name: string, seq: number, nowMs: number): void {
    const followed = this.#followed.get(name);
    switch (followed?.topic.caughtUp(seq)) {
      case "gap":
        return this.#askLater(followed as Followed, nowMs);
      case "caughtUp":
        (followed as Followed).failures = 0;
        this.tell({ type: "caughtUp", topic: name, seq });
        return;
      default:
        return;
    }
  }

  #page(name: string, followed: Followed, nowMs: number): void {
    if (followed.paging || !followed.topic.hasRoom) return;
    followed.paging = true;
    const after = followed.topic.cursor?.seq ?? 0;
    if (name === INBOX) {
      this.tell({ type: "pageInbox", after });
      return;
    }
    const purpose: Purpose = { type: "page", topic: followed.topic, room: name };
    this.write({ type: "history", room: name, after, limit: PAGE_ITEMS }, purpose, nowMs);
  }

  roomPage({ topic, room }: Purpose & { type: "page" }, events: readonly RoomEvent[], nowMs: number): void {
    const followed = this.#pageOf(room, topic);
    if (followed) this.#paged(room, followed, events, nowMs);
  }

  /** Of whom a page has come, unless it is of use no more: the subscription may have gone on without it. */
  #pageOf(name: string, topic: object): Followed | undefined {
    const followed = this.#followed.get(name);
    if (followed?.topic !== topic) return;
    followed.paging = false;
    return followed.topic.isPaging ? followed : undefined;
  }

  #paged(name: string, followed: Followed, items: readonly Item[], nowMs: number): void {
    for (const item of items) {
      const verdict = followed.topic.paged(item.seq);
      if (verdict === "gap") return this.abandon();
      if (verdict === "deliver") this.#deliver(name, followed, item);
      if (!this.#followed.has(name)) return;
    }
    switch (followed.topic.pageEnded(items.length)) {
      case "more":
        return this.#page(name, followed, nowMs);
      case "caughtUp":
        return this.caughtUp(name, followed.topic.cursor?.seq ?? 0, nowMs);
      case "short":
        return this.abandon();
    }
  }

  /** At once after what happened for the first time, then with pauses that grow. */
  #askLater(followed: Followed, nowMs: number, askedMs?: number): void {
    followed.topic.close();
    followed.paging = false;
    const pause = followed.failures === 0 ? 0 : backoffMs(followed.failures, this.random());
    followed.askMs = nowMs + (askedMs ?? pause);
    followed.failures += 1;
  }

  refused(name: string, error: MadangError, nowMs: number): void {
    const followed = this.#followed.get(name);
    if (!followed) return;
    if (passes(error.code)) {
      // Not at once, also for the first time.
      return this.#askLater(followed, nowMs, error.retryAfterMs ?? backoffMs(followed.failures + 1, this.random()));
    }
    this.#followed.delete(name);
    this.tell({ type: "closed", topic: name, error });
  }

  /** Several were refused at once, and the refusal may be of one among them: each is asked for by itself. */
  refusedTogether(names: readonly string[], error: MadangError, nowMs: number): void {
    const [only, ...others] = names;
    if (only !== undefined && others.length === 0) return this.refused(only, error, nowMs);
    for (const name of names) {
      const followed = this.#followed.get(name);
      if (!followed) continue;
      followed.alone = true;
      this.#askLater(followed, nowMs, error.retryAfterMs);
    }
  }

  pageRefused({ topic, room }: Purpose & { type: "page" }, error: MadangError, nowMs: number): void {
    if (this.topic(room) === topic) this.refused(room, error, nowMs);
  }

  /** The page of the inbox that was asked for; null if it could not be had. */
  inboxPage(topic: object, page: { readonly items: readonly Item[] } | null, nowMs: number): void {
    const followed = this.#pageOf(INBOX, topic);
    if (!followed) return;
    if (page === null) return this.#askLater(followed, nowMs);
    this.#paged(INBOX, followed, page.items, nowMs);
  }
}
