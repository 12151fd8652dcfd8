//! A text as search sees it.
//!
//! A text falls into parts: words, and runs of a script that puts no blanks between its words (Korean particles stand
//! on their word, Chinese and Japanese have no blanks at all). What is neither separates parts. A word is one token. A
//! run gives each of its letters, and each two neighbours, as a token: so what stands anywhere in a run is found, with
//! or without a particle behind it.
//!
//! Letters are compared in Normalization Form C and without case. Each keeps its place in the text as it was said, which
//! may be in another form.

use std::{collections::BTreeSet, ops::Range};

use madang_domain::{RoomId, UserId};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The characters of a word that its token has. An index entry of PostgreSQL has at most some 2,700 bytes.
const WORD_TOKEN_MAX_CHARS: usize = 64;

/// The characters of one letter with its marks that count. A letter that nobody can read may have thousands of marks.
const LETTER_MAX_CHARS: usize = 4;

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Letters and digits between blanks.
    Word,
    /// Letters of a script without blanks between words.
    Run,
}

/// A letter with its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Letter {
    /// Its place in the form of its part, in bytes.
    form: Range<usize>,
    /// Its place in the text, in UTF-16 code units.
    place: Range<u32>,
}

/// A word or a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    /// As it is compared.
    pub(super) form: String,
    letters: Vec<Letter>,
}

impl Part {
    fn empty(kind: Kind) -> Self {
        Self { kind, form: String::new(), letters: Vec::new() }
    }

    /// How many letters it has.
    pub(super) fn len(&self) -> usize {
        self.letters.len()
    }

    /// The place of the whole part in the text.
    pub(super) fn place(&self) -> Range<u32> {
        self.place_of(0..self.letters.len())
    }

    fn place_of(&self, letters: Range<usize>) -> Range<u32> {
        let letters = &self.letters[letters];
        let start = letters.first().map_or(0, |letter| letter.place.start);
        start..letters.last().map_or(start, |letter| letter.place.end)
    }

    /// Where the letters of another run stand in this one, in the text.
    pub(super) fn places_of(&self, run: &Self) -> impl Iterator<Item = Range<u32>> {
        let starts = 0..(self.len() + 1).saturating_sub(run.len());
        let length = run.len();
        let stands_at = move |start: &usize| self.form_of(*start..start + length) == run.form;
        starts.filter(stands_at).map(move |start| self.place_of(start..start + length))
    }

    fn form_of(&self, letters: Range<usize>) -> &str {
        let letters = &self.letters[letters];
        let start = letters.first().map_or(0, |letter| letter.form.start);
        &self.form[start..letters.last().map_or(start, |letter| letter.form.end)]
    }

    /// The beginning of the word that its token has.
    fn word_token(&self) -> &str {
        let end = self.form.char_indices().nth(WORD_TOKEN_MAX_CHARS).map_or(self.form.len(), |(at, _)| at);
        &self.form[..end]
    }

    /// The tokens by which a text that has this part is found: of a run each two neighbours, or its only letter.
    pub(super) fn query_tokens(&self) -> impl Iterator<Item = &str> {
        let pairs = match (self.kind, self.len()) {
            (Kind::Run, 2..) => 0..self.len() - 1,
            (Kind::Run | Kind::Word, _) => 0..0,
        };
        let whole = pairs.is_empty().then(|| self.word_token());
        whole.into_iter().chain(pairs.map(move |at| self.form_of(at..at + 2)))
    }

    /// The tokens of a text that has this part.
    fn add_tokens(&self, tokens: &mut BTreeSet<String>) {
        tokens.extend(self.query_tokens().map(str::to_owned));
        if self.kind == Kind::Run {
            tokens.extend((0..self.len()).map(|at| self.form_of(at..at + 1).to_owned()));
        }
    }
}

/// The parts of a text, in their order.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    // Whether the last letter belongs to the last part.
    let mut joined = false;
    let (mut rest, mut at) = (text, 0_u32);
    while let Some(first) = rest.chars().next() {
        let end = letter_end(rest, first);
        let (letter, after) = rest.split_at(end);
        let place = at..at + utf16_len(letter);
        (rest, at) = (after, place.end);
        let kind = kind(first);
        let Some(kind) = kind else {
            joined = false;
            continue;
        };
        if !joined || parts.last().is_none_or(|part| part.kind != kind) {
            parts.push(Part::empty(kind));
        }
        joined = true;
        if let Some(part) = parts.last_mut() {
            let start = part.form.len();
            push_folded(&mut part.form, letter, first);
            part.letters.push(Letter { form: start..part.form.len(), place });
        }
    }
    parts
}

/// The tokens of a message's text, with those of its room and its sender; none where nothing can be searched for.
pub(crate) fn tokens(room: RoomId, sender: UserId, text: &str) -> Option<String> {
    let mut tokens = BTreeSet::new();
    for part in parts(text) {
        part.add_tokens(&mut tokens);
    }
    if tokens.is_empty() {
        return None;
    }
    let mut line = room_token(room);
    line.push(' ');
    line.push_str(&sender_token(sender));
    for token in tokens {
        line.push(' ');
        line.push_str(&token);
    }
    Some(line)
}

/// The token of all messages of a room. No word has a colon.
pub(crate) fn room_token(room: RoomId) -> String {
    format!("r:{}", room.uuid().simple())
}

/// The token of all messages of a sender.
pub(crate) fn sender_token(sender: UserId) -> String {
    format!("u:{}", sender.uuid().simple())
}

/// Where the first letter of a text ends, with what belongs to it: marks, and the vowels and final consonants of a
/// decomposed Korean syllable.
fn letter_end(text: &str, first: char) -> usize {
    let rest = &text[first.len_utf8()..];
    // Most letters are followed by one that plainly begins anew.
    let belongs = |c: char| {
        !c.is_ascii()
            && !matches!(c, '가'..='힣' | '\u{4e00}'..='\u{9fff}')
            && (matches!(c, '\u{1160}'..='\u{11ff}') || is_combining_mark(c))
    };
    first.len_utf8() + rest.find(|c| !belongs(c)).unwrap_or(rest.len())
}

/// Adds a letter as it is compared.
fn push_folded(form: &mut String, letter: &str, first: char) {
    if letter.len() == first.len_utf8() && (first.is_ascii() || matches!(first, '가'..='힣')) {
        form.push(first.to_ascii_lowercase());
        return;
    }
    // By way of the capital letter, so that the forms of one letter (ς and σ) are the same.
    let folded =
        letter.nfc().take(LETTER_MAX_CHARS).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    form.extend(folded);
}

fn utf16_len(text: &str) -> u32 {
    text.chars().map(|c| c.len_utf16() as u32).sum()
}

/// What a letter is a part of; none where it separates parts.
fn kind(c: char) -> Option<Kind> {
    if is_written_without_blanks(c) {
        Some(Kind::Run)
    } else if c.is_alphanumeric() {
        Some(Kind::Word)
    } else {
        None
    }
}

/// The letters of the scripts that put no blanks between words, or put particles on their words: Korean, Chinese and
/// Japanese with their extensions, and those of Thailand, Laos, Burma and Cambodia.
const fn is_written_without_blanks(c: char) -> bool {
    matches!(
        c,
        '가'..='힣'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{3041}'..='\u{3096}'
            | '\u{309d}'..='\u{309f}'
            | '\u{30a1}'..='\u{30fa}'
            | '\u{30fc}'..='\u{30ff}'
            | '\u{3131}'..='\u{318e}'
            | '\u{1100}'..='\u{11ff}'
            | '\u{a960}'..='\u{a97c}'
            | '\u{d7b0}'..='\u{d7fb}'
            | '\u{3005}'..='\u{3007}'
            | '\u{3021}'..='\u{3029}'
            | '\u{3105}'..='\u{312f}'
            | '\u{31a0}'..='\u{31bf}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ffdc}'
            | '\u{1b000}'..='\u{1b16f}'
            | '\u{20000}'..='\u{3ffff}'
            | '\u{e00}'..='\u{e4e}'
            | '\u{e80}'..='\u{ece}'
            | '\u{1000}'..='\u{103f}'
            | '\u{1780}'..='\u{17d3}'
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn forms(text: &str) -> Vec<String> {
        parts(text).into_iter().map(|part| part.form).collect()
    }

    /// The tokens of the text alone.
    fn of_text(text: &str) -> Vec<String> {
        let id = Uuid::from_u128(7);
        let line = tokens(RoomId::new(id), UserId::new(id), text).unwrap_or_default();
        line.split(' ').skip(2).map(str::to_owned).collect()
    }

    #[test]
    fn words_and_runs_are_parts_and_all_else_separates_them() {
        assert_eq!(forms("Hello, World-Wide 42!"), ["hello", "world", "wide", "42"]);
        assert_eq!(forms("오늘 서울에서 Rust를"), ["오늘", "서울에서", "rust", "를"]);
        assert_eq!(forms("東京タワーへ"), ["東京タワーへ"]);
        assert_eq!(forms("ㅋㅋ 👍 ❤️"), ["ㅋㅋ"]);
        assert_eq!(forms("ΣΊΣΥΦΟΣ σίσυφος"), ["σίσυφοσ", "σίσυφοσ"]);
        assert_eq!(forms("Straße STRASSE"), ["strasse", "strasse"]);
    }

    #[test]
    fn a_run_gives_its_letters_and_each_two_neighbours_and_a_word_itself() {
        assert_eq!(of_text("서울에"), ["서", "서울", "에", "울", "울에"]);
        assert_eq!(of_text("Go go"), ["go"]);
        assert_eq!(of_text("…"), [""; 0]);
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_each_at_its_own_place() {
        let decomposed: String = "서울 é".nfd().collect();
        assert_ne!(decomposed, "서울 é");
        let (composed, parted) = (parts("서울 é"), parts(&decomposed));
        for (one, other) in composed.iter().zip(&parted) {
            assert_eq!((one.kind, &one.form), (other.kind, &other.form));
        }
        assert_eq!((composed[0].place(), composed[1].place()), (0..2, 3..4));
        assert_eq!((parted[0].place(), parted[1].place()), (0..5, 6..8));
    }

    #[test]
    fn places_count_as_scripts_of_browsers_do() {
        assert_eq!(parts("👍 서울")[0].place(), 3..5);
        assert_eq!(parts("\u{20bb7}家")[0].place(), 0..3);
    }

    #[test]
    fn a_run_is_found_at_each_of_its_places() {
        let [text, query] = [parts("ㅋㅋㅋ"), parts("ㅋㅋ")];
        assert_eq!(text[0].places_of(&query[0]).collect::<Vec<_>>(), [0..2, 1..3]);
        assert_eq!(query[0].places_of(&text[0]).count(), 0);
    }

    #[test]
    fn no_token_is_longer_than_an_index_takes() {
        let word = "x".repeat(4_000);
        assert_eq!(of_text(&word), ["x".repeat(WORD_TOKEN_MAX_CHARS)]);
        let marked = format!("e{}", "\u{301}".repeat(3_999));
        let longest = of_text(&format!("{marked} 가{}", "\u{301}".repeat(3_000)));
        assert!(longest.iter().all(|token| token.len() <= 4 * WORD_TOKEN_MAX_CHARS), "{longest:?}");
    }

    #[test]
    fn a_token_has_neither_blanks_nor_quotes() {
        let all: String = ('\u{1}'..=char::MAX).flat_map(|c| [c, ' ']).collect();
        for token in parts(&all).iter().flat_map(Part::query_tokens) {
            assert!(!token.contains([' ', '"', '\'', ':', '\0']), "{token:?}");
            assert!(!token.is_empty() && token.chars().all(|c| !c.is_whitespace()), "{token:?}");
        }
    }
}
