// What events do to the messages that a page shows. Whoever applies them in order shows what a fresh load shows.
import type { Message, RoomEvent } from "@madang/client";

type Reactions = NonNullable<Message["reactions"]>;

/** The characters of a text that a reply shows. */
const EXCERPT_CHARS = 100;

/** What an event says; of a message, and of one that is deleted, also how its thread stands then. */
export function about(event: RoomEvent): { readonly thread?: Message["thread"] } {
  return (event as unknown as Record<string, object>)[event.kind] ?? {};
}

/** A message after an event, seen by a user; the same one where the event changes nothing of it. */
export function changed(message: Message, event: RoomEvent, me: string | undefined): Message {
  const { thread } = about(event);
  // The root of a thread shows it as the last event in it says.
  if (thread?.root === message.id) return { ...message, thread: { ...thread, root: null as never } };
  switch (event.kind) {
    case "edited": {
      const { message: id, text, ...rest } = event.edited;
      // A later edit or deletion follows.
      if (text === null || text === undefined) return message;
      if (message.id === id) {
        if (message.deleted) return message;
        const { mentions_all, ...same } = message;
        return { ...same, text, ...rest };
      }
      if (message.reply_to !== id || !message.excerpt) return message;
      return { ...message, excerpt: { ...message.excerpt, text: [...text].slice(0, EXCERPT_CHARS).join("") } };
    }
    case "deleted": {
      const { excerpt, ...reply } = message;
      const { message: id } = event.deleted;
      if (message.id !== id) return message.reply_to === id && excerpt ? reply : message;
      const { edited_at, reactions, mentions_all, metadata, ...rest } = reply;
      return { ...rest, text: "", mentions: [], attachments: [], deleted: true };
    }
    case "reaction": {
      const { message: id, user, emoji, on, count } = event.reaction;
      if (message.id !== id || message.deleted) return message;
      const before: Reactions = message.reactions ?? [];
      const known = before.find((one) => one.emoji === emoji);
      const one = { emoji, count, me: user === me ? on : (known?.me ?? false) };
      const others = before.filter((other) => other !== known);
      // The first reaction with an emoji puts it at the end.
      const stays = known && count > (on ? 1 : 0);
      const reactions = stays ? before.map((other) => (other === known ? one : other)) : [...others, one];
      return { ...message, reactions: count > 0 ? reactions : others };
    }
    default:
      return message;
  }
}

/** Whether a message stands in a thread, and not among those of the room. */
export function isApart({ thread }: Message): boolean {
  return !!thread?.root && !thread.in_room;
}
