// Where one log stands for this page: a room's, or the inbox's. It decides what is handed out, and does no I/O.

/** A place in a log. */
export interface Cursor {
  readonly seq: number;
  /** The history that the place belongs to. */
  readonly epoch?: string | undefined;
}

/** What the server says of a log when a subscription begins. */
export interface Standing {
  readonly epoch: string;
  readonly head: number;
  /** What comes begins after this place. */
  readonly from: number;
  readonly complete: boolean;
}

/**
 * What waits for the application at most, of one log. Past half of it no more is asked for; past all of it the
 * subscription is left, and begins again when the application has caught up.
 */
export const UNDELIVERED_MAX = 1_000;

type Mode =
  /** Nothing comes, or what comes is of no use: a subscription is to be asked for, or its answer is awaited. */
  | "closed"
  | "open"
  /** What was missed is paged from history. */
  | "paging";

export type Opened = "follows" | "page" | "reset" | "other" | "behind";

/**
 * How often the question is repeated, before a log of the same epoch is believed to end before the place that was
 * reached: by the contract it never does, but an old standing may have been overtaken by a page that came by HTTP.
 */
const BEHIND_MAX = 2;

export class Topic {
  #mode: Mode = "closed";
  #cursor: Cursor | null;
  /** The last place that is known to exist, while history is paged. */
  #target = 0;
  #undelivered = 0;
  /** Standings in a row that end before the cursor, of its epoch. */
  #behind = 0;
  /** The application was too slow, and the subscription was left. */
  #full = false;

  constructor(since: Cursor | null) {
    this.#cursor = since;
  }

  /** The last place that was handed out; null before the first answer where none was given. */
  get cursor(): Cursor | null {
    return this.#cursor;
  }

  get isOpen(): boolean {
    return this.#mode === "open";
  }

  get isPaging(): boolean {
    return this.#mode === "paging";
  }

  /** Whether the application has room for a page. */
  get hasRoom(): boolean {
    return this.#undelivered <= UNDELIVERED_MAX / 2;
  }

  /** The subscription is lost, or given up. */
  close(): void {
    this.#mode = "closed";
  }

  /** A subscription began. Where tabs share a socket it may be another tab's, from another place: `other`. */
  opened({ epoch, head, from, complete }: Standing): Opened {
    const cursor = this.#cursor;
    if (cursor === null) {
      this.#cursor = { seq: from, epoch };
      this.#mode = "open";
      return "follows";
    }
    // An answer for a place past the head is never complete. A complete one is late: the socket of another tab was told
    // it before this page got further.
    const isBehind = cursor.seq > head && !complete;
    if (isBehind && cursor.epoch === epoch && this.#behind < BEHIND_MAX) {
      this.#behind += 1;
      return "behind";
    }
    this.#behind = 0;
    if ((cursor.epoch !== undefined && cursor.epoch !== epoch) || isBehind) {
      this.#cursor = { seq: from, epoch };
      this.#mode = "open";
      return "reset";
    }
    this.#cursor = { seq: cursor.seq, epoch };
    if (from <= cursor.seq) {
      this.#mode = "open";
      return "follows";
    }
    if (complete) return "other";
    // What is known of an earlier paging may be of another history.
    this.#target = this.isPaging ? Math.max(this.#target, from) : from;
    this.#mode = "paging";
    return "page";
  }

  /** One came by the subscription. */
  arrived(seq: number): "deliver" | "skip" | "gap" {
    if (this.#mode === "paging") {
      this.#target = Math.max(this.#target, seq);
      return "skip";
    }
    if (this.#mode === "closed" || this.#cursor === null || seq <= this.#cursor.seq) return "skip";
    if (seq > this.#cursor.seq + 1) return "gap";
    if (this.#undelivered >= UNDELIVERED_MAX) {
      this.#full = true;
      this.#mode = "closed";
      return "skip";
    }
    this.#handOut(seq);
    return "deliver";
  }

  /** One came in a page of history. */
  paged(seq: number): "deliver" | "skip" | "gap" {
    const last = this.#cursor?.seq ?? 0;
    if (seq <= last) return "skip";
    if (seq > last + 1) return "gap";
    this.#handOut(seq);
    return "deliver";
  }

  /** A page is through. History that ends before a place which is known to exist is `short`. */
  pageEnded(items: number): "more" | "caughtUp" | "short" {
    const last = this.#cursor?.seq ?? 0;
    if (last >= this.#target) {
      this.#mode = "open";
      return "caughtUp";
    }
    return items > 0 ? "more" : "short";
  }

  /** The server says that everything up to this place was sent. */
  caughtUp(seq: number): "caughtUp" | "gap" | "skip" {
    if (this.#mode !== "open") return "skip";
    return (this.#cursor?.seq ?? 0) < seq ? "gap" : "caughtUp";
  }

  /** The application has taken one. True if the subscription, left for its slowness, should begin again. */
  delivered(): boolean {
    this.#undelivered -= 1;
    if (!this.#full || !this.hasRoom) return false;
    this.#full = false;
    return true;
  }

  #handOut(seq: number): void {
    this.#cursor = { seq, epoch: this.#cursor?.epoch };
    this.#undelivered += 1;
  }
}
