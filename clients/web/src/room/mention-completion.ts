// Which members a text that is being written may mention. No React: it is tested by itself.
import type { Member } from "@madang/client";

/** As many as one sees at once. */
const SHOWN = 6;

export interface Completion {
  /** Where the `@` stands. */
  readonly start: number;
  readonly end: number;
  readonly candidates: readonly Member["user"][];
}

/** The name that is being written before the caret, and who fits it. */
export function completionOf(text: string, caret: number, members: readonly Member[], me: string): Completion | null {
  const match = /(?<![\p{L}\p{M}\p{N}])@([\p{L}\p{M}\p{N}_.-]*)$/u.exec(text.slice(0, caret));
  if (!match) return null;
  const wanted = (match[1] ?? "").normalize("NFC").toLocaleLowerCase();
  const ranked = members
    .filter(({ user }) => user.id !== me)
    .map(({ user }) => ({ user, rank: rankOf(user, wanted) }))
    .filter(({ rank }) => rank < 3)
    .sort((one, other) => one.rank - other.rank || one.user.name.localeCompare(other.user.name));
  if (ranked.length === 0) return null;
  return { start: match.index, end: caret, candidates: ranked.slice(0, SHOWN).map(({ user }) => user) };
}

function rankOf({ name, username }: Member["user"], wanted: string): number {
  const lower = name.toLocaleLowerCase();
  if (username.startsWith(wanted)) return 0;
  if (lower.startsWith(wanted)) return 1;
  return lower.includes(wanted) || username.includes(wanted) ? 2 : 3;
}

/** The text with the mention in it, and where the caret stands then. */
export function complete(text: string, { start, end }: Completion, username: string): { text: string; caret: number } {
  const before = `${text.slice(0, start)}@${username} `;
  return { text: before + text.slice(end).replace(/^ /, ""), caret: before.length };
}
