//! What users have set, as the routes answer it and as frames say it.

use madang_domain::{AddedBy, NotificationLevel, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserSettings {
    /// The users who may add this user to rooms. All others can only invite the user.
    pub added_by: AddedBy,
    /// The time until which the user is not to be disturbed; null if there is none. Notices arrive meanwhile, and
    /// clients show them without an alert. It may have passed.
    #[serde(default)]
    pub do_not_disturb_until: Option<Timestamp>,
    /// Whether others see that the user is present.
    #[serde(default = "yes")]
    pub presence: bool,
    /// Whether others see when the user was last present.
    #[serde(default = "yes")]
    pub last_seen: bool,
    /// Whether others see that the user types.
    #[serde(default = "yes")]
    pub typing: bool,
}

const fn yes() -> bool {
    true
}

/// The user's settings for a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RoomSettings {
    /// Of what in the room the user wants to be notified.
    pub notify: NotificationLevel,
    /// The time until which the user wants to be notified of nothing in the room; null if there is none. It may have
    /// passed.
    pub muted_until: Option<Timestamp>,
}
