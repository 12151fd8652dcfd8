// Reactions to a message: those that it has, and a picker for one more.
import { Popover } from "@base-ui/react/popover";
import type { Message } from "@madang/client";
import { SmilePlus } from "lucide-react";
import { type FormEvent, useId, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { Button } from "../ui/button";
import { COMMON_EMOJI, REACTIONS_MAX, emojiOf } from "./emoji";

type Reactions = NonNullable<Message["reactions"]>;
/** Adds an own reaction, or takes it back. */
type React = (emoji: string, on: boolean) => void;

export function Reactions({ reactions, isActive, onReact }: { reactions: Reactions; isActive: boolean; onReact: React }) {
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

export function ReactionPicker({
  reactions,
  open,
  onOpenChange,
  isActive,
  onReact,
}: {
  reactions: Reactions;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  isActive: boolean;
  onReact: React;
}) {
  const texts = useTexts();
  const first = useRef<HTMLButtonElement>(null);
  const own = (emoji: string) => reactions.find((one) => one.emoji === emoji)?.me ?? false;
  const isFull = reactions.length >= REACTIONS_MAX;
  const choose = (emoji: string) => {
    onReact(emoji, !own(emoji));
    onOpenChange(false);
  };
  return (
    <Popover.Root open={open} onOpenChange={(next) => onOpenChange(next)}>
      <Popover.Trigger
        render={<button type="button" className="icon-button" aria-label={texts.react} tabIndex={isActive ? 0 : -1} />}
      >
        <SmilePlus />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className="positioner" align="end" sideOffset={4} collisionPadding={8}>
          <Popover.Popup className="picker" aria-label={texts.react} initialFocus={first}>
            <div className="picker-common" role="group" aria-label={texts.commonEmoji}>
              {COMMON_EMOJI.map((emoji, place) => (
                <button
                  key={emoji}
                  ref={place === 0 ? first : undefined}
                  type="button"
                  className="picker-emoji"
                  aria-pressed={own(emoji)}
                  aria-label={emoji}
                  disabled={isFull && !reactions.some((one) => one.emoji === emoji)}
                  onClick={() => choose(emoji)}
                >
                  {emoji}
                </button>
              ))}
            </div>
            {isFull ? <p className="hint">{texts.reactionsFull}</p> : <OtherEmoji onChoose={choose} />}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** Any other emoji: each keyboard has its own way to write one. */
function OtherEmoji({ onChoose }: { onChoose: (emoji: string) => void }) {
  const texts = useTexts();
  const id = useId();
  const [text, setText] = useState("");
  const [isWrong, setIsWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const emoji = emojiOf(text);
    if (emoji === null) setIsWrong(true);
    else onChoose(emoji);
  };
  return (
    <form className="picker-other" onSubmit={submit}>
      <div className="field-box">
        <input
          value={text}
          placeholder={texts.otherEmoji}
          aria-label={texts.otherEmoji}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? `${id}-note` : undefined}
          maxLength={64}
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value);
            setIsWrong(false);
          }}
        />
      </div>
      <Button type="submit" disabled={text.trim() === ""}>
        {texts.add}
      </Button>
      {isWrong && (
        <p id={`${id}-note`} className="field-note" role="alert">
          {texts.notAnEmoji}
        </p>
      )}
    </form>
  );
}
