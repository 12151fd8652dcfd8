// The user's inbox, as a page shows it.
import type { Client, InboxNotice } from "@madang/client";
import { Store } from "./store.js";

/** Notices of a page. */
const NOTICES = 50;

export interface NoticesState {
  /** The newest first, without those that are dismissed. */
  readonly notices: readonly InboxNotice[];
  readonly unread: number;
  readonly ready: boolean;
}

export class NoticesStore extends Store<NoticesState> {
  #head = 0;
  #read = 0;

  constructor(client: Client) {
    super(client, { notices: [], unread: 0, ready: false });
  }

  readonly markRead = (): void => {
    const { unread } = this.get();
    if (!unread) return;
    this.set({ unread: 0 });
    void this.client.rest.markInboxRead(this.#head).catch(() => this.set({ unread }));
  };

  protected override begin(): (() => void)[] {
    this.#head = 0;
    const leave = this.client.on("passing", (frame) => {
      if (frame.type !== "inbox_read") return;
      this.#read = frame.read;
      this.set({ unread: frame.unread });
    });
    const { close } = this.client.subscribeInbox({
      onItem: (notice) => this.#arrived(notice),
      onStarted: (_cursor, standing) => this.#load(standing.head),
      onReset: ({ seq }) => this.#load(seq),
    });
    return [leave, close];
  }

  #arrived(notice: InboxNotice): void {
    this.#head = notice.seq;
    const { notices, unread } = this.get();
    if (notice.kind !== "dismissed") return this.set({ notices: [notice, ...notices], unread: unread + 1 });
    const { notice: gone } = notice.data;
    // What was never shown here may be unread all the same; the next load says so.
    const wasUnread = gone > this.#read && gone !== notice.seq && unread > 0;
    this.set({ notices: notices.filter(({ seq }) => seq !== gone), unread: wasUnread ? unread - 1 : unread });
  }

  /** What stands before the subscription; what comes later is handed out by it. */
  #load(head: number): void {
    this.#head = Math.max(this.#head, head);
    void this.client.rest
      .listInbox({ before: head + 1, limit: NOTICES })
      .then((page) => {
        const later = this.get().notices.filter(({ seq }) => seq > head);
        const earlier = page.items.map((item): InboxNotice => ({ type: "notice", ...item }));
        this.#read = page.read;
        // The page may be of a later moment than the subscription's beginning.
        const unread = page.unread + later.filter(({ seq }) => seq > page.head).length;
        this.set({ notices: [...later, ...earlier], unread, ready: true });
      })
      .catch(() => {});
  }
}
