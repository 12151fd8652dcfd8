// React hooks for `@madang/client`.
import type { Client, ConnectionStatus, InboxNotice, MadangError, Room } from "@madang/client";
import { type ReactNode, createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { NoticesStore } from "./notices-store.js";
import { RoomFeed } from "./room-feed.js";
import { RoomStore, type RoomState, type ShownItem, type ShownMessage } from "./room-store.js";
import { RoomsStore } from "./rooms-store.js";

export type { ShownEvent, ShownItem, ShownMessage } from "./room-store.js";

/** The stores of one client. Each works for as long as it is watched. */
class Registry {
  readonly #stores = new Map<string, unknown>();

  constructor(readonly client: Client) {}

  room(room: string): RoomStore {
    const read = (id: string, seq: number) => this.rooms().read(id, seq);
    return this.#of(`room:${room}`, () => new RoomStore(this.client, this.feed(room), read));
  }

  rooms(): RoomsStore {
    return this.#of("rooms", () => new RoomsStore(this.client, this.notices(), (room) => this.feed(room)));
  }

  notices(): NoticesStore {
    return this.#of("notices", () => new NoticesStore(this.client));
  }

  feed(room: string): RoomFeed {
    return this.#of(`feed:${room}`, () => new RoomFeed(this.client, room));
  }

  #of<Made>(name: string, make: () => Made): Made {
    const store = (this.#stores.get(name) as Made | undefined) ?? make();
    this.#stores.set(name, store);
    return store;
  }
}

const Context = createContext<Registry | null>(null);
/** A client has one registry, also where its provider is mounted twice. */
const registries = new WeakMap<Client, Registry>();

/** Connects the client for as long as it is mounted. */
export function MadangProvider({ client, children }: { client: Client; children?: ReactNode }) {
  const registry = registries.get(client) ?? new Registry(client);
  registries.set(client, registry);
  useEffect(() => {
    client.start();
    return () => client.stop();
  }, [client]);
  return <Context.Provider value={registry}>{children}</Context.Provider>;
}

function useRegistry(): Registry {
  const registry = useContext(Context);
  if (!registry) throw new Error("MadangProvider is missing");
  return registry;
}

interface Watchable<Value> {
  readonly get: () => Value;
  readonly subscribe: (listener: () => void) => () => void;
}

/** A store of the registry, found by its name. */
function useStore<Kind extends Watchable<unknown>>(
  find: (registry: Registry) => Kind,
  name: string,
): { store: Kind; value: ReturnType<Kind["get"]> } {
  const registry = useRegistry();
  const store = useMemo(() => find(registry), [registry, name]);
  const value = useSyncExternalStore(store.subscribe, store.get, store.get) as ReturnType<Kind["get"]>;
  return { store, value };
}

function useRoom(room: string): { store: RoomStore; value: RoomState } {
  return useStore((registry) => registry.room(room), room);
}

/** The client of the provider. */
export function useClient(): Client {
  return useRegistry().client;
}

/** The one subscription of a room, for hooks that stand apart. */
export function useRoomFeed(room: string): RoomFeed {
  return useRegistry().feed(room);
}

/** How the connection stands. */
export function useConnection(): ConnectionStatus {
  const { status } = useClient();
  return useSyncExternalStore(status.subscribe, status.get, status.get);
}

/** The user's rooms, the latest activity first. */
export function useRooms(): {
  rooms: readonly Room[];
  ready: boolean;
  error: MadangError | null;
  reload: () => Promise<void>;
} {
  const { store, value } = useStore((registry) => registry.rooms(), "rooms");
  return { ...value, reload: store.reload };
}

type RoomActions = Pick<RoomState, "ready" | "hasOlder" | "hasNewer" | "part" | "closed" | "error"> & RoomStore["actions"];

/** The messages of a room, which is named by its id, with those on their way at the end. */
export function useMessages(room: string): RoomActions & { messages: readonly ShownMessage[] } {
  const timeline = useTimeline(room);
  const { items } = timeline;
  return { ...timeline, messages: useMemo(() => items.filter((item) => item.type === "message"), [items]) };
}

/** As `useMessages`, with what else happened: who came and went, what was pinned, new names. */
export function useTimeline(room: string): RoomActions & { items: readonly ShownItem[] } {
  const { store, value } = useRoom(room);
  return { ...value, ...store.actions };
}

/** How many messages of a room the user has not read, after which place, and how to say that all are read. */
export function useUnread(room: string): { unread: number; read: number | null; markRead: () => void } {
  const { store, value } = useRoom(room);
  return { unread: value.unread, read: value.read, markRead: store.markRead };
}

/** The user's mentions, invitations and notices, the newest first. */
export function useNotices(): {
  notices: readonly InboxNotice[];
  unread: number;
  ready: boolean;
  markRead: () => void;
} {
  const { store, value } = useStore((registry) => registry.notices(), "notices");
  return { ...value, markRead: store.markRead };
}
