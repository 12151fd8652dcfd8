// Who types, apart from the other hooks: `@madang/react/typing` is loaded by those who show or say it.
import { useCallback, useEffect, useRef, useState } from "react";
import { useClient, useRoomFeed } from "./index.js";

/** The user's typing is told again after this. */
const AGAIN_MS = 3_000;
/** Where the server does not say when typing ends. */
const ENDS_MS = 6_000;

interface Typist {
  readonly id: string;
  readonly name: string;
}

/** Who else types in a room, and a function that says that the user does. */
export function useTyping(room: string): { typing: readonly Typist[]; setTyping: (on: boolean) => void } {
  const client = useClient();
  const feed = useRoomFeed(room);
  const [typing, setShown] = useState<readonly Typist[]>([]);
  /** When the user's typing was last told; null while the user does not type. */
  const toldMs = useRef<number | null>(null);
  useEffect(() => {
    const typists = new Map<string, { name: string; timer: ReturnType<typeof setTimeout> }>();
    const note = (id: string, name: string, on: boolean, expiresMs = ENDS_MS) => {
      clearTimeout(typists.get(id)?.timer);
      if (on) typists.set(id, { name, timer: setTimeout(() => note(id, name, false), expiresMs) });
      else if (!typists.delete(id)) return;
      setShown([...typists].map(([typist, { name: shownName }]) => ({ id: typist, name: shownName })));
    };
    setShown([]);
    toldMs.current = null;
    const leave = [
      feed.follow({
        onEvent: (event) => {
          if (event.kind !== "message") return;
          note(event.message.sender.id, "", false);
          if (event.message.sender.id === client.user?.id) toldMs.current = null;
        },
      }),
      client.on("passing", (frame) => {
        if (frame.type !== "typing" || frame.room !== room) return;
        // Who types in a thread does not type here.
        note(frame.user, frame.name, frame.on && !frame.thread, frame.expires_ms);
      }),
    ];
    return () => {
      for (const end of leave) end();
      for (const { timer } of typists.values()) clearTimeout(timer);
    };
  }, [client, feed, room]);
  const setTyping = useCallback(
    (on: boolean) => {
      const nowMs = performance.now();
      if (on ? toldMs.current !== null && nowMs - toldMs.current < AGAIN_MS : toldMs.current === null) return;
      toldMs.current = on ? nowMs : null;
      client.typing(room, on);
    },
    [client, room],
  );
  return { typing, setTyping };
}
