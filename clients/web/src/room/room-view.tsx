import type { Room, RoomMessage } from "@madang/client";
import { useTimeline } from "@madang/react";
import { useUpload } from "@madang/react/files";
import { DoorClosed, Paperclip } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { go, roomHash, useRoute } from "../state/route";
import { useMedia } from "../state/use-media";
import { useMembers, usePeer, useRoomName } from "../state/world";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { part } from "../ui/part";
import { Composer, type ReplyTarget } from "./composer";
import type { DetailsProps, DetailsTab } from "./details";
import { RoomHeader } from "./room-header";
import type { ThreadPanelProps } from "./thread-panel";
import { Timeline, type TimelineHandle } from "./timeline";
import { TypingLine } from "./typing-line";
import { FILES_MAX, useFileSources } from "./uploads";
import { useLast } from "./use-room-events";
import { usePins } from "./use-pins";
import { useThreadsUnread } from "./use-threads-unread";

import { useWriteNote } from "./write-note";

const ThreadPanel = part<ThreadPanelProps>(() => import("./thread-panel").then((module) => module.ThreadPanel));

const Details = part<DetailsProps>(() => import("./details").then((module) => module.Details), {
  isWanted: ({ tab }) => tab !== null,
  close: ({ onTab }) => onTab(null),
});

/** From this width on, the details stand beside the room. */
const BESIDE = "(min-width: 1080px)";

export function RoomView({ room, at, note }: { room: Room; at: number | null; note: ReactNode }) {
  const texts = useTexts();
  const name = useRoomName(room);
  const peer = usePeer(room);
  const timeline = useTimeline(room.id);
  const { items, closed, send } = timeline;
  const lastMembership = useLast(room.id, ({ kind }) => MEMBERSHIP.has(kind));
  const { members } = useMembers(room.id, timeline.ready ? `members-${lastMembership}` : null);
  const isPinned = (id: string) => loadedPins?.some((pin) => pin.id === id) === true;
  const lastPins = useLast(
    room.id,
    (event) =>
      event.kind === "pinned" ||
      (event.kind === "edited" && isPinned(event.edited.message)) ||
      (event.kind === "deleted" && isPinned(event.deleted.message)),
  );
  const loadedPins = usePins(room.id, timeline.ready ? lastPins : null);
  const pins = useMemo(() => loadedPins && asShown(loadedPins, items), [loadedPins, items]);
  const [details, setDetails] = useState<DetailsTab | null>(null);
  const [reply, setReply] = useState<ReplyTarget | null>(null);
  const [thread, setThread] = useState<string | null>(null);
  const threadsUnread = useThreadsUnread(room.id, thread);
  const route = useRoute();
  useEffect(() => {
    if (route.thread && route.at !== null) setThread(String(route.at));
  }, [route]);
  const openThread = useCallback((root: string) => {
    setDetails(null);
    setThread(root);
  }, []);
  const isBeside = useMedia(BESIDE);
  const files = useUpload(room.id);
  const sources = useFileSources((added) => {
    files.add([...added].slice(0, FILES_MAX - files.uploads.length));
    composer.current?.focus();
  });
  const composer = useRef<HTMLTextAreaElement>(null);
  const list = useRef<TimelineHandle>(null);

  const closeThread = useCallback(() => {
    setThread(null);
    // The same address may be asked for again.
    if (route.thread) go(roomHash(room.id), { replace: true });
    composer.current?.focus();
  }, [route, room.id]);
  const toComposer = useCallback(() => {
    composer.current?.focus();
    return composer.current;
  }, []);
  const replyTo = useCallback(
    (target: ReplyTarget) => {
      setReply(target);
      toComposer();
    },
    [toComposer],
  );
  const pinned = useMemo(() => new Set(pins?.map(({ id }) => id)), [pins]);
  const { mayWrite, note: writeNote } = useWriteNote(room, members);
  const canPin = room.kind === "direct" || room.role === "moderator" || room.role === "owner";

  if (closed) {
    return (
      <main className="no-room">
        <Empty as="h1" icon={DoorClosed} title={texts.leftRoom}>
          <Button onClick={() => go("")}>{texts.back}</Button>
        </Empty>
      </main>
    );
  }
  return (
    <>
      <main className="room" aria-label={name} {...sources.place}>
        {sources.isOver && (
          <div className="drop-here">
            <Paperclip aria-hidden="true" />
            {texts.dropFiles(name)}
          </div>
        )}
        <RoomHeader
          room={room}
          name={name}
          peer={peer}
          pins={pins?.length ?? 0}
          details={details}
          onDetails={(tab) => {
            setThread(null);
            setDetails(details === tab ? null : tab);
          }}
        />
        <Timeline
          ref={list}
          room={room}
          name={name}
          at={at}
          timeline={timeline}
          members={members}
          pinned={pinned}
          canPin={canPin}
          onReply={replyTo}
          onLeave={toComposer}
          threadsUnread={threadsUnread}
          onThread={openThread}
        />
        <TypingLine room={room.id} />
        {note}
        {writeNote}
        {mayWrite && (
          <Composer
            ref={composer}
            room={room}
            name={name}
            members={members}
            reply={reply}
            files={files}
            sources={sources}
            onCancelReply={() => setReply(null)}
            onSend={(text) => {
              const attachments = files.uploads.flatMap(({ attachment }) =>
                attachment?.file === undefined ? [] : [{ file: attachment.file }],
              );
              send(text, {
                ...(reply ? { replyTo: reply.id } : {}),
                ...(attachments.length > 0 ? { attachments } : {}),
              });
              files.clear();
              setReply(null);
              list.current?.sent();
            }}
            onUp={(how) => (how === "edit" && list.current?.editLast()) || list.current?.focus()}
          />
        )}
      </main>
      {thread !== null && (
        <ThreadPanel key={thread} room={room} thread={thread} members={members} isBeside={isBeside} onClose={closeThread} />
      )}
      <Details
        room={room}
        members={members}
        pins={pins}
        canPin={canPin}
        tab={details}
        onTab={(tab) => {
          setDetails(tab);
          if (tab === null && isBeside) composer.current?.focus();
        }}
        isBeside={isBeside}
        onGo={(seq) => {
          if (!isBeside) setDetails(null);
          void list.current?.goTo(seq);
        }}
      />
    </>
  );
}

const MEMBERSHIP: ReadonlySet<string> = new Set(["joined", "left", "role", "muted"]);

/** Pins with the texts that the timeline shows. A deletion takes the pin too. */
function asShown(pins: readonly RoomMessage[], items: ReturnType<typeof useTimeline>["items"]): readonly RoomMessage[] {
  const ids = new Set(pins.map(({ id }) => id));
  const loaded = new Map(
    items.flatMap((item) => (item.type === "message" && item.message && ids.has(item.message.id) ? [[item.message.id, item.message]] : [])),
  );
  return pins.flatMap((pin) => {
    const now = loaded.get(pin.id);
    if (!now) return [pin];
    return now.deleted ? [] : [{ ...pin, text: now.text, mentions: now.mentions }];
  });
}
