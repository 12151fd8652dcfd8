//! What is searched for, and what it is searched in. The first line of an input is the one, the rest the other.

use madang_domain::limits::{SEARCH_QUERY_MAX_CHARS, SEARCH_RANGES_MAX};
use madang_message_store::fuzzing::{searched, text_tokens};

/// The tokens that the index is asked for, at most.
const QUERY_TOKENS_MAX: usize = 32;
/// The bytes of a token, at most: the index of PostgreSQL takes some 2,700.
const TOKEN_MAX_BYTES: usize = 512;

pub(crate) fn check(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (query, text) = input.split_once('\n').unwrap_or((input, input));
    let indexed = text_tokens(text);
    indexed.iter().for_each(|token| is_a_token(token));
    is_found(query, text, &indexed);
    // What a text says is found in it, where it is not too long to be searched for.
    if let Some(found) = is_found(text, text, &indexed) {
        assert!(found, "a text does not have what it says");
    }
    assert!(
        text.chars().count() > SEARCH_QUERY_MAX_CHARS || searched(text, text).is_some() != indexed.is_empty()
    );
}

/// Whether the text has what is searched for; then the index names it. None where nothing is searched for.
fn is_found(query: &str, text: &str, indexed: &[String]) -> Option<bool> {
    let (asked, ranges) = searched(query, text)?;
    assert!((1..=QUERY_TOKENS_MAX).contains(&asked.len()), "{} tokens", asked.len());
    asked.iter().for_each(|token| is_a_token(token));
    let Some(ranges) = ranges else { return Some(false) };
    let missing: Vec<_> = asked.iter().filter(|token| !indexed.contains(token)).collect();
    assert!(missing.is_empty(), "the index does not find what stands there, by {missing:?}");
    assert!((1..=SEARCH_RANGES_MAX).contains(&ranges.len()), "{} places", ranges.len());
    let units = text.encode_utf16().count();
    let mut end = 0;
    for range in ranges {
        assert!(range.start >= end && range.start < range.end && range.end as usize <= units, "{range:?}");
        end = range.end;
    }
    Some(true)
}

/// A token is a word of the index, and no part of a statement.
fn is_a_token(token: &str) {
    assert!(!token.is_empty() && token.len() <= TOKEN_MAX_BYTES, "{} bytes", token.len());
    let is_syntax = |c: char| c.is_whitespace() || c.is_control() || "\"':&|!()*<>^-+\\".contains(c);
    assert!(!token.contains(is_syntax), "{token:?}");
}
