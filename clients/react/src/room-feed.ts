// The one subscription of a room, for everything in a page that follows it: a client follows each room once.
import type { Client, MadangError, RoomEvent, Subscription } from "@madang/client";

/** What is told of a room. */
export interface FeedListener {
  readonly onEvent: (event: RoomEvent) => void;
  /** Everything behind this place will be told. It comes again where the history is another one. */
  readonly onBegin?: (seq: number) => void;
  readonly onCaughtUp?: () => void;
  /** Nothing more comes. */
  readonly onClosed?: (error: MadangError | null) => void;
}

/** Subscribes with its first listener, and ends with its last one. Who comes later begins where it stands. */
export class RoomFeed {
  readonly #listeners = new Set<FeedListener>();
  #subscription: Subscription | null = null;
  /** The last place that was told; null until the subscription has begun. */
  #place: number | null = null;
  #isCaughtUp = false;

  readonly #client: Client;

  constructor(
    client: Client,
    readonly room: string,
  ) {
    this.#client = client;
  }

  /** Follows the room, the first listener from behind `since`, or from now. The returned function ends it. */
  follow(listener: FeedListener, since?: number): () => void {
    this.#listeners.add(listener);
    if (!this.#subscription) this.#open(since);
    if (this.#place !== null) listener.onBegin?.(this.#place);
    if (this.#isCaughtUp) listener.onCaughtUp?.();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#close();
    };
  }

  #open(since: number | undefined): void {
    this.#place = since ?? null;
    this.#subscription = this.#client.subscribe(
      this.room,
      {
        onItem: (event) => {
          this.#place = event.seq;
          this.#tell((listener) => listener.onEvent(event));
        },
        onStarted: ({ seq }) => this.#begin(seq),
        onReset: ({ seq }) => this.#begin(seq),
        onCaughtUp: () => {
          this.#isCaughtUp = true;
          this.#tell((listener) => listener.onCaughtUp?.());
        },
        onClosed: (error) => {
          this.#close();
          this.#tell((listener) => {
            this.#listeners.delete(listener);
            listener.onClosed?.(error);
          });
        },
      },
      since === undefined ? {} : { since },
    );
  }

  #begin(seq: number): void {
    this.#place = seq;
    this.#tell((listener) => listener.onBegin?.(seq));
  }

  #tell(call: (listener: FeedListener) => void): void {
    [...this.#listeners].forEach(call);
  }

  #close(): void {
    this.#subscription?.close();
    this.#subscription = null;
    this.#place = null;
    this.#isCaughtUp = false;
  }
}
