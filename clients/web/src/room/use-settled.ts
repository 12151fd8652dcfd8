import { startTransition, useEffect, useState } from "react";

/** A row that stays for this long has its buttons. Those that pass in a long scroll are gone before. */
const SETTLED_MS = 400;

/** Rows that wait, in the order of the times at which they are due. One timer is for all: a scroll passes hundreds a second. */
const waiting = new Map<() => void, number>();
let timer: ReturnType<typeof setTimeout> | null = null;

function settleDue(): void {
  timer = null;
  const now = performance.now();
  startTransition(() => {
    for (const [settle, due] of waiting) {
      // A timer may be early by a part of a millisecond.
      if (due > now + 1) {
        timer = setTimeout(settleDue, due - now);
        return;
      }
      waiting.delete(settle);
      settle();
    }
  });
}

/** Whether a row has stayed for a while, or is used. Its menus cost as much as the rest of it. */
export function useSettled(): [isSettled: boolean, settle: () => void] {
  const [isSettled, setIsSettled] = useState(false);
  useEffect(() => {
    const settle = () => setIsSettled(true);
    waiting.set(settle, performance.now() + SETTLED_MS);
    timer ??= setTimeout(settleDue, SETTLED_MS);
    return () => void waiting.delete(settle);
  }, []);
  return [isSettled, () => setIsSettled(true)];
}
