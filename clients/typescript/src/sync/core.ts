// What a session decides: given what arrived and what time it is, what to write and what to tell. No I/O, no timers.
import { backoffMs } from "../connection/backoff.js";
import type { ClientFrame, InboxPage, ServerFrame, ServerHello } from "../contract/index.js";
import { MadangError, errorOfFrame, passes } from "../errors.js";
import { type Acknowledgement, type Effect, INBOX } from "./effects.js";
import { Outbox, type OutgoingMessage } from "./outbox.js";
import { type Purpose, Questions, Requests } from "./requests.js";
import type { Cursor, Topic } from "./topic.js";
import { type Item, Topics } from "./topics.js";

export class Core {
  readonly #topics: Topics;
  readonly #outbox = new Outbox();
  readonly #requests = new Requests();
  readonly #questions = new Questions();
  #hello: ServerHello | null = null;
  #effects: Effect[] = [];

  constructor(private readonly random: () => number) {
    this.#topics = new Topics(
      random,
      (effect) => this.#effects.push(effect),
      (frame, purpose, nowMs) => this.#write(frame, purpose, nowMs),
      () => this.#abandon(),
    );
  }

  /** What is to be done now. */
  take(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  // What the application wants.

  follow(name: string, since: Cursor | null): void {
    this.#topics.follow(name, since);
  }

  unfollow(name: string): void {
    this.#topics.unfollow(name);
  }

  topic(name: string): Topic | undefined {
    return this.#topics.topic(name);
  }

  delivered(name: string, topic: object, nowMs: number): void {
    this.#topics.delivered(name, topic, nowMs);
  }

  send(message: OutgoingMessage): void {
    this.#outbox.push(message);
  }

  discard(room: string, key: string): OutgoingMessage | null {
    return this.#outbox.settle(room, key);
  }

  get outboxIsFull(): boolean {
    return this.#outbox.isFull;
  }

  outgoing(): OutgoingMessage[] {
    return this.#outbox.messages();
  }

  ask(frame: ClientFrame, nowMs: number): Promise<ServerFrame> {
    return this.#questions.ask(frame, nowMs);
  }

  /** A frame that is of use now or never. */
  tell(frame: ClientFrame): void {
    if (this.#hello) this.#effects.push({ type: "write", frame });
  }

  stop(error: MadangError): void {
    this.#questions.endAll(error);
  }

  // What happens to the connection.

  connected(hello: ServerHello): void {
    this.disconnected();
    this.#hello = hello;
    this.#topics.connected(hello);
  }

  disconnected(): void {
    this.#hello = null;
    this.#requests.disconnected();
    this.#questions.disconnected();
    this.#outbox.disconnected();
    this.#topics.disconnected();
  }

  /** Does what is due. */
  tick(nowMs: number): void {
    this.#questions.expire(nowMs);
    if (!this.#hello) return;
    if (this.#requests.nextMs() <= nowMs) return this.#abandon();
    this.#topics.askForDue(nowMs);
    for (const question of this.#questions.unwritten()) {
      question.written = true;
      this.#write(question.frame, { type: "question", question }, nowMs);
    }
    this.#sendDue(nowMs, this.#hello.limits.frame_bytes);
  }

  /** When `tick` has something to do next; Infinity if never. */
  nextMs(): number {
    const asked = this.#questions.nextMs();
    if (!this.#hello) return asked;
    return Math.min(asked, this.#requests.nextMs(), this.#outbox.nextMs(), this.#topics.nextMs());
  }

  arrived(frame: ServerFrame, nowMs: number): void {
    if (!this.#hello) return;
    this.#requests.heard(nowMs);
    const purpose = "re" in frame ? this.#requests.answered(frame.re) : null;
    if (purpose?.type === "question") return this.#answer(purpose, frame);
    switch (frame.type) {
      case "event":
        this.#acknowledgeByEvent(frame);
        return this.#topics.item(frame.room, frame.seq, frame, nowMs);
      case "notice":
        return this.#topics.item(INBOX, frame.seq, frame, nowMs);
      case "subscribed":
        for (const room of frame.rooms) this.#topics.subscribed(room, nowMs);
        return;
      case "inbox":
        return this.#topics.opened(INBOX, frame, nowMs);
      case "caught_up":
        return this.#topics.caughtUp(frame.room, frame.seq, nowMs);
      case "ack":
        return this.#acknowledged(frame.room, frame.key, frame);
      case "ok":
        if (purpose?.type === "page") this.#topics.roomPage(purpose, frame.events ?? [], nowMs);
        return;
      case "error":
        return this.#refused(frame.re ?? "", purpose, errorOfFrame(frame), nowMs);
      case "delivered":
      case "inbox_read":
      case "mentioned_here":
      case "presence":
      case "profile":
      case "read":
      case "settings":
      case "status":
      case "thread_read":
      case "typing":
        this.#effects.push({ type: "passing", frame });
        return;
      case "hello":
      case "pong":
      case "reconnect":
        return;
    }
  }

  /** The page of the inbox that was asked for; null if it could not be had. */
  inboxPage(topic: object, page: InboxPage | null, nowMs: number): void {
    // A page has the notices without the type of the frame.
    this.#topics.inboxPage(topic, page && { items: page.items.map((item) => ({ type: "notice", ...item })) }, nowMs);
  }

  // Messages on their way.

  #sendDue(nowMs: number, frameBytesMax: number): void {
    for (const frame of this.#outbox.due(nowMs, () => this.#requests.ask({ type: "send" }, nowMs))) {
      if (new TextEncoder().encode(JSON.stringify(frame)).length > frameBytesMax) {
        this.#requests.answered(frame.id);
        this.#refusedMessage(frame.room, frame.key, new MadangError("too_large", "the message is too large"));
        continue;
      }
      this.#effects.push({ type: "write", frame });
    }
  }

  #acknowledged(room: string, key: string, { id, seq, at }: Acknowledgement): void {
    const message = this.#outbox.settle(room, key);
    if (message) this.#effects.push({ type: "acknowledged", message, ack: { id, seq, at } });
  }

  /** The event says the same as the acknowledgement, which a lost connection may have swallowed. */
  #acknowledgeByEvent(item: Item): void {
    if (item.kind !== "message" || item.message.sender.id !== this.#hello?.user.id) return;
    this.#acknowledged(item.room, item.message.key, { id: item.message.id, seq: item.seq, at: item.at });
  }

  #refusedMessage(room: string, key: string, error: MadangError): void {
    const message = this.#outbox.settle(room, key);
    if (message) this.#effects.push({ type: "refused", message, error });
  }

  // Answers.

  #answer({ question }: Purpose & { type: "question" }, frame: ServerFrame): void {
    this.#questions.end(question);
    if (frame.type === "error") question.reject(errorOfFrame(frame));
    else question.resolve(frame);
  }

  #refused(re: string, purpose: Purpose | null, error: MadangError, nowMs: number): void {
    switch (purpose?.type) {
      case "rooms":
        return this.#topics.refusedTogether(purpose.rooms, error, nowMs);
      case "page":
        return this.#topics.pageRefused(purpose, error, nowMs);
      case "send": {
        const message = this.#outbox.of(re);
        if (!message) return;
        if (!passes(error.code)) return this.#refusedMessage(message.room, message.key, error);
        const pause = (refusals: number) => error.retryAfterMs ?? backoffMs(refusals + 1, this.random());
        return this.#outbox.putOff(re, nowMs, pause);
      }
      default:
        return;
    }
  }

  #write(frame: ClientFrame, purpose: Purpose, nowMs: number): void {
    const id = this.#requests.ask(purpose, nowMs);
    this.#effects.push({ type: "write", frame: { ...frame, id } });
  }

  #abandon(): void {
    this.disconnected();
    this.#effects.push({ type: "abandon" });
  }
}
