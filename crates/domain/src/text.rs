//! Strings with bounds.

use crate::limits::{
    AVATAR_URL_MAX_BYTES, DISPLAY_NAME_MAX_CHARS, EXTERNAL_ID_MAX_BYTES, IDEMPOTENCY_KEY_MAX_BYTES,
    MESSAGE_TEXT_MAX_CHARS, ROOM_NAME_MAX_CHARS, SLUG_MAX_BYTES, USERNAME_MAX_CHARS,
};

/// A text outside its bounds. The message says which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct TextError {
    /// What the text was to be.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl From<TextError> for crate::Error {
    fn from(error: TextError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl TextError {
    pub(crate) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// When the text is outside its bounds.
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::TextError> {
                let check: fn(String) -> Result<String, $crate::TextError> = $check;
                check(text.into()).map(|text| Self(text.into_boxed_str()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0.into_string()
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::TextError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(<String as serde::Deserialize>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use bounded_text;

bounded_text!(
    /// What somebody says: 1 to 4,000 characters, not blank, no NUL (PostgreSQL stores none).
    MessageText,
    |text| {
        if text.trim().is_empty() {
            return Err(TextError::new("text", "is empty"));
        }
        // A character has at most four bytes, so most texts need no count.
        if text.len() > MESSAGE_TEXT_MAX_CHARS && text.chars().count() > MESSAGE_TEXT_MAX_CHARS {
            return Err(TextError::new("text", format!("is longer than {MESSAGE_TEXT_MAX_CHARS} characters")));
        }
        no_nul("text", text)
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
    /// The name that a user signs in with and is mentioned by, in lower case: letters and digits of any
    /// script, `_`, `.` and `-`, 2 to 32 characters. Two that differ in case alone are the same.
    Username,
    |text| {
        let text = text.to_lowercase();
        let count = text.chars().count();
        if !(2..=USERNAME_MAX_CHARS).contains(&count) {
            return Err(TextError::new("username", format!("must have 2 to {USERNAME_MAX_CHARS} characters")));
        }
        if !text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-')) {
            return Err(TextError::new("username", "may hold letters, digits, '_', '.' and '-' only"));
        }
        Ok(text)
    }
);
bounded_text!(
    /// The name that others see: 1 to 64 characters, trimmed.
    DisplayName,
    |text| one_line("name", &text, DISPLAY_NAME_MAX_CHARS)
);
bounded_text!(
    /// A room's name: 1 to 100 characters, trimmed.
    RoomName,
    |text| one_line("name", &text, ROOM_NAME_MAX_CHARS)
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
                "room",
                format!(
                    "a slug has 1 to {SLUG_MAX_BYTES} lower-case letters, digits and inner '-' or '_'"
                ),
            ));
        }
        if uuid::Uuid::try_parse(&text).is_ok() {
            return Err(TextError::new("room", "a slug must not look like an id"));
        }
        Ok(text)
    }
);
bounded_text!(
    /// Where a user's picture is: an `https` or `http` address of at most 1,024 bytes.
    AvatarUrl,
    |text| {
        if text.len() > AVATAR_URL_MAX_BYTES {
            return Err(TextError::new("avatar_url", format!("is longer than {AVATAR_URL_MAX_BYTES} bytes")));
        }
        if !(text.starts_with("https://") || text.starts_with("http://")) || text.contains(char::is_whitespace) {
            return Err(TextError::new("avatar_url", "must be an http or https address"));
        }
        no_control("avatar_url", text)
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
    if text.contains('\0') { Err(TextError::new(field, "holds a NUL character")) } else { Ok(text) }
}

pub(crate) fn no_control(field: &'static str, text: String) -> Result<String, TextError> {
    if text.contains(char::is_control) {
        Err(TextError::new(field, "holds a control character"))
    } else {
        Ok(text)
    }
}

fn one_line(field: &'static str, text: &str, max_chars: usize) -> Result<String, TextError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max_chars {
        return Err(TextError::new(field, format!("must have 1 to {max_chars} characters")));
    }
    no_control(field, text.to_owned())
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
    fn a_username_is_folded_to_lower_case() {
        assert_eq!(Username::new("Mina.Kim").unwrap().as_str(), "mina.kim");
        assert_eq!(Username::new("미나").unwrap().as_str(), "미나");
        assert!(Username::new("a").is_err());
        assert!(Username::new("a b").is_err());
    }

    #[test]
    fn a_slug_is_not_an_id() {
        assert!(Slug::new("general-2").is_ok());
        assert!(Slug::new("-general").is_err());
        assert!(Slug::new("General").is_err());
        assert!(Slug::new("01941f297c007000800000000000ab00").is_err());
    }

    #[test]
    fn a_key_is_bounded_by_bytes() {
        assert!(IdempotencyKey::new("k".repeat(64)).is_ok());
        assert!(IdempotencyKey::new("k".repeat(65)).is_err());
        assert!(IdempotencyKey::new("").is_err());
    }
}
