// A direct room with somebody: the existing one, or a new one.
import type { User } from "@madang/client";
import { useClient, useRooms } from "@madang/react";
import { useCallback } from "react";
import { go, roomHash } from "../state/route";
import { useMe } from "../state/world";

/** What a direct room is called while one of the two is missing: that both see whom it is with. */
export function directName(other: Pick<User, "name">, by: Pick<User, "name">): string {
  return `${other.name}, ${by.name}`.slice(0, 100);
}

export function useOpenDirect(): (person: User) => Promise<void> {
  const client = useClient();
  const me = useMe();
  const { reload } = useRooms();
  return useCallback(
    async (person: User) => {
      const room = await client.rest.createRoom({ name: directName(person, me), kind: "direct", members: [person.id] });
      await reload();
      go(roomHash(room.id));
    },
    [client, me, reload],
  );
}
