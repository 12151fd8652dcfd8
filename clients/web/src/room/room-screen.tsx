import type { Room } from "@madang/client";
import { useClient, useRooms } from "@madang/react";
import { DoorClosed, DoorOpen } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useTexts } from "../i18n";
import { go, roomHash } from "../state/route";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { useAct } from "../ui/toasts";
import { RoomView } from "./room-view";

interface Place {
  readonly name: string;
  readonly at: number | null;
  /** Stands above where one writes. */
  readonly note: ReactNode;
}

/** The room that the address names by its id or slug: open, to join, or not there. */
export function RoomScreen({ name, at, note }: Place) {
  const { rooms, ready } = useRooms();
  const mine = rooms.find(({ id, slug }) => id === name || slug === name);
  useEffect(() => {
    // Links have slugs, which may change.
    if (mine && mine.id !== name) go(roomHash(mine.id, at ?? undefined), { replace: true });
  }, [mine, name, at]);
  if (mine) return <RoomView key={mine.id} room={mine} at={at} note={note} />;
  return ready ? <OtherRoom key={name} name={name} at={at} note={note} /> : <main className="room" />;
}

function OtherRoom({ name, at, note }: Place) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const { reload } = useRooms();
  const [room, setRoom] = useState<Room | "absent" | null>(null);
  useEffect(() => {
    client.rest.getRoom(name).then(
      (found) => setRoom(found),
      () => setRoom("absent"),
    );
  }, [client, name]);
  if (room === null) return <main className="room" />;
  // A direct room that the user has hidden is not in the list.
  if (room !== "absent" && room.role) return <RoomView key={room.id} room={room} at={at} note={note} />;
  const join = async (id: string) => {
    await client.rest.joinRoom(id);
    await reload();
    go(roomHash(id), { replace: true });
  };
  return (
    <main className="no-room">
      {room === "absent" ? (
        <Empty as="h1" icon={DoorClosed} title={texts.roomNotFound}>
          <Button onClick={() => go("")}>{texts.back}</Button>
        </Empty>
      ) : (
        <Empty as="h1" icon={DoorOpen} title={room.name}>
          <p>{texts.members(room.members)}</p>
          <p className="hint">{texts.notMember}</p>
          <div className="empty-actions">
            <Button kind="primary" onClick={() => void act(() => join(room.id)).catch(() => {})}>
              {texts.joinRoom}
            </Button>
            <Button onClick={() => go("")}>{texts.back}</Button>
          </div>
        </Empty>
      )}
    </main>
  );
}
