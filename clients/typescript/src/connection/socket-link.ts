// Does what the machine decides: one WebSocket, its credential and its timers.
import { attempt } from "../attempt.js";
import type { ClientFrame, ServerFrame, ServerHello } from "../contract/index.js";
import type { Environment, SocketLike, Timer } from "../environment.js";
import { MadangError, asMadangError, passes } from "../errors.js";
import type { Credential, CredentialSource } from "./credential.js";
import type { Link, LinkListener } from "./link.js";
import { type Effect, INITIAL, type Input, type State, type TimerName, step } from "./machine.js";

const SUBPROTOCOL = "madang.v1.json";
/** Requests of the link itself; the ids of its users have no such mark. */
const RENEWAL_ID = "link-auth";
const PING_ID = "link-ping";
const DONE = 1000;
const ABNORMAL = 1006;

/** One socket. */
export class SocketLink implements Link {
  #state: State = INITIAL;
  #socket: SocketLike | null = null;
  #credential: Credential | null = null;
  #renewing: Credential | null = null;
  #hello: ServerHello | null = null;
  #denial: MadangError | null = null;
  readonly #timers = new Map<TimerName, Timer>();

  constructor(
    private readonly url: string,
    private readonly credentials: CredentialSource,
    private readonly environment: Environment,
    private readonly listener: LinkListener,
  ) {}

  start(): void {
    this.#input({ type: "start" });
  }

  stop(): void {
    this.#input({ type: "stop" });
  }

  abandon(): void {
    this.#input({ type: "abandon" });
  }

  wake(reason: "online" | "offline" | "visible"): void {
    this.#input({ type: reason });
  }

  send(frame: ClientFrame): void {
    if (this.#state.phase === "open") this.#write(frame);
  }

  #input(input: Input): void {
    const { state, effects } = step(this.#state, input, this.environment.random);
    this.#state = state;
    // One that fails holds up none behind it, such as the timer of the next attempt.
    for (const effect of effects) attempt(() => this.#do(effect));
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case "fetchCredential":
        return void this.#fetchCredential(effect.attempt, effect.replace);
      case "open":
        return this.#open(effect.attempt);
      case "drop":
        return this.#drop();
      case "ping":
        return this.#write({ type: "ping", id: PING_ID });
      case "renew":
        return void this.#renew(effect.attempt);
      case "setTimer": {
        this.#clearTimer(effect.name);
        const fired = () => this.#input({ type: "timer", name: effect.name });
        this.#timers.set(effect.name, this.environment.setTimer(fired, effect.ms));
        return;
      }
      case "clearTimer":
        return this.#clearTimer(effect.name);
      case "connecting":
        return this.listener.status({ phase: "connecting" });
      case "opened": {
        const hello = this.#hello as ServerHello;
        this.listener.opened(hello);
        return this.listener.status({ phase: "open", user: hello.user, session: hello.session });
      }
      case "lost":
        return this.listener.closed();
      case "waiting":
        return this.listener.status({ phase: "waiting", retryInMs: effect.ms });
      case "stopped":
        return this.listener.status({ phase: "stopped" });
      case "denied":
        return this.listener.status({ phase: "denied", error: this.#denied(effect.closeCode) });
    }
  }

  #denied(closeCode: number | undefined): MadangError {
    if (closeCode === undefined && this.#denial) return this.#denial;
    if (closeCode === 4401) return new MadangError("unauthenticated", "the credential is not accepted");
    const code = closeCode === 4403 ? "permission_denied" : "failed_precondition";
    return new MadangError(code, `the server closed the socket for good (${closeCode})`);
  }

  async #fetchCredential(attempt: number, replace: boolean): Promise<void> {
    try {
      const credential = await this.credentials.forSocket(replace);
      if (attempt !== this.#state.attempt) return;
      this.#credential = credential;
      this.#input({ type: "credential", attempt, lifetimeMs: credential.lifetimeMs });
    } catch (thrown) {
      const error = asMadangError(thrown);
      this.#denial = error;
      const retryable = passes(error.code) || error.code === "internal";
      this.#input({ type: "credentialFailed", attempt, retryable, retryAfterMs: error.retryAfterMs });
    }
  }

  #open(attempt: number): void {
    const credential = this.#credential as Credential;
    const Socket = this.environment.WebSocket;
    if (!Socket) {
      this.#denial = new MadangError("failed_precondition", "no WebSocket: pass the option `WebSocket`");
      return this.#input({ type: "closed", attempt, code: 4400 });
    }
    const query = credential.ticket === undefined ? "" : `?ticket=${encodeURIComponent(credential.ticket)}`;
    const socket = new Socket(this.url + query, [SUBPROTOCOL]);
    this.#socket = socket;
    socket.onopen = () => {
      if (credential.ticket === undefined) this.#write({ type: "auth", token: credential.token as string });
    };
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code }) => this.#input({ type: "closed", attempt, code });
    // In browsers a close follows; Node 20 leaves it out where the handshake fails.
    socket.onerror = () => this.#input({ type: "closed", attempt, code: ABNORMAL });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#hello = null;
    this.#renewing = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // A package's socket throws an error that nobody hears.
    socket.onerror = () => {};
    try {
      socket.close(DONE);
    } catch {
      // Some refuse while they connect, and let go of it all the same.
    }
  }

  #write(frame: ClientFrame): void {
    try {
      this.#socket?.send(JSON.stringify(frame));
    } catch {
      // It is closing; `onclose` follows.
    }
  }

  #received(data: unknown): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(String(data)) as ServerFrame;
    } catch {
      return;
    }
    this.#input({ type: "received" });
    if (frame.type === "hello") {
      this.#hello = frame;
      return this.#input({ type: "hello", heartbeatMs: frame.heartbeat_ms });
    }
    if (frame.type === "reconnect") return this.#input({ type: "reconnect", afterMs: frame.after_ms });
    const re = "re" in frame ? frame.re : undefined;
    if (re === PING_ID) return;
    if (re === RENEWAL_ID) return this.#renewed(frame);
    if (this.#state.phase === "open") this.listener.frame(frame);
  }

  async #renew(attempt: number): Promise<void> {
    try {
      const credential = await this.credentials.forRenewal();
      if (attempt !== this.#state.attempt || credential?.token === undefined) return;
      this.#renewing = credential;
      this.#write({ type: "auth", id: RENEWAL_ID, token: credential.token });
    } catch (thrown) {
      const { code, retryAfterMs } = asMadangError(thrown);
      this.#input({ type: "renewalFailed", attempt, retryable: passes(code), retryAfterMs });
    }
  }

  #renewed(frame: ServerFrame): void {
    const attempt = this.#state.attempt;
    const credential = this.#renewing;
    this.#renewing = null;
    if (frame.type === "error") {
      const retryable = passes(frame.code);
      return this.#input({ type: "renewalFailed", attempt, retryable, retryAfterMs: frame.retry_after_ms });
    }
    if (!credential) return;
    this.#credential = credential;
    this.#input({ type: "renewed", attempt, lifetimeMs: credential.lifetimeMs });
  }

  #clearTimer(name: TimerName): void {
    const timer = this.#timers.get(name);
    if (timer !== undefined) this.environment.clearTimer(timer);
    this.#timers.delete(name);
  }
}
