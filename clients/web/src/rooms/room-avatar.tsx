import type { Room } from "@madang/client";
import type { Person } from "../state/world";
import { Avatar } from "../ui/avatar";

/** A direct room has the picture of the other person, every other one its own. */
export function RoomAvatar({
  room,
  name,
  peer,
  size = "medium",
}: {
  room: Pick<Room, "id" | "kind" | "avatar_url">;
  name: string;
  peer?: Person | null;
  size?: "small" | "medium" | "large";
}) {
  if (room.kind === "direct") return <Avatar id={peer?.id ?? room.id} name={name} url={peer?.avatar_url} size={size} />;
  return <Avatar id={room.id} name={name} url={room.avatar_url} size={size} square />;
}
