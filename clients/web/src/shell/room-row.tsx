import type { Room } from "@madang/client";
import { shortText, useLanguage, useTexts } from "../i18n";
import { roomHash } from "../state/route";
import { useBlocked, useMe, usePeer, usePerson, useRoomName } from "../state/world";
import { RoomAvatar } from "../rooms/room-avatar";
import { classes } from "../ui/classes";

/** A longer name would leave no space for what was said, in characters. */
const SENDER_MAX = 16;

export function RoomRow({ room, isOpen }: { room: Room; isOpen: boolean }) {
  const texts = useTexts();
  const language = useLanguage();
  const name = useRoomName(room);
  const peer = usePeer(room);
  const unread = isOpen && document.hasFocus() ? 0 : (room.unread ?? 0);
  const at = room.last_message?.at ?? room.created_at;
  return (
    <li>
      <a
        href={roomHash(room.id)}
        className={classes("room-row", unread > 0 && "room-row-unread")}
        aria-current={isOpen ? "page" : undefined}
      >
        <RoomAvatar room={room} name={name} peer={peer} />
        <span className="room-row-text">
          <span className="room-row-line">
            <span className="room-row-name" title={name}>
              {name}
            </span>
            <time className="room-row-at" dateTime={at}>
              {shortText(language, at)}
            </time>
          </span>
          <span className="room-row-line">
            <LastMessage room={room} />
            {unread > 0 && (
              <span className="count">
                <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
                <span className="visually-hidden">{texts.unread(unread)}</span>
              </span>
            )}
          </span>
        </span>
      </a>
    </li>
  );
}

function LastMessage({ room }: { room: Room }) {
  const texts = useTexts();
  const me = useMe();
  const blocked = useBlocked();
  const last = room.last_message;
  const sender = usePerson(last?.sender ?? me);
  if (!last) return <span className="room-row-last">{texts.members(room.members)}</span>;
  if (blocked.has(last.sender.id)) return <span className="room-row-last">{texts.hiddenMessage}</span>;
  if (last.deleted) return <span className="room-row-last">{texts.deletedMessage}</span>;
  const text = last.text === "" ? texts.attachment : last.text;
  const isMine = last.sender.id === me.id;
  const whole = isMine ? texts.youPrefix(text) : room.kind === "direct" ? text : `${shortened(sender.name)}: ${text}`;
  return <span className="room-row-last">{whole}</span>;
}

function shortened(name: string): string {
  const characters = [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(name)];
  return characters.length <= SENDER_MAX ? name : `${name.slice(0, characters[SENDER_MAX - 1]?.index)}…`;
}
