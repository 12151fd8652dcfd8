// A world in which time passes only when it is told to, and chance has a seed.

/** Numbers that a seed decides (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Evenly from 0 to 1. */
  readonly fraction = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  /** A whole number below the bound. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  is(probability: number): boolean {
    return this.fraction() < probability;
  }

  of<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }
}

/** Something to which things happen: they do not once it is dead, and wait while it is frozen. */
export class Life {
  alive = true;
  #deferred: (() => void)[] | null = null;

  freeze(): void {
    this.#deferred ??= [];
  }

  thaw(): void {
    const deferred = this.#deferred ?? [];
    this.#deferred = null;
    for (const act of deferred) this.happens(act);
  }

  happens(act: () => void): void {
    if (!this.alive) return;
    if (this.#deferred) this.#deferred.push(act);
    else act();
  }
}

interface Due {
  readonly atMs: number;
  readonly act: () => void;
  cancelled: boolean;
}

/** Enough for the longest chain of promises that one event sets off. */
const MICROTASKS = 30;

export class World {
  nowMs = 1_000;
  readonly chance: Chance;
  #due: Due[] = [];

  constructor(seed: number) {
    this.chance = new Chance(seed);
  }

  /** After a while, if whose life it belongs to goes on. */
  after(ms: number, act: () => void, life?: Life): Due {
    const due = { atMs: this.nowMs + Math.max(0, ms), act: life ? () => life.happens(act) : act, cancelled: false };
    // Kept in order; what is due at the same time happens in the order of the calls.
    let place = this.#due.length;
    while (place > 0 && (this.#due[place - 1] as Due).atMs > due.atMs) place -= 1;
    this.#due.splice(place, 0, due);
    return due;
  }

  /** A promise of a life: it does not come true any more after its end. */
  sleep(ms: number, life: Life): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve, life));
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settle();
    for (let next = this.#due[0]; next && next.atMs <= untilMs; next = this.#due[0]) {
      this.#due.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      if (next.cancelled) continue;
      next.act();
      await settle();
    }
    this.nowMs = untilMs;
  }
}

async function settle(): Promise<void> {
  for (let time = 0; time < MICROTASKS; time += 1) await null;
}
