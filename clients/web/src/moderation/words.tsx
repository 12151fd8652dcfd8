// The words that are not accepted in a room.
import type { Room, WordList } from "@madang/client";
import { Rooms } from "@madang/client/rooms";
import { useClient } from "@madang/react";
import { type FormEvent, type RefObject, useEffect, useId, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choices } from "../ui/field";
import { say } from "../ui/toasts";
import { WORD_CHARS, WORDS_MAX, wordsOf } from "./word-list";

export function Words({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  const field = useRef<HTMLTextAreaElement>(null);
  return (
    <Dialog open onClose={onClose} title={texts.words} description={texts.wordsHint} initialFocus={field}>
      <WordsOf room={room} field={field} onClose={onClose} />
    </Dialog>
  );
}

function WordsOf({ room, field, onClose }: { room: Room; field: RefObject<HTMLTextAreaElement | null>; onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const id = useId();
  const [list, setList] = useState<WordList | null>(null);
  const [text, setText] = useState("");
  const [action, setAction] = useState<WordList["action"]>("refuse");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    let isCurrent = true;
    const show = (loaded: WordList) => {
      if (!isCurrent) return;
      setList(loaded);
      setText(loaded.words.join("\n"));
      setAction(loaded.action);
    };
    new Rooms(client.rest).getWords(room.id).then(show, (thrown: unknown) => isCurrent && setError(thrown));
    return () => void (isCurrent = false);
  }, [client, room.id]);
  const words = wordsOf(text);
  const tooLong = words.find((word) => [...word].length > WORD_CHARS);
  const wrong =
    tooLong !== undefined
      ? texts.wordTooLong(tooLong, WORD_CHARS)
      : words.length > WORDS_MAX
        ? texts.tooManyWords(words.length, WORDS_MAX)
        : null;
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    try {
      await new Rooms(client.rest).putWords(room.id, { words, action });
      say(texts.saved);
      onClose();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <form className="dialog-form" onSubmit={(event) => void submit(event)}>
      <div className="dialog-body">
        <div className={wrong === null ? "field" : "field field-wrong"}>
          <label htmlFor={id}>{texts.wordsLabel}</label>
          <div className="field-box">
            <textarea
              ref={field}
              id={id}
              className="words"
              rows={8}
              value={text}
              readOnly={list === null}
              aria-invalid={wrong !== null}
              aria-describedby={`${id}-note`}
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
          <p id={`${id}-note`} className="field-note" role={wrong === null ? undefined : "alert"}>
            {wrong ?? texts.wordCount(words.length)}
          </p>
        </div>
        <Choices
          label={texts.wordAction}
          value={action}
          onChange={setAction}
          choices={[
            { value: "refuse", label: texts.wordRefuse, hint: texts.wordRefuseHint },
            { value: "flag", label: texts.wordFlag, hint: texts.wordFlagHint },
          ]}
        />
        {error !== null && (
          <p className="form-error" role="alert">
            {errorText(texts, error)}
          </p>
        )}
      </div>
      <div className="dialog-actions">
        <Button onClick={onClose}>{texts.cancel}</Button>
        <Button type="submit" kind="primary" disabled={busy || list === null || wrong !== null}>
          {texts.save}
        </Button>
      </div>
    </form>
  );
}
