// What outlives a page: cursors, messages on their way, and tokens where the application wants it.

/** The kinds of what is kept. */
export type StoreName = "cursors" | "outbox" | "tokens";

/** A place for small values, shared by the tabs of an origin if it can be. */
export interface ClientStorage {
  get(store: StoreName, key: string): Promise<unknown>;
  /** All keys that begin so, with their values. */
  list(store: StoreName, prefix: string): Promise<[key: string, value: unknown][]>;
  /**
   * Replaces the value by what `change` makes of it, with nothing else in between; undefined removes it, and the value
   * itself leaves it as it is.
   */
  update(store: StoreName, key: string, change: (value: unknown) => unknown): Promise<void>;
}

/** Keeps everything for as long as the page lives. */
export function memoryStorage(): ClientStorage {
  const stores = new Map<StoreName, Map<string, unknown>>();
  const of = (name: StoreName) => {
    let store = stores.get(name);
    if (!store) stores.set(name, (store = new Map()));
    return store;
  };
  return {
    get: async (name, key) => of(name).get(key),
    list: async (name, prefix) => [...of(name)].filter(([key]) => key.startsWith(prefix)),
    update: async (name, key, change) => {
      const value = change(of(name).get(key));
      if (value === undefined) of(name).delete(key);
      else of(name).set(key, value);
    },
  };
}
