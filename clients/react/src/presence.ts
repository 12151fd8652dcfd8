// Who is in a room, apart from the other hooks: `@madang/react/presence` is loaded by those who show it.
import type { User } from "@madang/client";
import { useEffect, useState } from "react";
import { useClient, useRoomFeed } from "./index.js";

interface Present {
  readonly count: number;
  /** Absent in large rooms. */
  readonly users?: readonly User[] | undefined;
}

const NOBODY: Present = { count: 0 };

/** Who is in a room now. In large rooms it is a count only. */
export function usePresence(room: string): Present {
  const client = useClient();
  const feed = useRoomFeed(room);
  const [present, setPresent] = useState(NOBODY);
  useEffect(() => {
    let known = NOBODY;
    let isOver = false;
    const show = (now: Present) => setPresent((known = now));
    const ask = async () => {
      const now = await client.presence(room).catch(() => null);
      if (now && !isOver) show(now);
    };
    show(NOBODY);
    const leave = [
      feed.follow({ onEvent: () => {}, onCaughtUp: () => void ask() }),
      client.on("passing", (frame) => {
        if (frame.type !== "presence" || frame.room !== room) return;
        // The list is not complete: too many are there, or a frame was lost.
        if (frame.changes === undefined) return show({ count: frame.count });
        const users = new Map((known.users ?? []).map((user) => [user.id, user]));
        for (const { user, on } of frame.changes) on ? users.set(user.id, user) : users.delete(user.id);
        if (users.size !== frame.count) return void ask();
        show({ count: frame.count, users: [...users.values()] });
      }),
    ];
    return () => {
      isOver = true;
      for (const end of leave) end();
    };
  }, [client, feed, room]);
  return present;
}
