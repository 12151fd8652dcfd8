//! Users, as rooms, accounts and the embedding site see them.

use std::{borrow::Cow, ops::Deref};

use madang_domain::{AvatarUrl, DisplayName, ExternalId, UserId, Username};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user's profile as other members of a room see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User<'a> {
    /// The id of the user.
    pub id: UserId,
    /// The display name.
    #[schemars(with = "DisplayName")]
    pub name: Cow<'a, str>,
    /// The URL of the picture; null if there is none.
    #[schemars(with = "Option<AvatarUrl>")]
    pub avatar_url: Option<Cow<'a, str>>,
}

/// A user's profile with the username.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account<'a> {
    /// The profile as other members see it. In JSON its fields stand beside `username`.
    #[serde(flatten)]
    pub user: User<'a>,
    /// The username, for signing in and for mentions.
    #[schemars(with = "Username")]
    pub username: Cow<'a, str>,
}

impl<'a> Deref for Account<'a> {
    type Target = User<'a>;

    fn deref(&self) -> &User<'a> {
        &self.user
    }
}

/// A user's profile with the embedding site's id of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteUser<'a> {
    /// The profile with the username. In JSON its fields stand beside `external_id`.
    #[serde(flatten)]
    pub account: Account<'a>,
    /// The site's own id of the user; null if it has none.
    #[schemars(with = "Option<ExternalId>")]
    pub external_id: Option<Cow<'a, str>>,
}

impl<'a> Deref for SiteUser<'a> {
    type Target = Account<'a>;

    fn deref(&self) -> &Account<'a> {
        &self.account
    }
}
