//! Of what in a room a user wants to be notified.

use serde::{Deserialize, Serialize};

/// Of what in a room a user wants to be notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationLevel {
    /// Of every message.
    #[default]
    All,
    /// Of mentions.
    Mentions,
    /// Of nothing: mentions are no notices either.
    None,
}

impl NotificationLevel {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::All, Self::Mentions, Self::None];
}
