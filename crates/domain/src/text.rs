//! Strings with bounds.

use crate::{
    TextError,
    address::check_absolute,
    bounded::bounded_text,
    limits::{
        AVATAR_URL_MAX_BYTES, DISPLAY_NAME_MAX_CHARS, EXTERNAL_ID_MAX_BYTES, IDEMPOTENCY_KEY_MAX_BYTES,
        MESSAGE_TEXT_MAX_CHARS, REASON_MAX_CHARS, ROOM_NAME_MAX_CHARS, ROOM_TOPIC_MAX_CHARS,
        SEARCH_QUERY_MAX_CHARS, SLUG_MAX_BYTES, STATUS_MAX_CHARS, WORD_MAX_CHARS,
    },
    unicode::{is_blank, is_visible, is_visible_in_texts, problem_in_names, to_nfc, without_deceptions},
};

bounded_text!(
    /// What somebody says, in Normalization Form C: 1 to 4,000 characters, one of them visible, no NUL (PostgreSQL stores
    /// none). Characters that only deceive are left out: control characters but line breaks and tabs, what overrides the
    /// direction of text, and tags outside of flags.
    MessageText,
    |text| {
        let text = without_deceptions(text);
        if !text.contains(is_visible_in_texts) {
            return Err(TextError::new("text", "must have a visible character"));
        }
        // A character has at most four bytes, so most texts need no count.
        if text.len() > MESSAGE_TEXT_MAX_CHARS && text.chars().count() > MESSAGE_TEXT_MAX_CHARS {
            return Err(TextError::new("text", format!("is longer than {MESSAGE_TEXT_MAX_CHARS} characters")));
        }
        no_nul("text", text)
    }
);
bounded_text!(
    /// What somebody looks for in messages, in Normalization Form C: 1 to 200 characters, trimmed, no NUL.
    SearchText,
    |text| {
        let text = to_nfc(text.trim_matches(is_blank).to_owned());
        if text.is_empty() || text.chars().count() > SEARCH_QUERY_MAX_CHARS {
            return Err(TextError::new("q", format!("must have 1 to {SEARCH_QUERY_MAX_CHARS} characters")));
        }
        no_nul("q", text)
    }
);
bounded_text!(
    /// What makes a repeated request the same request: 1 to 64 bytes, chosen by the client.
    IdempotencyKey,
    |text| {
        if text.is_empty() || text.len() > IDEMPOTENCY_KEY_MAX_BYTES {
            return Err(TextError::new("key", format!("must have 1 to {IDEMPOTENCY_KEY_MAX_BYTES} bytes")));
        }
        no_control("key", text)
    }
);
bounded_text!(
    /// The name that others see, in Normalization Form C: 1 to 64 characters on one line, one of them visible, trimmed.
    DisplayName,
    |text| name("name", &text, DISPLAY_NAME_MAX_CHARS)
);
bounded_text!(
    /// A room's name, in Normalization Form C: 1 to 100 characters on one line, one of them visible, trimmed.
    RoomName,
    |text| name("name", &text, ROOM_NAME_MAX_CHARS)
);
bounded_text!(
    /// What a room is about, in Normalization Form C: 1 to 150 characters on one line, one of them visible, trimmed.
    RoomTopic,
    |text| name("topic", &text, ROOM_TOPIC_MAX_CHARS)
);
bounded_text!(
    /// Why a user is banned or muted, in Normalization Form C: 1 to 500 characters on one line, one of them visible,
    /// trimmed.
    Reason,
    |text| name("reason", &text, REASON_MAX_CHARS)
);
bounded_text!(
    /// What a user says of what the user does, in Normalization Form C: 1 to 100 characters on one line, one of them
    /// visible, trimmed.
    StatusText,
    |text| name("status", &text, STATUS_MAX_CHARS)
);
bounded_text!(
    /// A word that is not accepted in messages, in Normalization Form C: 1 to 64 characters on one line, one of them a letter
    /// or a digit, trimmed.
    ListedWord,
    |text| {
        let text = name("words", &text, WORD_MAX_CHARS)?;
        if !text.contains(char::is_alphanumeric) {
            return Err(TextError::new("words", "must have a letter or a digit each"));
        }
        Ok(text)
    }
);
bounded_text!(
    /// A room's name in an address: lower-case letters, digits and inner `-` and `_`, 1 to 64 bytes, and
    /// never of the form of an id.
    Slug,
    |text| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_');
        let outer = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let bytes = text.as_bytes();
        if text.len() > SLUG_MAX_BYTES
            || !outer(bytes.first())
            || !outer(bytes.last())
            || !bytes.iter().copied().all(inner)
        {
            return Err(TextError::new(
                "slug",
                format!("must have 1 to {SLUG_MAX_BYTES} lower-case ASCII letters, digits and inner '-' or '_'"),
            ));
        }
        if uuid::Uuid::try_parse(&text).is_ok() {
            return Err(TextError::new("slug", "must not look like an id"));
        }
        Ok(text)
    }
);
bounded_text!(
    /// Where a user's or a room's picture is: an `https` or `http` address with a host, without a user, of at most 1,024 bytes.
    AvatarUrl,
    |text| {
        if text.len() > AVATAR_URL_MAX_BYTES {
            return Err(TextError::new("avatar_url", format!("is longer than {AVATAR_URL_MAX_BYTES} bytes")));
        }
        check_absolute("avatar_url", &text)?;
        Ok(text)
    }
);

bounded_text!(
    /// What a user or a room is called at the site that embeds this chat, such as a primary key there: 1 to 128
    /// bytes.
    ExternalId,
    |text| {
        if text.is_empty() || text.len() > EXTERNAL_ID_MAX_BYTES {
            return Err(TextError::new(
                "external_id",
                format!("must have 1 to {EXTERNAL_ID_MAX_BYTES} bytes"),
            ));
        }
        no_control("external_id", text)
    }
);

fn no_nul(field: &'static str, text: String) -> Result<String, TextError> {
    if text.contains('\0') {
        Err(TextError::new(field, "must not contain a NUL character"))
    } else {
        Ok(text)
    }
}

pub(crate) fn no_control(field: &'static str, text: String) -> Result<String, TextError> {
    if text.contains(char::is_control) {
        Err(TextError::new(field, "must not contain control characters"))
    } else {
        Ok(text)
    }
}

/// A name, which stands in one line among others' names.
fn name(field: &'static str, text: &str, max_chars: usize) -> Result<String, TextError> {
    let text = to_nfc(text.trim_matches(is_blank).to_owned());
    if let Some(problem) = text.chars().find_map(problem_in_names) {
        return Err(TextError::new(field, problem));
    }
    if !text.contains(is_visible) {
        return Err(TextError::new(field, "must have a visible character"));
    }
    if text.chars().count() > max_chars {
        return Err(TextError::new(field, format!("must have 1 to {max_chars} characters")));
    }
    Ok(text)
}

/// A name that an earlier version accepted, which refused control characters alone: in the present form, without what no
/// name holds any more, or, where nothing is left of it then, as it is. What has such a name must stay readable.
fn recorded_name(field: &'static str, text: &str, max_chars: usize) -> Result<String, TextError> {
    name(field, text, max_chars).or_else(|error| {
        let fit: String = text.chars().filter(|c| problem_in_names(*c).is_none()).collect();
        name(field, &fit, max_chars).or_else(|_| {
            let text = text.trim();
            if text.is_empty() || text.chars().count() > max_chars {
                return Err(error);
            }
            no_control(field, text.to_owned())
        })
    })
}

impl MessageText {
    /// A text in the form that messages have, whatever its length.
    #[must_use]
    pub fn formed(text: String) -> String {
        without_deceptions(text)
    }
}

impl DisplayName {
    /// Whether a name may hold the character.
    #[must_use]
    pub fn may_hold(c: char) -> bool {
        problem_in_names(c).is_none()
    }

    /// A name that was accepted before, perhaps by an earlier version: in the present form, or as near to it as can be.
    ///
    /// # Errors
    /// When no version accepted it.
    pub fn recorded(text: impl AsRef<str>) -> Result<Self, TextError> {
        recorded_name("name", text.as_ref(), DISPLAY_NAME_MAX_CHARS).map(|text| Self(text.into_boxed_str()))
    }
}

impl RoomName {
    /// What stands as the name of a room that has none.
    #[must_use]
    pub fn placeholder() -> Self {
        Self("Group".into())
    }

    /// The name of a room that has none of its own: the names of its members, cut where they are longer than a name may be.
    /// None where there is no name to show.
    #[must_use]
    pub fn of_members(names: &str) -> Option<Self> {
        let mut text: String = names.chars().take(ROOM_NAME_MAX_CHARS - 1).collect();
        if text.len() < names.len() {
            text.push('…');
        }
        Self::recorded(text).ok()
    }

    /// A name that was accepted before, perhaps by an earlier version: in the present form, or as near to it as can be.
    ///
    /// # Errors
    /// When no version accepted it.
    pub fn recorded(text: impl AsRef<str>) -> Result<Self, TextError> {
        recorded_name("name", text.as_ref(), ROOM_NAME_MAX_CHARS).map(|text| Self(text.into_boxed_str()))
    }

    /// Reads a name of a row by [`recorded`](Self::recorded).
    pub(crate) fn deserialize_recorded<'de, D: serde::Deserializer<'de>>(row: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(row)?;
        Self::recorded(text).map_err(serde::de::Error::custom)
    }
}

impl AvatarUrl {
    /// An address that was accepted before. What an earlier version accepted and this one refuses is none: a picture
    /// that cannot be shown is not worth its user.
    pub fn recorded(text: impl Into<String>) -> Option<Self> {
        Self::new(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_bounded_by_characters_not_bytes() {
        assert!(MessageText::new("가".repeat(4_000)).is_ok());
        assert!(MessageText::new("가".repeat(4_001)).is_err());
        assert!(MessageText::new(" \n\t").is_err());
        assert!(MessageText::new("a\0b").is_err());
    }

    #[test]
    fn a_message_is_composed_and_says_something() {
        let decomposed = "\u{1112}\u{1161}\u{11ab}".repeat(4_000);
        assert_eq!(MessageText::new(decomposed).unwrap().as_str(), "한".repeat(4_000));
        assert_eq!(MessageText::new("a\u{202e}b\u{7}").unwrap().as_str(), "ab");
        let emoji_of_a_younger_unicode = "\u{1faff}";
        assert!(MessageText::new(emoji_of_a_younger_unicode).is_ok());
        assert!(DisplayName::new(emoji_of_a_younger_unicode).is_err());
        for text in [
            "",
            "\u{200b}",
            "\u{3164}",
            "\u{2800}\n",
            "\u{202e}",
            "\u{e0041}",
            "\u{7}",
            "\u{e0fff}",
            "\u{ffff}",
            "\u{fdd0}",
        ] {
            assert!(MessageText::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_composed_and_shows_something() {
        assert_eq!(DisplayName::new(" jose\u{301}\u{200b}").unwrap().as_str(), "josé");
        assert_eq!(RoomName::new("\u{1112}\u{1161}\u{11ab}").unwrap().as_str(), "한");
        for text in ["ㅋㅋ ❤️", "👨‍👩‍👧", "שלום\u{200f}!", "A\u{3164}B", "Mina 미나"]
        {
            assert_eq!(DisplayName::new(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            " ",
            "\u{3164}",
            "\u{115f}",
            "\u{1160}",
            "\u{ffa0}",
            "\u{200b}",
            "\u{2800}",
            "\u{301}",
            "\u{e000}",
            "\u{202e}",
            "a\u{202e}b",
            "a\u{2067}b",
            "a\u{e0041}b",
            "a\u{378}b",
            "a\u{ffff}b",
            "a\nb",
            "a\u{2028}b",
        ] {
            assert!(DisplayName::new(text).is_err(), "{text:?}");
            assert!(RoomName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_of_an_earlier_version_stays_readable() {
        for (text, read) in [
            ("jose\u{301}", "josé"),
            ("admin\u{202e}", "admin"),
            ("\u{3164}", "\u{3164}"),
            ("\u{202e}", "\u{202e}"),
            ("\u{200b}", "\u{200b}"),
        ] {
            assert_eq!(DisplayName::recorded(text).unwrap().as_str(), read, "{text:?}");
            assert_eq!(RoomName::recorded(text).unwrap().as_str(), read, "{text:?}");
        }
        for text in ["", " ", "\u{7}"] {
            assert!(DisplayName::recorded(text).is_err(), "{text:?}");
        }
        assert_eq!(AvatarUrl::recorded("https://"), None);
    }

    #[test]
    fn a_slug_is_not_an_id() {
        assert!(Slug::new("general-2").is_ok());
        assert!(Slug::new("-general").is_err());
        assert!(Slug::new("General").is_err());
        assert!(Slug::new("한글").is_err(), "of ASCII: so it has one form");
        assert!(Slug::new("01941f297c007000800000000000ab00").is_err());
    }

    #[test]
    fn a_key_is_bounded_by_bytes() {
        assert!(IdempotencyKey::new("k".repeat(64)).is_ok());
        assert!(IdempotencyKey::new("k".repeat(65)).is_err());
        assert!(IdempotencyKey::new("").is_err());
    }
}
