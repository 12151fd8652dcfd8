//! Emoji, with which users react to messages.

use crate::{TextError, bounded::bounded_text, limits::EMOJI_NAME_MAX_BYTES};

/// The bytes of the longest emoji that is read back: families with skin tones have 40 or so.
const RECORDED_MAX_BYTES: usize = 64;

bounded_text!(
    /// One emoji: a grapheme cluster of the Unicode emoji set in its fully qualified form, or `:name:` of the site's own,
    /// where the name has 1 to 32 lower-case ASCII letters, digits, `_`, `+` and `-`.
    Emoji,
    |text| {
        if is_custom(&text) {
            return Ok(text);
        }
        // The same emoji with and without its variation selector is one emoji.
        match emojis::get(&text) {
            Some(emoji) => Ok(emoji.as_str().to_owned()),
            None => Err(TextError::new("emoji", "must be one emoji, or the name of one between colons")),
        }
    }
);

fn is_custom(text: &str) -> bool {
    let name = text.strip_prefix(':').and_then(|text| text.strip_suffix(':'));
    let may_hold = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'+' | b'-');
    name.is_some_and(|name| {
        !name.is_empty() && name.len() <= EMOJI_NAME_MAX_BYTES && name.bytes().all(may_hold)
    })
}

impl Emoji {
    /// An emoji that was accepted before, perhaps by a version that knows more of them.
    ///
    /// # Errors
    /// When no version accepted it.
    pub fn recorded(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.is_empty() || text.len() > RECORDED_MAX_BYTES || text.contains(char::is_control) {
            return Err(TextError::new("emoji", "is none"));
        }
        Ok(Self(text.into_boxed_str()))
    }

    /// Reads an emoji of a row by [`recorded`](Self::recorded).
    ///
    /// # Errors
    /// When no version accepted it.
    pub fn deserialize_recorded<'de, D: serde::Deserializer<'de>>(row: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(row)?;
        Self::recorded(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_has_one_form() {
        for (text, form) in [
            ("👍", "👍"),
            ("👍🏽", "👍🏽"),
            ("❤️", "❤️"),
            ("❤", "❤️"),
            ("👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"),
            ("🇰🇷", "🇰🇷"),
            ("1️⃣", "1️⃣"),
            (":party_parrot:", ":party_parrot:"),
            (":+1:", ":+1:"),
        ] {
            assert_eq!(Emoji::new(text).unwrap().as_str(), form, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_single_emoji_is_refused() {
        let long = format!(":{}:", "x".repeat(33));
        for text in
            ["", "a", "1", "👍👍", "👍 ", "thumbsup", "::", ":Party:", ":a b:", ":", "\u{200d}", &long]
        {
            assert!(Emoji::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_emoji_of_a_newer_version_is_read() {
        assert_eq!(Emoji::recorded("\u{1fbff}").unwrap().as_str(), "\u{1fbff}");
        for text in ["", "a\n", &"x".repeat(65)] {
            assert!(Emoji::recorded(text).is_err(), "{text:?}");
        }
    }
}
