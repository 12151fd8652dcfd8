// The client of one account.
import { type Handshake, type CredentialSource, ticketCredentials, tokenCredentials } from "./connection/credential.js";
import type { Link, LinkListener } from "./connection/link.js";
import { SocketLink } from "./connection/socket-link.js";
import type { ConnectionStatus } from "./connection/status.js";
import { AccessTokens, type TokenProvider } from "./connection/tokens.js";
import type { ClientFrame, InboxNotice, NewAttachment, PassingFrame, RoomEvent, ServerFrame, User } from "./contract/index.js";
import { type Environment, type SocketConstructor, systemEnvironment } from "./environment.js";
import { MadangError } from "./errors.js";
import { Emitter } from "./emitter.js";
import { type Observable, Subject } from "./observable.js";
import { type Page, currentPage, watchPage } from "./page.js";
import { Http } from "./rest/http.js";
import { type LogQuery, Rest } from "./rest/rest.js";
import { withFallback } from "./storage/fallback.js";
import { indexedDbStorage } from "./storage/indexed-db.js";
import type { ClientStorage } from "./storage/storage.js";
import { type Acknowledgement, INBOX } from "./sync/effects.js";
import { Keeper } from "./sync/keeper.js";
import type { OutgoingMessage } from "./sync/outbox.js";
import { type Follower, Session } from "./sync/session.js";
import type { Cursor, Standing } from "./sync/topic.js";
import { SharedLink } from "./tabs/shared-link.js";

/** How long a REST call may take. */
export const REST_DEADLINE_MS = 10_000;

/** How long a start waits for what earlier pages have left. */
export const TAKE_OVER_DEADLINE_MS = 3_000;

export interface ClientOptions {
  /** The server, with its base path if it has one: `https://chat.example.com`. */
  readonly url: string;
  /** The user's id, or any name of the account: what is stored and shared with other tabs is kept apart by it. */
  readonly account: string;
  /** Gives the access token. */
  readonly tokens?: TokenProvider;
  /** Gives a ticket of the site's backend for each socket, where the page has no token. */
  readonly ticket?: () => Promise<string>;
  /** How a token opens a socket: by a ticket that is taken for it, or in the first frame. By default by a ticket. */
  readonly handshake?: Handshake;
  /** Where cursors and unsent messages are kept. By default in IndexedDB; in memory where that refuses. */
  readonly storage?: ClientStorage;
  /** Whether the tabs of the account share one socket. By default they do where the browser has Web Locks. */
  readonly shareTabs?: boolean;
  /** The constructor of sockets where there is none of the platform, as in Node 20. */
  readonly WebSocket?: SocketConstructor;
  readonly environment?: Partial<Environment>;
  readonly page?: Page | undefined;
}

/** Where a subscription begins. */
export interface SubscribeOptions {
  /** The last place that the application has. Without it the subscription begins now. */
  readonly since?: Cursor | number;
  /**
   * Keeps the place over a reload, and begins there if `since` is absent. It is for applications that keep what is
   * delivered, too: the place of an event is kept after the promise of `onItem`.
   */
  readonly stored?: boolean;
}

export interface SubscriptionHandlers<Item> {
  /** An event or a notice, in order, each once. The next one waits for the promise; after a rejection it comes again. */
  readonly onItem: (item: Item) => void | Promise<void>;
  /** The subscription began without a place. */
  readonly onStarted?: (cursor: Cursor, standing: Standing) => void;
  /** Everything that was there is delivered. */
  readonly onCaughtUp?: (seq: number) => void;
  /** The history is another one: forget what is shown, and load it anew. */
  readonly onReset?: (cursor: Cursor) => void;
  /** Nothing more comes. Without an error the user has left the room, or it was deleted. */
  readonly onClosed?: (error: MadangError | null) => void;
}

export interface Subscription {
  close(): void;
}

export interface SendOptions {
  readonly replyTo?: string;
  readonly attachments?: readonly NewAttachment[];
  /** The id of the message under which it stands: the root of the thread. */
  readonly thread?: string;
  /** With `thread`: whether it stands among the messages of the room as well. */
  readonly inRoom?: boolean;
  /** A JSON object of at most 4 KiB, which the message carries. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The idempotency key, to send a refused message again. By default a new one. */
  readonly key?: string;
}

/** A message on its way. */
export interface Sending {
  readonly key: string;
  /** Where the message came to stand, or why it was refused. */
  readonly done: Promise<Acknowledgement>;
}

/** What a client tells beside the handlers of subscriptions. */
export interface ClientEvents {
  passing: PassingFrame;
  acknowledged: { message: OutgoingMessage; ack: Acknowledgement };
  refused: { message: OutgoingMessage; error: MadangError };
  /**
   * A handler of a subscription has thrown, or the browser does not store; neither ends anything. What a listener of
   * these events or of an observable throws is reported by `reportError`, in Node by `console.error`.
   */
  error: unknown;
}

/** A message on its way, of this page. */
interface Settling {
  readonly room: string;
  readonly done: Promise<Acknowledgement>;
  readonly resolve: (ack: Acknowledgement) => void;
  readonly reject: (error: MadangError) => void;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class Client {
  readonly rest: Rest;
  readonly account: string;
  readonly #status = new Subject<ConnectionStatus>({ phase: "stopped" });
  readonly #outgoing = new Subject<readonly OutgoingMessage[]>([]);
  readonly #events = new Emitter<ClientEvents>();
  readonly #settling = new Map<string, Settling>();
  readonly #environment: Environment;
  readonly #page: Page | undefined;
  readonly #keeper: Keeper;
  readonly #session: Session;
  readonly #link: Link;
  /** The link, where tabs share it. */
  readonly #shared: SharedLink | null;
  #unwatch: (() => void) | null = null;
  #ready: Promise<void> | null = null;
  #user: User | null = null;

  constructor(options: ClientOptions) {
    const environment = { ...systemEnvironment(), ...options.environment };
    if (options.WebSocket) environment.WebSocket = options.WebSocket;
    this.#environment = environment;
    this.#page = "page" in options ? options.page : currentPage();
    this.account = options.account;
    const url = options.url.replace(/\/+$/, "");
    const tokens = new AccessTokens(options.tokens ?? (() => null), environment);
    this.rest = new Rest(new Http(url, tokens, environment, REST_DEADLINE_MS));
    const name = `madang:${url}:${options.account}`;
    const stored = withFallback(options.storage ?? indexedDbStorage(), (error) => this.#events.emit("error", error));
    this.#keeper = new Keeper(stored, name);
    const tab = environment.newId();
    this.#session = new Session(
      tab,
      this.#keeper,
      (after) => this.rest.listInbox({ after, limit: 200 }),
      environment,
      {
        status: (status) => this.#told(status),
        passing: (frame) => this.#events.emit("passing", frame),
        acknowledged: (message, ack) => this.#acknowledged(message, ack),
        refused: (message, error) => this.#refused(message, error),
        outgoing: () => this.#outgoing.set(this.#session.outgoing),
        handlerFailed: (error) => this.#events.emit("error", error),
      },
    );
    const credentials: CredentialSource = options.ticket
      ? ticketCredentials(options.ticket)
      : tokenCredentials(tokens, options.handshake ?? "ticket", () => this.rest.createTicket());
    const socketUrl = `${url.replace(/^http/, "ws")}/v1/ws`;
    const openSocket = (listener: LinkListener) => new SocketLink(socketUrl, credentials, environment, listener);
    const { locks } = environment;
    const shares = (options.shareTabs ?? true) && locks && environment.openChannel;
    const gone = () => void this.#takeOver();
    this.#shared = shares ? new SharedLink(name, tab, locks, environment, openSocket, this.#session, gone) : null;
    this.#link = this.#shared ?? openSocket(this.#session);
    this.#session.attach(this.#link);
  }

  // The connection.

  /** How the connection stands. */
  get status(): Observable<ConnectionStatus> {
    return this.#status;
  }

  /** The user, once a connection has said who that is. */
  get user(): User | null {
    return this.#user;
  }

  /** Connects, and connects again whenever the connection is lost. */
  start(): void {
    if (this.#unwatch) return this.#link.start();
    this.#unwatch = this.#page ? watchPage(this.#page, this.#link) : () => {};
    this.#link.start();
    // Before anything else is sent. Others know by the link that this tab is there, and leave it what it has kept.
    this.#ready ??= Promise.race([this.#takeOver(), this.#takeOverDeadline()]).then(() => this.#session.ready());
  }

  /** Disconnects. Subscriptions and messages on their way wait for `start`. */
  stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#link.stop();
  }

  /** Ends everything. Messages on their way stay in the storage. */
  close(): void {
    this.stop();
    this.#session.stop();
  }

  /** Hears of what passes; the returned function ends it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  // Logs.

  /** Follows a room, which is named by its id. */
  subscribe(room: string, handlers: SubscriptionHandlers<RoomEvent>, options: SubscribeOptions = {}): Subscription {
    if (!UUID.test(room)) throw new MadangError("invalid_argument", "a room is followed by its id");
    return this.#follow(room, handlers, options);
  }

  /** Follows the user's inbox. */
  subscribeInbox(handlers: SubscriptionHandlers<InboxNotice>, options: SubscribeOptions = {}): Subscription {
    return this.#follow(INBOX, handlers, options);
  }

  #follow<Item extends RoomEvent | InboxNotice>(
    topic: string,
    handlers: SubscriptionHandlers<Item>,
    { since, stored = false }: SubscribeOptions,
  ): Subscription {
    const follower: Follower<Item> = { ...handlers, keepsCursor: stored };
    const given = typeof since === "number" ? { seq: since } : since;
    let state: "waiting" | "open" | "closed" = "waiting";
    const follow = (cursor: Cursor | null) => {
      if (state === "waiting") this.#session.follow(topic, cursor, follower);
      state = state === "waiting" ? "open" : state;
    };
    if (!stored) follow(given ?? null);
    // A place that is given is kept before anything is delivered: a reload must not begin elsewhere.
    else if (given) void this.#keeper.keepCursor(topic, given).then(() => follow(given));
    else void this.#keeper.cursor(topic).then(follow);
    return {
      close: () => {
        if (state === "open") this.#session.unfollow(topic);
        state = "closed";
      },
    };
  }

  // Messages.

  /** Messages on their way, oldest first in each room. */
  get outgoing(): Observable<readonly OutgoingMessage[]> {
    return this.#outgoing;
  }

  /**
   * Sends a message, now or when there is a connection; it survives a reload. Messages of one room arrive in the order
   * of the calls. The key is made here, once, and every repetition has it. A key that is on its way is not sent again,
   * and not to another room.
   */
  send(room: string, text: string, { key = this.#environment.newId(), ...options }: SendOptions = {}): Sending {
    const known = this.#settling.get(key);
    if (known && known.room !== room) throw new MadangError("failed_precondition", "the key is on its way in another room");
    if (known) return { key, done: known.done };
    let settle = {} as Pick<Settling, "resolve" | "reject">;
    const done = new Promise<Acknowledgement>((resolve, reject) => (settle = { resolve, reject }));
    // Who does not look at it has no unhandled rejection.
    done.catch(() => {});
    this.#settling.set(key, { room, done, ...settle });
    try {
      this.#session.send({ key, room, text, ...options });
    } catch (error) {
      this.#settle(key);
      throw error;
    }
    return { key, done };
  }

  /** Sends a message no more. It may have arrived all the same. */
  discard(room: string, key: string): boolean {
    const discarded = this.#session.discard(room, key);
    if (discarded) this.#settle(key)?.reject(new MadangError("failed_precondition", "the message was discarded"));
    return discarded;
  }

  // Questions.

  /** A page of a room's events: before a place, newest first, or after it, oldest first. */
  async history(room: string, query: LogQuery = {}): Promise<{ events: RoomEvent[]; more: boolean }> {
    const { events = [], more = false } = await this.#ask({ type: "history", room, ...query });
    return { events, more };
  }

  /** Who is present in a room. `users` is absent where there are too many to name. */
  async presence(room: string): Promise<{ count: number; users?: User[] | undefined }> {
    const { count = 0, users } = await this.#ask({ type: "presence", room });
    return { count, users };
  }

  /** Moves the read mark, which never moves back. */
  async markRead(room: string, seq: number): Promise<{ read: number; unread: number }> {
    const { read = seq, unread = 0 } = await this.#ask({ type: "read", room, seq });
    return { read, unread };
  }

  /** Tells the members that this device has received the events of a room, where the room shows it. */
  received(room: string, seq: number): void {
    this.#session.tell({ type: "received", room, seq });
  }

  /** Changes the text of an own message. */
  async edit(room: string, message: string, text: string): Promise<void> {
    await this.#ask({ type: "edit", room, message, text });
  }

  /** Deletes a message; its place stays. */
  async delete(room: string, message: string): Promise<void> {
    await this.#ask({ type: "delete", room, message });
  }

  async react(room: string, message: string, emoji: string, on = true): Promise<void> {
    await this.#ask({ type: "react", room, message, emoji, on });
  }

  async pin(room: string, message: string, on = true): Promise<void> {
    await this.#ask({ type: "pin", room, message, on });
  }

  /** Tells the members that the user types, in a thread if it is named. It is lost without a connection. */
  typing(room: string, on: boolean, thread?: string): void {
    this.#session.tell({ type: "typing", room, on, ...(thread && { thread }) });
  }

  async #ask(frame: ClientFrame): Promise<ServerFrame & { type: "ok" }> {
    return (await this.#session.ask(frame)) as ServerFrame & { type: "ok" };
  }

  // What the session tells.

  #told(status: ConnectionStatus): void {
    if (status.phase === "open") this.#user = status.user;
    this.#status.set(status);
  }

  #acknowledged(message: OutgoingMessage, ack: Acknowledgement): void {
    this.#settle(message.key)?.resolve(ack);
    this.#events.emit("acknowledged", { message, ack });
  }

  #refused(message: OutgoingMessage, error: MadangError): void {
    this.#settle(message.key)?.reject(error);
    this.#events.emit("refused", { message, error });
  }

  #settle(key: string) {
    const settling = this.#settling.get(key);
    this.#settling.delete(key);
    return settling;
  }

  /** A tab that hangs in the middle of it holds up no other one. */
  #takeOverDeadline(): Promise<void> {
    return new Promise((resolve) => this.#environment.setTimer(resolve, TAKE_OVER_DEADLINE_MS));
  }

  /** Takes over the messages of pages that are gone. */
  async #takeOver(): Promise<void> {
    const owners = () => this.#keeper.owners();
    const adopt = (gone: ReadonlySet<string>) => this.#session.adopt(gone);
    if (this.#shared) return this.#shared.takeOver(owners, adopt);
    const others = await owners();
    others.delete(this.#session.tab);
    return adopt(others);
  }
}
