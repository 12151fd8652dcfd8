// Storage that goes on in memory where the browser's refuses: in private mode, or with its quota used up.
import { type ClientStorage, type StoreName, memoryStorage } from "./storage.js";

const ABSENT = Symbol("absent");

/**
 * What could not be written there is kept here, and is what is read from then on. `onRefusal` hears the first refusal:
 * what is kept here does not survive a reload.
 */
export function withFallback(primary: ClientStorage, onRefusal: (error: unknown) => void = () => {}): ClientStorage {
  const memory = memoryStorage();
  let refused = false;
  const refusal = (error: unknown) => {
    if (!refused) onRefusal(error);
    refused = true;
  };
  /** The stores and keys whose value stands in memory; a removed one stands there as absent. */
  const kept = new Set<string>();
  const isKept = (store: StoreName, key: string) => kept.has(`${store} ${key}`);
  const shown = (value: unknown) => (value === ABSENT ? undefined : value);

  return {
    async get(store, key) {
      if (isKept(store, key)) return shown(await memory.get(store, key));
      try {
        return await primary.get(store, key);
      } catch (error) {
        refusal(error);
        return undefined;
      }
    },
    async list(store, prefix) {
      const present = (await memory.list(store, prefix)).filter(([, value]) => value !== ABSENT);
      try {
        const there = await primary.list(store, prefix);
        return [...there.filter(([key]) => !isKept(store, key)), ...present];
      } catch (error) {
        refusal(error);
        return present;
      }
    },
    async update(store, key, change) {
      let before: unknown;
      if (!isKept(store, key)) {
        try {
          return await primary.update(store, key, (value) => {
            before = value;
            return change(value);
          });
        } catch (error) {
          refusal(error);
          kept.add(`${store} ${key}`);
          await memory.update(store, key, () => before);
        }
      }
      await memory.update(store, key, (value) => change(shown(value)) ?? ABSENT);
    },
  };
}
