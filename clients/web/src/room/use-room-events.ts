import type { RoomEvent } from "@madang/client";
import { useRoomFeed } from "@madang/react";
import { useEffect, useRef, useState } from "react";

/** Hears what happens in a room, also what the timeline does not show. */
export function useRoomEvents(room: string, onEvent: (event: RoomEvent) => void): void {
  const feed = useRoomFeed(room);
  const now = useRef(onEvent);
  now.current = onEvent;
  useEffect(() => feed.follow({ onEvent: (event) => now.current(event) }), [feed]);
}

/** The place of the last event of these: what they are about is loaded anew when it moves. */
export function useLast(room: string, isOne: (event: RoomEvent) => boolean): number {
  const feed = useRoomFeed(room);
  const now = useRef(isOne);
  now.current = isOne;
  const [last, setLast] = useState(0);
  useEffect(() => {
    let isBegun = false;
    return feed.follow({
      onEvent: (event) => now.current(event) && setLast(event.seq),
      onBegin: (seq) => {
        // Another time it says that something was missed.
        if (isBegun) setLast(seq);
        isBegun = true;
      },
    });
  }, [feed]);
  return last;
}
