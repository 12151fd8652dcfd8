// A browser: storage that all tabs share, Web Locks, channels between tabs, and tabs that can be killed at any time.
import type { ChannelLike, Environment, LocksLike } from "../../src/environment.js";
import { type ClientStorage, memoryStorage } from "../../src/storage/storage.js";
import { type Server, Socket } from "./server.js";
import { Life, type World } from "./world.js";

interface Waiting {
  readonly life: Life;
  readonly grant: () => void;
}

interface Held {
  readonly life: Life;
  readonly lose: () => void;
}

/** The locks of a browser. A tab that dies loses its own. */
class Locks {
  readonly #held = new Map<string, Held>();
  readonly #waiting = new Map<string, Waiting[]>();

  of(life: Life): LocksLike {
    return {
      request: <Result>(
        name: string,
        options: { signal?: AbortSignal; steal?: boolean; ifAvailable?: boolean },
        callback: (lock: unknown) => Promise<Result> | Result,
      ) =>
        new Promise<Result>((resolve, reject) => {
          const aborted = () => reject(new DOMException("aborted", "AbortError"));
          if (options.signal?.aborted) return aborted();
          // The lock is held from now on; a frozen tab hears of that, and of its loss, later.
          const grant = () => {
            const held = { life, lose: () => life.happens(aborted) };
            this.#held.set(name, held);
            life.happens(() => void use(held));
          };
          const use = async (held: Held) => {
            try {
              const result = await callback({ name });
              if (life.alive) resolve(result);
            } catch (error) {
              if (life.alive) reject(error);
            } finally {
              if (this.#held.get(name) === held) this.#release(name);
            }
          };
          if (options.steal) {
            this.#held.get(name)?.lose();
            return grant();
          }
          if (!this.#held.has(name)) return grant();
          if (options.ifAvailable) return resolve(callback(null));
          const waiting = { life, grant };
          this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), waiting]);
          options.signal?.addEventListener("abort", () => {
            const others = (this.#waiting.get(name) ?? []).filter((other) => other !== waiting);
            this.#waiting.set(name, others);
            aborted();
          });
        }),
    };
  }

  died(life: Life): void {
    for (const [name, waiting] of this.#waiting) {
      this.#waiting.set(
        name,
        waiting.filter((other) => other.life !== life),
      );
    }
    for (const [name, held] of [...this.#held]) if (held.life === life) this.#release(name);
  }

  #release(name: string): void {
    this.#held.delete(name);
    const [next, ...others] = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, others);
    next?.grant();
  }
}

export class Browser {
  readonly #storage = memoryStorage();
  readonly #locks = new Locks();
  readonly #writing = new Map<Life, number>();
  readonly #channels = new Map<string, Set<Channel>>();
  readonly sockets = new Set<Socket>();
  readonly lives = new Set<Life>();
  #ids = 0;

  constructor(
    readonly world: World,
    readonly server: Server,
    readonly user: string,
  ) {}

  /** Whether a tab has said something to the storage that is not written yet. */
  isWriting(life: Life): boolean {
    return (this.#writing.get(life) ?? 0) > 0;
  }

  kill(life: Life): void {
    life.alive = false;
    this.lives.delete(life);
    for (const socket of this.sockets) if (socket.ownedBy(life)) socket.end(1006);
    for (const channels of this.#channels.values()) {
      for (const channel of channels) if (channel.life === life) channels.delete(channel);
    }
    this.#locks.died(life);
  }

  /** The storage as one tab has it: each call takes its time, and a dead tab's never ends. */
  storage(life: Life, written: (key: string) => void = () => {}): ClientStorage {
    const takeTime = () => this.world.sleep(this.world.chance.below(4), life);
    /** Changes of one page happen in the order of the calls, as in IndexedDB: a call is ready when those before it are. */
    let readyMs = 0;
    const takeTurn = () => {
      readyMs = Math.max(readyMs, this.world.nowMs + this.world.chance.below(4));
      return this.world.sleep(readyMs - this.world.nowMs, life);
    };
    return {
      get: async (store, key) => {
        await takeTime();
        return this.#storage.get(store, key);
      },
      list: async (store, prefix) => {
        await takeTime();
        return this.#storage.list(store, prefix);
      },
      update: async (store, key, change) => {
        this.#writing.set(life, (this.#writing.get(life) ?? 0) + 1);
        await takeTurn();
        await this.#storage.update(store, key, change);
        this.#writing.set(life, (this.#writing.get(life) ?? 0) - 1);
        if (store === "outbox") written(key);
      },
    };
  }

  environment(life: Life): Environment {
    this.lives.add(life);
    const { world, server } = this;
    const browser = this;
    // Somebody sets the clock of the device, now and then by hours.
    const wrongMs = world.chance.is(0.3) ? (world.chance.below(13) - 6) * 3_600_000 : 0;
    return {
      monotonicMs: () => world.nowMs,
      wallMs: () => world.nowMs + wrongMs,
      random: world.chance.fraction,
      newId: () => {
        this.#ids += 1;
        return `${this.user}-${this.#ids}`;
      },
      setTimer: (callback, ms) => world.after(ms, callback, life),
      clearTimer: (timer) => {
        (timer as { cancelled: boolean }).cancelled = true;
      },
      fetch: (async (address: string) => {
        await world.sleep(world.chance.below(40), life);
        if (server.down) throw new TypeError("fetch failed");
        const text = JSON.stringify(server.call(this.user, address.slice(address.indexOf("/v1"))));
        return { ok: true, status: 200, text: async () => text };
      }) as unknown as typeof fetch,
      WebSocket: class extends Socket {
        constructor(url: string) {
          super(server, life, url);
          browser.sockets.add(this);
        }
      },
      locks: this.#locks.of(life),
      openChannel: (name) => {
        const channels = this.#channels.get(name) ?? new Set();
        this.#channels.set(name, channels);
        return new Channel(world, life, channels);
      },
    };
  }
}

class Channel implements ChannelLike {
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(
    private readonly world: World,
    readonly life: Life,
    private readonly others: Set<Channel>,
  ) {
    others.add(this);
  }

  postMessage(message: unknown): void {
    // Nobody changes what was posted.
    const data = message;
    for (const other of this.others) {
      if (other === this) continue;
      // In order: each takes the same time.
      this.world.after(1, () => this.others.has(other) && other.onmessage?.({ data }), other.life);
    }
  }

  close(): void {
    this.others.delete(this);
  }
}
