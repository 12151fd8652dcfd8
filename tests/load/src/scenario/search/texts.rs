//! Messages as people write them, about: half Korean with particles, half English, some words often and most seldom.

/// How many words each language has.
const WORDS: u64 = 20_000;
const SYLLABLES: &str = "가나다라마바사아자차카타파하고노도로모보소오조초구누두루무부수우주추기니디리미비시이지치서울강남회의점심저녁배포확인감사요청문서일정내일오늘";
const PARTICLES: [&str; 9] = ["에서", "은", "이", "을", "으로", "까지", "하고", "입니다", ""];
const LETTERS: &str = "etaoinshrdlcumwfgypbvk";
/// One message in so many has the rare words.
const RARE_EVERY: u64 = 5_000;

/// A Korean word that one message in 5,000 has, with a particle; and an English one.
pub(super) const RARE_KOREAN: &str = "갸륵";
pub(super) const RARE_ENGLISH: &str = "zyzzyva";

/// Numbers that are the same for the same start (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// The number of a word: low ones often.
    fn word(&mut self) -> u64 {
        let bound = self.below(WORDS) + 1;
        let bound = self.below(bound) + 1;
        self.below(bound)
    }
}

fn made_of(letters: &str, number: u64, shortest: u64, longest: u64) -> String {
    let letters: Vec<char> = letters.chars().collect();
    let mut numbers = Numbers(number ^ longest);
    let length = shortest + numbers.below(longest - shortest + 1);
    (0..length).map(|_| letters[usize::try_from(numbers.below(letters.len() as u64)).unwrap_or(0)]).collect()
}

/// The Korean word of a number, without a particle.
pub(super) fn korean(number: u64) -> String {
    made_of(SYLLABLES, number, 2, 4)
}

/// The English word of a number.
pub(super) fn english(number: u64) -> String {
    made_of(LETTERS, number, 2, 9)
}

/// The text of a message.
pub(super) fn text(number: u64) -> String {
    let mut numbers = Numbers(number);
    let is_korean = number.is_multiple_of(2);
    let mut words: Vec<String> = Vec::new();
    for _ in 0..4 + numbers.below(if is_korean { 8 } else { 14 }) {
        let word = numbers.word();
        words.push(if is_korean {
            let particle = usize::try_from(numbers.below(PARTICLES.len() as u64)).unwrap_or(0);
            korean(word) + PARTICLES[particle]
        } else {
            english(word)
        });
    }
    if number.is_multiple_of(RARE_EVERY) {
        words.push(format!("{RARE_KOREAN}에서 {RARE_ENGLISH}"));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_for_its_number_and_some_words_come_often() {
        assert_eq!(text(7), text(7));
        let texts: Vec<String> = (0..2_000).map(text).collect();
        let with = |word: &str| texts.iter().filter(|text| text.contains(word)).count();
        assert_eq!(with(RARE_KOREAN), 1);
        assert!(with(&korean(0)) > 10 * with(RARE_KOREAN), "{}", with(&korean(0)));
    }
}
