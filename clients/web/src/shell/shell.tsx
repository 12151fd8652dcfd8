import { useConnection, useNotices, useRooms } from "@madang/react";
import { MessagesSquare } from "lucide-react";
import { useEffect, useState } from "react";
import { useTexts } from "../i18n";
import { RoomScreen } from "../room/room-screen";
import { isMac, switchKeys } from "../state/keys";
import { go, roomHash, useRoute } from "../state/route";
import { useMedia } from "../state/use-media";
import { useMe } from "../state/world";
import { classes } from "../ui/classes";
import { Empty } from "../ui/empty";
import { Later } from "../ui/later";
import { preloadParts } from "../ui/part";
import { ConnectionNote } from "./connection-note";
import { JoinLink, RoomSwitcher } from "./later-dialogs";
import { Sidebar } from "./sidebar";

/** Up to this width the rooms and a room are not in sight together. */
const NARROW = "(max-width: 720px)";

export function Shell() {
  const route = useRoute();
  const texts = useTexts();
  const me = useMe();
  const [switching, setSwitching] = useState(false);
  const isNarrow = useMedia(NARROW);
  // Where it is seen: beside the rooms, or in the room that covers them.
  const isNoteInRoom = isNarrow && route.room !== null;
  const { rooms, ready } = useRooms();
  const hasNone = ready && rooms.length === 0;
  useEffect(preloadParts, []);
  useTitle();
  useFreshRooms();
  useRoomKeys(() => setSwitching(true));
  return (
    <div className={classes("shell", (route.room ?? route.join) !== null && "shell-in-room")}>
      <Sidebar open={route.room} note={isNoteInRoom ? null : <ConnectionNote />} />
      {route.join !== null ? (
        <JoinLink key={route.join} code={route.join} onClose={() => go("")} />
      ) : route.room === null ? (
        <main className="no-room">
          <Empty as="h1" icon={MessagesSquare} title={texts.welcome(me.name)}>
            {hasNone ? (
              <p>{texts.noRoomsHint}</p>
            ) : (
              <>
                <p>{texts.pickRoom}</p>
                <p className="hint">{texts.pickRoomHint.replace("{keys}", switchKeys)}</p>
              </>
            )}
          </Empty>
        </main>
      ) : (
        <RoomScreen name={route.room} at={route.at} note={isNoteInRoom ? <ConnectionNote /> : null} />
      )}
      <Later open={switching} dialog={RoomSwitcher} onClose={() => setSwitching(false)} />
    </div>
  );
}

/** The title of the page has the number of what is unread. */
function useTitle(): void {
  const { rooms } = useRooms();
  const { unread: notices } = useNotices();
  const unread = rooms.reduce((sum, room) => sum + (room.unread ?? 0), notices);
  useEffect(() => {
    document.title = unread === 0 ? "Madang" : `(${unread > 99 ? "99+" : unread}) Madang`;
  }, [unread]);
}

/** What other devices have read, or which rooms they made, is loaded when the user looks again. */
function useFreshRooms(): void {
  const { reload } = useRooms();
  const { phase } = useConnection();
  useEffect(() => {
    const look = () => document.visibilityState === "visible" && phase === "open" && void reload();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [reload, phase]);
}

/** Ctrl+K goes to a room by its name, Alt with the arrows to the one above or below. */
function useRoomKeys(openSwitcher: () => void): void {
  const { rooms } = useRooms();
  const { room } = useRoute();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.isComposing) return;
      if (event.key.toLowerCase() === "k" && (isMac ? event.metaKey : event.ctrlKey) && !event.shiftKey) {
        event.preventDefault();
        return openSwitcher();
      }
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!event.altKey || event.ctrlKey || event.metaKey || step === undefined || rooms.length === 0) return;
      event.preventDefault();
      const place = rooms.findIndex(({ id }) => id === room);
      const next = rooms[(place + step + rooms.length) % rooms.length];
      if (next) go(roomHash(next.id));
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [rooms, room, openSwitcher]);
}
