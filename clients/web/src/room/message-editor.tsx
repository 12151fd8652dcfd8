import type { Member } from "@madang/client";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { useMedia } from "../state/use-media";
import { Button } from "../ui/button";
import { useGrowing } from "../ui/use-growing";
import { COUNTED_FROM, TEXT_MAX } from "./text-limits";
import { useMentions } from "./use-mentions";

/** The text of an own message while it is changed, at its place. */
export function MessageEditor({
  id,
  text: former,
  members,
  onSave,
  onCancel,
}: {
  id: string;
  text: string;
  members: readonly Member[];
  /** Rejects where the server refuses: the text stays. */
  onSave: (text: string) => Promise<unknown>;
  onCancel: () => void;
}) {
  const texts = useTexts();
  const countId = useId();
  const [text, setText] = useState(former);
  const [isBusy, setIsBusy] = useState(false);
  const isTouch = useMedia("(pointer: coarse)");
  const field = useRef<HTMLTextAreaElement>(null);
  const mentions = useMentions({ text, change: setText, members, field });

  useEffect(() => {
    const { current } = field;
    current?.focus({ preventScroll: true });
    current?.setSelectionRange(current.value.length, current.value.length);
  }, []);

  useGrowing(field, text);

  const length = [...text].length;
  const over = length - TEXT_MAX;
  const canSave = text.trim() !== "" && over <= 0 && !isBusy;
  const save = async () => {
    if (!canSave) return;
    if (text.trim() === former) return onCancel();
    setIsBusy(true);
    // Where it is saved, this is gone.
    await onSave(text.trim()).catch(() => {});
    setIsBusy(false);
  };
  const press = (event: KeyboardEvent) => {
    // While an input method composes a syllable, the keys are its own. Safari ends the composition before the key.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (mentions.press(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !isTouch) {
      event.preventDefault();
      void save();
    } else if (event.key === "Escape") {
      event.preventDefault();
      onCancel();
    }
  };
  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {mentions.list}
      <textarea
        {...mentions.attributes}
        id={id}
        ref={field}
        rows={1}
        value={text}
        aria-label={texts.editLabel}
        aria-invalid={over > 0}
        aria-describedby={length >= COUNTED_FROM ? countId : undefined}
        enterKeyHint={isTouch ? "enter" : "done"}
        onChange={(event) => mentions.write(event.target.value, event.target.selectionStart)}
        onSelect={mentions.look}
        onKeyDown={press}
      />
      <div className="editor-actions">
        {length >= COUNTED_FROM && (
          <span id={countId} className="composer-count" data-over={over > 0} role="status">
            {over > 0 ? texts.tooLong(over) : texts.charactersLeft(-over)}
          </span>
        )}
        <Button onClick={onCancel}>{texts.cancel}</Button>
        <Button type="submit" kind="primary" disabled={!canSave}>
          {texts.save}
        </Button>
      </div>
    </form>
  );
}
