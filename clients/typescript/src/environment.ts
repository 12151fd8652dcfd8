// What this package takes from its surroundings, so that tests can pass their own.

/** What a running timer is called. */
export type Timer = unknown;

/** The part of the standard `WebSocket` that is used. */
export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: (() => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

/** The constructor of sockets: `WebSocket` of the browser, of Node 22 or of the package `ws`. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** The part of the Web Locks API that is used. */
export interface LocksLike {
  request<T>(
    name: string,
    options: { signal?: AbortSignal; steal?: boolean; ifAvailable?: boolean },
    callback: (lock: unknown) => Promise<T> | T,
  ): Promise<T>;
}

/** The part of `BroadcastChannel` that is used. */
export interface ChannelLike {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** Time, chance and the network. */
export interface Environment {
  /** Milliseconds of a clock that nobody sets. Durations are measured by it. */
  monotonicMs(): number;
  /** Milliseconds of the wall clock, which may be wrong. Only ages of what outlives a page are measured by it. */
  wallMs(): number;
  /** Evenly from 0 to 1, 1 excluded. */
  random(): number;
  /** A new id that nobody else makes. */
  newId(): string;
  setTimer(callback: () => void, ms: number): Timer;
  clearTimer(timer: Timer): void;
  fetch: typeof fetch;
  /** Absent where there is none: then it must be given as an option. */
  WebSocket: SocketConstructor | undefined;
  /** Absent where there are no Web Locks: then tabs share nothing. */
  locks: LocksLike | undefined;
  openChannel: ((name: string) => ChannelLike) | undefined;
}

/** A random UUID. `crypto.randomUUID` is there only in secure contexts. */
function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The surroundings of this process or page. */
export function systemEnvironment(): Environment {
  const scope = globalThis as unknown as {
    WebSocket?: SocketConstructor;
    navigator?: { locks?: LocksLike };
    document?: unknown;
  };
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    random: Math.random,
    newId,
    setTimer: (callback, ms) => setTimeout(callback, ms),
    clearTimer: (timer) => clearTimeout(timer as number),
    fetch: (...parameters) => fetch(...parameters),
    WebSocket: scope.WebSocket,
    // Only pages have other tabs of the same user.
    locks: scope.document === undefined ? undefined : scope.navigator?.locks,
    openChannel:
      typeof BroadcastChannel === "function"
        ? (name) => new BroadcastChannel(name) as unknown as ChannelLike
        : undefined,
  };
}
