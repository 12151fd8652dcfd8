// One message. Its parts stand under one another: what it replies to, its text, what is attached, how its sending goes.
import type { Member } from "@madang/client";
import type { ShownMessage } from "@madang/react";
import { Check, Clock, Ellipsis, Pin, SmilePlus, TriangleAlert } from "lucide-react";
import { memo, useRef, useState } from "react";
import { type Language, momentText, shortText, timeText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { useBlocked, useMe, usePerson } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { classes } from "../ui/classes";
import { type Action, Menu } from "../ui/menu";
import { Attachments } from "./attachments";
import { MessageEditor } from "./message-editor";
import { Quote } from "./quote";
import { ReactionPicker, Reactions } from "./reactions";
import type { MessageRow as Row } from "./rows";
import { MessageText } from "./text";
import { ThreadLine } from "./thread-line";
import { useSettled } from "./use-settled";


/** What a message can be asked for. */
export interface MessageContext {
  readonly room: string;
  readonly members: readonly Member[];
  readonly isConnected: boolean;
  readonly find: (id: string) => ShownMessage | undefined;
  readonly goTo: (seq: number) => void;
  readonly actionsOf: (shown: ShownMessage) => readonly Action[];
  readonly retry: (key: string) => void;
  readonly discard: (key: string) => void;
  readonly react: (message: string, emoji: string, on: boolean) => void;
  /** By root. */
  readonly threadsUnread: ReadonlyMap<string, number>;
  readonly openThread: (root: string) => void;
  /** Rejects where the server refuses. */
  readonly save: (message: string, text: string) => Promise<void>;
  readonly cancelEdit: () => void;
}

export const MessageRow = memo(function MessageRow({
  row,
  id,
  context,
  isActive,
  isEditing,
  isPinned,
  isTarget,
  showState,
  notRead,
}: {
  row: Row;
  id: string;
  context: MessageContext;
  isActive: boolean;
  isEditing: boolean;
  isPinned: boolean;
  isTarget: boolean;
  showState: boolean;
  /** How many have not read the own message. */
  notRead: number;
}) {
  const texts = useTexts();
  const language = useLanguage();
  const me = useMe();
  const blocked = useBlocked();
  const [isShown, setIsShown] = useState(false);
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const [isPicking, setIsPicking] = useState(false);
  const [isSettled, settle] = useSettled();
  const trigger = useRef<HTMLButtonElement>(null);
  const { shown, isMine, isFirst } = row;
  const sender = usePerson(shown.message?.sender ?? me);
  const mentions = shown.message?.mentions ?? [];
  const isHidden = !isMine && blocked.has(sender.id) && !isShown;
  const isDeleted = shown.message?.deleted === true;
  const actions = isHidden || isDeleted ? [] : context.actionsOf(shown);
  const [reply, ...others] = actions;
  const { message } = shown;
  const messageId = message?.id ?? "";
  const reactions = isHidden || isDeleted ? [] : (message?.reactions ?? []);
  const attachments = isHidden || isDeleted ? [] : (message?.attachments ?? []);
  const react = (emoji: string, on: boolean) => context.react(messageId, emoji, on);
  const editedAt = isHidden || isDeleted ? undefined : message?.edited_at;
  // The picker takes the focus itself.
  const picking: Action = {
    name: "react",
    label: texts.react,
    icon: SmilePlus,
    run: () => setIsPicking(true),
    focus: () => false,
  };
  const harmless = [...(reply ? [reply] : []), ...(message ? [picking] : []), ...others.filter(({ danger }) => !danger)];
  const sections = [harmless, others.filter(({ danger }) => danger)].filter((section) => section.length > 0);
  const at = shown.at;
  const time = at === undefined ? "" : timeText(language, at);
  return (
    <article
      id={id}
      tabIndex={isActive ? 0 : -1}
      className={classes(
        "message",
        isFirst && "message-first",
        isMine && "message-mine",
        mentions.includes(me.id) && "message-mentions-me",
        isTarget && "message-target",
        (isMenuOpen || isPicking) && "message-open",
        isEditing && !isDeleted && "message-editing",
        shown.state === "failed" && "message-failed",
      )}
      aria-label={`${isMine ? texts.you : sender.name}${at === undefined ? "" : `, ${time}`}`}
      aria-describedby={isHidden ? undefined : `${id}-text${editedAt === undefined || isEditing ? "" : ` ${id}-edited`}`}
      onPointerEnter={settle}
      onFocus={settle}
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget || actions.length === 0) return;
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        // As if the button itself was pressed: the first of the actions then has the focus.
        trigger.current?.focus();
        trigger.current?.click();
      }}
    >
      {isFirst ? (
        <Avatar id={sender.id} name={sender.name} url={sender.avatar_url} />
      ) : (
        <span className="message-gutter">{at !== undefined && <Time at={at} time={time} language={language} />}</span>
      )}
      <div className="message-body">
        {isFirst && (
          <p className="message-head">
            <span className="message-sender">{sender.name}</span>
            {at !== undefined && <Time at={at} time={time} language={language} />}
            {isPinned && <PinnedMark text={texts.pinned} />}
          </p>
        )}
        {shown.replyTo !== undefined && !isHidden && <Quote id={shown.replyTo} excerpt={message?.excerpt} context={context} />}
        {isHidden ? (
          <p className="message-hidden">
            {texts.hiddenMessage}{" "}
            <button type="button" className="link" onClick={() => setIsShown(true)}>
              {texts.showAnyway}
            </button>
          </p>
        ) : isDeleted ? (
          <p id={`${id}-text`} className="message-hidden">
            {texts.deletedMessage}
          </p>
        ) : isEditing ? (
          <MessageEditor
            id={`${id}-text`}
            text={shown.text}
            members={context.members}
            onSave={(text) => context.save(messageId, text)}
            onCancel={context.cancelEdit}
          />
        ) : (
          <MessageText id={`${id}-text`} text={shown.text} mentions={mentions} members={context.members} />
        )}
        {attachments.length > 0 && <Attachments attachments={attachments} isActive={isActive} />}
        {editedAt !== undefined && !isEditing && (
          <p id={`${id}-edited`} className="message-edited">
            <time dateTime={editedAt} title={momentText(language, editedAt)}>
              {texts.edited(shortText(language, editedAt))}
            </time>
          </p>
        )}
        {reactions.length > 0 && <Reactions reactions={reactions} isActive={isActive} onReact={react} />}
        {message?.thread && !isHidden && (
          <ThreadLine
            message={message}
            unread={context.threadsUnread.get(messageId) ?? 0}
            isActive={isActive}
            onOpen={context.openThread}
          />
        )}
        {!isFirst && isPinned && <PinnedMark text={texts.pinned} />}
        {shown.state === "failed" && <Failed shown={shown} context={context} />}
      </div>
      {isMine && !isDeleted && (
        <span className="message-end">
          {notRead > 0 && (
            <span className="message-not-read">
              <span aria-hidden="true">{notRead}</span>
              <span className="visually-hidden">{texts.notRead(notRead)}</span>
            </span>
          )}
          <State shown={shown} isConnected={context.isConnected} showSent={showState} />
        </span>
      )}
      {actions.length > 0 && (isSettled || isActive) && (
        <div className="message-actions">
          {message && (
            <ReactionPicker
              reactions={message.reactions ?? []}
              open={isPicking}
              onOpenChange={setIsPicking}
              isActive={isActive}
              onReact={react}
            />
          )}
          {reply && <ActionButton action={reply} isActive={isActive} />}
          <Menu
            sections={sections}
            onOpenChange={setIsMenuOpen}
            trigger={
              <button
                ref={trigger}
                type="button"
                className="icon-button"
                aria-label={texts.actionsFor(sender.name)}
                tabIndex={isActive ? 0 : -1}
              >
                <Ellipsis />
              </button>
            }
          />
        </div>
      )}
    </article>
  );
});

function Time({ at, time, language }: { at: string; time: string; language: Language }) {
  return (
    <time className="message-at" dateTime={at} title={momentText(language, at)}>
      {time}
    </time>
  );
}

function PinnedMark({ text }: { text: string }) {
  return (
    <span className="message-pinned">
      <Pin aria-hidden="true" />
      {text}
    </span>
  );
}

/** How the sending of an own message goes. Only the last one says that it was sent. */
function State({ shown, isConnected, showSent }: { shown: ShownMessage; isConnected: boolean; showSent: boolean }) {
  const texts = useTexts();
  if (shown.state === "failed" || (shown.state === "sent" && !showSent)) return null;
  const isSent = shown.state === "sent";
  const text = isSent ? texts.sent : isConnected ? texts.sending : texts.waiting;
  return (
    <span className="message-state" data-state={shown.state}>
      {isSent ? <Check aria-hidden="true" /> : <Clock aria-hidden="true" />}
      <span className="visually-hidden">{text}</span>
    </span>
  );
}

function Failed({ shown, context }: { shown: ShownMessage; context: MessageContext }) {
  const texts = useTexts();
  return (
    <p className="message-error" role="alert">
      <TriangleAlert aria-hidden="true" />
      <span>
        {texts.failed}. {shown.error && errorText(texts, shown.error)}
      </span>
      <Button onClick={() => context.retry(shown.key)}>{texts.retry}</Button>
      <Button kind="quiet" onClick={() => context.discard(shown.key)}>
        {texts.discard}
      </Button>
    </p>
  );
}

function ActionButton({ action: { label, icon: Icon, run }, isActive }: { action: Action; isActive: boolean }) {
  return (
    <button type="button" className="icon-button" aria-label={label} tabIndex={isActive ? 0 : -1} onClick={run}>
      <Icon />
    </button>
  );
}
