import type { Member, Room } from "@madang/client";
import { type ShownMessage, type useTimeline, useUnread } from "@madang/react";
import { useReceipts } from "@madang/react/receipts";
import { ArrowDown, ArrowUp } from "lucide-react";
import {
  type KeyboardEvent,
  type ReactElement,
  type Ref,
  useCallback,
  useEffect,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { dayText, useLanguage, useTexts } from "../i18n";
import { useConnected } from "../state/use-connected";
import { useLooking } from "../state/use-looking";
import { useValue } from "../state/value";
import { useMe, useWorld } from "../state/world";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { part } from "../ui/part";
import { say } from "../ui/toasts";
import { Announcer } from "./announcer";
import type { ReplyTarget } from "./composer";
import { EventLine } from "./event-line";
import { type Names, namesOf } from "./event-text";
import { type MessageContext, MessageRow } from "./message-row";
import type { ReportDialogProps } from "./report-dialog";
import { type Row, rowsOf, shownKeyOf } from "./rows";
import { useMessageActions } from "./use-message-actions";

const ReportDialog = part<ReportDialogProps>(() => import("./report-dialog").then((module) => module.ReportDialog));

/** As near to the end as this counts as being there, in pixels. */
const END_PX = 24;
/** As near to the first or the last row as this, what is before or behind it is loaded. */
const NEAR_PX = 600;
/**
 * With more items than this, those furthest from what is in sight are given up once the list rests, and with more than
 * the other at once: memory does not grow with what one scrolls. What is left is more than one comes through before a
 * page is there again.
 */
const LOADED_MAX = 400;
const MOVING_MAX = 1_000;
const LOADED_KEPT = 250;
const REST_MS = 200;
/** How long the message to which one went is marked. */
const TARGET_MS = 2_500;

export interface TimelineHandle {
  /** The focus goes to the last message. */
  focus: () => void;
  /** The last own message is changed; false where there is none. */
  editLast: () => boolean;
  goTo: (seq: number) => Promise<void>;
  /** The user has sent something: whoever writes has read. */
  sent: () => void;
}

export function Timeline({
  ref,
  room,
  name,
  at,
  timeline,
  members,
  pinned,
  canPin,
  onReply,
  onLeave,
  threadsUnread,
  onThread,
}: {
  ref: Ref<TimelineHandle>;
  room: Room;
  name: string;
  at: number | null;
  timeline: ReturnType<typeof useTimeline>;
  members: readonly Member[];
  pinned: ReadonlySet<string>;
  canPin: boolean;
  onReply: (target: ReplyTarget) => void;
  /** The focus goes to the text. */
  onLeave: () => HTMLElement | null;
  threadsUnread: ReadonlyMap<string, number>;
  /** A thread is opened, by its root. */
  onThread: (root: string) => void;
}) {
  const texts = useTexts();
  const language = useLanguage();
  const me = useMe();
  const id = useId();
  const profiles = useValue(useWorld().profiles);
  const isConnected = useConnected();
  const { items, ready, hasOlder, hasNewer, part, error, loadOlder, loadNewer, loadAt, forget, retry, discard } = timeline;
  const { unread, read, markRead } = useUnread(room.id);
  const { notRead } = useReceipts(room.id);
  const isLooking = useLooking();
  const list = useRef<VirtualizerHandle>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const [isAtEnd, setIsAtEnd] = useState(true);
  const [newAfter, setNewAfter] = useState<number | null>(null);
  const [active, setActive] = useState<string | null>(null);
  const [target, setTarget] = useState<number | null>(null);

  // The line of what is new: where the user had read when the room was opened, and again after looking away.
  const isSeeing = isLooking && isAtEnd;
  const isOpened = useRef(false);
  useLayoutEffect(() => {
    if (read === null || !ready) return;
    const isFirst = !isOpened.current;
    isOpened.current = true;
    if (unread > 0 && (isFirst || !isSeeing) && (newAfter === null || newAfter < read)) setNewAfter(read);
  }, [read, ready, unread, isSeeing, newAfter]);

  const isDirect = room.kind === "direct";
  const rows = useMemo(
    () => rowsOf(items, { me: me.id, hasOlder, isDirect, newAfter }),
    [items, me.id, hasOlder, isDirect, newAfter],
  );
  const nameOf = useMemo(() => {
    // Few rows have names of events in them: only those ask.
    let names: Names | null = null;
    return (user: string) => {
      names ??= namesOf(texts, me, members, profiles, items.flatMap((item) => (item.type === "event" ? [item.event] : [])));
      return names(user);
    };
  }, [texts, me, members, profiles, items]);

  // Where the list stands.
  const firstKey = items[0]?.key;
  const lastKey = items.at(-1)?.key;
  const shownFirst = useRef(firstKey);
  const isPrepended = shownFirst.current !== undefined && firstKey !== shownFirst.current;
  useLayoutEffect(() => {
    shownFirst.current = firstKey;
  }, [firstKey]);

  const rowsNow = useRef(rows);
  rowsNow.current = rows;
  const toEnd = useCallback(() => {
    list.current?.scrollToIndex(rowsNow.current.length - 1, { align: "end" });
  }, []);
  const toLatest = useCallback(async () => {
    // Where the end is not loaded, it is shown when it is.
    if (hasNewer) await loadAt();
    isAtEndNow.current = true;
    setIsAtEnd(true);
    toEnd();
  }, [hasNewer, loadAt, toEnd]);

  const isPlaced = useRef(false);
  const isAtEndNow = useRef(true);
  const scrolledAt = useRef(0);
  useLayoutEffect(() => {
    if (!ready || rows.length === 0 || read === null) return;
    if (!isPlaced.current) {
      isPlaced.current = true;
      const line = rows.findIndex(({ type }) => type === "new");
      if (at !== null) return;
      if (line < 0) return toEnd();
      isAtEndNow.current = false;
      list.current?.scrollToIndex(line, { align: "start", offset: -80 });
      return;
    }
    if (isAtEndNow.current) toEnd();
  }, [rows, ready, read, toEnd, at]);

  // That pages are on their way is said without drawing the list again.
  const pagesDue = useRef(0);
  const load = useCallback((page: () => Promise<void>) => {
    const count = (by: 1 | -1) => {
      pagesDue.current += by;
      scroller.current?.setAttribute("aria-busy", String(pagesDue.current > 0));
    };
    count(1);
    void page().finally(() => count(-1));
  }, []);
  // What is near is loaded. Who belongs at the end may still be on the way there: what stands above is not near then.
  const loadNear = useCallback(() => {
    const { current } = list;
    if (!current || !isPlaced.current) return;
    const end = Math.max(0, current.scrollSize - current.viewportSize);
    const offset = isAtEndNow.current ? end : current.scrollOffset;
    if (offset < NEAR_PX && hasOlder) load(loadOlder);
    else if (end - offset < NEAR_PX && hasNewer) load(loadNewer);
  }, [hasOlder, hasNewer, load, loadOlder, loadNewer]);
  const look = useCallback(() => {
    const { current } = list;
    if (!current || !isPlaced.current) return;
    const below = current.scrollSize - current.scrollOffset - current.viewportSize;
    const isEnd = below < END_PX && !hasNewer;
    isAtEndNow.current = isEnd;
    setIsAtEnd(isEnd);
    loadNear();
  }, [hasNewer, loadNear]);

  // Who is at the end stays there, also when rows turn out higher than they were taken for. What fits without scrolling
  // has no end to come to; and a room of short pages fills the window.
  const settle = useCallback(() => (isAtEndNow.current ? toEnd() : look()), [look, toEnd]);
  useEffect(() => (isAtEndNow.current ? loadNear() : look()), [loadNear, look, rows.length, ready]);

  // In a step of its own: the list learns by the first row whether rows came before it, or went. While rows before it
  // go, the list holds on to its end, and what turns out higher then would hold back whoever scrolls down: so it rests.
  useEffect(() => {
    if (items.length <= LOADED_MAX) return;
    const giveUp = () => {
      const { current } = list;
      if (!current) return;
      const middle = current.findItemIndex(current.scrollOffset + current.viewportSize / 2);
      const first = Math.max(0, Math.min(middle - LOADED_KEPT / 2, items.length - LOADED_KEPT));
      const behind = items.length - first - LOADED_KEPT;
      const [older, newer] = first > behind ? [first, 0] : [0, behind];
      // The focus does not go with its message.
      const focused = items.findIndex((item) => document.activeElement?.id === `${id}-${shownKeyOf(item, me.id)}`);
      if (focused >= 0 && (focused < older || focused >= items.length - newer)) scroller.current?.focus({ preventScroll: true });
      forget(older, newer);
    };
    if (items.length > MOVING_MAX) return giveUp();
    const timer = setInterval(() => performance.now() - scrolledAt.current > REST_MS && giveUp(), REST_MS);
    return () => clearInterval(timer);
  }, [items, forget, id, me.id]);

  useEffect(() => {
    // Not before it is known what was read: the line stands there.
    if (ready && read !== null && isSeeing) markRead();
  }, [ready, read, isSeeing, markRead, lastKey]);

  // Going to a message.
  const goTo = useCallback(
    async (seq: number) => {
      if (!(await loadAt(seq))) return say(texts.notShownHere, "error");
      // The rows of what was loaded are there after the next frame.
      await new Promise(requestAnimationFrame);
      const place = rowsNow.current.findIndex((row) => row.type === "message" && row.shown.seq === seq);
      if (place < 0) return;
      isAtEndNow.current = false;
      list.current?.scrollToIndex(place, { align: "center" });
      setTarget(seq);
      const row = rowsNow.current[place];
      if (row) setActive(row.key);
      setTimeout(() => setTarget((now) => (now === seq ? null : now)), TARGET_MS);
    },
    [loadAt, texts],
  );
  const wentTo = useRef<number | null>(null);
  useEffect(() => {
    if (!ready || at === null || wentTo.current === at) return;
    wentTo.current = at;
    void goTo(at);
  }, [ready, at, goTo]);

  const actions = useMessageActions({ room, timeline, pinned, canPin, onReply, onThread, onLeave });
  const { actionsOf, editing, setEditing, deleting, setDeleting, reporting, setReporting, save, toggle, erase } = actions;
  const editingIndex = rows.findIndex((row) => row.type === "message" && row.shown.message?.id === editing?.message);

  // What is edited is in sight, and stays there while it grows.
  const edited = useRef(editingIndex);
  edited.current = editingIndex;
  useEffect(() => {
    if (editing === null) return;
    isAtEndNow.current = false;
    const frame = requestAnimationFrame(() => {
      if (edited.current >= 0) list.current?.scrollToIndex(edited.current, { align: "nearest" });
    });
    return () => cancelAnimationFrame(frame);
  }, [editing]);

  // Moving with the keys.
  const [isFocusDue, setIsFocusDue] = useState(false);
  const rowId = (row: Row) => `${id}-${row.key}`;
  const activeIndex = rows.findIndex(({ key }) => key === active);
  useEffect(() => {
    const row = rows[activeIndex];
    if (!isFocusDue || !row) return;
    setIsFocusDue(false);
    document.getElementById(rowId(row))?.focus({ preventScroll: true });
  });
  const activate = (index: number) => {
    const row = rows[index];
    if (!row) return;
    setActive(row.key);
    setIsFocusDue(true);
    list.current?.scrollToIndex(index, { align: "nearest" });
  };
  const step = (by: 1 | -1) => {
    let index = activeIndex < 0 ? rows.length : activeIndex;
    do index += by;
    while (rows[index] && rows[index]?.type !== "message");
    if (rows[index]) activate(index);
    else if (by > 0 && !hasNewer) onLeave();
  };
  const press = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if ((event.target as HTMLElement).closest("[role=menu], [role=dialog], textarea")) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      step(event.key === "ArrowUp" ? -1 : 1);
    } else if (event.key === "End") {
      event.preventDefault();
      atLatest("focus");
    } else if (event.key === "Escape") {
      onLeave();
    }
  };
  const atEnd = {
    focus: () => {
      activate(rows.findLastIndex(({ type }) => type === "message"));
      return true;
    },
    editLast: () => {
      const index = rows.findLastIndex((row) => row.type === "message" && row.isMine && isEditable(row.shown));
      const row = rows[index];
      if (row?.type !== "message" || !row.shown.message) return false;
      list.current?.scrollToIndex(index, { align: "nearest" });
      setEditing({ message: row.shown.message.id, from: "composer" });
      return true;
    },
  };
  const atEndNow = useRef(atEnd);
  atEndNow.current = atEnd;
  /** Does it, once the end of the room is there. */
  const atLatest = (what: keyof typeof atEnd) => {
    if (!hasNewer) return atEnd[what]();
    void toLatest().then(() => requestAnimationFrame(() => atEndNow.current[what]()));
    return true;
  };
  useImperativeHandle(ref, () => ({
    focus: () => void atLatest("focus"),
    editLast: () => atLatest("editLast"),
    goTo,
    sent: () => {
      setNewAfter(null);
      void toLatest();
    },
  }));

  const itemsNow = useRef(items);
  itemsNow.current = items;
  // The focus goes back to where it was: to the text, or to the message.
  const now = useRef({ editing, editingIndex });
  now.current = { editing, editingIndex };
  const endEdit = useCallback(() => {
    const { editing: ended, editingIndex: index } = now.current;
    setEditing(null);
    const row = rowsNow.current[index];
    if (ended?.from === "composer" || !row) return void onLeave();
    setActive(row.key);
    setIsFocusDue(true);
  }, [onLeave, setEditing]);
  const context = useMemo<MessageContext>(
    () => ({
      room: room.id,
      members,
      isConnected,
      // The rows stay as they are while others come: what is looked for is looked for now.
      find: (messageId) =>
        itemsNow.current.find((item) => item.type === "message" && item.message?.id === messageId) as ShownMessage | undefined,
      goTo: (seq) => void goTo(seq),
      actionsOf,
      retry,
      discard,
      react: toggle,
      threadsUnread,
      openThread: onThread,
      save: (message, text) => save(message, text).then(endEdit),
      cancelEdit: endEdit,
    }),
    [room.id, members, isConnected, goTo, actionsOf, retry, discard, toggle, threadsUnread, onThread, save, endEdit],
  );

  // The button that asked is gone with the text: the focus goes to the message.
  const deletingKey = useRef<string | null>(null);
  if (deleting) deletingKey.current = deleting.key;

  const oldest = items.find((item) => item.seq !== undefined)?.seq;
  const isLineAbove = newAfter !== null && hasOlder && oldest !== undefined && oldest > newAfter + 1;
  const lastOwn = rows.findLast((row) => row.type === "message" && row.isMine)?.key;
  const lastRow = rows.at(-1)?.key;
  const isKnown = members.length > 0;
  const show = (row: Row) => {
    switch (row.type) {
      case "beginning":
        return (
          <p className="beginning">
            {isDirect ? texts.beginningDirect(name) : texts.beginning(name)}
          </p>
        );
      case "day":
        return (
          <h2 className="day">
            <span>{dayText(language, row.at)}</span>
          </h2>
        );
      case "new":
        return (
          <p className="new-line">
            <span>{texts.newMessages}</span>
          </p>
        );
      case "event":
        return <EventLine events={row.events} nameOf={nameOf} isKnown={isKnown} />;
      case "message":
        return (
          <MessageRow
            row={row}
            id={rowId(row)}
            context={context}
            isActive={row.key === active}
            isEditing={editing !== null && row.shown.message?.id === editing.message}
            isPinned={row.shown.message !== undefined && pinned.has(row.shown.message.id)}
            isTarget={target !== null && row.shown.seq === target}
            showState={row.key === lastOwn && row.key === lastRow}
            notRead={row.isMine && row.shown.seq !== undefined ? (notRead(row.shown.seq) ?? 0) : 0}
          />
        );
    }
  };
  // The list draws again whenever its range moves. A row of which nothing has changed is the same element to it then.
  const elementOf = useMemo(
    () => {
      const made = new Map<Row, ReactElement>();
      return (row: Row) => {
        const element = made.get(row) ?? <div key={row.key}>{show(row)}</div>;
        made.set(row, element);
        return element;
      };
    },
    // Everything that `show` reads.
    [id, texts, language, name, isDirect, nameOf, isKnown, context, active, editing, pinned, target, lastOwn, lastRow, notRead],
  );
  return (
    <div className="timeline">
      {isLineAbove && (
        <Button
          className="timeline-chip timeline-chip-above"
          onClick={() => void loadAt(Math.max(1, newAfter)).then(() => toLine())}
        >
          <ArrowUp aria-hidden="true" />
          {texts.newAbove(unread || countAfter(items, newAfter, me.id))}
        </Button>
      )}
      <div
        ref={scroller}
        className="timeline-scroller"
        role="log"
        aria-live="off"
        aria-label={texts.messages(name)}
        aria-describedby={`${id}-hint`}
        aria-busy={!ready}
        tabIndex={0}
        data-ready={ready}
        data-items={items.length}
        onKeyDown={press}
      >
        <div className="timeline-push" />
        {error !== null && hasOlder && (
          <p className="timeline-error">
            {texts.loadFailed}{" "}
            <button type="button" className="link" onClick={() => void loadOlder()}>
              {texts.tryAgain}
            </button>
          </p>
        )}
        {ready && (
          <Virtualizer
            key={part}
            ref={list}
            scrollRef={scroller}
            data={rows}
            shift={isPrepended}
            onScroll={() => {
              scrolledAt.current = performance.now();
              look();
            }}
            onScrollEnd={look}
            onResize={settle}
            keepMounted={[...new Set([activeIndex, editingIndex])].filter((index) => index >= 0)}
          >
            {elementOf}
          </Virtualizer>
        )}
      </div>
      <p id={`${id}-hint`} className="visually-hidden">
        {texts.messageHint}
      </p>
      <Announcer room={room.id} ready={ready} />
      <Confirm
        open={deleting !== null}
        onClose={() => setDeleting(null)}
        title={texts.deleteMessageTitle}
        text={texts.deleteMessageText}
        action={texts.deleteMessage}
        onConfirm={() => erase(deleting?.message?.id ?? "")}
        finalFocus={() => {
          const row = rows.find((one) => one.type === "message" && one.shown.key === deletingKey.current);
          return row ? document.getElementById(rowId(row)) : onLeave();
        }}
      />
      {reporting && <ReportDialog reporting={reporting} onClose={() => setReporting(null)} />}
      {!isAtEnd && (
        <Button className="timeline-chip timeline-chip-below" onClick={() => void toLatest()}>
          <ArrowDown aria-hidden="true" />
          {unread > 0 ? texts.newBelow(unread) : <span className="visually-hidden">{texts.toLatest}</span>}
        </Button>
      )}
    </div>
  );

  async function toLine() {
    await new Promise(requestAnimationFrame);
    const line = rowsNow.current.findIndex(({ type }) => type === "new");
    if (line < 0) return;
    isAtEndNow.current = false;
    list.current?.scrollToIndex(line, { align: "start", offset: -80 });
  }
}

function isEditable({ message }: ShownMessage): boolean {
  return message !== undefined && !message.deleted;
}

function countAfter(items: ReturnType<typeof useTimeline>["items"], seq: number, me: string): number {
  return items.filter((item) => item.type === "message" && (item.seq ?? 0) > seq && item.message?.sender.id !== me).length;
}
