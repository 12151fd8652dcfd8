// What people say of themselves, apart from the other hooks: `@madang/react/people` is loaded by those who show it.
import type { Person, Status } from "@madang/client";
import { useEffect, useRef, useState } from "react";
import { useClient } from "./index.js";

/** What is known of a person from a profile or from a list of members. */
export type Known = Pick<Person, "status" | "last_seen">;

export interface PersonState {
  readonly status: Status | null;
  /** When the last socket of the person closed; it matters of those who are not present. */
  readonly lastSeen: string | null;
}

/** No timer waits longer. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The loads of those who have left wait for one another: a crowd that leaves is not asked for all at once. */
let lastLoad: Promise<void> = Promise.resolve();

/**
 * A person's status and when the person was last seen, as they are now. Without what is known they are loaded, and once
 * more when `isHere` ends: the time of it is known to the server alone, and may be hidden.
 */
export function usePersonState(user: string, known?: Known, isHere = false): PersonState {
  const client = useClient();
  const wasHere = useRef(isHere);
  const [left, setLeft] = useState<Known | null>(null);
  const [loaded, setLoaded] = useState<Known | null>(null);
  const [told, setTold] = useState<{ readonly status: Status | null } | null>(null);
  const isKnown = known !== undefined;
  useEffect(() => {
    setLoaded(null);
    setLeft(null);
    setTold(null);
    const abort = new AbortController();
    if (!isKnown) client.rest.getUser(user, { signal: abort.signal }).then(setLoaded, () => {});
    const leave = client.on("passing", (frame) => {
      if (frame.type === "status" && frame.user === user) setTold({ status: frame.status ?? null });
    });
    return () => {
      abort.abort();
      leave();
    };
  }, [client, user, isKnown]);
  useEffect(() => {
    const hasLeft = wasHere.current && !isHere;
    wasHere.current = isHere;
    if (!hasLeft) return;
    const abort = new AbortController();
    const load = async () => {
      if (!abort.signal.aborted) await client.rest.getUser(user, { signal: abort.signal }).then(setLeft, () => {});
    };
    lastLoad = lastLoad.then(load);
    return () => abort.abort();
  }, [client, user, isHere]);
  const from = left ?? known ?? loaded;
  const status = told ? told.status : (from?.status ?? null);
  const ended = useEnded(status?.until ?? null);
  return { status: ended ? null : status, lastSeen: from?.last_seen ?? null };
}

/** Whether a time has passed. */
function useEnded(until: string | null): boolean {
  const [, setNow] = useState(0);
  const leftMs = until === null ? Number.POSITIVE_INFINITY : Date.parse(until) - Date.now();
  useEffect(() => {
    if (until === null || leftMs <= 0) return;
    const timer = setTimeout(() => setNow((count) => count + 1), Math.min(leftMs, TIMER_MAX_MS));
    return () => clearTimeout(timer);
  });
  return leftMs <= 0;
}
