//! The roles of members.

use serde::{Deserialize, Serialize};

/// What a member may do in a room. Later variants include the rights of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads, and writes where the room lets guests.
    Guest,
    /// Reads and writes.
    Member,
    /// Adds and removes members, too.
    Moderator,
    /// Changes roles and the room itself, too.
    Owner,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Guest, Self::Member, Self::Moderator, Self::Owner];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Owner => "owner",
        }
    }
}

/// A role as versions read it that know no guests: to them a guest is a member, and a word beside it says the rest. In the
/// log, and between services.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct RecordedRole {
    role: Role,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    guest: bool,
}

impl From<Role> for RecordedRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Guest => Self { role: Role::Member, guest: true },
            Role::Member | Role::Moderator | Role::Owner => Self { role, guest: false },
        }
    }
}

impl From<RecordedRole> for Role {
    fn from(RecordedRole { role, guest }: RecordedRole) -> Self {
        if guest { Self::Guest } else { role }
    }
}
