//! The slugs that users do not choose.

use std::collections::HashSet;

use madang_domain::{Code, Error, Result, Slug};

/// Words that have a meaning where a room or a member is named: the mentions of everybody, and the user who asks.
const WORDS: [&str; 3] = ["all", "here", "me"];

/// The slugs on which the system relies, or which the operator keeps. The site's backend and the configuration may give
/// them to rooms; users may not.
#[derive(Debug, Clone)]
pub(crate) struct ReservedSlugs(HashSet<Slug>);

impl ReservedSlugs {
    /// The slugs of the configuration, beside those that are always reserved.
    pub(crate) fn new(configured: impl IntoIterator<Item = Slug>) -> Self {
        let words = WORDS.into_iter().filter_map(|word| Slug::new(word).ok());
        Self(words.chain(configured).collect())
    }

    /// Refuses a slug that users do not choose.
    pub(super) fn check(&self, slug: &Slug) -> Result<()> {
        if self.0.contains(slug) || is_number(slug) {
            let refusal = Error::new(Code::AlreadyExists, "this slug is reserved; choose another");
            return Err(refusal.of_field("/slug"));
        }
        Ok(())
    }
}

/// A number is how a site calls its own rooms, and old front ends know rooms by it.
fn is_number(slug: &str) -> bool {
    slug.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_what_is_configured_are_reserved() {
        let slug = |text: &str| Slug::new(text).unwrap();
        let reserved = ReservedSlugs::new([slug("lobby")]);
        for text in ["all", "here", "me", "lobby", "7", "0042"] {
            let refusal = reserved.check(&slug(text)).unwrap_err();
            assert_eq!((refusal.code, &*refusal.fields[0].pointer), (Code::AlreadyExists, "/slug"), "{text}");
        }
        for text in ["lobby-2", "7th", "me2", "plaza"] {
            assert!(reserved.check(&slug(text)).is_ok(), "{text}");
        }
    }
}
