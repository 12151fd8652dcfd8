//! Words that are not accepted: how they are found in messages, and the lists as a replica knows them.

mod lists;
mod matcher;

pub(crate) use lists::{Verdict, WordLists};

/// How many letters the words of a list have, as they are compared.
pub(crate) fn letters(words: &[madang_domain::ListedWord]) -> usize {
    matcher::Matcher::new(words).letters()
}
