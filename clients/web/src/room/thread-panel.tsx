// A thread: its root, the messages under it, and where one writes there. Beside the room where there is space, over all of
// it where there is none.
import type { Member, Message, Room } from "@madang/client";
import type { ShownMessage } from "@madang/react";
import { useThread } from "@madang/react/threads";
import { Bell, BellOff, SendHorizontal, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { momentText, shortText, timeText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { useLooking } from "../state/use-looking";
import { useMedia } from "../state/use-media";
import { useBlocked, useMe, usePerson } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { classes } from "../ui/classes";
import { Dialog } from "../ui/dialog";
import { useAct } from "../ui/toasts";
import { MessageText } from "./text";
import { COUNTED_FROM, TEXT_MAX } from "./text-limits";

interface Props {
  room: Room;
  /** The id of the root. */
  thread: string;
  members: readonly Member[];
  onClose: () => void;
}

/** As near to the end as this counts as being there, in pixels. */
const END_PX = 24;
/** What is not sent yet, of each thread, for as long as the page is open. */
const drafts = new Map<string, string>();

export type ThreadPanelProps = Props & { isBeside: boolean };

export function ThreadPanel({ isBeside, ...props }: ThreadPanelProps) {
  const texts = useTexts();
  if (!isBeside) {
    return (
      <Dialog open onClose={props.onClose} title={texts.thread} className="dialog-sheet">
        <Thread {...props} isBeside={false} />
      </Dialog>
    );
  }
  return (
    <aside
      className="details thread"
      aria-label={texts.thread}
      onKeyDown={(event) => event.key === "Escape" && props.onClose()}
    >
      <Thread {...props} isBeside />
    </aside>
  );
}

function Thread({ room, thread, members, onClose, isBeside }: Props & { isBeside: boolean }) {
  const texts = useTexts();
  const act = useAct();
  const isLooking = useLooking();
  const list = useRef<HTMLDivElement>(null);
  const of = useThread(room.id, thread);
  const { root, messages, ready, hasOlder, error, following, unread, loadOlder, markRead, setFollowing } = of;

  // Who is at the end stays there, and has read what is in sight.
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const { current } = list;
    if (current && isAtEnd.current) current.scrollTop = current.scrollHeight;
  }, [messages]);
  useEffect(() => {
    if (ready && isLooking && isAtEnd.current) markRead();
  }, [ready, isLooking, messages, markRead]);
  const look = () => {
    const { current } = list;
    if (!current) return;
    isAtEnd.current = current.scrollHeight - current.scrollTop - current.clientHeight < END_PX;
    if (isAtEnd.current && isLooking) markRead();
  };
  const replies = root?.thread?.replies ?? 0;
  return (
    <div className="thread-box">
      <div className="details-head">
        <p className="thread-title">
          {isBeside && <strong>{texts.thread}</strong>}
          <span className="hint">
            {texts.replies(replies)}
            {unread > 0 && ` · ${texts.newReplies(unread)}`}
          </span>
        </p>
        <span className="thread-buttons">
          <IconButton
            label={following ? texts.unfollowThread : texts.followThread}
            aria-pressed={following}
            onClick={() => void act(() => setFollowing(!following)).catch(() => {})}
          >
            {following ? <Bell /> : <BellOff />}
          </IconButton>
          {isBeside && (
            <IconButton label={texts.close} onClick={onClose}>
              <X />
            </IconButton>
          )}
        </span>
      </div>
      <div ref={list} className="thread-list" role="log" aria-label={texts.threadMessages} aria-busy={!ready} data-ready={ready} tabIndex={0} onScroll={look}>
        {root && <ThreadMessage shown={asShown(root)} members={members} isRoot />}
        {error !== null && !ready && <p className="hint thread-note">{errorText(texts, error)}</p>}
        {hasOlder && (
          <p className="thread-note">
            <Button kind="quiet" onClick={() => void loadOlder()}>
              {texts.olderReplies}
            </Button>
          </p>
        )}
        {ready && messages.length === 0 && <p className="hint thread-note">{texts.noReplies}</p>}
        {messages.map((shown) => (
          <ThreadMessage key={shown.key} shown={shown} members={members} onRetry={of.retry} onDiscard={of.discard} />
        ))}
      </div>
      {ready && <ThreadComposer name={`${room.id}:${thread}`} onSend={of.send} onSent={() => (isAtEnd.current = true)} />}
    </div>
  );
}

function asShown(message: Message & { seq: number; at: string }): ShownMessage {
  const { key, text, seq, at } = message;
  return { type: "message", key, text, state: "sent", seq, at, message };
}

function ThreadMessage({
  shown,
  members,
  isRoot = false,
  onRetry,
  onDiscard,
}: {
  shown: ShownMessage;
  members: readonly Member[];
  isRoot?: boolean;
  onRetry?: (key: string) => void;
  onDiscard?: (key: string) => void;
}) {
  const texts = useTexts();
  const language = useLanguage();
  const me = useMe();
  const blocked = useBlocked();
  const id = useId();
  const { message, at } = shown;
  const sender = usePerson(message?.sender ?? me);
  const isMine = sender.id === me.id;
  const isHidden = !isMine && blocked.has(sender.id);
  const editedAt = message?.deleted ? undefined : message?.edited_at;
  return (
    <article
      className={classes("message", "message-first", isRoot && "thread-root", shown.state === "failed" && "message-failed")}
      aria-label={`${isMine ? texts.you : sender.name}${at === undefined ? "" : `, ${timeText(language, at)}`}`}
      aria-describedby={`${id}-text`}
    >
      <Avatar id={sender.id} name={sender.name} url={sender.avatar_url} />
      <div className="message-body">
        <p className="message-head">
          <span className="message-sender">{sender.name}</span>
          {at !== undefined && (
            <time className="message-at" dateTime={at} title={momentText(language, at)}>
              {shortText(language, at)}
            </time>
          )}
        </p>
        {isHidden || message?.deleted ? (
          <p id={`${id}-text`} className="message-hidden">
            {isHidden ? texts.hiddenMessage : texts.deletedMessage}
          </p>
        ) : (
          <MessageText id={`${id}-text`} text={shown.text} mentions={message?.mentions ?? []} members={members} />
        )}
        {editedAt && <p className="message-edited">{texts.edited(shortText(language, editedAt))}</p>}
        {message?.thread?.root && message.thread.in_room && <p className="message-edited">{texts.alsoInRoom}</p>}
        {shown.state === "sending" && <p className="message-edited">{texts.sending}</p>}
        {shown.state === "failed" && (
          <p className="message-error" role="alert">
            <span>
              {texts.failed}. {shown.error && errorText(texts, shown.error)}
            </span>
            <Button onClick={() => onRetry?.(shown.key)}>{texts.retry}</Button>
            <Button kind="quiet" onClick={() => onDiscard?.(shown.key)}>
              {texts.discard}
            </Button>
          </p>
        )}
      </div>
    </article>
  );
}

function ThreadComposer({
  name,
  onSend,
  onSent,
}: {
  name: string;
  onSend: (text: string, options: { inRoom: boolean }) => void;
  onSent: () => void;
}) {
  const texts = useTexts();
  const id = useId();
  const [text, setText] = useState(drafts.get(name) ?? "");
  const [inRoom, setInRoom] = useState(false);
  const isTouch = useMedia("(pointer: coarse)");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (!isTouch) field.current?.focus();
  }, [name, isTouch]);
  useLayoutEffect(() => {
    const { current } = field;
    if (!current) return;
    current.style.height = "auto";
    current.style.height = `${current.scrollHeight}px`;
  }, [text]);
  const change = (next: string) => {
    setText(next);
    drafts.set(name, next);
  };
  const length = [...text].length;
  const over = length - TEXT_MAX;
  const canSend = text.trim() !== "" && over <= 0;
  const send = () => {
    if (!canSend) return;
    onSent();
    onSend(text.trim(), { inRoom });
    change("");
    setInRoom(false);
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // While an input method composes a syllable, the keys are its own.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key !== "Enter" || event.shiftKey || isTouch) return;
    event.preventDefault();
    send();
  };
  return (
    <div className="composer-box">
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <textarea
          ref={field}
          rows={1}
          aria-label={texts.writeToThread}
          aria-invalid={over > 0}
          aria-describedby={length >= COUNTED_FROM ? `${id}-count` : undefined}
          placeholder={texts.writeToThread}
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={press}
        />
        {length >= COUNTED_FROM && (
          <span id={`${id}-count`} className="composer-count" data-over={over > 0} role="status">
            {over > 0 ? texts.tooLong(over) : texts.charactersLeft(-over)}
          </span>
        )}
        <button
          type="submit"
          className="composer-send"
          aria-label={texts.send}
          disabled={!canSend}
          onMouseDown={(event) => event.preventDefault()}
        >
          <SendHorizontal />
        </button>
      </form>
      <label className="thread-in-room">
        <input type="checkbox" checked={inRoom} onChange={(event) => setInRoom(event.target.checked)} />
        {texts.sendToRoomToo}
      </label>
    </div>
  );
}
