import { useConnection } from "@madang/react";
import { useSyncExternalStore } from "react";

function subscribe(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

/** Whether the device says that it has a network. */
export function useOnline(): boolean {
  return useSyncExternalStore(subscribe, () => navigator.onLine);
}

/** Whether what is sent now arrives now: a device without a network knows it before its socket does. */
export function useConnected(): boolean {
  const { phase } = useConnection();
  return useOnline() && phase === "open";
}
