//! What users have set.

use madang_domain::{AddedBy, NotificationLevel, RoomId, RoomRef, Timestamp, UserId};
use madang_proto::store::v1 as wire;

use crate::wire::{DecodeError, Result, Wire, message};

/// What a user has set; the defaults where the user has set nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserSettings {
    /// Who may make the user a member of a room.
    pub added_by: AddedBy,
    /// Until when the user is not to be disturbed. Notices are kept; that nobody is disturbed is the devices' affair.
    pub do_not_disturb_until: Option<Timestamp>,
    /// Whether others do not see that the user is present.
    pub hides_presence: bool,
    /// Whether others do not see when the user was last present.
    pub hides_last_seen: bool,
    /// Whether others do not see that the user types.
    pub hides_typing: bool,
    /// Later than that of each change before; of 1970 where nothing was set.
    pub version: Timestamp,
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
    /// Until when the user is not to be disturbed; `Some(None)` ends it. None leaves it as it is.
    pub do_not_disturb_until: Option<Option<Timestamp>>,
    /// Whether others do not see that the user is present. None leaves it as it is.
    pub hides_presence: Option<bool>,
    /// Whether others do not see when the user was last present. None leaves it as it is.
    pub hides_last_seen: Option<bool>,
    /// Whether others do not see that the user types. None leaves it as it is.
    pub hides_typing: Option<bool>,
}

impl PutUserSettings {
    /// Leaves everything as it is.
    #[must_use]
    pub const fn nothing(user: UserId) -> Self {
        Self {
            user,
            added_by: None,
            do_not_disturb_until: None,
            hides_presence: None,
            hides_last_seen: None,
            hides_typing: None,
        }
    }
}

/// What a member has set for a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomSettings {
    /// Of what the member wants to be notified.
    pub notify: NotificationLevel,
    /// Until when of nothing. It may be over.
    pub muted_until: Option<Timestamp>,
}

/// Asks for what a member has set for a room to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRoomSettings {
    /// The member.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
    /// Of what the member wants to be notified. None leaves it as it is.
    pub notify: Option<NotificationLevel>,
    /// Until when of nothing; `Some(None)` ends it. None leaves it as it is.
    pub muted_until: Option<Option<Timestamp>>,
}

/// What a member has set for a room, and which room that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetForRoom {
    /// The room.
    pub room: RoomId,
    /// What is set.
    pub settings: RoomSettings,
    /// Later than that of each change before.
    pub version: Timestamp,
}

message!(GetUserSettings => wire::GetUserSettingsRequest { user });
message!(PutUserSettings => wire::PutUserSettingsRequest {
    user, added_by, do_not_disturb_until as do_not_disturb_until_micros,
    hides_presence, hides_last_seen, hides_typing
});
message!(UserSettings => wire::GetUserSettingsResponse | wire::PutUserSettingsResponse {
    added_by, do_not_disturb_until as do_not_disturb_until_micros,
    hides_presence, hides_last_seen, hides_typing, version as version_micros
});
message!(RoomSettings => wire::RoomSettings { notify, muted_until as muted_until_micros });
message!(PutRoomSettings => wire::PutRoomSettingsRequest {
    user, room, notify, muted_until as muted_until_micros
});
message!(SetForRoom => wire::PutRoomSettingsResponse { room, settings, version as version_micros });

/// A peer of before it says nothing.
impl Wire<Option<wire::RoomSettings>> for RoomSettings {
    fn encode(&self) -> Option<wire::RoomSettings> {
        Some(Wire::encode(self))
    }

    fn decode(settings: Option<wire::RoomSettings>) -> Result<Self> {
        settings.map_or_else(|| Ok(Self::default()), Wire::decode)
    }
}

impl Wire<i32> for NotificationLevel {
    fn encode(&self) -> i32 {
        match self {
            Self::All => wire::NotificationLevel::All,
            Self::Mentions => wire::NotificationLevel::Mentions,
            Self::None => wire::NotificationLevel::None,
        }
        .into()
    }

    fn decode(level: i32) -> Result<Self> {
        match wire::NotificationLevel::try_from(level) {
            Ok(wire::NotificationLevel::Unspecified | wire::NotificationLevel::All) => Ok(Self::All),
            Ok(wire::NotificationLevel::Mentions) => Ok(Self::Mentions),
            Ok(wire::NotificationLevel::None) => Ok(Self::None),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known ones"))),
        }
    }
}

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
