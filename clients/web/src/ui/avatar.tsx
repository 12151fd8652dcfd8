import { useState } from "react";
import { classes } from "./classes";

/** Twelve hues that keep their distance. */
const HUES = 12;

function hueOf(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9_973;
  return sum % HUES;
}

/** The first letter that one sees: of an emoji all of it, of Hangul the syllable. */
function initialOf(name: string): string {
  const [first] = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(name.trim());
  return (first?.segment ?? "?").toLocaleUpperCase();
}

/** A picture of a person or a room. It says nothing that is not written beside it. */
export function Avatar({
  id,
  name,
  url,
  size = "medium",
  square = false,
  present = false,
}: {
  id: string;
  name: string;
  url?: string | null | undefined;
  size?: "small" | "medium" | "large";
  square?: boolean;
  present?: boolean;
}) {
  const [failed, setFailed] = useState<string | null>(null);
  const shown = url && url !== failed ? url : null;
  return (
    <span
      aria-hidden="true"
      className={classes("avatar", `avatar-${size}`, `hue-${hueOf(id)}`, square && "avatar-square", present && "avatar-present")}
    >
      {shown ? (
        <img src={shown} alt="" loading="lazy" referrerPolicy="no-referrer" onError={() => setFailed(shown)} />
      ) : (
        <span className="avatar-initial">{initialOf(name)}</span>
      )}
    </span>
  );
}
