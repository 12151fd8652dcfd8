//! The roles of members.

use serde::{Deserialize, Serialize};

/// What a member may do in a room. Later variants include the rights of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads and writes.
    Member,
    /// Adds and removes members, too.
    Moderator,
    /// Changes roles and the room itself, too.
    Owner,
}
