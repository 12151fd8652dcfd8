// What can be done with a message: later kinds of changes are more entries of this list.
import type { Room } from "@madang/client";
import { type ShownMessage, useClient, type useTimeline } from "@madang/react";
import { Copy, CornerUpLeft, Flag, Pencil, Pin, PinOff, Trash2, MessagesSquare } from "lucide-react";
import { useCallback, useState } from "react";
import { useTexts } from "../i18n";
import { useMe } from "../state/world";
import type { Action } from "../ui/menu";
import { say, useAct } from "../ui/toasts";
import type { ReplyTarget } from "./composer";
import type { Reporting } from "./report-dialog";

/** The message whose text is changed, and where the focus was before. */
export interface Editing {
  readonly message: string;
  readonly from: "composer" | "message";
}

export function useMessageActions({
  room,
  timeline: { edit, remove, react },
  pinned,
  canPin,
  onReply,
  onThread,
  onLeave,
}: {
  room: Room;
  timeline: Pick<ReturnType<typeof useTimeline>, "edit" | "remove" | "react">;
  pinned: ReadonlySet<string>;
  canPin: boolean;
  /** Absent in a thread, as are the next ones. */
  onReply?: (target: ReplyTarget) => void;
  onThread?: (root: string) => void;
  onLeave: () => HTMLElement | null;
}) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const me = useMe();
  const [editing, setEditing] = useState<Editing | null>(null);
  const [deleting, setDeleting] = useState<ShownMessage | null>(null);
  const [reporting, setReporting] = useState<Reporting | null>(null);
  const isModerator = room.kind !== "direct" && (room.role === "moderator" || room.role === "owner");

  const actionsOf = useCallback(
    (shown: ShownMessage): readonly Action[] => {
      const { message } = shown;
      const copy = async () => {
        await navigator.clipboard.writeText(shown.text);
        say(texts.copied);
      };
      const copying: Action = { name: "copy", label: texts.copy, icon: Copy, run: () => void copy().catch(() => {}) };
      if (!message) return shown.state === "failed" ? [copying] : [];
      const { id, sender } = message;
      const isMine = sender.id === me.id;
      const isPinned = pinned.has(id);
      const pin = () => void act(() => client.pin(room.id, id, !isPinned)).catch(() => {});
      const actions: Action[] = [];
      if (onReply) {
        const reply = () => onReply({ id, name: sender.name, text: shown.text });
        actions.push({ name: "reply", label: texts.reply, icon: CornerUpLeft, run: reply, focus: onLeave });
      }
      if (onThread) {
        // Threads do not nest: a message of one opens it.
        const openThread = () => onThread(message.thread?.root ?? id);
        actions.push({ name: "thread", label: texts.replyInThread, icon: MessagesSquare, run: openThread, focus: () => false });
      }
      if (isMine) {
        // The text takes the focus itself.
        const run = () => setEditing({ message: id, from: "message" });
        actions.push({ name: "edit", label: texts.edit, icon: Pencil, run, focus: () => false });
      }
      actions.push(copying);
      if (canPin) {
        actions.push({ name: "pin", label: isPinned ? texts.unpin : texts.pin, icon: isPinned ? PinOff : Pin, run: pin });
      }
      if (!isMine) {
        const run = () => setReporting({ room: room.id, message: id, name: sender.name });
        actions.push({ name: "report", label: texts.report, icon: Flag, run });
      }
      if (isMine || isModerator) {
        const run = () => setDeleting(shown);
        actions.push({ name: "delete", label: texts.deleteMessage, icon: Trash2, danger: true, run });
      }
      return actions;
    },
    [act, canPin, client, isModerator, me.id, onLeave, onReply, onThread, pinned, room.id, texts],
  );
  const save = useCallback(
    (message: string, text: string) =>
      act(() => edit(message, text), undefined, { failed_precondition: texts.editTooLate }),
    [act, edit, texts],
  );
  const toggle = useCallback(
    (message: string, emoji: string, on: boolean) => {
      const words = { failed_precondition: texts.reactionsFull, invalid_argument: texts.notAnEmoji };
      void act(() => react(message, emoji, on), undefined, words).catch(() => {});
    },
    [act, react, texts],
  );
  const erase = useCallback((message: string) => act(() => remove(message)), [act, remove]);
  return { actionsOf, editing, setEditing, deleting, setDeleting, reporting, setReporting, save, toggle, erase };
}
