//! How a word is found in a text, however it is written.
//!
//! Both are brought into one form: compatibility decomposition (NFKD) and lower case, so that full-width letters, other
//! compositions and other cases are the same; marks, blanks and punctuation are left out; and Korean syllables are taken apart
//! into their letters, where a letter at the end of a syllable is the same as one at its beginning, and one of the
//! compatibility letters (`ㅅ`). So a word is found with blanks between its letters, and with its syllables taken apart.
//!
//! What is found must begin and end where a character of the text does: `사과` is not in `삭와`. And a word in letters that are
//! written with blanks between words is a whole word, or one whose letters all stand apart: it is neither in a longer word nor
//! made of the end of one and the beginning of the next.

use madang_domain::ListedWord;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The letters at the end of a Korean syllable, U+11A8 to U+11C2, as letters at its beginning: one or two of them.
const FINALS: [&str; 27] = [
    "ᄀ", "ᄁ", "ᄀᄉ", "ᄂ", "ᄂᄌ", "ᄂᄒ", "ᄃ", "ᄅ", "ᄅᄀ", "ᄅᄆ", "ᄅᄇ", "ᄅᄉ", "ᄅᄐ", "ᄅᄑ",
    "ᄅᄒ", "ᄆ", "ᄇ", "ᄇᄉ", "ᄉ", "ᄊ", "ᄋ", "ᄌ", "ᄎ", "ᄏ", "ᄐ", "ᄑ", "ᄒ",
];

/// A letter of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Letter {
    form: char,
    /// Whether a character of the text begins with it.
    begins: bool,
    /// Whether a character of the text ends with it.
    ends: bool,
    /// Whether nothing stands between it and the letter before it.
    joined: bool,
    /// Whether it is of a script without blanks between words.
    is_run: bool,
}

/// Words that are not accepted, ready to be found.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    words: Vec<Word>,
}

/// A word: its letters, and of each whether nothing stands between it and the one before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    form: Vec<char>,
    joints: Vec<bool>,
}

impl Matcher {
    pub(super) fn new(words: &[ListedWord]) -> Self {
        let word = |word: &ListedWord| {
            let (form, joints) = letters(word).iter().map(|letter| (letter.form, letter.joined)).unzip();
            Word { form, joints }
        };
        let mut words: Vec<Word> = words.iter().map(word).collect();
        words.retain(|word| !word.form.is_empty());
        words.sort_unstable();
        words.dedup();
        Self { words }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The letters of all words, in the form in which they are compared.
    pub(super) fn letters(&self) -> usize {
        self.words.iter().map(|word| word.form.len()).sum()
    }

    /// Whether one of the words is in a text. From each place that can begin a word the text is followed along the sorted
    /// words, so that words which begin alike are compared once.
    pub(super) fn finds(&self, text: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        let text = Text::new(letters(text));
        (0..text.letters.len())
            .filter(|start| text.letters[*start].begins)
            .any(|start| self.stands_at(&text, start))
    }

    /// Whether one of the words begins at a place of a text.
    fn stands_at(&self, text: &Text, start: usize) -> bool {
        // Those that are the same as the text so far; the shortest is the first.
        let mut words = &self.words[..];
        for (length, letter) in text.letters[start..].iter().enumerate() {
            while let [word, rest @ ..] = words
                && word.form.len() == length
            {
                if text.has(start, word) {
                    return true;
                }
                words = rest;
            }
            words = narrowed(words, length, letter.form);
            if words.is_empty() {
                return false;
            }
        }
        words
            .first()
            .is_some_and(|word| word.form.len() == text.letters.len() - start && text.has(start, word))
    }
}

/// Of sorted words that begin alike, and all go on, those that have a letter at a place.
fn narrowed(words: &[Word], place: usize, letter: char) -> &[Word] {
    match words {
        // Nearly always: there is nothing to look for.
        [first, .., last] if first.form[place] == letter && last.form[place] == letter => words,
        [word] if word.form[place] == letter => words,
        [] | [_] => &[],
        _ => {
            let from = words.partition_point(|word| word.form[place] < letter);
            let to = words.partition_point(|word| word.form[place] <= letter);
            &words[from..to]
        }
    }
}

/// A text in the form in which words are found.
struct Text {
    letters: Vec<Letter>,
    /// How many letters before a place are of a script without blanks between words.
    runs_before: Vec<usize>,
}

impl Text {
    fn new(letters: Vec<Letter>) -> Self {
        let mut runs = 0;
        let mut runs_before = vec![0];
        runs_before.extend(letters.iter().map(|letter| {
            runs += usize::from(letter.is_run);
            runs
        }));
        Self { letters, runs_before }
    }

    /// Whether a word stands at a place whose letters are its own.
    fn has(&self, start: usize, word: &Word) -> bool {
        let end = start + word.form.len();
        let found = &self.letters[start..end];
        if !found[found.len() - 1].ends {
            return false;
        }
        if self.runs_before[end] > self.runs_before[start] {
            return true;
        }
        let before_is_joined = found[0].joined;
        let after_is_joined = self.letters.get(end).is_some_and(|letter| letter.joined);
        if before_is_joined || after_is_joined {
            return false;
        }
        let inner = &found[1..];
        let is_as_written = inner.iter().map(|letter| letter.joined).eq(word.joints[1..].iter().copied());
        is_as_written || inner.iter().all(|letter| letter.joined) || inner.iter().all(|letter| !letter.joined)
    }
}

/// The letters of a text.
fn letters(text: &str) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::with_capacity(text.len());
    let mut joined = false;
    for c in text.nfc() {
        let start = letters.len();
        for form in std::iter::once(c).nfkd().flat_map(char::to_lowercase).nfkd() {
            if is_combining_mark(form) && !is_jamo(form) && !is_kana_mark(form) {
                continue;
            }
            match final_letters(form) {
                Some(split) => letters.extend(split.chars().map(|form| letter(form, joined))),
                None if form.is_alphanumeric() || is_kana_mark(form) => letters.push(letter(form, joined)),
                None => continue,
            }
            joined = true;
        }
        if letters.len() == start {
            // A mark belongs to the letter before it; anything else stands between letters.
            joined = joined && (is_combining_mark(c) || is_invisible(c));
            continue;
        }
        letters[start].begins = true;
        if let Some(last) = letters.last_mut() {
            last.ends = true;
        }
    }
    letters
}

fn letter(form: char, joined: bool) -> Letter {
    Letter { form, begins: false, ends: false, joined, is_run: is_run(form) }
}

/// What a letter at the end of a syllable is at its beginning.
fn final_letters(c: char) -> Option<&'static str> {
    let at = u32::from(c).checked_sub(0x11a8)?;
    FINALS.get(usize::try_from(at).ok()?).copied()
}

/// A letter of a Korean syllable.
const fn is_jamo(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}')
}

/// What makes another syllable of a kana: it is written with it, or as a letter of its own.
const fn is_kana_mark(c: char) -> bool {
    matches!(c, '\u{3099}' | '\u{309a}')
}

/// Scripts without blanks between words, or with particles on them.
const fn is_run(c: char) -> bool {
    is_jamo(c)
        || matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
            | '\u{e00}'..='\u{eff}')
}

/// What nobody sees: it neither joins nor parts.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(word: &str, text: &str) -> bool {
        Matcher::new(&[ListedWord::new(word).unwrap()]).finds(text)
    }

    #[test]
    fn a_korean_word_is_found_however_it_is_written() {
        for text in [
            "바보",
            "이 바보야!",
            "바 보",
            "바...보",
            "바\u{200b}보",
            "\u{1107}\u{1161}\u{1107}\u{1169}",
            "ㅂㅏㅂㅗ",
            "ㅂ ㅏ ㅂ ㅗ",
            "바ㅂㅗ",
            "바-보",
        ] {
            assert!(finds("바보", text), "{text}");
        }
        for text in ["밥오", "바지 보자기", "바나나", "보바", "밥 오리", ""] {
            assert!(!finds("바보", text), "{text}");
        }
        // A letter at the end of a syllable, also of two.
        for (word, text) in
            [("똥값", "ㄸㅗㅇㄱㅏㅂㅅ"), ("똥값", "똥 값"), ("닭", "ㄷㅏㄹㄱ"), ("닭", "닭고기")]
        {
            assert!(finds(word, text), "{word} in {text}");
        }
        assert!(!finds("사과", "삭와"), "it begins and ends with characters");
    }

    #[test]
    fn a_word_in_latin_letters_is_a_whole_one() {
        for text in [
            "damn",
            "DAMN!",
            "ｄａｍｎ",
            "d a m n",
            "d.a.m.n",
            "dámn",
            "oh damn, no",
            "da\u{200b}mn",
            "D-A-M-N it",
        ] {
            assert!(finds("damn", text), "{text}");
        }
        for text in ["damned", "goddamn", "dam n", "madam nice", "d amn", "damm", ""] {
            assert!(!finds("damn", text), "{text}");
        }
    }

    #[test]
    fn a_word_of_several_parts_and_other_scripts_are_found() {
        assert!(finds("buy now", "BUY   now"));
        assert!(finds("ばか", "ばかやろう"));
        assert!(finds("バカ", "ﾊﾞｶ") && !finds("バカ", "ハカ"));
        assert!(finds("笨蛋", "你笨 蛋"));
        assert!(finds("дурак", "Дурак!"));
        assert!(!finds("дурак", "дураки"));
    }

    #[test]
    fn words_that_begin_alike_are_each_found() {
        let words =
            ["a", "ab", "abc", "abd", "b", "바", "바보", "바나나"].map(|word| ListedWord::new(word).unwrap());
        let list = Matcher::new(&words);
        for text in ["a", "ab", "abd", "x abc", "b.", "바", "나쁜 바나나", "바보"] {
            assert!(list.finds(text), "{text}");
        }
        for text in ["abe", "ac", "abcd", "나나", ""] {
            assert!(!list.finds(text), "{text}");
        }
        let longer =
            Matcher::new(&[ListedWord::new("바나나").unwrap(), ListedWord::new("바나나우유").unwrap()]);
        assert!(longer.finds("바나나우") && !longer.finds("바나"));
    }

    #[test]
    fn an_empty_list_finds_nothing() {
        assert!(!Matcher::new(&[]).finds("anything"));
        assert!(Matcher::new(&[]).is_empty());
    }
}
