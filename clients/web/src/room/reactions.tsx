// Reactions to a message: those that it has, and a picker for one more.
import type { Message } from "@madang/client";
import { SmilePlus } from "lucide-react";
import { useRef, useState } from "react";
import { useTexts } from "../i18n";
import { part } from "../ui/part";

export type ReactionsOfMessage = NonNullable<Message["reactions"]>;
/** Adds an own reaction, or takes it back. */
export type React = (emoji: string, on: boolean) => void;

export function Reactions({ reactions, isActive, onReact }: { reactions: ReactionsOfMessage; isActive: boolean; onReact: React }) {
  const texts = useTexts();
  return (
    <ul className="reactions" aria-label={texts.reactions}>
      {reactions.map(({ emoji, count, me = false }) => (
        <li key={emoji}>
          <button
            type="button"
            className="reaction"
            aria-pressed={me}
            aria-label={texts.reactionOf(emoji, count)}
            title={me ? texts.takeReactionBack : texts.reactToo}
            tabIndex={isActive ? 0 : -1}
            onClick={() => onReact(emoji, !me)}
          >
            <span className="reaction-emoji">{emoji}</span>
            <span className="reaction-count">{count.toLocaleString()}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

export interface PickerProps {
  readonly reactions: ReactionsOfMessage;
  readonly open: boolean;
  readonly onClose: () => void;
  readonly onReact: React;
  readonly trigger: { readonly current: HTMLElement | null };
}

const PickerPopup = part<PickerProps>(() => import("./reaction-picker").then((module) => module.PickerPopup));

/** The button of the picker. The picker itself comes after the first picture. */
export function ReactionPicker({
  reactions,
  open,
  onOpenChange,
  isActive,
  onReact,
}: {
  reactions: ReactionsOfMessage;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  isActive: boolean;
  onReact: React;
}) {
  const texts = useTexts();
  const trigger = useRef<HTMLButtonElement>(null);
  const [wasOpen, setWasOpen] = useState(open);
  if (open && !wasOpen) setWasOpen(true);
  return (
    <>
      <button
        ref={trigger}
        type="button"
        className="icon-button"
        aria-label={texts.react}
        aria-haspopup="dialog"
        aria-expanded={open}
        data-popup-open={open ? "" : undefined}
        tabIndex={isActive ? 0 : -1}
        onClick={() => onOpenChange(!open)}
      >
        <SmilePlus />
      </button>
      {wasOpen && (
        <PickerPopup
          reactions={reactions}
          open={open}
          onClose={() => onOpenChange(false)}
          onReact={onReact}
          trigger={trigger}
        />
      )}
    </>
  );
}
