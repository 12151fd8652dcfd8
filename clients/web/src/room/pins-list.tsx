import type { Room, RoomMessage } from "@madang/client";
import { useClient } from "@madang/react";
import { Pin, PinOff } from "lucide-react";
import { shortText, useLanguage, useTexts } from "../i18n";
import { useBlocked, usePerson } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { Empty } from "../ui/empty";
import { useAct } from "../ui/toasts";

interface Props {
  room: Room;
  canPin: boolean;
  onGo: (seq: number) => void;
}

export function PinsList({ pins, ...props }: Props & { pins: readonly RoomMessage[] | null }) {
  const texts = useTexts();
  if (pins === null) return <p className="hint">{texts.loading}</p>;
  if (pins.length === 0) {
    return (
      <Empty icon={Pin} title={texts.noPins}>
        <p className="hint">{texts.noPinsHint}</p>
      </Empty>
    );
  }
  return (
    <ul className="pick-list">
      {pins.map((message) => (
        <PinRow key={message.id} message={message} {...props} />
      ))}
    </ul>
  );
}

function PinRow({ message, room, canPin, onGo }: Props & { message: RoomMessage }) {
  const texts = useTexts();
  const language = useLanguage();
  const client = useClient();
  const act = useAct();
  const blocked = useBlocked();
  const sender = usePerson(message.sender);
  return (
    <li className="pin">
      <p className="pin-head">
        <Avatar id={sender.id} name={sender.name} url={sender.avatar_url} size="small" />
        <span className="pick-name">{sender.name}</span>
        <time className="pick-note" dateTime={message.at}>
          {shortText(language, message.at)}
        </time>
      </p>
      <p className="pin-text">{blocked.has(sender.id) ? texts.hiddenMessage : message.text}</p>
      <p className="pin-actions">
        <Button kind="quiet" onClick={() => onGo(message.seq)}>
          {texts.goToMessage}
        </Button>
        {canPin && (
          <IconButton
            label={texts.unpin}
            onClick={() => void act(() => client.pin(room.id, message.id, false)).catch(() => {})}
          >
            <PinOff />
          </IconButton>
        )}
      </p>
    </li>
  );
}
