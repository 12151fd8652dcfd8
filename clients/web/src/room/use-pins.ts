import type { RoomMessage } from "@madang/client";
import { useClient } from "@madang/react";
import { useEffect, useState } from "react";

/** A room has at most as many pins. */
const PINS = 100;

/** The pins of a room, the newest first, loaded anew when `version` is another. Null: not loaded yet. */
export function usePins(room: string, version: number | null): readonly RoomMessage[] | null {
  const client = useClient();
  const [pins, setPins] = useState<readonly RoomMessage[] | null>(null);
  useEffect(() => {
    if (version === null) return;
    let isCurrent = true;
    const load = async () => {
      const found: RoomMessage[] = [];
      let cursor: string | null = null;
      do {
        const page = await client.rest.listPins(room, { limit: PINS, ...(cursor === null ? {} : { cursor }) });
        found.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor !== null);
      if (isCurrent) setPins(found);
    };
    load().catch(() => {});
    return () => void (isCurrent = false);
  }, [client, room, version]);
  return pins;
}
