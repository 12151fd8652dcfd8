//! What happens to a room's members. The event's subject is the user to whom it happens.

use serde::{Deserialize, Serialize};

use crate::{Role, Timestamp, role::RecordedRole};

/// A user became a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RecordedRole", into = "RecordedRole")]
pub struct Joined {
    /// The new member's role.
    pub role: Role,
}

/// A user is no longer a member; the actor is another user when the member was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {}

/// A member's role changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RecordedRole", into = "RecordedRole")]
pub struct RoleChanged {
    /// The role now.
    pub role: Role,
}

/// Makes what has a role alone [`RecordedRole`], and of that.
macro_rules! recorded_by_role {
    ($($Type:ident),*) => {$(
        impl From<RecordedRole> for $Type {
            fn from(recorded: RecordedRole) -> Self {
                Self { role: recorded.into() }
            }
        }

        impl From<$Type> for RecordedRole {
            fn from($Type { role }: $Type) -> Self {
                role.into()
            }
        }
    )*};
}
recorded_by_role!(Joined, RoleChanged);

/// Something was imposed on a user, or is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restricted {
    /// Whether it is imposed now.
    pub on: bool,
    /// When it ends; none: by a moderator alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A user was banned, or is no more. The end of the membership has an event of its own before this one.
pub type Banned = Restricted;

/// A member was muted, or is no more.
pub type Muted = Restricted;
