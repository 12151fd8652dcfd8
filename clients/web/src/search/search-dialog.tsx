// Messages by what they say.
import type { FoundMessage, Room } from "@madang/client";
import { useRooms } from "@madang/react";
import { useSearch } from "@madang/react/search";
import { SearchX } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { shortText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { go, roomHash, useRoute } from "../state/route";
import { useBlocked, usePerson, useRoomName } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty } from "../ui/empty";

export function SearchDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const texts = useTexts();
  const input = useRef<HTMLInputElement>(null);
  return (
    <Dialog open={open} onClose={onClose} title={texts.searchMessages} initialFocus={input}>
      <Finder input={input} onClose={onClose} />
    </Dialog>
  );
}

function Finder({ input, onClose }: { input: React.RefObject<HTMLInputElement | null>; onClose: () => void }) {
  const texts = useTexts();
  const route = useRoute();
  const { rooms } = useRooms();
  const here = rooms.find(({ id, slug }) => id === route.room || (slug !== null && slug === route.room));
  const [q, setQ] = useState("");
  const [inRoom, setInRoom] = useState(false);
  const { items, searching, complete, hasMore, error, loadMore } = useSearch({
    q,
    ...(inRoom && here ? { room: here.id } : {}),
  });
  const isAsked = q.trim() !== "" && !searching && error === null;
  return (
    <div className="dialog-body">
      <div className="field-box">
        <input
          ref={input}
          type="search"
          aria-label={texts.searchMessages}
          placeholder={texts.searchMessages}
          autoComplete="off"
          maxLength={200}
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
      </div>
      {here && (
        <label className="search-here">
          <input type="checkbox" checked={inRoom} onChange={(event) => setInRoom(event.target.checked)} />
          {texts.searchHere}
        </label>
      )}
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error, { invalid_argument: texts.searchTooShort })}
        </p>
      )}
      <p className="hint" role="status">
        {searching ? texts.loading : isAsked && !complete && texts.searchIncomplete}
      </p>
      {isAsked && items.length === 0 && !hasMore && <Empty icon={SearchX} title={texts.searchNothing} />}
      <ul className="pick-list">
        {items.map((found) => (
          <Row
            key={`${found.room}/${found.id}`}
            found={found}
            room={rooms.find(({ id }) => id === found.room)}
            onGo={() => (onClose(), go(roomHash(found.room, found.seq)))}
          />
        ))}
      </ul>
      {hasMore && !searching && <Button onClick={() => void loadMore()}>{texts.searchMore}</Button>}
    </div>
  );
}

function Row({ found, room, onGo }: { found: FoundMessage; room: Room | undefined; onGo: () => void }) {
  const texts = useTexts();
  const language = useLanguage();
  const blocked = useBlocked();
  const sender = usePerson(found.sender);
  const name = useRoomName(room);
  return (
    <li className="pin">
      <p className="pin-head">
        <Avatar id={sender.id} name={sender.name} url={sender.avatar_url} size="small" />
        <span className="pick-name" title={sender.name}>
          {sender.name}
        </span>
        <span className="pick-note pin-room" title={name}>
          {name}
        </span>
        <time className="pick-note" dateTime={found.at}>
          {shortText(language, found.at)}
        </time>
      </p>
      <p className="pin-text">{blocked.has(sender.id) ? texts.hiddenMessage : marked(found)}</p>
      <p className="pin-actions">
        <Button kind="quiet" onClick={onGo}>
          {texts.goToMessage}
        </Button>
      </p>
    </li>
  );
}

/** The text, with what was searched for marked. */
function marked({ text, ranges }: FoundMessage): ReactNode[] {
  let done = 0;
  const parts: ReactNode[] = [];
  for (const { start, end } of ranges) {
    parts.push(text.slice(done, start), <mark key={start}>{text.slice(start, end)}</mark>);
    done = end;
  }
  parts.push(text.slice(done));
  return parts;
}
