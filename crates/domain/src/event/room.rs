//! What happens to a room itself.

use serde::{Deserialize, Serialize};

use crate::{RoomDetails, RoomFlags, RoomName, Slug};

/// The room's own properties changed; all of them as they are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomChanged {
    /// The name now.
    #[serde(deserialize_with = "RoomName::deserialize_recorded")]
    pub name: RoomName,
    /// The slug now.
    pub slug: Option<Slug>,
    /// The flags now.
    #[serde(default, skip_serializing_if = "RoomFlags::is_default")]
    pub flags: RoomFlags,
    /// What the room shows now besides its name.
    #[serde(default, skip_serializing_if = "RoomDetails::is_default")]
    pub details: RoomDetails,
    /// The room was deleted; no event follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}
