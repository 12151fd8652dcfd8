/** The Korean particle that fits the end of a word: after a consonant, or after a vowel; `으로` is `로` after ㄹ too. */
export function josa(word: string, afterConsonant: string, afterVowel: string): string {
  const last = word.codePointAt(word.length - 1) ?? 0;
  // Of other scripts nobody knows how they are read.
  if (last < 0xac00 || last > 0xd7a3) return `${afterConsonant}(${afterVowel})`;
  const final = (last - 0xac00) % 28;
  const isVowel = final === 0 || (final === 8 && afterConsonant === "으로");
  return isVowel ? afterVowel : afterConsonant;
}
