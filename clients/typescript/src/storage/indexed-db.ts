// Storage in IndexedDB.
import type { ClientStorage, StoreName } from "./storage.js";

const STORES: readonly StoreName[] = ["cursors", "outbox", "tokens"];
const VERSION = 1;
/** Browsers in private mode, and broken profiles, may never answer. */
const OPEN_DEADLINE_MS = 3_000;

/** Keeps everything in a database of the origin. Its calls fail where the browser refuses: see `withFallback`. */
export function indexedDbStorage(name = "madang", factory: IDBFactory | undefined = globalThis.indexedDB): ClientStorage {
  let opening: Promise<IDBDatabase> | null = null;
  const database = () => {
    opening ??= open(factory, name, () => {
      opening = null;
    });
    opening.catch(() => {
      opening = null;
    });
    return opening;
  };

  async function transact<Result>(
    store: StoreName,
    mode: IDBTransactionMode,
    act: (objects: IDBObjectStore, done: (result: Result) => void) => void,
  ): Promise<Result> {
    const transaction = (await database()).transaction(store, mode);
    return new Promise((resolve, reject) => {
      let result: Result;
      // Only what is committed counts: the quota is checked at the end.
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
      act(transaction.objectStore(store), (value) => {
        result = value;
      });
    });
  }

  return {
    get: (store, key) =>
      transact<unknown>(store, "readonly", (objects, done) => {
        const request = objects.get(key);
        request.onsuccess = () => done(request.result);
      }),
    list: (store, prefix) =>
      transact<[string, unknown][]>(store, "readonly", (objects, done) => {
        const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
        const keys = objects.getAllKeys(range);
        const values = objects.getAll(range);
        values.onsuccess = () => done(keys.result.map((key, place) => [String(key), values.result[place]]));
      }),
    update: (store, key, change) =>
      transact<void>(store, "readwrite", (objects) => {
        const request = objects.get(key);
        request.onsuccess = () => {
          const before: unknown = request.result;
          const after = change(before);
          if (after === undefined) objects.delete(key);
          else if (after !== before) objects.put(after, key);
        };
      }),
  };
}

function open(factory: IDBFactory | undefined, name: string, gone: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    if (!factory) throw new Error("no IndexedDB");
    const request = factory.open(name, VERSION);
    const timer = setTimeout(() => reject(new Error("IndexedDB does not answer")), OPEN_DEADLINE_MS);
    request.onupgradeneeded = () => {
      for (const store of STORES) {
        if (!request.result.objectStoreNames.contains(store)) request.result.createObjectStore(store);
      }
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      const database = request.result;
      // A newer version of this package in another tab wants the database, or the browser has removed it.
      database.onversionchange = () => {
        database.close();
        gone();
      };
      database.onclose = gone;
      resolve(database);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(request.error);
    };
  });
}
