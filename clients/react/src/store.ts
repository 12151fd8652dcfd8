// A value that works only while somebody watches it.

/** How long after the last watcher it goes on: React mounts twice in strict mode, and moves from page to page. */
const LINGER_MS = 1_000;

/** Begins with its first watcher, and ends a moment after the last one. It may begin again. */
export abstract class Store<Value> {
  readonly #listeners = new Set<() => void>();
  #value: Value;
  #running = false;
  #ending: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly initial: Value) {
    this.#value = initial;
  }

  /** Begins to work. */
  protected abstract begin(): void;
  /** Leaves what `begin` took. */
  protected abstract end(): void;

  readonly get = (): Value => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener();
    this.#listeners.add(own);
    if (this.#ending !== null) clearTimeout(this.#ending);
    this.#ending = null;
    if (!this.#running) {
      this.#running = true;
      this.begin();
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

  #finish(): void {
    this.#ending = null;
    this.end();
    this.#running = false;
    this.#value = this.initial;
  }
}
