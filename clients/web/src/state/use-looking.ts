import { useSyncExternalStore } from "react";

const EVENTS = ["focus", "blur", "visibilitychange"] as const;

function subscribe(listener: () => void): () => void {
  for (const name of EVENTS) (name === "visibilitychange" ? document : window).addEventListener(name, listener);
  return () => {
    for (const name of EVENTS) (name === "visibilitychange" ? document : window).removeEventListener(name, listener);
  };
}

/** Whether the user looks at this page: only what is seen counts as read. */
export function useLooking(): boolean {
  return useSyncExternalStore(subscribe, () => document.visibilityState === "visible" && document.hasFocus());
}
