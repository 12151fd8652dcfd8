// A picker for one more reaction.
import { Popover } from "@base-ui/react/popover";
import { type FormEvent, useId, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { Button } from "../ui/button";
import { COMMON_EMOJI, REACTIONS_MAX, emojiOf } from "./emoji";
import type { PickerProps } from "./reactions";

export function PickerPopup({ reactions, open, onClose, onReact, trigger }: PickerProps) {
  const texts = useTexts();
  const first = useRef<HTMLButtonElement>(null);
  const own = (emoji: string) => reactions.find((one) => one.emoji === emoji)?.me ?? false;
  const isFull = reactions.length >= REACTIONS_MAX;
  const choose = (emoji: string) => {
    onReact(emoji, !own(emoji));
    onClose();
  };
  return (
    <Popover.Root
      open={open}
      onOpenChange={(next, { event }) => {
        // A press on the button is the button's.
        const isButton = event.target instanceof Node && trigger.current?.contains(event.target);
        if (!next && !isButton) onClose();
      }}
    >
      <Popover.Portal>
        <Popover.Positioner className="positioner" anchor={trigger} align="end" sideOffset={4} collisionPadding={8}>
          <Popover.Popup className="picker" aria-label={texts.react} initialFocus={first} finalFocus={trigger}>
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
