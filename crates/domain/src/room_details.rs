//! What a room shows of itself besides its name.

use serde::{Deserialize, Serialize};

use crate::{AvatarUrl, RoomTopic};

/// What a room shows besides its name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomDetails {
    /// What the room is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<RoomTopic>,
    /// Where the room's picture is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<AvatarUrl>,
    /// It has no name of its own: it is shown by the names of its members. What stands as its name is a placeholder.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unnamed: bool,
}

impl RoomDetails {
    /// Whether there are none, as in a new room.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What is to be changed of what a room shows. None leaves it as it is; `Some(None)` removes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomDetailChanges {
    /// What the room is about.
    pub topic: Option<Option<RoomTopic>>,
    /// Where the room's picture is.
    pub avatar_url: Option<Option<AvatarUrl>>,
    /// Whether it has no name of its own.
    pub unnamed: Option<bool>,
}

impl RoomDetailChanges {
    /// What the room shows after the change.
    #[must_use]
    pub fn applied_to(&self, details: &RoomDetails) -> RoomDetails {
        RoomDetails {
            topic: self.topic.clone().unwrap_or_else(|| details.topic.clone()),
            avatar_url: self.avatar_url.clone().unwrap_or_else(|| details.avatar_url.clone()),
            unnamed: self.unnamed.unwrap_or(details.unnamed),
        }
    }

    /// Whether something is to be changed that a direct room does not have.
    #[must_use]
    pub fn is_of_no_direct(&self) -> bool {
        self.topic.is_some() || self.avatar_url.is_some() || self.unnamed == Some(true)
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
