// Runs a core: on a link, with timers, storage and the application's handlers.
import { attempt } from "../attempt.js";
import type { Link, LinkListener } from "../connection/link.js";
import type { ConnectionStatus } from "../connection/status.js";
import type { ClientFrame, InboxNotice, InboxPage, PassingFrame, RoomEvent, ServerFrame, ServerHello } from "../contract/index.js";
import type { Environment, Timer } from "../environment.js";
import { MadangError } from "../errors.js";
import { Core } from "./core.js";
import { Delivery, type Handler } from "./delivery.js";
import { type Acknowledgement, type Effect, INBOX } from "./effects.js";
import type { Keeper } from "./keeper.js";
import { OUTBOX_MAX, type OutgoingMessage } from "./outbox.js";
import type { Cursor, Standing } from "./topic.js";

/** Whom a session tells, beside the handlers of its logs. */
export interface SessionListener {
  status(status: ConnectionStatus): void;
  passing(frame: PassingFrame): void;
  acknowledged(message: OutgoingMessage, ack: Acknowledgement): void;
  refused(message: OutgoingMessage, error: MadangError): void;
  /** The messages on their way are others now. */
  outgoing(): void;
  /** A handler of the application has thrown. */
  handlerFailed(error: unknown): void;
}

/** What is told of one log. */
export interface Follower<Item> {
  readonly onItem: Handler<Item>;
  readonly onStarted?: ((cursor: Cursor, standing: Standing) => void) | undefined;
  readonly onCaughtUp?: ((seq: number) => void) | undefined;
  readonly onReset?: ((cursor: Cursor) => void) | undefined;
  readonly onClosed?: ((error: MadangError | null) => void) | undefined;
  /** Whether the place is kept for the time after a reload. */
  readonly keepsCursor: boolean;
}

interface Following {
  readonly follower: Follower<RoomEvent & InboxNotice>;
  readonly delivery: Delivery<RoomEvent & InboxNotice>;
}

export class Session implements LinkListener {
  readonly #core: Core;
  readonly #following = new Map<string, Following>();
  #timer: Timer | null = null;
  #order = 0;
  /** The order of the last message that was taken over. */
  #adopted = 0;
  /** Messages from before `ready`. */
  #early: OutgoingMessage[] | null = [];
  #isRunning = false;
  #runsSoon = false;
  #link: Link | null = null;

  constructor(
    /** The tab, as the owner of its messages. */
    readonly tab: string,
    private readonly keeper: Keeper,
    private readonly pageInbox: (after: number) => Promise<InboxPage>,
    private readonly environment: Environment,
    private readonly listener: SessionListener,
  ) {
    this.#core = new Core(environment.random);
  }

  attach(link: Link): void {
    this.#link = link;
  }

  // The link.

  opened(hello: ServerHello): void {
    this.#run(() => this.#core.connected(hello));
  }

  frame(frame: ServerFrame): void {
    this.#run((nowMs) => this.#core.arrived(frame, nowMs));
  }

  closed(): void {
    this.#run(() => this.#core.disconnected());
  }

  status(status: ConnectionStatus): void {
    this.listener.status(status);
  }

  // Logs.

  follow<Item extends RoomEvent | InboxNotice>(topic: string, since: Cursor | null, follower: Follower<Item>): void {
    if (this.#following.has(topic)) {
      throw new MadangError("already_exists", "there is a subscription to it already");
    }
    const anyFollower = follower as unknown as Follower<RoomEvent & InboxNotice>;
    this.#core.follow(topic, since);
    this.#runSoon();
    const followed = this.#core.topic(topic) as object;
    const delivery = new Delivery(
      anyFollower.onItem,
      (cursor) => {
        if (follower.keepsCursor) void this.keeper.keepCursor(topic, cursor);
        this.#run((nowMs) => this.#core.delivered(topic, followed, nowMs));
      },
      (error) => this.listener.handlerFailed(error),
      this.environment,
    );
    this.#following.set(topic, { follower: anyFollower, delivery });
  }

  unfollow(topic: string): void {
    this.#following.get(topic)?.delivery.close();
    this.#following.delete(topic);
    this.#core.unfollow(topic);
    this.#runSoon();
  }

  // Messages.

  get outgoing(): OutgoingMessage[] {
    return [...this.#core.outgoing(), ...(this.#early ?? [])];
  }

  /** What an earlier page has left is taken over: what was sent meanwhile follows it. */
  ready(): void {
    let early = this.#early ?? [];
    this.#early = null;
    if (early[0] && early[0].order <= this.#adopted) {
      early = early.map((message) => ({ ...message, order: this.#nextOrder() }));
      // The last one first: if this tab ends in the middle, the next one finds them in their order.
      for (const message of [...early].reverse()) void this.keeper.keepMessage(message);
    }
    this.#push(early);
  }

  send(message: Omit<OutgoingMessage, "order" | "owner">): void {
    if (this.#core.outboxIsFull || (this.#early?.length ?? 0) >= OUTBOX_MAX) {
      const text = "too many messages wait";
      throw new MadangError("rate_limited", text, { limit: "client_outbox" });
    }
    // It is shown and sent now, and its way to the storage begins now, also before `ready`: a reload loses nothing.
    const outgoing = { ...message, order: this.#nextOrder(), owner: this.tab };
    void this.keeper.keepMessage(outgoing);
    if (!this.#early) return this.#push([outgoing]);
    this.#early.push(outgoing);
    this.listener.outgoing();
  }

  /** After all that is known, and after what earlier pages have left, unless the clock was set back since then. */
  #nextOrder(): number {
    this.#order = Math.max(this.#order + 1, this.environment.wallMs());
    return this.#order;
  }

  /** Sends what tabs that are gone have left. */
  async adopt(from: ReadonlySet<string>): Promise<void> {
    const messages = await this.keeper.adopt(from, this.tab);
    this.#adopted = Math.max(this.#adopted, messages.at(-1)?.order ?? 0);
    this.#push(messages);
  }

  discard(room: string, key: string): boolean {
    const early = this.#early?.findIndex((message) => message.key === key) ?? -1;
    if (early >= 0) this.#early?.splice(early, 1);
    else if (!this.#core.discard(room, key)) return false;
    void this.keeper.dropMessage(key);
    this.listener.outgoing();
    return true;
  }

  #push(messages: readonly OutgoingMessage[]): void {
    if (messages.length === 0) return;
    for (const { order } of messages) this.#order = Math.max(this.#order, order);
    this.#run(() => messages.forEach((message) => this.#core.send(message)));
    this.listener.outgoing();
  }

  // Questions.

  /** Asks, and asks again after a reconnect. */
  ask(frame: ClientFrame): Promise<ServerFrame> {
    let answer: Promise<ServerFrame> | null = null;
    this.#run((nowMs) => {
      answer = this.#core.ask(frame, nowMs);
    });
    return answer as unknown as Promise<ServerFrame>;
  }

  /** Says what is of use now or never. */
  tell(frame: ClientFrame): void {
    this.#run(() => this.#core.tell(frame));
  }

  stop(): void {
    this.#core.stop(new MadangError("failed_precondition", "the client has stopped"));
    for (const { delivery } of this.#following.values()) delivery.close();
    this.#following.clear();
    if (this.#timer !== null) this.environment.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** What is followed and left in one turn is one frame: 500 of them would count as a flood. */
  #runSoon(): void {
    if (this.#runsSoon) return;
    this.#runsSoon = true;
    // Not `queueMicrotask`, which older versions of React Native lack.
    void Promise.resolve().then(() => {
      this.#runsSoon = false;
      this.#run(() => {});
    });
  }

  #run(act: (nowMs: number) => void): void {
    const nowMs = this.environment.monotonicMs();
    act(nowMs);
    // What is done may lead to more, by a handler that sends: that comes after what was decided before it.
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      this.#core.tick(nowMs);
      for (let effects = this.#core.take(); effects.length > 0; effects = this.#core.take()) {
        // One that fails holds up neither those behind it nor what comes later.
        for (const effect of effects) attempt(() => this.#do(effect));
        this.#core.tick(nowMs);
      }
    } finally {
      this.#isRunning = false;
    }
    if (this.#timer !== null) this.environment.clearTimer(this.#timer);
    const nextMs = this.#core.nextMs();
    const due = () => this.#run(() => {});
    // Never in no time: what is due at once was done.
    this.#timer = nextMs < Infinity ? this.environment.setTimer(due, Math.max(1, nextMs - nowMs)) : null;
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case "write":
        return this.#link?.send(effect.frame);
      case "abandon":
        return this.#link?.abandon();
      case "deliver":
        return this.#following.get(effect.topic)?.delivery.push(effect.item as RoomEvent & InboxNotice, effect.cursor);
      case "started":
      case "reset":
        return this.#inLine(effect.topic, async ({ follower }) => {
          if (follower.keepsCursor) await this.keeper.keepCursor(effect.topic, effect.cursor);
          if (effect.type === "reset") follower.onReset?.(effect.cursor);
          else follower.onStarted?.(effect.cursor, effect.standing);
        });
      case "caughtUp":
        return this.#inLine(effect.topic, ({ follower }) => follower.onCaughtUp?.(effect.seq));
      case "closed":
        return this.#inLine(effect.topic, ({ follower }) => {
          this.#following.delete(effect.topic);
          follower.onClosed?.(effect.error);
        });
      case "pageInbox":
        return void this.#pageInbox(effect.after);
      case "acknowledged":
      case "refused":
        void this.keeper.dropMessage(effect.message.key);
        if (effect.type === "refused") this.listener.refused(effect.message, effect.error);
        else this.listener.acknowledged(effect.message, effect.ack);
        return this.listener.outgoing();
      case "passing":
        return this.listener.passing(effect.frame);
    }
  }

  /** After the items before it are delivered. */
  #inLine(topic: string, call: (following: Following) => void | Promise<void>): void {
    const following = this.#following.get(topic);
    following?.delivery.then(() => call(following));
  }

  async #pageInbox(after: number): Promise<void> {
    const topic = this.#core.topic(INBOX) as object;
    const page = await this.pageInbox(after).catch(() => null);
    this.#run((nowMs) => this.#core.inboxPage(topic, page, nowMs));
  }
}
