// One thread of a room as a page shows it: its root, its messages with those on their way, and what is unread.
import type { Client, MadangError, RoomEvent, RoomMessage } from "@madang/client";
import { Threads } from "@madang/client/threads";
import { changed } from "./changes.js";
import type { RoomFeed } from "./room-feed.js";
import type { ShownMessage } from "./room-store.js";
import { Store } from "./store.js";

/** Messages of a page. */
const PAGE = 50;

export interface ThreadState {
  /** The message under which the thread stands. */
  readonly root: RoomMessage | null;
  /** The oldest first. */
  readonly messages: readonly ShownMessage[];
  readonly ready: boolean;
  readonly hasOlder: boolean;
  readonly following: boolean;
  readonly unread: number;
  /** The place up to which the user has read the thread; null until that is known. */
  readonly read: number | null;
  readonly error: MadangError | null;
}

const EMPTY: ThreadState = {
  root: null,
  messages: [],
  ready: false,
  hasOlder: false,
  following: false,
  unread: 0,
  read: null,
  error: null,
};

export class ThreadStore extends Store<ThreadState> {
  readonly #threads: Threads;
  #log: RoomMessage[] = [];
  #failed: (ShownMessage & { readonly inRoom: boolean | undefined })[] = [];
  /** The load that counts: an answer to an earlier one is late. */
  #loads = 0;
  /** What came while a page was on its way, which may be of before. */
  #meanwhile: RoomEvent[] | null = null;
  /** How many messages of the thread were deleted here. */
  #deletions = 0;

  constructor(
    client: Client,
    private readonly feed: RoomFeed,
    readonly thread: string,
  ) {
    super(client, EMPTY);
    this.#threads = new Threads(client.rest);
  }

  get #room(): string {
    return this.feed.room;
  }

  /** What a page does. */
  readonly actions = {
    /** Sends to the thread, and with `inRoom` to the room as well. */
    send: (text: string, { inRoom = false }: { readonly inRoom?: boolean } = {}): void => {
      this.client.send(this.#room, text, { thread: this.thread, inRoom });
    },
    /** Sends a failed message again. */
    retry: (key: string): void => {
      const failed = this.#failed.find((message) => message.key === key);
      this.actions.discard(key);
      if (failed) this.client.send(this.#room, failed.text, { key, thread: this.thread, inRoom: !!failed.inRoom });
    },
    discard: (key: string): void => {
      this.#failed = this.#failed.filter((message) => message.key !== key);
      this.client.discard(this.#room, key);
      this.#show();
    },
    setFollowing: async (on: boolean): Promise<void> => {
      if (on) this.set(await this.#threads.follow(this.#room, this.thread));
      else {
        await this.#threads.unfollow(this.#room, this.thread);
        this.set({ following: false, unread: 0, read: 0 });
      }
    },
    markRead: (): void => {
      const { following, read } = this.get();
      const last = this.#log.at(-1)?.seq ?? 0;
      if (!following || read === null || last <= read) return;
      this.set({ read: last, unread: 0 });
      void this.#threads.markRead(this.#room, this.thread, last).catch(() => {});
    },
    loadOlder: async (): Promise<void> => {
      if (this.get().hasOlder && !this.#meanwhile) await this.#load(this.#log[0]?.seq);
    },
    /** Loads the thread, where it could not be had. */
    reload: async (): Promise<void> => {
      if (!this.get().ready && !this.#meanwhile) await this.#load();
    },
  };

  // The thread.

  protected override begin(): (() => void)[] {
    this.#log = [];
    this.#failed = [];
    return [
      this.client.outgoing.subscribe(() => this.#show()),
      this.client.on("passing", (frame) => {
        if (frame.type !== "thread_read" || frame.room !== this.#room || frame.thread !== this.thread) return;
        const { following, read, unread } = frame;
        // Another device of the user. An answer to this one's own may be older than what it has read since.
        if (!following || read >= (this.get().read ?? 0)) this.set({ following, read, unread });
      }),
      this.client.on("refused", ({ message: { room, key, text, thread, inRoom }, error }) => {
        if (room !== this.#room || thread !== this.thread) return;
        this.#failed = [...this.#failed, { type: "message", key, text, state: "failed", error, inRoom }];
        this.#show();
      }),
      this.feed.follow({
        onEvent: (event) => this.#event(event),
        // From here on everything is told: what was before is loaded.
        onBegin: () => void this.#load(),
        onClosed: (error) => this.set({ error }),
      }),
      () => {
        this.#loads += 1;
        this.#meanwhile = null;
      },
    ];
  }

  async #load(before?: number): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    const meanwhile: RoomEvent[] = (this.#meanwhile = []);
    const page = await this.#threads
      .messages(this.#room, this.thread, { limit: PAGE, ...(before && { before }) })
      .catch((error: MadangError) => ({ error }));
    if (load !== this.#loads) return;
    this.#meanwhile = null;
    // The end is asked for again by whoever wants it.
    if ("error" in page) this.set({ ...page, ready: !!before });
    else {
      const { root, items, more, following, read, unread } = page;
      this.#log = [...items.reverse(), ...(before ? this.#log : [])];
      const place = before ? {} : { following, read, unread };
      this.set({ root, hasOlder: more, ready: true, error: null, ...place });
    }
    const known = this.#log.at(-1)?.seq ?? 0;
    // Also where the page could not be had: what came is told once.
    if (this.get().root) for (const event of meanwhile) this.#apply(event, event.seq > known);
    this.#show();
  }

  /** The server knows how many of those that are not loaded are unread. */
  async #loadUnread(): Promise<void> {
    const deletions = this.#deletions;
    const page = await this.#threads.messages(this.#room, this.thread, { limit: 1 }).catch(() => null);
    if (!page) return;
    // One that was deleted meanwhile is counted there, or not.
    if (deletions !== this.#deletions) return this.#loadUnreadSoon();
    const { items, following, read, unread } = page;
    if (read < (this.get().read ?? 0)) return;
    const head = items[0]?.seq ?? 0;
    const later = this.#log.filter((message) => message.seq > head && this.#counts(message));
    this.set({ following, read, unread: unread + (following ? later.length : 0) });
  }

  #loadUnreadSoon(): void {
    this.soon("unread", () => this.#loadUnread());
  }

  /** Whether a message counts as unread after its place is read up to. */
  #counts({ deleted, sender }: RoomMessage): boolean {
    return !deleted && sender.id !== this.me;
  }

  #event(event: RoomEvent): void {
    if (this.#meanwhile) this.#meanwhile.push(event);
    else if (this.get().root) {
      this.#apply(event, true);
      this.#show();
    }
  }

  #apply(event: RoomEvent, isNew: boolean): void {
    const me = this.me;
    const { root, unread, following, read } = this.get();
    if (root) this.set({ root: after(root, event, me) });
    const gone = event.kind === "deleted" && this.#log.find(({ id }) => id === event.deleted.message);
    const wasUnread = gone && this.#counts(gone) && gone.seq > (read ?? 0);
    this.#log = this.#log.map((message) => after(message, event, me));
    if (wasUnread) this.set({ unread: Math.max(0, unread - 1) });
    if (event.kind === "deleted" && event.deleted.thread?.root === this.thread) {
      this.#deletions += 1;
      if (!gone && unread > 0) this.#loadUnreadSoon();
    }
    if (event.kind !== "message" || event.message.thread?.root !== this.thread || !isNew) return;
    const { room, seq, at, message } = event;
    this.#log = [...this.#log, { room, seq, at, ...message }];
    const mine = message.sender.id === me;
    // Who writes in it or is mentioned there follows it.
    const follows = following || mine || (me !== undefined && message.mentions.includes(me));
    this.set({ following: follows, unread: unread + (follows && !mine ? 1 : 0) });
  }

  #show(): void {
    const sending = this.client.outgoing
      .get()
      .filter(({ room, thread }) => room === this.#room && thread === this.thread)
      .map(({ key, text }): ShownMessage => ({ type: "message", key, text, state: "sending" }));
    const sent = this.#log.map(({ room: _, seq, at, ...message }): ShownMessage => {
      const { key, text, reply_to } = message;
      return { type: "message", key, text, state: "sent", seq, at, message, replyTo: reply_to ?? undefined };
    });
    const keys = new Set(sent.map(({ key }) => key));
    this.set({ messages: [...sent, ...this.#failed, ...sending.filter(({ key }) => !keys.has(key))] });
  }
}

function after(message: RoomMessage, event: RoomEvent, me: string | undefined): RoomMessage {
  const { room, seq, at } = message;
  return { ...changed(message, event, me), room, seq, at };
}
