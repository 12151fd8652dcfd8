// What has happened in a room, in words.
import type { Account, Member, RoomEvent } from "@madang/client";
import type { Texts } from "../i18n";

/** Names of those whom events name by their ids alone. */
export type Names = (user: string) => string;

export function namesOf(
  texts: Texts,
  me: Account,
  members: readonly Member[],
  profiles: ReadonlyMap<string, Account>,
  events: readonly RoomEvent[],
): Names {
  const names = new Map<string, string>();
  for (const event of events) {
    // Who has left is known by earlier events, if at all.
    if (event.kind === "joined") names.set(event.joined.user.id, event.joined.user.name);
    if (event.kind === "message") names.set(event.message.sender.id, event.message.sender.name);
  }
  for (const { user } of members) names.set(user.id, user.name);
  for (const { id, name } of profiles.values()) names.set(id, name);
  names.set(me.id, me.name);
  return (user) => names.get(user) ?? texts.somebody;
}

/** Those whom an event names by their ids alone. */
export function peopleOf(event: RoomEvent): readonly string[] {
  switch (event.kind) {
    case "joined":
      return [event.joined.by];
    case "left":
      return [event.left.user, event.left.by];
    case "role":
      return [event.role.user];
    case "room":
      return [event.properties.by];
    case "banned":
      return [event.banned.user, event.banned.by];
    case "muted":
      return [event.muted.user, event.muted.by];
    case "pinned":
      return [event.pinned.by];
    default:
      return [];
  }
}

/** What has happened, in a line. Of several people it is the same: they came in. */
export function eventsText(texts: Texts, language: string, events: readonly RoomEvent[], nameOf: Names): string {
  const [first] = events;
  if (!first) return "";
  if (events.length === 1) return eventText(texts, first, nameOf);
  const names = events.flatMap((event) => (event.kind === "joined" ? [event.joined.user] : []));
  const known = [...new Set(names.map(({ id, name }) => (nameOf(id) === texts.somebody ? name : nameOf(id))))];
  return texts.eventJoined(new Intl.ListFormat(language).format(known));
}

function eventText(texts: Texts, event: RoomEvent, nameOf: Names): string {
  switch (event.kind) {
    case "joined": {
      const { user, by } = event.joined;
      const who = nameOf(user.id) === texts.somebody ? user.name : nameOf(user.id);
      if (event.seq === 1) return texts.eventCreated(who);
      return by === user.id ? texts.eventJoined(who) : texts.eventAdded(who, nameOf(by));
    }
    case "left": {
      const { user, by } = event.left;
      return by === user ? texts.eventLeft(nameOf(user)) : texts.eventRemoved(nameOf(user), nameOf(by));
    }
    case "role": {
      const { user, role } = event.role;
      const roles = { guest: texts.asGuest, member: texts.asMember, moderator: texts.asModerator, owner: texts.asOwner };
      return texts.eventRole(nameOf(user), roles[role]);
    }
    case "room":
      return texts.eventRoom(nameOf(event.properties.by), event.properties.name);
    case "banned": {
      const { user, on, by } = event.banned;
      return (on ? texts.eventBanned : texts.eventUnbanned)(nameOf(user), nameOf(by));
    }
    case "muted": {
      const { user, on, by } = event.muted;
      return (on ? texts.eventMuted : texts.eventUnmuted)(nameOf(user), nameOf(by));
    }
    case "pinned": {
      const by = nameOf(event.pinned.by);
      return event.pinned.on ? texts.eventPinned(by) : texts.eventUnpinned(by);
    }
    default:
      return "";
  }
}
