// What can stand as a reaction. No React.

/** Those that are offered, fully qualified as the server writes them. */
export const COMMON_EMOJI = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀"] as const;

/** A message has at most as many different ones. */
export const REACTIONS_MAX = 20;

/** A name for which the site has a picture. */
const NAMED = /^:[a-z0-9_+-]{1,32}:$/;
const PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;

/** The one emoji that a text is; null where it is none, or more than one. Which ones there are, the server knows. */
export function emojiOf(text: string): string | null {
  const trimmed = text.trim();
  if (NAMED.test(trimmed)) return trimmed;
  const [first, ...more] = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(trimmed);
  return first && more.length === 0 && PICTURE.test(first.segment) ? first.segment : null;
}
