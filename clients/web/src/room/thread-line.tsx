// What stands under a message that has a thread, and under one that stands in a thread and in the room.
import type { Message } from "@madang/client";
import { MessagesSquare } from "lucide-react";
import { shortText, useLanguage, useTexts } from "../i18n";
import { classes } from "../ui/classes";

export function ThreadLine({
  message,
  unread,
  isActive,
  onOpen,
}: {
  message: Message;
  unread: number;
  isActive: boolean;
  onOpen: (root: string) => void;
}) {
  const texts = useTexts();
  const language = useLanguage();
  const { thread } = message;
  if (!thread) return null;
  const tabIndex = isActive ? 0 : -1;
  if (thread.root) {
    const { root } = thread;
    return (
      <button type="button" className="thread-line" tabIndex={tabIndex} onClick={() => onOpen(root)}>
        {texts.inThread}
      </button>
    );
  }
  if (thread.replies === 0) return null;
  return (
    <button
      type="button"
      className={classes("thread-line", unread > 0 && "thread-line-unread")}
      tabIndex={tabIndex}
      onClick={() => onOpen(message.id)}
    >
      <MessagesSquare aria-hidden="true" />
      <span>{texts.replies(thread.replies)}</span>
      {unread > 0 && <span className="thread-line-new">{texts.newReplies(unread)}</span>}
      {thread.last_at && <span className="thread-line-at">{shortText(language, thread.last_at)}</span>}
    </button>
  );
}
