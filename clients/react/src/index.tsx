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
  readonly #feeds = new Map<string, RoomFeed>();
  readonly #rooms = new Map<string, RoomStore>();
  readonly notices: NoticesStore;
  readonly rooms: RoomsStore;

  constructor(readonly client: Client) {
    this.notices = new NoticesStore(client);
    this.rooms = new RoomsStore(client, this.notices, this.feed);
  }

  readonly feed = (room: string): RoomFeed => once(this.#feeds, room, () => new RoomFeed(this.client, room));

  room(room: string): RoomStore {
    return once(this.#rooms, room, () => new RoomStore(this.client, this.feed(room), this.rooms.read));
  }
}

function once<Made>(all: Map<string, Made>, name: string, make: () => Made): Made {
  const made = all.get(name) ?? make();
  all.set(name, made);
  return made;
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

/** What a store has, and draws again with what it has later. */
function useValue<Value>(store: { readonly get: () => Value; readonly subscribe: (listener: () => void) => () => void }): Value {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
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
  return useValue(useClient().status);
}

/** The user's rooms, the latest activity first. */
export function useRooms(): {
  rooms: readonly Room[];
  ready: boolean;
  error: MadangError | null;
  reload: () => Promise<void>;
} {
  const { rooms } = useRegistry();
  return { ...useValue(rooms), reload: rooms.reload };
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
  const store = useRegistry().room(room);
  return { ...useValue(store), ...store.actions };
}

/** How many messages of a room the user has not read, after which place, and how to say that all are read. */
export function useUnread(room: string): { unread: number; read: number | null; markRead: () => void } {
  const store = useRegistry().room(room);
  const { unread, read } = useValue(store);
  return { unread, read, markRead: store.markRead };
}

/** The user's mentions, invitations and notices, the newest first. */
export function useNotices(): {
  notices: readonly InboxNotice[];
  unread: number;
  ready: boolean;
  markRead: () => void;
} {
  const { notices } = useRegistry();
  return { ...useValue(notices), markRead: notices.markRead };
}
