//! What an inbox tells its user. The actor is the user who mentioned, invited, banned or muted; of what the embedding site
//! has done, the inbox's user.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Reason, RoomId, RoomName, Seq, Timestamp};

/// A message names the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// The room of the message.
    pub room: RoomId,
    /// The message's place.
    pub seq: Seq,
}

/// A message stands in a thread that the user follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The room of the message.
    pub room: RoomId,
    /// The message's place.
    pub seq: Seq,
    /// The message that is the thread's root.
    pub thread: Seq,
}

/// Another user made the user a member of a room, or invites the user to become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// The room.
    pub room: RoomId,
    /// The room's name at that time.
    #[serde(deserialize_with = "RoomName::deserialize_recorded")]
    pub name: RoomName,
    /// Whether the user is no member yet, and may become one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
}

/// Something was imposed on the user in a room, or is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestrictionNotice {
    /// The room.
    pub room: RoomId,
    /// The room's name at that time.
    #[serde(deserialize_with = "RoomName::deserialize_recorded")]
    pub name: RoomName,
    /// Whether it is imposed now.
    pub on: bool,
    /// When it ends; none: by a moderator alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// The user was banned from a room, or is no more.
pub type BanNotice = RestrictionNotice;

/// The user was muted in a room, or is no more.
pub type MuteNotice = RestrictionNotice;

/// A notice was dismissed. What is left of the notice itself is the same with its own place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissed {
    /// The notice's place.
    pub notice: Seq,
}

/// A notice of the embedding site: a JSON object, kept to the byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Custom(Box<RawValue>);

impl Custom {
    /// Takes a JSON text; white space around it is dropped.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn new(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl Eq for Custom {}
