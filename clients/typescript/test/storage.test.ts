// Storage, also where the browser refuses it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { withFallback } from "../src/storage/fallback.js";
import { indexedDbStorage } from "../src/storage/indexed-db.js";
import { type ClientStorage, memoryStorage } from "../src/storage/storage.js";

// It is what the browser has beside the factory.
Object.assign(globalThis, { IDBKeyRange });

const kinds: Record<string, () => ClientStorage> = {
  memory: memoryStorage,
  IndexedDB: () => indexedDbStorage("test", new IDBFactory()),
  "memory, where IndexedDB is not there": () => withFallback(indexedDbStorage("test", undefined)),
  "memory, where IndexedDB refuses": () => withFallback(indexedDbStorage("test", refusing())),
};

/** As in a private window. */
function refusing(): IDBFactory {
  return {
    open() {
      throw new DOMException("A mutation operation was attempted", "InvalidStateError");
    },
  } as unknown as IDBFactory;
}

for (const [name, make] of Object.entries(kinds)) {
  test(`${name}: values are kept, listed by prefix, changed and removed`, async () => {
    const storage = make();
    assert.equal(await storage.get("cursors", "a:1"), undefined);
    await storage.update("cursors", "a:1", () => ({ seq: 1 }));
    await storage.update("cursors", "a:2", () => ({ seq: 2 }));
    await storage.update("cursors", "b:1", () => ({ seq: 3 }));
    await storage.update("cursors", "a:1", (value) => ({ seq: (value as { seq: number }).seq + 10 }));
    assert.deepEqual(await storage.get("cursors", "a:1"), { seq: 11 });
    assert.deepEqual((await storage.list("cursors", "a:")).sort(), [
      ["a:1", { seq: 11 }],
      ["a:2", { seq: 2 }],
    ]);
    await storage.update("cursors", "a:2", () => undefined);
    assert.deepEqual(await storage.list("cursors", "a:"), [["a:1", { seq: 11 }]]);
    assert.deepEqual(await storage.list("outbox", ""), []);
  });
}

test("IndexedDB: two pages share the database, and changes do not overtake each other", async () => {
  const factory = new IDBFactory();
  const [one, other] = [indexedDbStorage("test", factory), indexedDbStorage("test", factory)];
  const add = (value: unknown) => ((value as number | undefined) ?? 0) + 1;
  await Promise.all(Array.from({ length: 20 }, (_, place) => (place % 2 ? one : other).update("cursors", "n", add)));
  assert.equal(await one.get("cursors", "n"), 20);
});

test("a full disk: what cannot be written is kept in memory, and what was written before is still read", async () => {
  let full = false;
  const disk = memoryStorage();
  const quota: ClientStorage = {
    ...disk,
    update: (store, key, change) =>
      full
        ? // The browser finds out at the end of the transaction.
          disk.get(store, key).then((value) => {
            change(value);
            throw new DOMException("The quota has been exceeded", "QuotaExceededError");
          })
        : disk.update(store, key, change),
  };
  const refusals: unknown[] = [];
  const storage = withFallback(quota, (error) => refusals.push(error));
  await storage.update("cursors", "old", () => 1);
  await storage.update("cursors", "both", () => 1);
  full = true;
  await storage.update("cursors", "new", () => 2);
  await storage.update("cursors", "both", (value) => (value as number) + 1);
  await storage.update("cursors", "both", (value) => (value as number) + 1);
  assert.equal(await storage.get("cursors", "old"), 1);
  assert.equal(await storage.get("cursors", "new"), 2);
  assert.equal(await storage.get("cursors", "both"), 3);
  assert.deepEqual((await storage.list("cursors", "")).sort(), [
    ["both", 3],
    ["new", 2],
    ["old", 1],
  ]);
  await storage.update("cursors", "both", () => undefined);
  assert.equal(await storage.get("cursors", "both"), undefined);
  assert.equal(refusals.length, 1, "the application is told once");
});
