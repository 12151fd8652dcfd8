// A value that others can watch, in the form that React's `useSyncExternalStore` takes.
import { attempt } from "./attempt.js";

/** A value, and how to hear of its changes. */
export interface Observable<Value> {
  /** The same object for as long as nothing changes. */
  readonly get: () => Value;
  /** Calls back after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void;
}

export class Subject<Value> implements Observable<Value> {
  readonly #listeners = new Set<() => void>();
  #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  readonly get = (): Value => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    // One listener may be there twice.
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  };

  set(value: Value): void {
    this.#value = value;
    [...this.#listeners].forEach(attempt);
  }
}
