// The completion of `@` in a text field: who is offered stands above it, and the focus stays in the text.
import type { Member } from "@madang/client";
import { type KeyboardEvent, type ReactNode, type RefObject, useId, useState } from "react";
import { useTexts } from "../i18n";
import { useMe } from "../state/world";
import { Avatar } from "../ui/avatar";
import { complete, completionOf } from "./mention-completion";

export function useMentions({
  text,
  change,
  members,
  field,
}: {
  text: string;
  change: (text: string) => void;
  members: readonly Member[];
  field: RefObject<HTMLTextAreaElement | null>;
}): {
  /** Says whether the key was its own. */
  press: (event: KeyboardEvent) => boolean;
  /** The text was changed, by whatever else. */
  write: (text: string, caret: number) => void;
  look: () => void;
  list: ReactNode;
  attributes: object;
} {
  const texts = useTexts();
  const me = useMe();
  const id = useId();
  const [caret, setCaret] = useState(0);
  const [place, setPlace] = useState(0);
  /** The completion that was sent away, by the place of its `@`. */
  const [dismissed, setDismissed] = useState<number | null>(null);
  const found = completionOf(text, caret, members, me.id);
  const completion = found && found.start !== dismissed ? found : null;
  const candidate = completion?.candidates[Math.min(place, completion.candidates.length - 1)];

  const write = (next: string, to: number) => {
    change(next);
    setCaret(to);
    setPlace(0);
    if (!next.includes("@")) setDismissed(null);
  };
  const pick = (username: string) => {
    if (!completion) return;
    const { text: next, caret: to } = complete(text, completion, username);
    write(next, to);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(to, to);
    });
  };
  const press = (event: KeyboardEvent) => {
    if (!completion || !candidate) return false;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const count = completion.candidates.length;
    if (step !== undefined) setPlace((Math.min(place, count - 1) + step + count) % count);
    else if (event.key === "Enter" || event.key === "Tab") pick(candidate.username);
    else if (event.key === "Escape") setDismissed(completion.start);
    else return false;
    event.preventDefault();
    return true;
  };
  const list = completion && (
    <div id={`${id}-list`} role="listbox" aria-label={texts.mentionList} className="completion">
      {completion.candidates.map((user) => (
        <div
          key={user.id}
          id={`${id}-${user.id}`}
          role="option"
          aria-selected={user === candidate}
          className="pick-row pick-button"
          // The focus stays in the text.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => pick(user.username)}
        >
          <Avatar id={user.id} name={user.name} url={user.avatar_url} size="small" />
          <span className="pick-name">{user.name}</span>
          <span className="pick-note">@{user.username}</span>
        </div>
      ))}
    </div>
  );
  return {
    press,
    write,
    look: () => setCaret(field.current?.selectionStart ?? 0),
    list,
    attributes: {
      "aria-haspopup": completion ? "listbox" : undefined,
      "aria-controls": completion ? `${id}-list` : undefined,
      "aria-activedescendant": completion && candidate ? `${id}-${candidate.id}` : undefined,
      "aria-autocomplete": "list",
    },
  };
}
