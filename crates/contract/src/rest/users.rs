//! `/v1/users`: profiles.

use madang_domain::{AvatarUrl, DisplayName};
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

/// The routes.
pub mod routes {
    use madang_domain::Code;

    use super::ProfileChanges;
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
        /// A user's profile.
        GET = Route::get("get_user", "/v1/users/{user}", "Get a user's profile")
            .answers::<Account<'_>>(200, "The user.")
            .refuses(&[Code::NotFound]);
    }
}
