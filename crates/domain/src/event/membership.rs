//! What happens to a room's members. The event's subject is the user to whom it happens.

use serde::{Deserialize, Serialize};

use crate::Role;

/// A user became a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The new member's role.
    pub role: Role,
}

/// A user is no longer a member; the actor is another user when the member was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {}

/// A member's role changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChanged {
    /// The role now.
    pub role: Role,
}
