import type { Member, Room } from "@madang/client";
import { useTyping } from "@madang/react/typing";
import type { useUpload } from "@madang/react/files";
import { CornerUpLeft, Paperclip, SendHorizontal, X } from "lucide-react";
import { type KeyboardEvent, type Ref, useEffect, useId, useImperativeHandle, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { useMedia } from "../state/use-media";
import { IconButton } from "../ui/button";
import { useGrowing } from "../ui/use-growing";
import { COUNTED_FROM, TEXT_MAX } from "./text-limits";
import { Uploads, type useFileSources } from "./uploads";
import { useMentions } from "./use-mentions";

export interface ReplyTarget {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** What is not sent yet, of each room, for as long as the page is open. */
const drafts = new Map<string, string>();

export function Composer({
  ref,
  room,
  name,
  members,
  reply,
  files,
  sources,
  onCancelReply,
  onSend,
  onUp,
}: {
  ref: Ref<HTMLTextAreaElement>;
  room: Room;
  name: string;
  members: readonly Member[];
  reply: ReplyTarget | null;
  files: ReturnType<typeof useUpload>;
  sources: ReturnType<typeof useFileSources>;
  onCancelReply: () => void;
  onSend: (text: string) => void;
  /** Into the messages: to change the last own one, or else to go among them. */
  onUp: (how: "edit" | "go") => void;
}) {
  const texts = useTexts();
  const id = useId();
  const { setTyping } = useTyping(room.id);
  const [text, setText] = useState(drafts.get(room.id) ?? "");
  const isTouch = useMedia("(pointer: coarse)");
  const field = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(ref, () => field.current as HTMLTextAreaElement);

  // A keyboard on the screen comes only when it is asked for.
  useEffect(() => {
    // It may come later than the room, and who has opened a menu meanwhile stays there. A dialog keeps the focus by itself.
    const isElsewhere = document.activeElement?.closest("[role=menu]");
    if (!isTouch && !isElsewhere) field.current?.focus();
  }, [room.id, isTouch]);

  useGrowing(field, text);

  const change = (next: string) => {
    setText(next);
    drafts.set(room.id, next);
    setTyping(next.trim() !== "");
  };
  const mentions = useMentions({ text, change, members, field });
  const length = [...text].length;
  const over = length - TEXT_MAX;
  const { uploads } = files;
  const [first] = uploads;
  const areThere = uploads.every(({ state }) => state === "done");
  const canSend = (text.trim() !== "" || first !== undefined) && areThere && over <= 0;
  const picker = useRef<HTMLInputElement>(null);
  const send = () => {
    if (!canSend) return;
    // A message has words: without any of the user's they are the name of the first file, which search finds.
    onSend(text.trim() || (first?.name ?? ""));
    mentions.write("", 0);
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // While an input method composes a syllable, the keys are its own. Safari ends the composition before the key.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (mentions.press(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !isTouch) {
      event.preventDefault();
      return send();
    }
    if ((event.key === "ArrowUp" || event.key === "PageUp") && text === "" && !event.altKey) {
      event.preventDefault();
      return onUp(event.key === "ArrowUp" ? "edit" : "go");
    }
    if (event.key === "Escape" && reply) onCancelReply();
  };
  return (
    <div className="composer-box">
      {mentions.list}
      {reply && (
        <div className="composer-reply">
          <CornerUpLeft aria-hidden="true" />
          <span className="quote-sender">{texts.replyingTo(reply.name)}</span>
          <span className="quote-text">{reply.text}</span>
          <IconButton label={texts.cancelReply} side="top" onClick={onCancelReply}>
            <X />
          </IconButton>
        </div>
      )}
      <Uploads {...files} />
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <input ref={picker} type="file" multiple hidden {...sources.field} />
        <IconButton label={texts.attachFiles} side="top" onClick={() => picker.current?.click()}>
          <Paperclip />
        </IconButton>
        <textarea
          ref={field}
          {...sources.clipboard}
          rows={1}
          {...mentions.attributes}
          aria-label={texts.writeTo(name)}
          aria-invalid={over > 0}
          aria-describedby={length >= COUNTED_FROM ? `${id}-count` : undefined}
          placeholder={texts.writeTo(name)}
          value={text}
          enterKeyHint={isTouch ? "enter" : "send"}
          onChange={(event) => mentions.write(event.target.value, event.target.selectionStart)}
          onSelect={mentions.look}
          onKeyDown={press}
          onBlur={() => setTyping(false)}
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
          // The keyboard on the screen stays.
          onMouseDown={(event) => event.preventDefault()}
        >
          <SendHorizontal />
        </button>
      </form>
    </div>
  );
}
