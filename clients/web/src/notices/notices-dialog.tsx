import type { Invite, Mention, InboxNotice, Reply, RestrictionNotice, User } from "@madang/client";
import { useClient, useNotices, useRooms } from "@madang/react";
import { Bell } from "lucide-react";
import { useEffect, useState } from "react";
import { momentText, shortText, useLanguage, useTexts } from "../i18n";
import { directName } from "../rooms/open-direct";
import { go, roomHash } from "../state/route";
import { useMe, usePerson, useRoomName } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { useAct } from "../ui/toasts";

export function NoticesDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open={open} onClose={onClose} title={texts.notices}>
      <Notices onClose={onClose} />
    </Dialog>
  );
}

function Notices({ onClose }: { onClose: () => void }) {
  const texts = useTexts();
  const { notices, ready, unread, markRead } = useNotices();
  // What was unread when the user looked stays marked while it is looked at.
  const [isNew, setIsNew] = useState<number>(unread);
  useEffect(() => {
    if (unread === 0) return;
    setIsNew((before) => Math.max(before, unread));
    markRead();
  }, [unread, markRead]);
  return (
    <div className="dialog-body">
      {ready && notices.length === 0 && (
        <Empty icon={Bell} title={texts.noNotices}>
          <p className="hint">{texts.noNoticesHint}</p>
        </Empty>
      )}
      <ul className="pick-list">
        {notices.map((notice, place) => (
          <NoticeRow key={notice.seq} notice={notice} isNew={place < isNew} onClose={onClose} />
        ))}
      </ul>
    </div>
  );
}

function NoticeRow({ notice, isNew, onClose }: { notice: InboxNotice; isNew: boolean; onClose: () => void }) {
  switch (notice.kind) {
    case "mention":
      return <MentionRow at={notice.at} mention={notice.data as Mention} isNew={isNew} onClose={onClose} />;
    case "reply":
      return <ReplyRow at={notice.at} reply={notice.data as Reply} isNew={isNew} onClose={onClose} />;
    case "invite":
      return <InviteRow at={notice.at} invite={notice.data as Invite} isNew={isNew} onClose={onClose} />;
    case "ban":
    case "mute":
      return <RestrictionRow kind={notice.kind} at={notice.at} data={notice.data as RestrictionNotice} isNew={isNew} />;
    case "custom":
      return <CustomRow at={notice.at} data={notice.data} isNew={isNew} />;
    default:
      // Of a newer server.
      return null;
  }
}

function Row({ who, text, at, isNew, children }: { who: User | null; text: string; at: string; isNew: boolean; children?: React.ReactNode }) {
  const language = useLanguage();
  return (
    <li className="pick-row notice" data-new={isNew}>
      {who ? <Avatar id={who.id} name={who.name} url={who.avatar_url} /> : <Bell aria-hidden="true" />}
      <span className="pick-text">
        <span className="notice-text">{text}</span>
        <time className="pick-note" dateTime={at} title={momentText(language, at)}>
          {shortText(language, at)}
        </time>
      </span>
      {children}
    </li>
  );
}

function MentionRow({ at, mention, isNew, onClose }: { at: string; mention: Mention; isNew: boolean; onClose: () => void }) {
  const texts = useTexts();
  const { rooms } = useRooms();
  const who = usePerson(mention.sender);
  const room = rooms.find(({ id }) => id === mention.room);
  const name = useRoomName(room) || texts.aRoom;
  return (
    <Row who={who} text={texts.noticeMention(who.name, name)} at={at} isNew={isNew}>
      <Button onClick={() => (onClose(), go(roomHash(mention.room, mention.seq)))}>{texts.openRoom}</Button>
    </Row>
  );
}

function ReplyRow({ at, reply, isNew, onClose }: { at: string; reply: Reply; isNew: boolean; onClose: () => void }) {
  const texts = useTexts();
  const { rooms } = useRooms();
  const who = usePerson(reply.sender);
  const room = rooms.find(({ id }) => id === reply.room);
  const name = useRoomName(room) || texts.aRoom;
  return (
    <Row who={who} text={texts.noticeReply(who.name, name)} at={at} isNew={isNew}>
      <Button onClick={() => (onClose(), go(roomHash(reply.room, Number(reply.thread))))}>{texts.openRoom}</Button>
    </Row>
  );
}

function InviteRow({ at, invite, isNew, onClose }: { at: string; invite: Invite; isNew: boolean; onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const { rooms, reload } = useRooms();
  const [declined, setDeclined] = useState(false);
  const who = usePerson(invite.by);
  const me = useMe();
  const room = rooms.find(({ id }) => id === invite.room);
  const isMember = room !== undefined;
  // The name of a direct room, while one is not in it, has those of both: of more, the notice says nothing.
  const isDirect = room ? room.kind === "direct" : invite.name === directName(me, invite.by);
  const accept = async () => {
    await client.rest.joinRoom(invite.room);
    await reload();
    onClose();
    go(roomHash(invite.room));
  };
  const decline = async () => {
    await client.rest.leaveRoom(invite.room);
    setDeclined(true);
  };
  const text = isDirect
    ? (invite.pending ? texts.noticeDirectInvite : texts.noticeDirect)(who.name)
    : (invite.pending ? texts.noticeInvite : texts.noticeAdded)(who.name, invite.name);
  return (
    <Row who={who} text={text} at={at} isNew={isNew}>
      {isMember ? (
        <Button onClick={() => (onClose(), go(roomHash(invite.room)))}>{texts.openRoom}</Button>
      ) : invite.pending && !declined ? (
        <span className="notice-actions">
          <Button kind="primary" onClick={() => void act(accept).catch(() => {})}>
            {texts.accept}
          </Button>
          <Button onClick={() => void act(decline).catch(() => {})}>{texts.decline}</Button>
        </span>
      ) : (
        declined && <span className="hint">{texts.declined}</span>
      )}
    </Row>
  );
}

function RestrictionRow({ kind, at, data, isNew }: { kind: "ban" | "mute"; at: string; data: RestrictionNotice; isNew: boolean }) {
  const texts = useTexts();
  const { on, reason, by, name } = data;
  const said = {
    ban: on ? texts.noticeBan : texts.noticeBanEnd,
    mute: on ? texts.noticeMute : texts.noticeMuteEnd,
  }[kind](name);
  return <Row who={by} text={reason === null ? said : `${said}: ${reason}`} at={at} isNew={isNew} />;
}

/** A notice of the site: its text, where it has one of a usual name. */
function CustomRow({ at, data, isNew }: { at: string; data: unknown; isNew: boolean }) {
  const texts = useTexts();
  const fields = (data ?? {}) as Record<string, unknown>;
  const text = [fields["text"], fields["title"], fields["message"]].find((value) => typeof value === "string");
  return <Row who={null} text={(text as string | undefined) ?? texts.noticeCustom} at={at} isNew={isNew} />;
}
