// A value that components watch.
import { useSyncExternalStore } from "react";

export class Value<Kept> {
  readonly #listeners = new Set<() => void>();
  #value: Kept;

  constructor(value: Kept) {
    this.#value = value;
  }

  readonly get = (): Kept => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  };

  set(value: Kept): void {
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }
}

export function useValue<Kept>(value: Pick<Value<Kept>, "get" | "subscribe">): Kept {
  return useSyncExternalStore(value.subscribe, value.get);
}
