//! Users, as rooms, accounts and the embedding site see them.

use std::{borrow::Cow, ops::Deref};

use madang_domain::{AvatarUrl, DisplayName, ExternalId, UserId, Username};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user as others in a room see one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User<'a> {
    /// The id of the account.
    pub id: UserId,
    /// The name to show.
    #[schemars(with = "DisplayName")]
    pub name: Cow<'a, str>,
    /// The address of the picture.
    #[schemars(with = "Option<AvatarUrl>")]
    pub avatar_url: Option<Cow<'a, str>>,
}

/// A user with the name to sign in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account<'a> {
    /// The user as others see one; in JSON its fields stand beside the username.
    #[serde(flatten)]
    pub user: User<'a>,
    /// The name to sign in with and to be mentioned by.
    #[schemars(with = "Username")]
    pub username: Cow<'a, str>,
}

impl<'a> Deref for Account<'a> {
    type Target = User<'a>;

    fn deref(&self) -> &User<'a> {
        &self.user
    }
}

/// A user with what the embedding site calls the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteUser<'a> {
    /// The account; in JSON its fields stand beside the external id.
    #[serde(flatten)]
    pub account: Account<'a>,
    /// What the embedding site calls the user.
    #[schemars(with = "Option<ExternalId>")]
    pub external_id: Option<Cow<'a, str>>,
}

impl<'a> Deref for SiteUser<'a> {
    type Target = Account<'a>;

    fn deref(&self) -> &Account<'a> {
        &self.account
    }
}
