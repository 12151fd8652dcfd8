//! A mention of everybody in a room.

use serde::{Deserialize, Serialize};

/// Whom a message mentions besides those whom it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionAll {
    /// Every member: `@all`.
    All,
    /// The members with a connected device: `@here`.
    Here,
}

impl MentionAll {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::All, Self::Here];

    /// The name behind the `@`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Here => "here",
        }
    }
}
