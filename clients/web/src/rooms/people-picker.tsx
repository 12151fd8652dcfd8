import type { Member } from "@madang/client";
import { Check, Users } from "lucide-react";
import { useId, useState } from "react";
import { useTexts } from "../i18n";
import { useMedia } from "../state/use-media";
import { Avatar } from "../ui/avatar";
import { Empty } from "../ui/empty";
import { useKnownPeople } from "./known-people";

type Known = Member["user"];

/** People to pick, some or one. `onPick` is told of each choice. */
export function PeoplePicker({
  picked,
  without,
  isFirst = false,
  onPick,
}: {
  picked: ReadonlySet<string>;
  without?: ReadonlySet<string>;
  /** It is what a dialog begins with: where no keyboard would cover it, it has the focus. */
  isFirst?: boolean;
  onPick: (person: Known) => void;
}) {
  const texts = useTexts();
  const id = useId();
  const people = useKnownPeople();
  const [filter, setFilter] = useState("");
  const isTouch = useMedia("(pointer: coarse)");
  if (people === null) return <p className="hint">{texts.loading}</p>;
  const candidates = people.filter((person) => !without?.has(person.id));
  if (candidates.length === 0) return <Empty icon={Users} title={texts.noPeople} />;
  const wanted = filter.trim().toLocaleLowerCase();
  const shown = candidates.filter(
    ({ name, username }) => name.toLocaleLowerCase().includes(wanted) || username.toLocaleLowerCase().includes(wanted),
  );
  return (
    <div className="people-picker">
      <div className="field">
        <label htmlFor={id}>{texts.people}</label>
        <div className="field-box">
          <input
            id={id}
            type="search"
            autoFocus={isFirst && !isTouch}
            value={filter}
            placeholder={texts.peopleHint}
            onChange={(event) => setFilter(event.target.value)}
          />
        </div>
      </div>
      <ul className="pick-list" aria-label={texts.people}>
        {shown.map((person) => (
          <li key={person.id}>
            <button
              type="button"
              className="pick-row pick-button"
              aria-pressed={picked.has(person.id)}
              onClick={() => onPick(person)}
            >
              <Avatar id={person.id} name={person.name} url={person.avatar_url} size="small" />
              <span className="pick-text">
                <span className="pick-name">{person.name}</span>
                <span className="pick-note">@{person.username}</span>
              </span>
              {picked.has(person.id) && <Check aria-hidden="true" />}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
