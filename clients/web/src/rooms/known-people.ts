// People whom the user may know: the members of the user's rooms. The server has no list of all users.
import type { Member } from "@madang/client";
import { useRooms } from "@madang/react";
import { useEffect, useState } from "react";
import { type World, useMe, useWorld } from "../state/world";

/** Rooms whose members are looked at, the latest ones. */
const ROOMS = 20;

export function useKnownPeople(): readonly Member["user"][] | null {
  const { rooms } = useRooms();
  const world = useWorld();
  const me = useMe();
  const [people, setPeople] = useState<readonly Member["user"][] | null>(null);
  useEffect(() => {
    let isCurrent = true;
    const ids = rooms.slice(0, ROOMS).map(({ id }) => id);
    void collect(world, ids, me.id).then((found) => isCurrent && setPeople(found));
    return () => void (isCurrent = false);
    // Once: the list must not move under the user's fingers.
  }, [world, me.id]);
  return people;
}

async function collect(world: World, rooms: readonly string[], me: string): Promise<Member["user"][]> {
  const people = new Map<string, Member["user"]>();
  await Promise.all(
    rooms.map(async (room) => {
      const page = await world.client.rest.listMembers(room, { limit: 200 }).catch(() => null);
      for (const { user } of page?.items ?? []) if (user.id !== me) people.set(user.id, user);
    }),
  );
  return [...people.values()].sort((one, other) => one.name.localeCompare(other.name));
}
