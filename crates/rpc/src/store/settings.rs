//! What users have set.

use madang_domain::{AddedBy, UserId};
use madang_proto::store::v1 as wire;

use crate::wire::{DecodeError, Result, Wire, message};

/// What a user has set; the defaults where the user has set nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserSettings {
    /// Who may make the user a member of a room.
    pub added_by: AddedBy,
}

/// Asks for what a user has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetUserSettings {
    /// The user.
    pub user: UserId,
}

/// Asks for what a user has set to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutUserSettings {
    /// The user.
    pub user: UserId,
    /// Who may make the user a member of a room. None leaves it as it is.
    pub added_by: Option<AddedBy>,
}

message!(GetUserSettings => wire::GetUserSettingsRequest { user });
message!(PutUserSettings => wire::PutUserSettingsRequest { user, added_by });
message!(UserSettings => wire::GetUserSettingsResponse | wire::PutUserSettingsResponse { added_by });

impl Wire<i32> for AddedBy {
    fn encode(&self) -> i32 {
        match self {
            Self::Anyone => wire::AddedBy::Anyone,
            Self::Shared => wire::AddedBy::Shared,
            Self::Nobody => wire::AddedBy::Nobody,
        }
        .into()
    }

    fn decode(added_by: i32) -> Result<Self> {
        match wire::AddedBy::try_from(added_by) {
            Ok(wire::AddedBy::Anyone) => Ok(Self::Anyone),
            Ok(wire::AddedBy::Shared) => Ok(Self::Shared),
            Ok(wire::AddedBy::Nobody) => Ok(Self::Nobody),
            Ok(wire::AddedBy::Unspecified) => Err(DecodeError::of_value("is missing")),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known ones"))),
        }
    }
}
