// A value that works only while somebody watches it.
import type { Client } from "@madang/client";

/** How long after the last watcher it goes on: React mounts twice in strict mode, and moves from page to page. */
const LINGER_MS = 1_000;
/** In how long each client asks the server for what all members hear of: 10,000 of them ask 1,000 times a second. */
export const SPREAD_MS = 10_000;

/** Begins with its first watcher, and ends a moment after the last one. It may begin again. */
export abstract class Store<Value> {
  readonly #listeners = new Set<() => void>();
  #value: Value;
  #running = false;
  #ending: ReturnType<typeof setTimeout> | undefined;
  readonly #waiting = new Set<string>();
  readonly #going = new Map<string, Promise<void>>();

  #leave: readonly (() => void)[] = [];
  readonly #initial: Value;

  constructor(
    protected readonly client: Client,
    initial: Value,
  ) {
    this.#value = this.#initial = initial;
  }

  /** Begins to work, and says what ends it. */
  protected abstract begin(): (() => void)[];

  /** The user's id, once it is known. */
  protected get me(): string | undefined {
    return this.client.user?.id;
  }

  readonly get = (): Value => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener();
    this.#listeners.add(own);
    clearTimeout(this.#ending);
    this.#ending = undefined;
    if (!this.#running) {
      this.#running = true;
      this.#leave = this.begin();
    }
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.#ending ??= setTimeout(() => this.#finish(), LINGER_MS);
    };
  };

  protected set(change: Partial<Value>): void {
    if (!this.#running) return;
    this.#value = { ...this.#value, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Does something at a random moment of a while, one at a time for each name. Who asks before it begins is served by it;
   * who asks while it is under way is served by another one after it, at most one. Who asks for it at once waits for none
   * whose moment has not come.
   */
  protected soon(name: string, work: () => Promise<void>, withinMs = SPREAD_MS): void {
    const waits = name + withinMs;
    if (this.#waiting.has(waits)) return;
    this.#waiting.add(waits);
    const act = async (before?: Promise<void>) => {
      await before;
      this.#waiting.delete(waits);
      if (this.#running) await work();
    };
    const go = () => this.#going.set(name, act(this.#going.get(name)));
    if (withinMs) setTimeout(go, Math.random() * withinMs);
    else go();
  }

  #finish(): void {
    this.#ending = undefined;
    for (const leave of this.#leave) leave();
    this.#running = false;
    this.#value = this.#initial;
  }
}
