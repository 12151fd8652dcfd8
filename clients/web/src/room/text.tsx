// The text of a message: addresses are links, mentions are marked. No markup is taken from it.
import type { Member } from "@madang/client";
import type { ReactNode } from "react";
import { useMe } from "../state/world";
import { classes } from "../ui/classes";

const PARTS = /(https?:\/\/[^\s<>"]+)|(?<![\p{L}\p{N}])@([\p{L}\p{M}\p{N}_.-]+)/giu;
/** What ends a sentence and not an address. */
const AFTER_LINK = /[.,;:!?)\]}'"。、]+$/u;

export function MessageText({
  id,
  text,
  mentions,
  members,
}: {
  id: string;
  text: string;
  mentions: readonly string[];
  members: readonly Member[];
}) {
  const me = useMe();
  const usernames = new Map<string, string>();
  if (mentions.length > 0) {
    for (const { user } of members) if (mentions.includes(user.id)) usernames.set(user.username, user.id);
  }
  if (mentions.includes(me.id)) usernames.set(me.username, me.id);

  const parts: ReactNode[] = [];
  let done = 0;
  const keep = (start: number, end: number, node: ReactNode) => {
    if (start > done) parts.push(text.slice(done, start));
    parts.push(node);
    done = end;
  };
  for (const match of text.matchAll(PARTS)) {
    const [whole, link, name] = match;
    const start = match.index;
    if (link !== undefined) {
      const href = link.replace(AFTER_LINK, "");
      keep(
        start,
        start + href.length,
        <a key={start} href={href} target="_blank" rel="noopener noreferrer nofollow">
          {href}
        </a>,
      );
    } else if (name !== undefined) {
      const found = longest(usernames, name);
      if (!found) continue;
      const end = start + whole.length - name.length + found.length;
      const isMe = usernames.get(found.toLocaleLowerCase()) === me.id;
      keep(
        start,
        end,
        <span key={start} className={classes("mention", isMe && "mention-me")}>
          {text.slice(start, end)}
        </span>,
      );
    }
  }
  parts.push(text.slice(done));
  return <p id={id} className={classes("message-text", isOnlyEmoji(text) && "message-text-emoji")}>{parts}</p>;
}

/** A particle or a full stop may follow a name without a space: the longest username counts. */
function longest(usernames: ReadonlyMap<string, string>, name: string): string | null {
  for (let end = name.length; end > 0; end -= 1) {
    const candidate = name.slice(0, end);
    if (usernames.has(candidate.normalize("NFC").toLocaleLowerCase())) return candidate;
  }
  return null;
}

const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|[\u200d\ufe0f\s])+$/u;

function isOnlyEmoji(text: string): boolean {
  return text.length <= 32 && ONLY_EMOJI.test(text);
}
