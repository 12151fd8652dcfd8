// All threads that the user follows, the one with the latest message first.
import type { FollowedThread } from "@madang/client";
import { Threads } from "@madang/client/threads";
import { useClient, useNotices, useRooms } from "@madang/react";
import { MessagesSquare } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { shortText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { go, threadHash } from "../state/route";
import { useBlocked, usePerson, useRoomName } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty } from "../ui/empty";

const PAGE = 30;

export function ThreadsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open={open} onClose={onClose} title={texts.threads}>
      <List onClose={onClose} />
    </Dialog>
  );
}

interface Loaded {
  readonly items: readonly FollowedThread[];
  readonly next: string | null;
}

function List({ onClose }: { onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const { notices } = useNotices();
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [error, setError] = useState<unknown>(null);
  const loads = useRef(0);
  const load = useCallback(
    async (cursor: string | null) => {
      loads.current += 1;
      const load = loads.current;
      try {
        const page = await new Threads(client.rest).list({ limit: PAGE, ...(cursor === null ? {} : { cursor }) });
        if (load !== loads.current) return;
        setError(null);
        setLoaded((before) => {
          const kept = cursor === null ? [] : (before?.items ?? []);
          // A thread that was written in between two pages may be on both.
          const known = new Set(kept.map(nameOf));
          return { items: [...kept, ...page.items.filter((item) => !known.has(nameOf(item)))], next: page.next_cursor };
        });
      } catch (thrown) {
        if (load === loads.current) setError(thrown);
      }
    },
    [client],
  );
  // A reply that is told, and what another device has read, change the list.
  const told = notices.find(({ kind }) => kind === "reply" || kind === "mention")?.seq ?? 0;
  useEffect(() => void load(null), [load, told]);
  useEffect(
    () =>
      client.on("passing", (frame) => {
        if (frame.type !== "thread_read") return;
        const { room, thread, following, read, unread } = frame;
        setLoaded((before) => before && { ...before, items: before.items.map((item) =>
          item.root.room === room && item.root.id === thread ? { ...item, following, read, unread } : item) });
      }),
    [client],
  );
  return (
    <div className="dialog-body">
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      {loaded?.items.length === 0 && (
        <Empty icon={MessagesSquare} title={texts.noThreads}>
          <p className="hint">{texts.noThreadsHint}</p>
        </Empty>
      )}
      <ul className="pick-list" aria-label={texts.threads}>
        {loaded?.items.map((item) => <Row key={nameOf(item)} item={item} onClose={onClose} />)}
      </ul>
      {loaded && loaded.next !== null && (
        <Button className="wide" onClick={() => void load(loaded.next)}>
          {texts.moreThreads}
        </Button>
      )}
    </div>
  );
}

const nameOf = ({ root }: FollowedThread) => `${root.room}:${root.id}`;

function Row({ item: { root, unread }, onClose }: { item: FollowedThread; onClose: () => void }) {
  const texts = useTexts();
  const language = useLanguage();
  const { rooms } = useRooms();
  const blocked = useBlocked();
  const sender = usePerson(root.sender);
  const name = useRoomName(rooms.find(({ id }) => id === root.room)) || texts.aRoom;
  const text = root.deleted ? texts.deletedMessage : blocked.has(sender.id) ? texts.hiddenMessage : root.text;
  const open = () => {
    onClose();
    go(threadHash(root.room, root.seq));
  };
  return (
    <li>
      <button type="button" className="pick-row notice" data-new={unread > 0} onClick={open}>
        <Avatar id={sender.id} name={sender.name} url={sender.avatar_url} />
        <span className="pick-text">
          <span className="pick-name thread-names">
            <span>{sender.name}</span> <span>· {name}</span>
          </span>
          <span className="notice-text thread-excerpt">{text}</span>
          <span className="pick-note">
            {texts.replies(root.thread?.replies ?? 0)}
            {unread > 0 && ` · ${texts.newReplies(unread)}`}
            {root.thread?.last_at && ` · ${shortText(language, root.thread.last_at)}`}
          </span>
        </span>
      </button>
    </li>
  );
}
