//! The kinds of rooms.

use serde::{Deserialize, Serialize};

/// How a room can be found and joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Anybody finds it and may join.
    Public,
    /// Members add members.
    Private,
    /// It has two users, and always the same two.
    Direct,
}

impl RoomKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Public, Self::Private, Self::Direct];
}
