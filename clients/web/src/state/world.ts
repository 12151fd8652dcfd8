// What a page knows beside rooms and messages: who people are, whom the user has blocked, who is in which room.
import type { Account, BlockedUserPage, Client, MadangError, Member, Room, User } from "@madang/client";
import { createContext, useContext, useEffect } from "react";
import { Value, useValue } from "./value";

/** Members of a page, and how many pages are loaded: a larger room shows how many more there are. */
const MEMBERS_PAGE = 200;
const MEMBERS_PAGES = 5;
/** Members of a room are loaded again after this, at the earliest. */
const MEMBERS_AGAIN_MS = 2_000;
/** After a failure that passes they are loaded again: who may write is known by them. */
const MEMBERS_RETRY_MS = 5_000;
/** Of so many people a page asks for the name, at most. */
const ASKED_MAX = 1_000;
const PASSING: ReadonlySet<string> = new Set(["unavailable", "deadline_exceeded", "rate_limited"]);

/** A person as the page shows one. Users of messages and events have no username. */
export type Person = User & { readonly username?: string };

export interface MembersState {
  readonly members: readonly Member[];
  readonly ready: boolean;
  readonly error: MadangError | null;
}

/** The members of one room. */
export class Members extends Value<MembersState> {
  #version = "";
  #loadedMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly client: Client,
    private readonly room: string,
  ) {
    super({ members: [], ready: false, error: null });
  }

  /** Loads the members, unless they were loaded at this version of the room: soon, and seldom where many come and go. */
  load(version: string): void {
    if (version === this.#version) return;
    this.#version = version;
    const waitMs = this.#loadedMs + MEMBERS_AGAIN_MS - performance.now();
    this.#timer ??= setTimeout(() => void this.#load(), Math.max(0, waitMs));
  }

  async #load(): Promise<void> {
    this.#timer = null;
    this.#loadedMs = performance.now();
    const version = this.#version;
    try {
      const members = new Map<string, Member>();
      let cursor: string | null = null;
      for (let page = 0; page < MEMBERS_PAGES; page += 1) {
        const query = { limit: MEMBERS_PAGE, ...(cursor === null ? {} : { cursor }) };
        const { items, next_cursor } = await this.client.rest.listMembers(this.room, query);
        // A member whose role changes meanwhile may be on two pages.
        for (const member of items) members.set(member.user.id, member);
        cursor = next_cursor;
        if (cursor === null) break;
      }
      if (version === this.#version) this.set({ members: [...members.values()], ready: true, error: null });
    } catch (error) {
      if (version !== this.#version) return;
      this.#version = "";
      this.set({ ...this.get(), error: error as MadangError });
      if (PASSING.has((error as MadangError).code)) this.#timer ??= setTimeout(() => void this.#load(), MEMBERS_RETRY_MS);
    }
  }
}

export class World {
  readonly me: Value<Account>;
  /** Profiles that have changed while the page is open. */
  readonly profiles = new Value<ReadonlyMap<string, Account>>(new Map());
  readonly blocked = new Value<ReadonlyMap<string, User>>(new Map());
  readonly #members = new Map<string, Members>();
  readonly #asked = new Set<string>();

  constructor(
    readonly client: Client,
    account: Account,
  ) {
    this.me = new Value(account);
  }

  /** Begins to listen; the returned function ends it. */
  begin(): () => void {
    void this.client.rest.getMe().then((me) => this.me.set(me), () => {});
    void this.#loadBlocked();
    return this.client.on("passing", (frame) => {
      if (frame.type === "profile") this.changed(frame.user);
    });
  }

  changed(account: Account): void {
    this.profiles.set(new Map(this.profiles.get()).set(account.id, account));
    if (account.id === this.me.get().id) this.me.set(account);
  }

  /** Loads the profiles of people of whom only the ids are known: of each once. */
  know(users: readonly string[]): void {
    for (const user of users) {
      if (this.#asked.has(user) || this.#asked.size >= ASKED_MAX) continue;
      this.#asked.add(user);
      void this.client.rest.getUser(user).then((person) => this.changed(person), () => {});
    }
  }

  members(room: string): Members {
    const members = this.#members.get(room) ?? new Members(this.client, room);
    this.#members.set(room, members);
    return members;
  }

  async block(user: User): Promise<void> {
    await this.client.rest.blockUser(user.id);
    this.blocked.set(new Map(this.blocked.get()).set(user.id, user));
  }

  async unblock(user: string): Promise<void> {
    await this.client.rest.unblockUser(user);
    const blocked = new Map(this.blocked.get());
    blocked.delete(user);
    this.blocked.set(blocked);
  }

  async #loadBlocked(): Promise<void> {
    const blocked = new Map<string, User>();
    let cursor: string | null = null;
    do {
      const page: BlockedUserPage | null = await this.client.rest
        .listBlocked({ limit: 200, ...(cursor === null ? {} : { cursor }) })
        .catch(() => null);
      if (!page) return;
      for (const { user } of page.items) blocked.set(user.id, user);
      cursor = page.next_cursor;
    } while (cursor !== null);
    this.blocked.set(blocked);
  }
}

export const WorldContext = createContext<World | null>(null);

export function useWorld(): World {
  const world = useContext(WorldContext);
  if (!world) throw new Error("nobody is signed in");
  return world;
}

export function useMe(): Account {
  return useValue(useWorld().me);
}

/** The present profile of a person of whom an older one may be known. */
export function usePerson<Known extends Person>(person: Known): Known {
  const profile = useValue(useWorld().profiles).get(person.id);
  return profile ? { ...person, ...profile } : person;
}

export function useBlocked(): ReadonlyMap<string, User> {
  return useValue(useWorld().blocked);
}

/** The members of a room, loaded anew when `version` is another. Null: not yet of interest. */
export function useMembers(room: string, version: string | null): MembersState {
  const members = useWorld().members(room);
  useEffect(() => {
    if (version !== null) members.load(version);
  }, [members, version]);
  return useValue(members);
}

/** Who is at the other end of a direct room; null while that is not known, or where nobody is. */
export function usePeer(room: Room | undefined): Person | null {
  const me = useMe();
  const isDirect = room?.kind === "direct";
  const { members } = useMembers(room?.id ?? "", isDirect ? `peer-${room.members}` : null);
  const peer = isDirect ? members.find(({ user }) => user.id !== me.id)?.user : undefined;
  const profile = useValue(useWorld().profiles).get(peer?.id ?? "");
  return profile ?? peer ?? null;
}

/** What a room is called: a direct one by the other person. */
export function useRoomName(room: Room | undefined): string {
  const peer = usePeer(room);
  const me = useMe();
  if (!room) return "";
  if (room.kind !== "direct") return room.name;
  if (peer) return peer.name;
  // Its name has those of both.
  return room.name.split(", ").find((name) => name !== me.name) ?? room.name;
}
