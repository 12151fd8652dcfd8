// What a connection decides: given what happened, what to do. It has no clock, no timers and no network.
import { CLOSE_CODES } from "../contract/codes.js";
import { backoffMs } from "./backoff.js";

/** For the credential, the handshake and `hello` together. */
export const CONNECT_DEADLINE_MS = 15_000;
/** How long an answer to `ping` may take before the socket counts as dead. */
export const PONG_DEADLINE_MS = 10_000;
/** The same where there is a reason to doubt the socket: the page woke up, or the network changed. */
export const PROBE_DEADLINE_MS = 4_000;
/** A connection that lasted this long ends the count of failures. */
export const STABLE_AFTER_MS = 10_000;
/** The least pause after 4429. */
export const TOO_MANY_PAUSE_MS = 5_000;
/** What a server may ask for at most. */
export const COME_BACK_MAX_MS = 300_000;
/** How long to wait at most while the device says that it has no network. Devices are wrong about it at times. */
export const OFFLINE_RETRY_MS = 60_000;
/** The pause between attempts to renew a credential. */
export const RENEW_RETRY_MS = 5_000;
/** The part of a credential's life after which it is renewed, between these two. */
export const RENEW_FROM = 0.7;
export const RENEW_TO = 0.85;
/** The end of a token is a whole second: it may come so much earlier than its length says. */
const WHOLE_SECOND_MS = 1_000;
/** A renewal is no sooner than this, whatever the life of a credential. */
const RENEW_LEAST_MS = 500;

const UNAUTHENTICATED = 4401;
const TOO_MANY = 4429;

export type TimerName = "retry" | "connect" | "heartbeat" | "pong" | "renew" | "stable";
const TIMERS: readonly TimerName[] = ["retry", "connect", "heartbeat", "pong", "renew", "stable"];

export type Phase = "stopped" | "waiting" | "credential" | "opening" | "open" | "denied";

export interface State {
  readonly phase: Phase;
  /** The number of the attempt; what belongs to an earlier one is ignored. */
  readonly attempt: number;
  /** Failures in a row. */
  readonly failures: number;
  readonly online: boolean;
  /** The last credential was refused: another one is needed. */
  readonly refused: boolean;
  /** What the server said of when to come back. */
  readonly comeBackMs: number | null;
  /** The present wait is the server's wish: nothing shortens it. */
  readonly obliged: boolean;
  readonly heartbeatMs: number;
  /** Something has arrived since the heartbeat was last looked at. */
  readonly heard: boolean;
  /** An answer to a ping is awaited. */
  readonly probing: boolean;
  /** How long the credential is good, from when it was received. */
  readonly lifetimeMs: number | null;
}

export const INITIAL: State = {
  phase: "stopped",
  attempt: 0,
  failures: 0,
  online: true,
  refused: false,
  comeBackMs: null,
  obliged: false,
  heartbeatMs: 0,
  heard: false,
  probing: false,
  lifetimeMs: null,
};

export type Input =
  | { readonly type: "start" | "stop" | "online" | "offline" | "visible" | "received" }
  | { readonly type: "credential"; readonly attempt: number; readonly lifetimeMs: number | null }
  | Failure<"credentialFailed">
  | { readonly type: "hello"; readonly heartbeatMs: number }
  | { readonly type: "reconnect"; readonly afterMs: number }
  | { readonly type: "closed"; readonly attempt: number; readonly code: number }
  /** The owner of the connection has seen that it is of no more use. */
  | { readonly type: "abandon" }
  | { readonly type: "renewed"; readonly attempt: number; readonly lifetimeMs: number | null }
  | Failure<"renewalFailed">
  | { readonly type: "timer"; readonly name: TimerName };

interface Failure<Type> {
  readonly type: Type;
  readonly attempt: number;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
}

export type Effect =
  | { readonly type: "fetchCredential"; readonly attempt: number; readonly replace: boolean }
  | { readonly type: "open"; readonly attempt: number }
  /** Close the socket and listen to it no more. */
  | { readonly type: "drop" }
  | { readonly type: "ping" }
  | { readonly type: "renew"; readonly attempt: number }
  | { readonly type: "setTimer"; readonly name: TimerName; readonly ms: number }
  | { readonly type: "clearTimer"; readonly name: TimerName }
  | { readonly type: "connecting" | "opened" | "lost" | "stopped" }
  | { readonly type: "waiting"; readonly ms: number }
  /** `closeCode` is absent where no credential could be had. */
  | { readonly type: "denied"; readonly closeCode?: number | undefined };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** One step. `random` draws evenly from 0 to 1. */
export function step(state: State, input: Input, random: () => number): Step {
  // What belongs to an earlier attempt says nothing of this one.
  if ("attempt" in input && input.attempt !== state.attempt) return stay(state);
  switch (input.type) {
    case "start":
      return state.phase === "stopped" || state.phase === "denied"
        ? attempt({ ...state, failures: 0, refused: state.phase === "denied" })
        : stay(state);
    case "stop":
      return state.phase === "stopped" ? stay(state) : end(state, "stopped", { type: "stopped" });
    case "online":
      return woken({ ...state, online: true }, random);
    case "visible":
      return woken(state, random);
    case "offline":
      return probe({ ...state, online: false });
    case "credential":
      if (state.phase !== "credential") return stay(state);
      return {
        state: { ...state, phase: "opening", lifetimeMs: input.lifetimeMs },
        effects: [{ type: "open", attempt: state.attempt }],
      };
    case "credentialFailed":
      if (state.phase !== "credential") return stay(state);
      return input.retryable ? wait(state, random, input.retryAfterMs) : deny(state);
    case "hello":
      return state.phase === "opening" ? opened(state, input.heartbeatMs, random) : stay(state);
    case "reconnect":
      return stay({ ...state, comeBackMs: Math.min(Math.max(0, input.afterMs), COME_BACK_MAX_MS) });
    case "received":
      return received(state);
    case "closed":
      return isConnected(state) ? closed(state, input.code, random) : stay(state);
    case "abandon":
      return isConnected(state) ? wait(state, random) : stay(state);
    case "renewed":
      if (state.phase !== "open") return stay(state);
      return { state: { ...state, lifetimeMs: input.lifetimeMs }, effects: renewal(input.lifetimeMs, random) };
    case "renewalFailed":
      // Where no other credential can be had, the server closes the socket with 4401 in time.
      if (state.phase !== "open" || !input.retryable) return stay(state);
      return { state, effects: [timer("renew", input.retryAfterMs ?? RENEW_RETRY_MS)] };
    case "timer":
      return fired(state, input.name, random);
  }
}

function fired(state: State, name: TimerName, random: () => number): Step {
  switch (name) {
    case "retry":
      return state.phase === "waiting" ? attempt(state) : stay(state);
    case "connect":
      return state.phase === "credential" || state.phase === "opening" ? wait(state, random) : stay(state);
    case "pong":
      return state.phase === "open" && state.probing ? wait(state, random) : stay(state);
    case "stable":
      return stay(state.phase === "open" ? { ...state, failures: 0 } : state);
    case "renew":
      return { state, effects: state.phase === "open" ? [{ type: "renew", attempt: state.attempt }] : [] };
    case "heartbeat": {
      if (state.phase !== "open") return stay(state);
      const again: Effect = timer("heartbeat", state.heartbeatMs);
      if (state.heard || state.probing) return { state: { ...state, heard: false }, effects: [again] };
      return {
        state: { ...state, probing: true },
        effects: [again, { type: "ping" }, timer("pong", PONG_DEADLINE_MS)],
      };
    }
  }
}

const timer = (name: TimerName, ms: number): Effect => ({ type: "setTimer", name, ms });

const stay = (state: State): Step => ({ state, effects: [] });

const isConnected = ({ phase }: State): boolean => phase === "opening" || phase === "open";

const clearTimers = (): Effect[] => TIMERS.map((name) => ({ type: "clearTimer", name }));

/** Leaves whatever there is of a connection. */
function leave(state: State): Effect[] {
  const effects = clearTimers();
  if (isConnected(state)) effects.push({ type: "drop" });
  if (state.phase === "open") effects.push({ type: "lost" });
  return effects;
}

function attempt(state: State): Step {
  const number = state.attempt + 1;
  return {
    state: { ...state, phase: "credential", attempt: number, comeBackMs: null, obliged: false, probing: false },
    effects: [
      { type: "clearTimer", name: "retry" },
      timer("connect", CONNECT_DEADLINE_MS),
      { type: "connecting" },
      { type: "fetchCredential", attempt: number, replace: state.refused },
    ],
  };
}

function opened(state: State, heartbeatMs: number, random: () => number): Step {
  return {
    state: { ...state, phase: "open", heartbeatMs, heard: true, probing: false, refused: false },
    effects: [
      { type: "clearTimer", name: "connect" },
      timer("heartbeat", heartbeatMs),
      timer("stable", STABLE_AFTER_MS),
      ...renewal(state.lifetimeMs, random),
      { type: "opened" },
    ],
  };
}

/** Renews before the end, by the length of the credential's life: the clock of the machine may be wrong. */
function renewal(lifetimeMs: number | null, random: () => number): Effect[] {
  if (lifetimeMs === null) return [];
  const part = RENEW_FROM + (RENEW_TO - RENEW_FROM) * random();
  return [timer("renew", Math.max(RENEW_LEAST_MS, (lifetimeMs - WHOLE_SECOND_MS) * part))];
}

function received(state: State): Step {
  if (!state.probing) return stay(state.heard ? state : { ...state, heard: true });
  return { state: { ...state, heard: true, probing: false }, effects: [{ type: "clearTimer", name: "pong" }] };
}

function closed(state: State, code: number, random: () => number): Step {
  if (code === UNAUTHENTICATED) {
    // One that was asked for in the place of a refused one, and is refused before `hello`, will not get better.
    if (state.refused && state.phase === "opening") return deny(state, code);
    return wait({ ...state, refused: true }, random);
  }
  if (CLOSE_CODES[code]?.retry === false) return deny(state, code);
  if (code === TOO_MANY) return wait(state, random, TOO_MANY_PAUSE_MS * (1 + random()));
  return wait(state, random);
}

function wait(state: State, random: () => number, askedMs?: number): Step {
  const asked = state.comeBackMs ?? askedMs;
  const ms = asked ?? (state.online ? backoffMs(state.failures, random()) : OFFLINE_RETRY_MS);
  return {
    state: {
      ...state,
      phase: "waiting",
      failures: state.failures + 1,
      obliged: asked !== undefined,
      comeBackMs: null,
      probing: false,
    },
    effects: [...leave(state), { type: "waiting", ms }, timer("retry", ms)],
  };
}

function end(state: State, phase: "stopped" | "denied", effect: Effect): Step {
  return { state: { ...state, phase, probing: false, obliged: false }, effects: [...leave(state), effect] };
}

const deny = (state: State, closeCode?: number): Step => end(state, "denied", { type: "denied", closeCode });

/** The network is back, or the user looks at the page again: doubt an open socket, and do not sit out a long pause. */
function woken(state: State, random: () => number): Step {
  if (state.phase !== "waiting" || state.obliged) return probe(state);
  // A crowd whose network comes back does not come all at once.
  const ms = backoffMs(1, random());
  return { state, effects: [{ type: "waiting", ms }, timer("retry", ms)] };
}

function probe(state: State): Step {
  if (state.phase !== "open" || state.probing) return stay(state);
  return {
    state: { ...state, probing: true },
    effects: [{ type: "ping" }, timer("pong", PROBE_DEADLINE_MS)],
  };
}
