// A server that is a list for each room, and the sockets to it. It follows docs/protocol.md in what the client relies on.
import type { ClientFrame, RoomEvent, ServerFrame, ServerNotice } from "../../src/contract/index.js";
import type { SocketLike } from "../../src/environment.js";
import type { Life, World } from "./world.js";

/** Small, so that a short run meets them. */
const REPLAY_MAX = 12;
const PAGE_MAX = 7;
const LATENCY_MS = 40;
const ACK_LOST = 0.3;
const EPOCH = "0badcafe";

type Kept = { readonly seq: number; readonly at: string };

export class Server {
  readonly logs = new Map<string, RoomEvent[]>();
  readonly inboxes = new Map<string, ServerNotice[]>();
  readonly #keys = new Map<string, Kept>();
  readonly sockets = new Set<Socket>();
  readonly #tickets = new Map<string, string>();
  #last = 0;
  /** No connection is accepted, and no call answered. */
  down = false;
  /** The part of the sends that are put off, with and without an effect. */
  refusing = 0;

  constructor(readonly world: World) {}

  ticket(user: string): string {
    this.#last += 1;
    const ticket = `ticket-${this.#last}`;
    this.#tickets.set(ticket, user);
    return ticket;
  }

  takeTicket(ticket: string): string | null {
    const user = this.#tickets.get(ticket) ?? null;
    this.#tickets.delete(ticket);
    return user;
  }

  log(room: string): RoomEvent[] {
    let log = this.logs.get(room);
    if (!log) this.logs.set(room, (log = []));
    return log;
  }

  inbox(user: string): ServerNotice[] {
    let inbox = this.inboxes.get(user);
    if (!inbox) this.inboxes.set(user, (inbox = []));
    return inbox;
  }

  append(room: string, user: string, key: string, text: string): Kept & { duplicate: boolean } {
    const known = this.#keys.get(`${room} ${user} ${key}`);
    if (known) return { ...known, duplicate: true };
    const log = this.log(room);
    const kept = { seq: log.length + 1, at: new Date(this.world.nowMs).toISOString() };
    this.#keys.set(`${room} ${user} ${key}`, kept);
    const sender = { id: user, name: user, avatar_url: null };
    const message = { id: String(kept.seq), sender, text, key, reply_to: null, mentions: [], attachments: [] };
    const event: RoomEvent = { room, ...kept, kind: "message", message };
    log.push(event);
    for (const socket of this.sockets) {
      if (socket.rooms.has(room)) socket.tell({ type: "event", ...event } as ServerFrame);
    }
    return { ...kept, duplicate: false };
  }

  /** Another event than a message: its kind, and the kind's object. */
  happen(room: string, body: Record<string, unknown> & { kind: string }): void {
    const log = this.log(room);
    const at = new Date(this.world.nowMs).toISOString();
    const event = { room, seq: log.length + 1, at, ...body } as unknown as RoomEvent;
    log.push(event);
    for (const socket of this.sockets) {
      if (socket.rooms.has(room)) socket.tell({ type: "event", ...event } as ServerFrame);
    }
  }

  notify(user: string): void {
    const inbox = this.inbox(user);
    const seq = inbox.length + 1;
    const notice: ServerNotice = { type: "notice", seq, at: "2026-01-01T00:00:00.000Z", kind: "custom", data: {} };
    inbox.push(notice);
    for (const socket of this.sockets) if (socket.user === user && socket.greeted) socket.tell(notice);
  }

  /** The answer to a call by HTTP. */
  call(user: string, path: string): unknown {
    if (path.startsWith("/v1/auth/ws-ticket")) return { ticket: this.ticket(user), expires_in: 30 };
    const query = new URLSearchParams(path.split("?")[1]);
    if (path.startsWith("/v1/rooms/")) return this.#room(path.slice("/v1/rooms/".length));
    if (path.startsWith("/v1/rooms")) return { items: [...this.logs.keys()].map((room) => this.#room(room)), next_cursor: null };
    const inbox = this.inbox(user);
    const before = query.get("before");
    const after = Number(query.get("after"));
    const items = before === null ? inbox.slice(after, after + PAGE_MAX) : inbox.slice(0, Number(before) - 1).reverse().slice(0, PAGE_MAX);
    return { items, next_cursor: null, more: false, epoch: EPOCH, head: inbox.length, read: 0, unread: inbox.length };
  }

  #room(id: string) {
    const head = this.log(id).length;
    return { id, name: id, kind: "public", slug: null, created_at: "", head, members: 2, role: "member", read: 0, unread: head };
  }

  answer(socket: Socket, frame: ClientFrame): void {
    const re = frame.id === undefined ? {} : { re: frame.id };
    const { user } = socket;
    switch (frame.type) {
      case "auth":
        if (user === "") return this.greet(socket, "mina");
        return socket.tell({ type: "ok", ...re });
      case "ping":
        return socket.tell({ type: "pong", ...re });
      case "subscribe": {
        if (frame.rooms === undefined) socket.tell({ type: "subscribed", ...re, rooms: [] });
        for (const { room, since } of frame.rooms ?? []) {
          const log = this.log(room);
          const missed = log.length - (since ?? log.length);
          const complete = missed >= 0 && missed <= REPLAY_MAX;
          const from = complete ? log.length - missed : log.length;
          socket.rooms.add(room);
          const standing = { room, epoch: EPOCH, head: log.length, from, complete, members: 2, read: 0 };
          socket.tell({ type: "subscribed", ...re, rooms: [{ ...standing, role: "member" }] });
          for (const event of log.slice(from)) socket.tell({ type: "event", ...event } as ServerFrame);
          socket.tell({ type: "caught_up", room, seq: log.length });
        }
        if (typeof frame.inbox_since === "number") this.#inboxFrom(socket, frame.inbox_since);
        return;
      }
      case "read":
        return socket.tell({ type: "ok", ...re, room: frame.room, read: frame.seq, unread: 0 });
      case "presence": {
        const users = new Set([...this.sockets].filter(({ rooms }) => rooms.has(frame.room)).map(({ user: id }) => id));
        const shown = [...users].map((id) => ({ id, name: id, avatar_url: null }));
        return socket.tell({ type: "ok", ...re, room: frame.room, count: shown.length, users: shown });
      }
      case "unsubscribe":
        for (const room of frame.rooms) socket.rooms.delete(room);
        return socket.tell({ type: "ok", ...re });
      case "history": {
        const log = this.log(frame.room);
        if (typeof frame.after !== "number") {
          const before = log.slice(0, (frame.before ?? Infinity) - 1).reverse();
          const events = before.slice(0, PAGE_MAX);
          return socket.tell({ type: "ok", ...re, room: frame.room, events, more: events.length < before.length });
        }
        const { after } = frame;
        const events = log.slice(after, after + Math.min(PAGE_MAX, frame.limit ?? PAGE_MAX));
        return socket.tell({ type: "ok", ...re, room: frame.room, events, more: after + events.length < log.length });
      }
      case "send": {
        const { chance } = this.world;
        if (chance.is(this.refusing)) {
          // It may have been done, or not.
          const done = chance.is(0.5);
          if (done) this.append(frame.room, user, frame.key, frame.text);
          const code = done ? "deadline_exceeded" : "rate_limited";
          return socket.tell({ type: "error", ...re, code, message: "later", retry_after_ms: 200 });
        }
        const { seq, at, duplicate } = this.append(frame.room, user, frame.key, frame.text);
        return socket.tell({ type: "ack", ...re, room: frame.room, key: frame.key, id: String(seq), seq, at, duplicate });
      }
      default:
        return;
    }
  }

  greet(socket: Socket, name: string): void {
    socket.user = name;
    const user = { id: socket.user, name: socket.user, avatar_url: null };
    const limits = { frame_bytes: 65_536, text_chars: 4_000, subscribe_rooms: 100, replay_events: REPLAY_MAX };
    socket.tell({ type: "hello", session: "s", user, heartbeat_ms: 15_000, limits });
    socket.greeted = true;
    this.#inboxFrom(socket, null);
  }

  #inboxFrom(socket: Socket, since: number | null): void {
    const inbox = this.inbox(socket.user);
    const head = inbox.length;
    const missed = head - (since ?? head);
    const complete = missed >= 0 && missed <= REPLAY_MAX;
    const from = complete ? head - missed : head;
    socket.tell({ type: "inbox", epoch: EPOCH, head, from, complete, read: 0, unread: 0 });
    for (const notice of inbox.slice(from)) socket.tell(notice);
  }
}

/** One socket, both its ends. Each direction keeps its order and takes its time. */
export class Socket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly rooms = new Set<string>();
  user = "";
  greeted = false;
  #ended = false;
  #silent = false;
  #losesAnswers = false;
  #upMs = 0;
  #downMs = 0;

  constructor(
    private readonly server: Server,
    private readonly life: Life,
    url: string,
  ) {
    const { world } = server;
    this.#later("up", () => {
      const ticket = new URL(url).searchParams.get("ticket");
      const user = ticket === null ? "" : server.takeTicket(ticket);
      if (server.down || user === null) return this.end(user === null && !server.down ? 4401 : 1006);
      server.sockets.add(this);
      world.after(0, () => this.onopen?.(), this.life);
      if (user !== "") server.greet(this, user);
    });
  }

  send(data: string): void {
    const frame = JSON.parse(data) as ClientFrame;
    this.#later("up", () => this.server.answer(this, frame));
  }

  tell(frame: ServerFrame): void {
    const data = JSON.stringify(frame);
    this.#later("down", () => this.life.happens(() => this.onmessage?.({ data })));
  }

  close(): void {
    this.end(1000);
  }

  ownedBy(life: Life): boolean {
    return this.life === life;
  }

  /** Nothing passes any more, and nobody is told. */
  fallSilent(): void {
    this.#silent = true;
  }

  /** It breaks. What is on its way to the server may have arrived, and its answers are lost. */
  cut(): void {
    const { chance } = this.server.world;
    if (chance.is(ACK_LOST)) this.#losesAnswers = true;
    else this.end(1006);
    if (this.#losesAnswers) this.server.world.after(LATENCY_MS, () => this.end(1006));
  }

  end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.server.sockets.delete(this);
    this.server.world.after(1, () => this.onclose?.({ code }), this.life);
  }

  #later(way: "up" | "down", act: () => void): void {
    const { world } = this.server;
    const atMs = Math.max(way === "up" ? this.#upMs : this.#downMs, world.nowMs + world.chance.below(LATENCY_MS));
    if (way === "up") this.#upMs = atMs;
    else this.#downMs = atMs;
    world.after(atMs - world.nowMs, () => {
      if (this.#ended || this.#silent || (way === "down" && this.#losesAnswers)) return;
      act();
    });
  }
}
