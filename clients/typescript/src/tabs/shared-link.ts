// One socket that all tabs share. The tab which holds a Web Lock leads: it has the socket, and the others ask it through
// a BroadcastChannel. When the leader's tab is gone, the browser gives the lock to another one.
import type { Link, LinkListener } from "../connection/link.js";
import type { ConnectionStatus } from "../connection/status.js";
import type { ClientFrame, ServerFrame, ServerHello } from "../contract/index.js";
import type { ChannelLike, Environment, LocksLike, Timer } from "../environment.js";
import { Hub } from "./hub.js";
import { type TabMessage, plain, unplain } from "./messages.js";

/** How long a leader may be silent when it is asked for, before its place is taken. A browser may have stopped its tab. */
export const LEADER_DEADLINE_MS = 5_000;
/** How often the leader says which connection is the present one. What a tab was told of an earlier leader ends then. */
export const LEADER_BEAT_MS = 10_000;

/** A message without its sender; the distribution keeps the kinds apart. */
type Body<Message = TabMessage> = Message extends unknown ? Omit<Message, "from"> : never;

export class SharedLink implements Link {
  readonly #hub = new Hub();
  #channel: ChannelLike | null = null;
  #ended = new AbortController();
  /** The socket, of the leader. */
  #socket: Link | null = null;
  /** Gives the leader's lock back. */
  #stepDown: (() => void) | null = null;
  #connection: string | null = null;
  #connections = 0;
  #hello: ServerHello | null = null;
  #status: ConnectionStatus = { phase: "stopped" };
  #doubt: Timer | null = null;
  #beat: Timer | null = null;
  readonly #watched = new Set<string>();
  /** Those to watch from the start on. */
  readonly #toWatch = new Set<string>();

  constructor(
    /** What the tabs of one account have in common. */
    private readonly name: string,
    private readonly tab: string,
    private readonly locks: LocksLike,
    private readonly environment: Environment,
    private readonly openSocket: (listener: LinkListener) => Link,
    private readonly listener: LinkListener,
    /** Some tab is gone: closed, or crashed. */
    private readonly tabGone: () => void,
  ) {}

  start(): void {
    if (this.#channel) {
      this.#socket ? this.#socket.start() : this.#post({ type: "start" });
      return;
    }
    this.#ended = new AbortController();
    this.#channel = (this.environment.openChannel as (name: string) => ChannelLike)(this.name);
    this.#channel.onmessage = ({ data }) => this.#heard(data as TabMessage);
    this.#told({ phase: "connecting" });
    // Held for as long as the tab lives, so that others learn when it does not.
    const { signal } = this.#ended;
    const live = () =>
      new Promise<void>((release) => {
        if (signal.aborted) return release();
        signal.addEventListener("abort", () => release(), { once: true });
        this.#runForLeader();
        this.#post({ type: "join" });
        this.#doubtLeader();
        for (const tab of this.#toWatch) this.watch(tab);
      });
    this.locks.request(this.#lockOf(this.tab), { signal }, live).catch(() => {});
  }

  stop(): void {
    if (!this.#channel) return;
    const wasOpen = this.#connection !== null;
    this.#leave();
    this.#ended.abort();
    this.#watched.clear();
    this.#channel.close();
    this.#channel = null;
    if (wasOpen) this.listener.closed();
    this.#told({ phase: "stopped" });
  }

  send(frame: ClientFrame): void {
    const connection = this.#connection;
    if (connection === null) return;
    if (this.#socket) this.#request(this.tab, frame);
    else this.#post({ type: "request", connection, frame });
  }

  abandon(): void {
    const connection = this.#connection;
    if (this.#socket) return this.#socket.abandon();
    if (connection !== null) this.#post({ type: "abandon", connection });
    this.#doubtLeader();
  }

  wake(reason: "online" | "offline" | "visible"): void {
    if (this.#socket) return this.#socket.wake(reason);
    this.#post({ type: "wake", reason });
    if (reason === "visible") this.#doubtLeader();
  }

  /** Says `tabGone` once this tab is gone, which may be now. */
  watch(tab: string): void {
    if (tab === this.tab || this.#watched.has(tab) || !this.#channel) return;
    this.#watched.add(tab);
    const gone = () => {
      this.#watched.delete(tab);
      const atOnce = this.#hello?.limits.subscribe_rooms || 1;
      for (const frame of this.#hub.gone(tab, atOnce)) this.#socket?.send(frame);
      this.tabGone();
    };
    this.locks.request(this.#lockOf(tab), { signal: this.#ended.signal }, gone).catch(() => {});
  }

  /**
   * Acts for those of these tabs that are gone; of the others `tabGone` says it later. One tab does so at a time, so that
   * what a tab has left does not come into two hands.
   */
  takeOver(tabs: () => Promise<ReadonlySet<string>>, act: (gone: ReadonlySet<string>) => Promise<void>): Promise<void> {
    return this.locks.request(`${this.name}:take-over`, {}, async () => {
      const gone = new Set<string>();
      for (const tab of await tabs()) {
        if (tab === this.tab) continue;
        const isGone = await this.locks.request(this.#lockOf(tab), { ifAvailable: true }, (lock) => lock !== null);
        if (isGone) gone.add(tab);
        else {
          this.#toWatch.add(tab);
          this.watch(tab);
        }
      }
      await act(gone);
    });
  }

  // The leader.

  #lead(): void {
    this.#trust();
    if (this.#connection !== null) this.#lost();
    // What a socket says after this tab has given up the lead is of no interest.
    const ifLeading = (act: () => void) => (this.#socket === socket ? act() : undefined);
    const socket = this.openSocket({
      opened: (hello) => ifLeading(() => this.#opened(hello)),
      frame: (frame) => ifLeading(() => this.#arrived(frame)),
      closed: () => ifLeading(() => this.#closed()),
      status: (status) =>
        ifLeading(() => {
          this.#told(status);
          this.#post({ type: "status", status: plain(status) });
        }),
    });
    this.#socket = socket;
    this.#sayLeads();
    socket.start();
  }

  #sayLeads(): void {
    if (this.#beat !== null) this.environment.clearTimer(this.#beat);
    this.#beat = this.environment.setTimer(() => this.#sayLeads(), LEADER_BEAT_MS);
    this.#post({ type: "leads", connection: this.#connection });
  }

  #opened(hello: ServerHello): void {
    this.#connections += 1;
    this.#hub.reset();
    this.#connection = `${this.tab}.${this.#connections}`;
    this.#hello = hello;
    this.#post({ type: "opened", connection: this.#connection, hello });
    this.listener.opened(hello);
  }

  #arrived(frame: ServerFrame): void {
    if (this.#connection === null) return;
    const { to, frame: routed } = this.#hub.route(frame);
    if (to === null) this.#post({ type: "frame", connection: this.#connection, frame });
    else if (to !== this.tab) this.#post({ type: "frame", connection: this.#connection, frame: routed, to });
    if (to === null || to === this.tab) this.listener.frame(routed);
  }

  #closed(): void {
    if (this.#connection !== null) this.#post({ type: "closed", connection: this.#connection });
    this.#lost();
  }

  #request(tab: string, frame: ClientFrame): void {
    const { forward, answer } = this.#hub.request(tab, frame);
    if (forward) this.#socket?.send(forward);
    if (!answer) return;
    if (tab === this.tab) this.listener.frame(answer);
    else this.#post({ type: "frame", connection: this.#connection as string, frame: answer, to: tab });
  }

  /** Gives up the lead, if it has it. */
  #leave(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.stop();
    if (this.#beat !== null) this.environment.clearTimer(this.#beat);
    this.#beat = null;
    if (socket && this.#connection !== null) this.#post({ type: "closed", connection: this.#connection });
    this.#connection = null;
    this.#hello = null;
    this.#trust();
    this.#stepDown?.();
    this.#stepDown = null;
  }

  // Every tab.

  #heard(message: TabMessage): void {
    this.watch(message.from);
    switch (message.type) {
      case "join":
        if (!this.#socket) return;
        this.#post({ type: "status", status: plain(this.#status) });
        if (this.#hello && this.#connection !== null) {
          this.#post({ type: "opened", connection: this.#connection, hello: this.#hello, to: message.from });
        }
        return;
      case "start":
        return this.#socket?.start();
      case "wake":
        // Says that the leader is there, too.
        if (this.#socket) this.#sayLeads();
        return this.#socket?.wake(message.reason);
      case "request":
        if (this.#socket && message.connection === this.#connection) this.#request(message.from, message.frame);
        return;
      case "abandon":
        if (this.#socket && message.connection === this.#connection) this.#socket.abandon();
        return;
      default:
        if (!this.#socket) this.#heardLeader(message);
    }
  }

  #heardLeader(message: TabMessage): void {
    this.#trust();
    switch (message.type) {
      case "status":
        return this.#told(unplain(message.status));
      case "opened":
        if ((message.to ?? this.tab) !== this.tab || message.connection === this.#connection) return;
        this.#connection = message.connection;
        return this.listener.opened(message.hello);
      case "closed":
        if (message.connection === this.#connection) this.#lost();
        return;
      case "leads":
        if (message.connection === this.#connection) return;
        this.#lost();
        if (message.connection !== null) this.#post({ type: "join" });
        return;
      case "frame":
        if (message.connection !== this.#connection || (message.to ?? this.tab) !== this.tab) return;
        return this.listener.frame(message.frame);
      default:
        return;
    }
  }

  #lost(): void {
    if (this.#connection === null) return;
    this.#connection = null;
    this.#hello = null;
    this.listener.closed();
  }

  #told(status: ConnectionStatus): void {
    this.#status = status;
    this.listener.status(status);
  }

  /** Takes the lead if the leader says nothing. */
  #doubtLeader(): void {
    if (this.#doubt !== null || this.#socket) return;
    this.#doubt = this.environment.setTimer(() => {
      this.#doubt = null;
      if (!this.#socket && this.#channel) this.#runForLeader(true);
    }, LEADER_DEADLINE_MS);
  }

  #trust(): void {
    if (this.#doubt !== null) this.environment.clearTimer(this.#doubt);
    this.#doubt = null;
  }

  /** Leads once it has the leader's lock, until it stops or another tab takes the lock. */
  #runForLeader(steal = false): void {
    const { signal } = this.#ended;
    let leads = false;
    const hold = () =>
      new Promise<void>((release) => {
        // It may have asked twice: once in line, and once to take the place of a silent leader.
        if (signal.aborted || this.#socket) return release();
        leads = true;
        this.#stepDown = release;
        this.#lead();
      });
    // A lock cannot be stolen with a signal.
    this.locks.request(`${this.name}:leader`, steal ? { steal } : { signal }, hold).catch(() => {
      if (signal.aborted || !leads) return;
      // Another tab took the lead, for this one did not answer.
      const wasOpen = this.#connection !== null;
      this.#leave();
      if (wasOpen) this.listener.closed();
      this.#runForLeader();
      this.#post({ type: "join" });
    });
  }

  #lockOf(tab: string): string {
    return `${this.name}:tab:${tab}`;
  }

  #post(message: Body): void {
    this.#channel?.postMessage({ ...message, from: this.tab });
  }
}
