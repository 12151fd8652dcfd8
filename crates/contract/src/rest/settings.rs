//! `/v1/rooms/{room}/settings/me`: what a member has set for a room.

use madang_domain::{NotificationLevel, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::present::present;

/// The changes to the user's settings for a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomSettingsChanges {
    /// Of what in the room the user wants to be notified. If it is absent, the setting stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<NotificationLevel>,
    /// The time until which the user wants to be notified of nothing in the room. If it is absent, the setting stays;
    /// null ends it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Option<Timestamp>>,
}

/// The routes of settings for a room.
pub mod routes {
    use madang_domain::Code;

    use super::RoomSettingsChanges;
    use crate::{
        RoomSettings,
        rest::{Route, route::table},
    };

    table! {
        /// Changes the user's settings for a room.
        PUT = Route::put("put_room_settings", "/v1/rooms/{room}/settings/me", "Change the user's notification settings for a room")
            .takes::<RoomSettingsChanges>()
            .answers::<RoomSettings>(200, "The settings after the change.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
    }
}
