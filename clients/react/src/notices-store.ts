// The user's inbox, as a page shows it.
import type { Client, InboxNotice, Subscription } from "@madang/client";
import { Store } from "./store.js";

/** Notices of a page. */
const NOTICES = 50;

export interface NoticesState {
  /** The newest first. */
  readonly notices: readonly InboxNotice[];
  readonly unread: number;
  readonly ready: boolean;
}

export class NoticesStore extends Store<NoticesState> {
  #subscription: Subscription | null = null;
  #head = 0;

  constructor(private readonly client: Client) {
    super({ notices: [], unread: 0, ready: false });
  }

  readonly markRead = (): void => {
    const { unread } = this.get();
    if (unread === 0) return;
    this.set({ unread: 0 });
    void this.client.rest.markInboxRead(this.#head).catch(() => this.set({ unread }));
  };

  protected override begin(): void {
    this.#head = 0;
    this.#subscription = this.client.subscribeInbox({
      onItem: (notice) => {
        this.#head = notice.seq;
        const { notices, unread } = this.get();
        this.set({ notices: [notice, ...notices], unread: unread + 1 });
      },
      onStarted: (_cursor, standing) => this.#load(standing.head),
      onReset: ({ seq }) => this.#load(seq),
    });
  }

  protected override end(): void {
    this.#subscription?.close();
  }

  /** What stands before the subscription; what comes later is handed out by it. */
  #load(head: number): void {
    this.#head = Math.max(this.#head, head);
    void this.client.rest
      .listInbox({ before: head + 1, limit: NOTICES })
      .then(({ items, read }) => {
        const later = this.get().notices.filter(({ seq }) => seq > head);
        const earlier = items.map((item): InboxNotice => ({ type: "notice", ...item }));
        this.set({ notices: [...later, ...earlier], unread: Math.max(0, this.#head - read), ready: true });
      })
      .catch(() => {});
  }
}
