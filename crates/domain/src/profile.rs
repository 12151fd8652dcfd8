//! Users as others see them.

use crate::{AvatarUrl, DisplayName, ExternalId, Timestamp, UserId, Username};

/// A user as others see one. Shared, since every event of a busy sender holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The account.
    pub id: UserId,
    /// The name to sign in with and to be mentioned by.
    pub username: Username,
    /// The name to show.
    pub name: DisplayName,
    /// The picture.
    pub avatar_url: Option<AvatarUrl>,
    /// What the embedding site calls the user.
    pub external_id: Option<ExternalId>,
    /// When the account last changed: a profile with a later version replaces an earlier one.
    pub version: Timestamp,
}
