//! Who may make a user a member.

use serde::{Deserialize, Serialize};

/// Who may make a user a member of a room. Others send an invitation, which the user accepts or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddedBy {
    /// Any user.
    Anyone,
    /// A user who is in a room with this one.
    Shared,
    /// No user.
    Nobody,
}

impl AddedBy {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Anyone, Self::Shared, Self::Nobody];
}
