// A thread: its root, the messages under it, and where one writes there. Beside the room where there is space, over all of
// it where there is none.
import type { Member, Message, Room } from "@madang/client";
import { type ShownMessage, useClient } from "@madang/react";
import { useThread } from "@madang/react/threads";
import { Bell, BellOff, SendHorizontal, X } from "lucide-react";
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { useConnected } from "../state/use-connected";
import { useLooking } from "../state/use-looking";
import { useMedia } from "../state/use-media";
import { useMe } from "../state/world";
import { Button, IconButton } from "../ui/button";
import { Confirm, Dialog } from "../ui/dialog";
import { part } from "../ui/part";
import { useAct } from "../ui/toasts";
import { useGrowing } from "../ui/use-growing";
import { type MessageContext, MessageRow } from "./message-row";
import type { ReportDialogProps } from "./report-dialog";
import { COUNTED_FROM, TEXT_MAX } from "./text-limits";
import { useMessageActions } from "./use-message-actions";

const ReportDialog = part<ReportDialogProps>(() => import("./report-dialog").then((module) => module.ReportDialog));

interface Props {
  room: Room;
  /** The id of the root. */
  thread: string;
  members: readonly Member[];
  onClose: () => void;
}

/** As near to the end as this counts as being there, in pixels. */
const END_PX = 24;
/** Nothing is pinned from here, and no thread leads to another one. */
const NONE: ReadonlySet<string> = new Set();
const NOTHING: ReadonlyMap<string, number> = new Map();
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
  const { root, messages, ready, hasOlder, error, following, unread, loadOlder, reload, markRead, setFollowing } = of;

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

  // What can be done with a message of it: as in the room, but for what leads elsewhere.
  const client = useClient();
  const isConnected = useConnected();
  const changes = useMemo(
    () => ({
      edit: (message: string, text: string) => client.edit(room.id, message, text),
      remove: (message: string) => client.delete(room.id, message),
      react: (message: string, emoji: string, on?: boolean) => client.react(room.id, message, emoji, on),
    }),
    [client, room.id],
  );
  const field = useRef<HTMLTextAreaElement>(null);
  const toField = useCallback(() => {
    field.current?.focus();
    return field.current;
  }, []);
  const actions = useMessageActions({ room, timeline: changes, pinned: NONE, canPin: false, onLeave: toField });
  const { actionsOf, editing, setEditing, deleting, setDeleting, reporting, setReporting, save, toggle, erase } = actions;
  const shownRoot = useMemo(() => root && asShown(root), [root]);
  const isEdited = (shown: ShownMessage) => editing !== null && shown.message?.id === editing.message;
  const endEdit = useCallback(() => {
    setEditing(null);
    toField();
  }, [setEditing, toField]);
  const { retry, discard } = of;
  const context = useMemo<MessageContext>(
    () => ({
      room: room.id,
      members,
      isConnected,
      find: () => undefined,
      goTo: () => {},
      actionsOf,
      retry,
      discard,
      react: toggle,
      threadsUnread: NOTHING,
      openThread: () => {},
      save: (message, text) => save(message, text).then(endEdit),
      cancelEdit: endEdit,
    }),
    [room.id, members, isConnected, actionsOf, retry, discard, toggle, save, endEdit],
  );
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
        {shownRoot && <ThreadMessage shown={shownRoot} context={context} isEditing={isEdited(shownRoot)} isRoot />}
        {error !== null && (
          <p className="hint thread-note" role="alert">
            {errorText(texts, error)}{" "}
            {!ready && (
              <button type="button" className="link" onClick={() => void reload()}>
                {texts.tryAgain}
              </button>
            )}
          </p>
        )}
        {hasOlder && (
          <p className="thread-note">
            <Button kind="quiet" onClick={() => void loadOlder()}>
              {texts.olderReplies}
            </Button>
          </p>
        )}
        {ready && messages.length === 0 && <p className="hint thread-note">{texts.noReplies}</p>}
        {messages.map((shown) => (
          <ThreadMessage key={shown.key} shown={shown} context={context} isEditing={isEdited(shown)} />
        ))}
      </div>
      {ready && (
        <ThreadComposer
          ref={field}
          name={`${room.id}:${thread}`}
          onSend={of.send}
          onSent={() => (isAtEnd.current = true)}
        />
      )}
      <Confirm
        open={deleting !== null}
        onClose={() => setDeleting(null)}
        title={texts.deleteMessageTitle}
        text={texts.deleteMessageText}
        action={texts.deleteMessage}
        onConfirm={() => erase(deleting?.message?.id ?? "")}
        finalFocus={toField}
      />
      {reporting && <ReportDialog reporting={reporting} onClose={() => setReporting(null)} />}
    </div>
  );
}

function asShown(message: Message & { seq: number; at: string }): ShownMessage {
  const { key, text, seq, at } = message;
  return { type: "message", key, text, state: "sent", seq, at, message };
}

function ThreadMessage({
  shown,
  context,
  isEditing,
  isRoot = false,
}: {
  shown: ShownMessage;
  context: MessageContext;
  isEditing: boolean;
  isRoot?: boolean;
}) {
  const texts = useTexts();
  const id = useId();
  const me = useMe();
  const { thread, ...message } = shown.message ?? {};
  const row = useMemo(() => {
    // The panel itself says what stands in the thread.
    const alone = shown.message && { ...shown, message: message as Message };
    const isMine = (shown.message?.sender.id ?? me.id) === me.id;
    return { type: "message", key: shown.key, shown: alone ?? shown, isMine, isFirst: true } as const;
  }, [shown, me.id]);
  return (
    <div className={isRoot ? "thread-root" : undefined}>
      <MessageRow
        row={row}
        id={id}
        context={context}
        isActive
        isEditing={isEditing}
        isPinned={false}
        isTarget={false}
        showState={false}
        notRead={0}
      />
      {thread?.root && thread.in_room && <p className="message-edited thread-also">{texts.alsoInRoom}</p>}
    </div>
  );
}

function ThreadComposer({
  ref: field,
  name,
  onSend,
  onSent,
}: {
  ref: RefObject<HTMLTextAreaElement | null>;
  name: string;
  onSend: (text: string, options: { inRoom: boolean }) => void;
  onSent: () => void;
}) {
  const texts = useTexts();
  const id = useId();
  const [text, setText] = useState(drafts.get(name) ?? "");
  const [inRoom, setInRoom] = useState(false);
  const isTouch = useMedia("(pointer: coarse)");
  useEffect(() => {
    if (!isTouch) field.current?.focus();
  }, [name, isTouch]);
  useGrowing(field, text);
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
