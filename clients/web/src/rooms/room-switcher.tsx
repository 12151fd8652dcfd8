import type { Room } from "@madang/client";
import { useRooms } from "@madang/react";
import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { go, roomHash } from "../state/route";
import { usePeer, useRoomName } from "../state/world";
import { Dialog } from "../ui/dialog";
import { RoomAvatar } from "./room-avatar";

/** As many as one sees at once. */
const SHOWN = 8;

/** Goes to a room by its name, without a mouse. */
export function RoomSwitcher({ open, onClose }: { open: boolean; onClose: () => void }) {
  const texts = useTexts();
  const input = useRef<HTMLInputElement>(null);
  return (
    <Dialog open={open} onClose={onClose} title={texts.switchRoom} className="switcher" initialFocus={input}>
      <Finder input={input} onClose={onClose} />
    </Dialog>
  );
}

function Finder({ input, onClose }: { input: React.RefObject<HTMLInputElement | null>; onClose: () => void }) {
  const texts = useTexts();
  const id = useId();
  const { rooms } = useRooms();
  const [filter, setFilter] = useState("");
  const [place, setPlace] = useState(0);
  const wanted = filter.trim().toLocaleLowerCase();
  const found = rooms
    .filter(({ name, slug }) => name.toLocaleLowerCase().includes(wanted) || (slug ?? "").includes(wanted))
    .slice(0, SHOWN);
  const open = (room: Room | undefined) => {
    if (!room) return;
    onClose();
    go(roomHash(room.id));
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setPlace((place + step + found.length) % found.length);
    }
    if (event.key !== "Enter") return;
    // The key must not arrive in the text of the room, too.
    event.preventDefault();
    open(found[place]);
  };
  return (
    <div className="dialog-body">
      <div className="field-box">
        <input
          ref={input}
          role="combobox"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={found[place] ? `${id}-${place}` : undefined}
          aria-label={texts.filterRooms}
          placeholder={texts.filterRooms}
          autoComplete="off"
          value={filter}
          onChange={(event) => (setFilter(event.target.value), setPlace(0))}
          onKeyDown={press}
        />
      </div>
      <div id={`${id}-list`} role="listbox" aria-label={texts.rooms} className="pick-list">
        {found.map((room, at) => (
          <Option key={room.id} id={`${id}-${at}`} room={room} selected={at === place} onPick={() => open(room)} />
        ))}
      </div>
      {found.length === 0 && <p className="hint">{texts.noMatch}</p>}
    </div>
  );
}

function Option({ id, room, selected, onPick }: { id: string; room: Room; selected: boolean; onPick: () => void }) {
  const name = useRoomName(room);
  const peer = usePeer(room);
  return (
    <div id={id} role="option" aria-selected={selected} className="pick-row pick-button" onClick={onPick}>
      <RoomAvatar room={room} name={name} peer={peer} size="small" />
      <span className="pick-text">
        <span className="pick-name">{name}</span>
      </span>
    </div>
  );
}
