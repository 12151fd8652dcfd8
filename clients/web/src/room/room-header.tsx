import type { Room } from "@madang/client";
import { usePersonState } from "@madang/react/people";
import { usePresence } from "@madang/react/presence";
import { ArrowLeft, Pin, Users } from "lucide-react";
import { useEffect, useRef } from "react";
import { shortText, useLanguage, useTexts } from "../i18n";
import { useMedia } from "../state/use-media";
import type { Person } from "../state/world";
import { RoomAvatar } from "../rooms/room-avatar";
import { IconButton } from "../ui/button";
import type { DetailsTab } from "./details";
import { RoomMenu } from "./room-menu";

export function RoomHeader({
  room,
  name,
  peer,
  pins,
  details,
  onDetails,
}: {
  room: Room;
  name: string;
  peer: Person | null;
  pins: number;
  details: DetailsTab | null;
  onDetails: (tab: DetailsTab) => void;
}) {
  const texts = useTexts();
  const { count, users } = usePresence(room.id);
  const heading = useRef<HTMLHeadingElement>(null);
  const isTouch = useMedia("(pointer: coarse)");
  useEffect(() => {
    // Where the text does not take the focus, for a keyboard would cover the room, its name does.
    if (isTouch) heading.current?.focus();
  }, [room.id, isTouch]);
  const isPeerHere = peer !== null && (users?.some(({ id }) => id === peer.id) ?? false);
  return (
    <header className="room-header">
      <a className="icon-button room-back" href="#" aria-label={texts.back}>
        <ArrowLeft />
      </a>
      <RoomAvatar room={room} name={name} peer={peer} />
      <div className="room-title">
        <h1 ref={heading} tabIndex={-1} title={name}>
          {name}
        </h1>
        <p>
          {room.kind === "direct" ? (
            peer && <PeerNote peer={peer} isHere={isPeerHere} />
          ) : (
            <>
              <span>{texts.members(room.members)}</span>
              {count > 0 && <span className="presence">{texts.here(count)}</span>}
              {room.topic && (
                <span className="room-topic" title={room.topic}>
                  {room.topic}
                </span>
              )}
            </>
          )}
        </p>
      </div>
      {pins > 0 && (
        <IconButton label={`${texts.pins}: ${pins}`} aria-expanded={details === "pins"} onClick={() => onDetails("pins")}>
          <Pin />
        </IconButton>
      )}
      <IconButton label={texts.details} aria-expanded={details === "members"} onClick={() => onDetails("members")}>
        <Users />
      </IconButton>
      <RoomMenu room={room} name={name} />
    </header>
  );
}

/** What one sees of the other one of a direct room. */
function PeerNote({ peer, isHere }: { peer: Person; isHere: boolean }) {
  const texts = useTexts();
  const language = useLanguage();
  const { status, lastSeen } = usePersonState(peer.id, undefined, isHere);
  return (
    <>
      {isHere ? (
        <span className="presence">{texts.onlineNow}</span>
      ) : lastSeen === null ? (
        peer.username !== undefined && `@${peer.username}`
      ) : (
        texts.lastSeen(shortText(language, lastSeen))
      )}
      {status && <span className="person-status"> {status.text}</span>}
    </>
  );
}
