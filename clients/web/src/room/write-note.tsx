// What stands where one writes, if one may not, and above it, if one may not always.
import type { Member, Room } from "@madang/client";
import { Archive, Eye, Megaphone, Timer, VolumeX } from "lucide-react";
import { useEffect, useState } from "react";
import { momentText, useLanguage, useTexts } from "../i18n";
import { pauseText } from "../moderation/pause";
import { useMe } from "../state/world";

/** A mute that ends later than this has no end: the server writes the year 9999. */
const FOR_GOOD_MS = Date.UTC(9000, 0);
/** The longest time that a timer of the browser can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Until when the user is muted here; null if not. It ends by itself, and no event says so. */
function useMutedUntil(members: readonly Member[]): number | null {
  const me = useMe();
  const until = members.find(({ user }) => user.id === me.id)?.muted_until;
  const untilMs = until === undefined ? null : Date.parse(until);
  const [, wake] = useState(0);
  useEffect(() => {
    if (untilMs === null || untilMs <= Date.now()) return;
    const timer = setTimeout(() => wake((count) => count + 1), Math.min(untilMs - Date.now() + 500, TIMER_MAX_MS));
    return () => clearTimeout(timer);
  }, [untilMs]);
  return untilMs !== null && untilMs > Date.now() ? untilMs : null;
}

/** Whether the user may not write, and what is to be said of it. */
export function useWriteNote(room: Room, members: readonly Member[]) {
  const texts = useTexts();
  const language = useLanguage();
  const mutedUntil = useMutedUntil(members);
  const isMember = room.kind !== "direct" && room.role !== "moderator" && room.role !== "owner";
  if (room.archived) return { mayWrite: false, note: <Note icon={Archive} text={texts.archivedNote} /> };
  if (mutedUntil !== null) {
    const when = momentText(language, new Date(mutedUntil).toISOString());
    const text = mutedUntil > FOR_GOOD_MS ? texts.mutedForGood : texts.mutedNote(when);
    return { mayWrite: false, note: <Note icon={VolumeX} text={text} /> };
  }
  if (room.announcement && isMember) return { mayWrite: false, note: <Note icon={Megaphone} text={texts.announcementNote} /> };
  if (room.role === "guest" && !room.guests_send) return { mayWrite: false, note: <Note icon={Eye} text={texts.guestNote} /> };
  if (room.slow_mode_s > 0 && isMember) {
    const text = texts.slowNote(pauseText(texts, room.slow_mode_s));
    return { mayWrite: true, note: <Note icon={Timer} text={text} isSmall /> };
  }
  return { mayWrite: true, note: null };
}

function Note({ icon: Icon, text, isSmall = false }: { icon: typeof Archive; text: string; isSmall?: boolean }) {
  return (
    <p className="write-note" data-small={isSmall} role="status">
      <Icon aria-hidden="true" />
      {text}
    </p>
  );
}
