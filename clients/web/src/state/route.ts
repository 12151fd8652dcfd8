// Where the user is, in the fragment of the address: the server has one page, below any path.
import { useSyncExternalStore } from "react";

export interface Route {
  /** The id or the slug of the open room. */
  readonly room: string | null;
  /** The place in it to go to. */
  readonly at: number | null;
  /** The message at that place is the root of a thread, which is to be opened. */
  readonly thread: boolean;
  /** The code of an invitation link. */
  readonly join: string | null;
}

function parse(hash: string): Route {
  const [, room, at, thread] = /^#\/rooms\/([^/]+)(?:\/(\d+)(\/thread)?)?$/.exec(hash) ?? [];
  const [, code] = /^#\/join\/([^/]+)$/.exec(hash) ?? [];
  return {
    room: room ? decodeURIComponent(room) : null,
    at: at ? Number(at) : null,
    thread: thread !== undefined,
    join: code ? decodeURIComponent(code) : null,
  };
}

let hash = location.hash;
let route = parse(hash);

function current(): Route {
  if (hash !== location.hash) {
    hash = location.hash;
    route = parse(hash);
  }
  return route;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, current);
}

export function roomHash(room: string, at?: number): string {
  return `#/rooms/${encodeURIComponent(room)}${at === undefined ? "" : `/${at}`}`;
}

/** The address of a thread, by the place of its root. */
export function threadHash(room: string, root: number): string {
  return `${roomHash(room, root)}/thread`;
}

/** The address of an invitation link. What is behind # is not sent to any server, and so stands in no log. */
export function joinHash(code: string): string {
  return `#/join/${encodeURIComponent(code)}`;
}

export function go(to: string, { replace = false } = {}): void {
  if (!replace) return void (location.hash = to);
  history.replaceState(null, "", to === "" ? "#" : to);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}
