//! Whom users have blocked.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{RoomId, Timestamp, UserId};
use madang_rpc::store::BlockedUser;

/// A place among the users whom a user has blocked: the latest block first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByBlock {
    pub(crate) at: Timestamp,
    pub(crate) blocked: UserId,
}

/// Statements on blocks.
#[async_trait]
pub(crate) trait Blocks {
    /// Locks the blocks of a user against all who act by them, until the transaction ends. The user has a profile. After
    /// a room's lock, never before it.
    async fn lock_blocks(&mut self, blocker: UserId) -> DatabaseResult<()>;

    /// Of these users, those who have blocked another. None of them blocks anybody until the transaction ends.
    async fn blockers(&mut self, blocked: UserId, users: &[UserId]) -> DatabaseResult<Vec<UserId>>;

    /// Of the two users of a direct room, those who have blocked the other. Neither blocks anybody until the transaction
    /// ends.
    async fn blockers_in_direct(&mut self, room: RoomId) -> DatabaseResult<Vec<UserId>>;

    /// The direct room of two users.
    async fn direct_room(&mut self, one: UserId, other: UserId) -> DatabaseResult<Option<RoomId>>;

    /// Notes that a user has blocked another. False where that is so already.
    async fn insert_block(&mut self, blocker: UserId, blocked: UserId, at: Timestamp)
    -> DatabaseResult<bool>;

    /// Ends the block of a user.
    async fn delete_block(&mut self, blocker: UserId, blocked: UserId) -> DatabaseResult<()>;

    /// Gives the blocks of a user a version that is later than each one before.
    async fn change_blocks(&mut self, blocker: UserId, now: Timestamp) -> DatabaseResult<Timestamp>;

    /// Whom users have blocked, with the version of that, in the order of the users: one row for each, and one without for
    /// who has blocked nobody. Of who has no settings nothing is known.
    async fn blocks_of(
        &mut self,
        users: &[UserId],
        limit: u32,
    ) -> DatabaseResult<Vec<(UserId, Timestamp, Option<UserId>)>>;

    /// How many users a user has blocked.
    async fn count_blocks(&mut self, blocker: UserId) -> DatabaseResult<u64>;

    /// The users whom a user has blocked, the latest block first.
    async fn blocked(
        &mut self,
        blocker: UserId,
        after: Option<ByBlock>,
        limit: u32,
    ) -> DatabaseResult<Vec<BlockedUser>>;
}
