//! Users' profiles as the store has them.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{Profile, RoomId, UserId};

/// Statements on profiles.
#[async_trait]
pub(crate) trait Profiles {
    /// The present profiles of users, in no order. Who was never in a room may have none.
    async fn profiles(&mut self, users: &[UserId]) -> DatabaseResult<Vec<Profile>>;

    /// The rooms that a user is a member of, at most `limit`: those that were active last.
    async fn rooms_of(&mut self, user: UserId, limit: u32) -> DatabaseResult<Vec<RoomId>>;
}
