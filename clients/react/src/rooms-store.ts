// The user's rooms, as a page shows them, with what happens in them.
import type { Client, MadangError, Room, RoomEvent, RoomMessage } from "@madang/client";
import { changed as changedMessage, isApart } from "./changes.js";
import type { NoticesStore } from "./notices-store.js";
import type { RoomFeed } from "./room-feed.js";
import { Store } from "./store.js";

/** Rooms of a page. */
const PAGE = 200;
/** Rooms that are followed, the latest ones. A socket has at most 1,000. */
const FOLLOWED = 500;

export interface RoomsState {
  /** The latest activity first. */
  readonly rooms: readonly Room[];
  readonly ready: boolean;
  readonly error: MadangError | null;
}

/** Loads the list whenever a connection is made, and when a room has come; what happens in the rooms it is told. */
export class RoomsStore extends Store<RoomsState> {
  readonly #following = new Map<string, () => void>();
  /** Direct rooms that are followed, and are not in the list. */
  readonly #hidden = new Set<string>();
  #loads = 0;

  readonly #notices: NoticesStore;
  readonly #feed: (room: string) => RoomFeed;

  constructor(client: Client, notices: NoticesStore, feed: (room: string) => RoomFeed) {
    super(client, { rooms: [], ready: false, error: null });
    this.#notices = notices;
    this.#feed = feed;
  }

  readonly reload = async (): Promise<void> => {
    const load = (this.#loads += 1);
    try {
      const loaded = new Map<string, Room>();
      let cursor: string | null = null;
      do {
        const page = await this.client.rest.listRooms({ limit: PAGE, ...(cursor && { cursor }) });
        // A room that becomes active meanwhile may be on two pages.
        for (const room of page.items) loaded.set(room.id, room);
        cursor = page.next_cursor;
      } while (cursor);
      if (load === this.#loads) this.#loaded([...loaded.values()]);
    } catch (error) {
      if (load === this.#loads) this.set({ error: error as MadangError });
    }
  };

  /** The user has read a room up to a place. */
  readonly read = (id: string, seq: number): void => {
    const room = this.#room(id);
    if (!room || seq <= (room.read ?? 0)) return;
    if (seq >= room.head) return this.#change({ ...room, read: seq, unread: 0 });
    this.#change({ ...room, read: seq });
    void this.#reloadRoom(id);
  };

  protected override begin(): (() => void)[] {
    let invites = 0;
    const leave = [
      this.client.status.subscribe(() => this.client.status.get().phase === "open" && void this.reload()),
      this.client.on("acknowledged", ({ message }) => {
        const { room } = message;
        if (this.#following.has(room)) return;
        // Of many rooms, not all are followed.
        if (this.#room(room)) this.soon(room, () => this.#reloadRoom(room), 0);
        else void this.reload();
      }),
      this.client.on("passing", (frame) => {
        if (frame.type === "read" && frame.user === this.me) this.read(frame.room, frame.seq ?? 0);
      }),
      this.#notices.subscribe(() => {
        const count = this.#notices.get().notices.filter(({ kind }) => kind === "invite").length;
        if (count !== invites) void this.reload();
        invites = count;
      }),
      () => {
        this.#loads += 1;
        for (const leave of this.#following.values()) leave();
        this.#following.clear();
        this.#hidden.clear();
      },
    ];
    void this.reload();
    return leave;
  }

  #room(id: string): Room | undefined {
    return this.get().rooms.find((room) => room.id === id);
  }

  #loaded(loaded: readonly Room[]): void {
    const before = new Map(this.get().rooms.map((room) => [room.id, room]));
    const rooms = loaded.map((room) => {
      const known = before.get(room.id);
      // What has happened since the answer was made is told already.
      return known && known.head > room.head && this.#following.has(room.id) ? known : room;
    });
    this.set({ rooms, ready: true, error: null });
    const listed = new Set(rooms.map(({ id }) => id));
    for (const [id, leave] of this.#following) {
      if (listed.has(id)) this.#hidden.delete(id);
      // A direct room that is hidden comes back with its next message.
      else if (before.get(id)?.kind === "direct") this.#hidden.add(id);
      else if (!this.#hidden.has(id)) {
        this.#following.delete(id);
        leave();
      }
    }
    for (const room of rooms.slice(0, FOLLOWED)) if (!this.#following.has(room.id)) this.#follow(room);
  }

  #follow({ id, head }: Room): void {
    const leave = this.#feed(id).follow(
      {
        onEvent: (event) => this.#event(id, event),
        // It is followed already, from further on; or its history is another one.
        onBegin: (seq) => seq !== this.#room(id)?.head && void this.#reloadRoom(id),
        onClosed: () => {
          this.#following.delete(id);
          this.#hidden.delete(id);
          this.set({ rooms: this.get().rooms.filter((room) => room.id !== id) });
          void this.reload();
        },
      },
      head,
    );
    this.#following.set(id, leave);
  }

  async #reloadRoom(id: string): Promise<void> {
    const room = await this.client.rest.getRoom(id).catch(() => null);
    const known = this.#room(id);
    if (!room || !known || room.head < known.head) return;
    // It may come without its last message. What happens in a room that is not followed is known from here alone.
    this.#change({ ...known, ...room }, room.head > known.head && !this.#following.has(id));
  }

  #event(id: string, event: RoomEvent): void {
    const room = this.#room(id);
    if (!room && event.kind === "message" && this.#hidden.has(id)) return void this.reload();
    if (!room || event.seq <= room.head) return;
    const changed = { ...room, head: event.seq };
    switch (event.kind) {
      case "message": {
        if (isApart(event.message)) return this.#changeLast(changed, event);
        const { sender } = event.message;
        const last: RoomMessage = { room: id, seq: event.seq, at: event.at, ...event.message };
        const unread = sender.id === this.me ? (room.unread ?? 0) : (room.unread ?? 0) + 1;
        return this.#change({ ...changed, last_message: last, unread }, true);
      }
      case "joined":
      case "left":
        if (room.unnamed) this.soon(id, () => this.#reloadRoom(id));
        return this.#change({ ...changed, members: Math.max(0, room.members + (event.kind === "left" ? -1 : 1)) });
      case "role":
        return this.#change(event.role.user === this.me ? { ...changed, role: event.role.role } : changed);
      case "room": {
        const { by, deleted, name, ...properties } = event.properties;
        // What is absent is none. The server knows by whose names a room without one is shown.
        const { topic, avatar_url, unnamed, ...rest } = changed;
        if (properties.unnamed) this.soon(id, () => this.#reloadRoom(id), 0);
        return this.#change({ ...rest, ...properties, name: properties.unnamed ? room.name : name });
      }
      case "edited":
      case "deleted":
      case "reaction":
        this.#changeLast(changed, event);
        // Of a message that is not shown here, the server knows whether it was unread.
        if (event.kind === "deleted" && room.unread) this.soon(id, () => this.#reloadRoom(id));
        return;
      default:
        return this.#change(changed);
    }
  }

  #changeLast(changed: Room, event: RoomEvent): void {
    const last = changed.last_message;
    if (!last) return this.#change(changed);
    const { room, seq, at } = last;
    this.#change({ ...changed, last_message: { ...changedMessage(last, event, this.me), room, seq, at } });
  }

  #change(changed: Room, isFirst = false): void {
    const rooms = this.get().rooms.map((room) => (room.id === changed.id ? changed : room));
    this.set({ rooms: isFirst ? [changed, ...rooms.filter((room) => room !== changed)] : rooms });
  }
}
