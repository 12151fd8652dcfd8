//! What a user asks for.

use std::ops::Range;

use madang_domain::{
    RoomId, UserId,
    limits::{SEARCH_QUERY_MAX_CHARS, SEARCH_RANGES_MAX},
};

use super::text::{Kind, Part, parts, room_token, sender_token};

/// The tokens that the index is asked for. What a longer query says beyond them is looked for in the texts that have
/// these.
const TOKENS_MAX: usize = 32;

/// Why something cannot be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryProblem {
    /// It has neither letters nor digits.
    Empty,
    /// It has too many characters.
    TooLong,
}

/// What a text must have, all of it, to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    parts: Vec<Part>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self, QueryProblem> {
        if text.chars().count() > SEARCH_QUERY_MAX_CHARS {
            return Err(QueryProblem::TooLong);
        }
        let parts = parts(text);
        if parts.is_empty() { Err(QueryProblem::Empty) } else { Ok(Self { parts }) }
    }

    /// Whether it is so short that it stands in too many messages to be looked for in all rooms: single letters of
    /// scripts that have thousands of them.
    pub(crate) fn needs_room(&self) -> bool {
        self.parts.iter().all(|part| part.kind == Kind::Run && part.len() == 1)
    }

    /// The tokens that a message must have, with those of a room and a sender where these are asked for.
    pub(crate) fn tokens(&self, room: Option<RoomId>, sender: Option<UserId>) -> Vec<String> {
        let mut tokens: Vec<String> =
            self.parts.iter().flat_map(Part::query_tokens).map(str::to_owned).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens.truncate(TOKENS_MAX);
        tokens.extend(room.map(room_token));
        tokens.extend(sender.map(sender_token));
        tokens
    }

    /// Where what is asked for stands in a text, in UTF-16 code units, in order and apart from each other. None where
    /// a part of it does not stand there.
    pub(crate) fn ranges(&self, text: &str) -> Option<Vec<Range<u32>>> {
        let said = parts(text);
        let mut ranges = Vec::new();
        for wanted in &self.parts {
            let before = ranges.len();
            for part in said.iter().filter(|part| part.kind == wanted.kind) {
                match part.kind {
                    Kind::Word if part.form == wanted.form => ranges.push(part.place()),
                    Kind::Word => {}
                    Kind::Run => ranges.extend(part.places_of(wanted)),
                }
            }
            if ranges.len() == before {
                return None;
            }
        }
        Some(apart(ranges))
    }
}

/// The same places, in order, those that touch as one; the first of them where they are many.
fn apart(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart.truncate(SEARCH_RANGES_MAX);
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(query: &str, text: &str) -> Option<Vec<(u32, u32)>> {
        let ranges = Query::parse(query).unwrap().ranges(text)?;
        Some(ranges.into_iter().map(|range| (range.start, range.end)).collect())
    }

    #[test]
    fn every_part_must_stand_there() {
        assert_eq!(ranges("서울", "오늘 서울에서 만나요"), Some(vec![(3, 5)]));
        assert_eq!(ranges("rust 서울", "서울의 Rust를"), Some(vec![(0, 2), (4, 8)]));
        assert_eq!(ranges("rust 부산", "서울의 Rust를"), None);
        assert_eq!(ranges("rus", "Rust"), None, "a word is found as a whole");
        assert_eq!(ranges("서울대", "서울 울대"), None, "neighbours in two runs are no run");
        assert_eq!(ranges("ㅋㅋ", "ㅋㅋㅋ ㅋㅋ"), Some(vec![(0, 3), (4, 6)]));
    }

    #[test]
    fn single_letters_of_large_scripts_need_a_room() {
        for (text, needs) in [("밥", true), ("밥 물", true), ("밥을", false), ("a", false), ("a 밥", false)]
        {
            assert_eq!(Query::parse(text).unwrap().needs_room(), needs, "{text}");
        }
    }

    #[test]
    fn what_has_no_letter_or_too_many_is_refused() {
        assert_eq!(Query::parse(" …👍"), Err(QueryProblem::Empty));
        assert_eq!(Query::parse(&"가".repeat(SEARCH_QUERY_MAX_CHARS + 1)), Err(QueryProblem::TooLong));
        assert!(Query::parse(&"가".repeat(SEARCH_QUERY_MAX_CHARS)).is_ok());
    }

    #[test]
    fn the_index_is_asked_for_a_bounded_number_of_tokens() {
        let long: String = ('가'..).take(SEARCH_QUERY_MAX_CHARS).collect();
        assert_eq!(Query::parse(&long).unwrap().tokens(None, None).len(), TOKENS_MAX);
    }

    #[test]
    fn ranges_are_bounded() {
        let text = "가 ".repeat(1_000);
        assert_eq!(ranges("가", &text).unwrap().len(), SEARCH_RANGES_MAX);
    }
}
