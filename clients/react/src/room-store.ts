// A room as a page shows it: its messages with those on their way, who types, who is there, and what is unread.
import type { Client, LogQuery, MadangError, Message, OutgoingMessage, RoomEvent, SendOptions } from "@madang/client";
import { isApart } from "./changes.js";
import { Log } from "./log.js";
import type { RoomFeed } from "./room-feed.js";
import { Store } from "./store.js";

/** Messages of a page of history. */
const PAGE = 50;
/** Events of a page, where a way back is looked for, and how many such pages. */
const BACK_PAGE = 200;
const BACK_PAGES = 25;

/** A message as it is shown. */
export interface ShownMessage {
  readonly type: "message";
  readonly key: string;
  readonly text: string;
  readonly state: "sent" | "sending" | "failed";
  /** Of a message that the server has. */
  readonly seq?: number;
  readonly at?: string;
  readonly message?: Message;
  /** The message to which it replies. */
  readonly replyTo?: string | undefined;
  /** What is on its way with it. */
  readonly attachments?: OutgoingMessage["attachments"];
  /** Why it failed. */
  readonly error?: MadangError;
}

/** Something else that happened in a room, at its place between the messages. */
export interface ShownEvent {
  readonly type: "event";
  readonly key: string;
  readonly seq: number;
  readonly at: string;
  readonly event: RoomEvent;
}

export type ShownItem = ShownMessage | ShownEvent;

/** A page of history, the oldest first: its events, what is shown of them, and whether there are more beyond it. */
type Page = [events: readonly RoomEvent[], items: readonly ShownItem[], more: boolean];

export interface RoomState {
  /** Messages, and what else happened. */
  readonly items: readonly ShownItem[];
  /** Everything that was there is shown. */
  readonly ready: boolean;
  readonly hasOlder: boolean;
  /** What came last is not among the items: it was forgotten, or the items are of a place far back. */
  readonly hasNewer: boolean;
  /** Another number says that the items are others than before: none of those around the former ones. */
  readonly part: number;
  readonly unread: number;
  /** The place up to which the user has read; null until that is known. */
  readonly read: number | null;
  /** Nothing more comes. */
  readonly closed: boolean;
  readonly error: MadangError | null;
}

const EMPTY: RoomState = {
  items: [],
  ready: false,
  hasOlder: false,
  hasNewer: false,
  part: 0,
  unread: 0,
  read: null,
  closed: false,
  error: null,
};

export class RoomStore extends Store<RoomState> {
  readonly #log = new Log(() => this.me);
  #failed: ShownMessage[] = [];
  /** Acknowledged before their events have come: without them a message would be gone for a moment. */
  #acknowledged: ShownMessage[] = [];
  /** Everything from here on is in the log. Before the subscription has begun, there is nothing to load. */
  #oldest = 0;
  /** Everything up to here is in the log; Infinity: what comes is put there too. */
  #newest = Infinity;
  #part = 0;
  /** The last place that is known. */
  #told = 0;
  /** The page that is on its way. */
  #page: object | null = null;
  /** What came while a page was on its way, which may be of before. */
  #meanwhile: RoomEvent[] = [];
  #isPaged = false;
  #isCaughtUp = false;
  #read = 0;
  /** The places of unread messages that came while the server was asked. */
  #fresh: number[] | null = null;

  readonly #feed: RoomFeed;
  /** Hears up to where the user has read here. */
  readonly #onRead: (room: string, seq: number) => void;

  constructor(client: Client, feed: RoomFeed, onRead: (room: string, seq: number) => void) {
    super(client, EMPTY);
    this.#feed = feed;
    this.#onRead = onRead;
  }

  get room(): string {
    return this.#feed.room;
  }

  /** What a page does. */
  readonly actions = {
    send: (text: string, options?: Omit<SendOptions, "key">): void => void this.client.send(this.room, text, options),
    edit: (message: string, text: string): Promise<void> => this.client.edit(this.room, message, text),
    remove: (message: string): Promise<void> => this.client.delete(this.room, message),
    react: (message: string, emoji: string, on = true): Promise<void> => this.client.react(this.room, message, emoji, on),
    /** Sends a failed message again. */
    retry: (key: string): void => {
      const failed = this.#failed.filter((message) => message.key === key);
      this.actions.discard(key);
      for (const { text, replyTo, attachments } of failed) {
        this.client.send(this.room, text, { key, replyTo, attachments } as SendOptions);
      }
    },
    discard: (key: string): void => {
      this.#failed = this.#failed.filter((message) => message.key !== key);
      this.client.discard(this.room, key);
      this.#show();
    },
    loadOlder: (): Promise<void> => this.#loadOlder(),
    loadNewer: async (): Promise<void> => {
      if (this.#newest < Infinity && !this.#page) await this.#load({ after: this.#newest }, this.#extend);
    },
    /**
     * Loads a place with what is around it, or the end: where it is not loaded, it takes the place of what is. Says
     * whether the place is there.
     */
    loadAt: async (seq = Infinity): Promise<boolean> => {
      if (seq < this.#oldest || seq > this.#newest) {
        const told = this.#told;
        await this.#load(seq < Infinity ? { before: seq + 1 } : {}, (events, items, more) => {
          this.#log.keep(0, 0);
          this.#extend(events, items, (events.at(-1)?.seq ?? told) < told);
          this.#oldest = more ? (events[0]?.seq ?? 1) : 1;
          this.#part += 1;
        });
        await this.actions.loadNewer();
      }
      return this.#log.items.some((item) => item.seq === seq);
    },
    /** Forgets that many items at the beginning and at the end. What is gone can be loaded again. */
    forget: (older: number, newer = 0): void => {
      const { items } = this.#log;
      if (this.#page || older + newer >= items.length) return;
      this.#log.keep(older, items.length - newer);
      if (older) this.#oldest = items[older]?.seq ?? 0;
      if (newer) this.#newest = this.#log.items.at(-1)?.seq ?? 0;
      this.#show();
    },
  };

  /** Loads a page, instead of one that is on its way, and puts it where it belongs. */
  async #load(query: LogQuery, put: (...page: Page) => void): Promise<void> {
    const page = (this.#page = {});
    this.#meanwhile = [];
    let error: MadangError | null = null;
    try {
      const { events, more } = await this.client.history(this.room, { limit: PAGE, ...query });
      if (this.#page !== page) return;
      if (!query.after) events.reverse();
      const items = events.flatMap(shown).map((item) => this.#meanwhile.reduce((now, event) => this.#log.after(now, event), item));
      put(events, items, more);
    } catch (thrown) {
      error = thrown as MadangError;
    }
    if (this.#page !== page) return;
    this.#page = null;
    this.#show({ error });
  }

  async #loadOlder(limit = PAGE, pages = BACK_PAGES): Promise<void> {
    if (this.#oldest <= 1 || this.#page) return;
    let isEmpty = false;
    await this.#load({ before: this.#oldest, limit }, (events, items, more) => {
      this.#oldest = more ? (events[0]?.seq ?? 1) : 1;
      this.#log.prepend(items);
      isEmpty = !items[0];
    });
    // A page has nothing to show where a long thread stands in the log.
    if (isEmpty && pages > 0) await this.#loadOlder(BACK_PAGE, pages - 1);
  }

  /** Appends a page. The last one goes up to what was told when it was asked for. */
  readonly #extend = (...[events, items, more]: Page): void => {
    const newest = events.at(-1)?.seq ?? this.#told;
    this.#newest = more ? newest : Infinity;
    // What it has of later is told once more, after a broken connection.
    this.#told = Math.max(this.#told, newest);
    this.#log.append([...items, ...(more ? [] : this.#meanwhile.filter(({ seq }) => seq > newest).flatMap(shown))]);
  };

  readonly markRead = (): void => {
    const last = this.#log.items.at(-1)?.seq ?? 0;
    if (last <= this.#read) return;
    this.#readUpTo(last);
    void this.client.markRead(this.room, last).catch(() => {});
  };

  // The room.

  protected override begin(): (() => void)[] {
    this.#log.keep(0, 0);
    this.#failed = [];
    this.#acknowledged = [];
    this.#oldest = this.#read = 0;
    this.#newest = Infinity;
    const leave = [
      this.client.outgoing.subscribe(() => this.#show()),
      this.client.on("passing", (frame) => {
        if (frame.type !== "read" || frame.room !== this.room || frame.user !== this.me) return;
        this.#readUpTo(frame.seq ?? 0);
      }),
      this.client.on("acknowledged", ({ message, ack: { seq, at } }) => {
        if (this.#isApart(message) || seq <= this.#told) return;
        this.#acknowledged = [...this.#acknowledged, own(message, "sent", { seq, at })];
      }),
      this.client.on("refused", ({ message, error }) => {
        if (this.#isApart(message)) return;
        this.#failed = [...this.#failed, own(message, "failed", { error })];
        this.#show();
      }),
      this.#feed.follow({
        onEvent: (event) => this.#event(event),
        onBegin: (seq) => this.#begun(seq),
        onCaughtUp: () => {
          this.#isCaughtUp = true;
          this.#settle();
        },
        onClosed: (error) => this.set({ closed: true, error }),
      }),
      () => void (this.#page = null),
    ];
    this.#countUnread(0);
    this.#show();
    return leave;
  }

  #begun(seq: number): void {
    this.#log.keep(0, 0);
    this.#oldest = seq + 1;
    this.#newest = Infinity;
    this.#told = seq;
    this.#page = null;
    this.#isCaughtUp = false;
    this.#isPaged = false;
    this.#show();
    void this.#loadOlder().then(() => {
      this.#isPaged = true;
      this.#settle();
    });
  }

  /** Ready is what has a first page, and nothing that is missing after it. */
  #settle(): void {
    if (this.#isPaged && this.#isCaughtUp) this.set({ ready: true });
  }

  #event(event: RoomEvent): void {
    if (this.#page) this.#meanwhile.push(event);
    this.#log.apply(event);
    if (event.seq > this.#told) {
      this.#told = event.seq;
      if (this.#newest === Infinity) this.#log.append(shown(event));
    }
    this.#acknowledged = this.#acknowledged.filter(({ seq = 0 }) => seq > event.seq);
    const isRead = event.kind !== "message" || isApart(event.message) || event.message.sender.id === this.me;
    if (isRead) this.#show();
    else {
      this.#fresh?.push(event.seq);
      this.#show({ unread: this.get().unread + 1 });
    }
    // All members hear of it.
    if (event.kind === "deleted") this.#countUnread();
  }

  #show(change: Partial<RoomState> = {}): void {
    const outgoing = this.client.outgoing.get().filter((message) => !this.#isApart(message));
    const sending = outgoing.map((message) => own(message, "sending"));
    const items = [...this.#log.items, ...this.#acknowledged, ...this.#failed, ...sending];
    this.set({ ...change, hasOlder: this.#oldest > 1, hasNewer: this.#newest < Infinity, part: this.#part, items });
  }

  /** Whether a message on its way is shown elsewhere. */
  #isApart({ room, thread }: OutgoingMessage): boolean {
    return room !== this.room || !!thread;
  }

  // What is unread.

  async #loadUnread(): Promise<void> {
    const fresh: number[] = (this.#fresh = []);
    const room = await this.client.rest.getRoom(this.room).catch(() => null);
    this.#fresh = null;
    if (!room) return;
    this.#read = Math.max(this.#read, room.read ?? 0);
    // What came meanwhile is counted there or here.
    this.#countUnread(0, (room.unread ?? 0) + fresh.filter((seq) => seq > room.head).length);
  }

  /** Counts what is loaded after the mark, if all of that is; else the server knows, which is asked within a while. */
  #countUnread(withinMs?: number, known?: number): void {
    const isLoaded = this.#oldest > 0 && this.#read >= this.#oldest - 1 && this.#newest === Infinity;
    const unread = isLoaded
      ? (this.#log.items as readonly ShownMessage[]).filter(
          ({ seq = 0, message }) => seq > this.#read && message && message.sender.id !== this.me && !message.deleted,
        ).length
      : known;
    if (unread === undefined) this.soon("", () => this.#loadUnread(), withinMs);
    else this.set({ unread, read: this.#read });
  }

  #readUpTo(seq: number): void {
    if (seq <= this.#read) return;
    this.#read = seq;
    this.#onRead(this.room, seq);
    this.#countUnread(0);
  }
}

/** What of an event stands in the timeline by itself; changes of messages are shown at the messages. */
function shown(event: RoomEvent): ShownItem[] {
  const { seq, at } = event;
  if (event.kind === "edited" || event.kind === "deleted" || event.kind === "reaction") return [];
  if (event.kind !== "message") return [{ type: "event", key: `event-${seq}`, seq, at, event }];
  const { message } = event;
  if (isApart(message)) return [];
  const replyTo = message.reply_to ?? undefined;
  return [{ type: "message", key: message.key, text: message.text, state: "sent", seq, at, message, replyTo }];
}

/** A message of the user's own, on its way. */
function own(
  { key, text, replyTo, attachments }: OutgoingMessage,
  state: ShownMessage["state"],
  more?: Partial<ShownMessage>,
): ShownMessage {
  return { type: "message", key, text, replyTo, attachments, state, ...more };
}
