//! Slugs that were given up, and rest before others may have them.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{RoomId, Slug, Timestamp, UserId};

/// A slug that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestingSlug {
    pub(crate) slug: Slug,
    /// The room that had it, and may have it again.
    pub(crate) room: RoomId,
    /// Who gave it up, and may give it to another room.
    pub(crate) owner: UserId,
    pub(crate) since: Timestamp,
}

/// Statements on slugs that rest.
#[async_trait]
pub(crate) trait Slugs {
    /// Notes that a slug was given up.
    async fn rest_slug(&mut self, resting: &RestingSlug) -> DatabaseResult<()>;

    /// Whether a slug was given up after a time, by another owner than this one and another room.
    async fn slug_rests(
        &mut self,
        slug: &Slug,
        room: RoomId,
        owner: UserId,
        after: Timestamp,
    ) -> DatabaseResult<bool>;

    /// Forgets up to `limit` slugs that were given up before a time, and says how many.
    async fn forget_slugs(&mut self, before: Timestamp, limit: u32) -> DatabaseResult<u64>;
}
