// Receipts, apart from the other hooks: `@madang/react/receipts` is loaded by those who show them.
import type { Mark } from "@madang/client";
import { Receipts, notRead } from "@madang/client/receipts";
import { useCallback, useEffect, useState } from "react";
import { useClient } from "./index.js";

interface Known {
  readonly members: number;
  readonly from: number;
  readonly marks: readonly Mark[];
  /** What the members' devices have received; null where that is what they have read, or not known. */
  readonly delivered: readonly Mark[] | null;
}

/** How far the members of a room have read it. It is null until it is known, and where the room does not show it. */
export function useReceipts(room: string): {
  marks: readonly Mark[] | null;
  delivered: readonly Mark[] | null;
  /** How many members have not read the message at a place; null where that is not known. */
  notRead: (seq: number) => number | null;
} {
  const client = useClient();
  const [known, setKnown] = useState<Known | null>(null);
  useEffect(() => {
    setKnown(null);
    let asked = 0;
    let isOver = false;
    const load = async () => {
      asked += 1;
      const own = asked;
      const reads = await new Receipts(client.rest).reads(room).catch(() => null);
      // What was told meanwhile is later.
      if (isOver || own !== asked || reads === null) return;
      setKnown(reads.receipts === "none" ? null : { ...reads, delivered: reads.delivered ?? null });
    };
    const isOpen = () => client.status.get().phase === "open";
    let delivered: readonly Mark[] | null = null;
    const leave = [
      client.status.subscribe(() => isOpen() && void load()),
      client.on("passing", (frame) => {
        if (frame.type === "delivered" && frame.room === room) delivered = frame.marks;
        if (frame.type !== "read" || frame.room !== room || !frame.marks) return;
        asked += 1;
        setKnown({ members: frame.members ?? 0, from: frame.from ?? 0, marks: frame.marks, delivered });
        delivered = null;
      }),
    ];
    if (isOpen()) void load();
    return () => {
      isOver = true;
      for (const end of leave) end();
    };
  }, [client, room]);
  const of = useCallback((seq: number) => known && notRead(known, seq), [known]);
  return { marks: known?.marks ?? null, delivered: known?.delivered ?? null, notRead: of };
}
