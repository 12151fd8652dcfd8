import { useState } from "react";
import { useBlocked, useMe } from "../state/world";
import { useRoomEvents } from "./use-room-events";

/** What others write is spoken once, when it comes: the list itself is silent, for scrolling would speak too. */
export function Announcer({ room, ready }: { room: string; ready: boolean }) {
  const me = useMe();
  const blocked = useBlocked();
  const [spoken, setSpoken] = useState<{ id: string; text: string } | null>(null);
  useRoomEvents(room, (event) => {
    // What is deleted stays nowhere in the page.
    if (event.kind === "deleted") return setSpoken((now) => (now?.id === event.deleted.message ? null : now));
    if (!ready || event.kind !== "message") return;
    const { id, sender, text, thread } = event.message;
    const isApart = thread?.root && !thread.in_room;
    if (!isApart && sender.id !== me.id && !blocked.has(sender.id)) setSpoken({ id, text: `${sender.name}: ${text}` });
  });
  return (
    <p className="visually-hidden" aria-live="polite">
      {spoken?.text}
    </p>
  );
}
