import type { Room } from "@madang/client";
import { useClient, useRooms } from "@madang/react";
import { Compass } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { go, roomHash } from "../state/route";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { Field } from "../ui/field";
import { useAct } from "../ui/toasts";
import { RoomAvatar } from "./room-avatar";

/** Rooms of a page; there is a button for the next one. */
const PAGE = 50;
/** How long nobody types before a text is looked for. */
const TYPING_MS = 200;

export function BrowseRooms({ open, onClose }: { open: boolean; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open={open} onClose={onClose} title={texts.browseRooms} description={texts.browseHint}>
      <PublicRooms onClose={onClose} />
    </Dialog>
  );
}

function PublicRooms({ onClose }: { onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const { rooms: mine, reload } = useRooms();
  const [rooms, setRooms] = useState<readonly Room[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [text, setText] = useState("");
  const asked = useRef(0);

  const load = async (from: string | null, q = text.trim()) => {
    const query = { scope: "public", limit: PAGE, ...(from && { cursor: from }), ...(q && { q }) } as const;
    const ask = ++asked.current;
    try {
      const { items, next_cursor } = await client.rest.listRooms(query);
      // An answer to an earlier text is late.
      if (ask !== asked.current) return;
      setRooms((before) => {
        const shown = from === null ? [] : (before ?? []);
        const known = new Set(shown.map(({ id }) => id));
        return [...shown, ...items.filter(({ id }) => !known.has(id))];
      });
      setCursor(next_cursor);
      setError(null);
    } catch (thrown) {
      setError(thrown);
    }
  };
  // The first page at once, that of a text when no key is pressed for a moment.
  useEffect(() => {
    const timer = setTimeout(() => void load(null), text === "" ? 0 : TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);

  const join = async (room: Room) => {
    await client.rest.joinRoom(room.id);
    await reload();
    onClose();
    go(roomHash(room.id));
  };
  const isMine = new Set(mine.map(({ id }) => id));
  return (
    <div className="dialog-body">
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      <Field label={texts.findRooms} type="search" maxLength={200} value={text} onChange={(event) => setText(event.target.value)} />
      {rooms?.length === 0 && <Empty icon={Compass} title={text.trim() === "" ? texts.noPublicRooms : texts.noSuchRooms} />}
      <ul className="pick-list">
        {rooms?.map((room) => (
          <li key={room.id} className="pick-row">
            <RoomAvatar room={room} name={room.name} />
            <span className="pick-text">
              <span className="pick-name">{room.name}</span>
              <span className="pick-note">{room.topic ?? texts.members(room.members)}</span>
            </span>
            {isMine.has(room.id) ? (
              <Button onClick={() => (onClose(), go(roomHash(room.id)))}>{texts.openRoom}</Button>
            ) : (
              <Button
                kind="primary"
                aria-label={`${texts.joinRoom}: ${room.name}`}
                onClick={() => void act(() => join(room)).catch(() => {})}
              >
                {texts.joinRoom}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {cursor !== null && <Button onClick={() => void load(cursor)}>…</Button>}
    </div>
  );
}
