// A word list as one writes it: a word a line.

/** What a list takes at most: docs/protocol.md has it among the limits. */
export const WORDS_MAX = 500;
export const WORD_CHARS = 64;

/** The words of a text, each once, without empty lines. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.split("\n").map((line) => line.trim().normalize("NFC")).filter((line) => line !== ""))];
}
