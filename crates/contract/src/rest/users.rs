//! `/v1/users`: profiles and settings.

use madang_domain::{AddedBy, AvatarUrl, DisplayName, StatusText, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::present::present;
use crate::{Account, Status};

/// The changes to the user's own profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChanges {
    /// The new display name. If it is absent, the name stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// The URL of the new picture. If it is absent, the picture stays; null removes it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Option<AvatarUrl>>,
}

/// The changes to a user's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSettingsChanges {
    /// The users who may add this user to rooms. If it is absent, the setting stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_by: Option<AddedBy>,
    /// The time until which the user is not to be disturbed. If it is absent, the setting stays; null ends it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub do_not_disturb_until: Option<Option<Timestamp>>,
    /// Whether others see that the user is present. If it is absent, the setting stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<bool>,
    /// Whether others see when the user was last present. If it is absent, the setting stays. With false, what is known
    /// is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<bool>,
    /// Whether others see that the user types. If it is absent, the setting stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typing: Option<bool>,
}

/// The new status of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusChange {
    /// The text; null ends the status.
    pub text: Option<StatusText>,
    /// The time at which the status ends by itself. If it is absent or null, the status has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The status of a user after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetStatus {
    /// The status; null if there is none.
    pub status: Option<Status>,
}

/// A user whom the caller has blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockedUser<'a> {
    /// The blocked user.
    pub user: Account<'a>,
    /// The time of the block.
    pub at: Timestamp,
}

/// The routes of users.
pub mod routes {
    use madang_domain::Code;

    use super::{BlockedUser, ProfileChanges, SetStatus, StatusChange, UserSettingsChanges};
    use crate::{
        Account, Person, UserSettings,
        rest::{Page, PageQuery, Route, route::table},
    };

    table! {
        /// Answers the user's own profile.
        ME = Route::get("get_me", "/v1/users/me", "Get the user's own profile")
            .answers::<Person<'_>>(200, "The profile of the user.")
            .refuses(&[Code::NotFound]);
        /// Changes the user's own profile.
        UPDATE_ME = Route::patch("update_me", "/v1/users/me", "Change the user's own profile")
            .takes::<ProfileChanges>()
            .answers::<Account<'_>>(200, "The profile after the change.")
            .refuses(&[Code::NotFound]);
        /// Answers the user's settings.
        SETTINGS = Route::get("get_settings", "/v1/users/me/settings", "Get the user's settings")
            .answers::<UserSettings>(200, "The settings, with their defaults.");
        /// Changes the user's settings.
        PUT_SETTINGS = Route::put("put_settings", "/v1/users/me/settings", "Change the user's settings")
            .takes::<UserSettingsChanges>()
            .answers::<UserSettings>(200, "The settings after the change.");
        /// Sets the user's status.
        PUT_STATUS = Route::put("put_status", "/v1/users/me/status", "Set the user's status, or end it")
            .takes::<StatusChange>()
            .answers::<SetStatus>(200, "The status after the change.");
        /// Lists the users whom the caller has blocked.
        BLOCKED = Route::get("list_blocked", "/v1/users/me/blocked", "List the users whom the caller has blocked, the latest block first")
            .query::<PageQuery>()
            .answers::<Page<BlockedUser<'_>>>(200, "A page of blocked users.");
        /// Blocks a user.
        BLOCK = Route::put("block_user", "/v1/users/me/blocked/{user}", "Block a user; at most 1,000 are blocked at a time")
            .answers_empty(204, "The user is blocked.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Ends the block of a user.
        UNBLOCK = Route::delete("unblock_user", "/v1/users/me/blocked/{user}", "Unblock a user")
            .answers_empty(204, "The user is not blocked.");
        /// Answers a user's profile.
        GET = Route::get("get_user", "/v1/users/{user}", "Get a user's profile")
            .answers::<Person<'_>>(200, "The profile of the user.")
            .refuses(&[Code::NotFound]);
    }
}
