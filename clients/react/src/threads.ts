// Threads, apart from the other hooks: `@madang/react/threads` is loaded by those who open one.
import type { Client } from "@madang/client";
import { useMemo, useSyncExternalStore } from "react";
import { useClient, useRoomFeed } from "./index.js";
import type { RoomFeed } from "./room-feed.js";
import { type ThreadState, ThreadStore } from "./thread-store.js";

/** The stores of one client, so that two parts of a page show the same thread. Each works for as long as it is watched. */
const stores = new WeakMap<Client, Map<string, ThreadStore>>();
/** What is remembered of a client at most; who is watched goes on. */
const STORES_MAX = 100;

function storeOf(client: Client, feed: RoomFeed, thread: string): ThreadStore {
  const ofClient = stores.get(client) ?? new Map<string, ThreadStore>();
  stores.set(client, ofClient);
  const name = `${feed.room}:${thread}`;
  const store = ofClient.get(name) ?? new ThreadStore(client, feed, thread);
  ofClient.delete(name);
  ofClient.set(name, store);
  for (const [oldest] of ofClient) if (ofClient.size > STORES_MAX) ofClient.delete(oldest);
  return store;
}

/** A thread of a room, both named by their ids: its root, its messages, and what the user does in it. */
export function useThread(room: string, thread: string): ThreadState & ThreadStore["actions"] {
  const client = useClient();
  const feed = useRoomFeed(room);
  const store = useMemo(() => storeOf(client, feed, thread), [client, feed, thread]);
  const value = useSyncExternalStore(store.subscribe, store.get, store.get);
  return { ...value, ...store.actions };
}
