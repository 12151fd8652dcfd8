//! `/v1/users`: profiles.

use madang_domain::{AddedBy, AvatarUrl, DisplayName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::present::present;

/// Changes of the user's own profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChanges {
    /// The new name; absent leaves it as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// The address of the new picture; absent leaves it as it is, null removes it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Option<AvatarUrl>>,
}

/// What a user has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserSettings {
    /// Who may make the user a member of a room; others send an invitation.
    pub added_by: AddedBy,
}

/// Changes of what a user has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSettingsChanges {
    /// Who may make the user a member of a room; absent leaves it as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_by: Option<AddedBy>,
}

/// The routes.
pub mod routes {
    use madang_domain::Code;

    use super::{ProfileChanges, UserSettings, UserSettingsChanges};
    use crate::{
        Account,
        rest::{Route, route::table},
    };

    table! {
        /// The user's own profile.
        ME = Route::get("get_me", "/v1/users/me", "Get the user's own profile")
            .answers::<Account<'_>>(200, "The user.")
            .refuses(&[Code::NotFound]);
        /// Changes it.
        UPDATE_ME = Route::patch("update_me", "/v1/users/me", "Change the user's own profile")
            .takes::<ProfileChanges>()
            .answers::<Account<'_>>(200, "The user after the change.")
            .refuses(&[Code::NotFound]);
        /// What the user has set.
        SETTINGS = Route::get("get_settings", "/v1/users/me/settings", "Get what the user has set")
            .answers::<UserSettings>(200, "The settings.");
        /// Changes it.
        PUT_SETTINGS = Route::put("put_settings", "/v1/users/me/settings", "Change what the user has set")
            .takes::<UserSettingsChanges>()
            .answers::<UserSettings>(200, "The settings after the change.");
        /// A user's profile.
        GET = Route::get("get_user", "/v1/users/{user}", "Get a user's profile")
            .answers::<Account<'_>>(200, "The user.")
            .refuses(&[Code::NotFound]);
    }
}
