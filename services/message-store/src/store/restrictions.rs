//! Who is banned from rooms, and who is muted in them.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{Reason, Restriction, RoomId, Timestamp, UserId};
use madang_rpc::store::BannedUser;
use uuid::Uuid;

/// What is imposed on a user of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestrictionRecord {
    pub(crate) kind: Restriction,
    pub(crate) user: UserId,
    /// Who imposed it; the user, where the embedding site did.
    pub(crate) actor: UserId,
    pub(crate) at: Timestamp,
    /// When it ends by itself.
    pub(crate) until: Timestamp,
    pub(crate) reason: Option<Reason>,
}

/// A place among the users who are banned from a room: the latest ban first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByBan {
    pub(crate) at: Timestamp,
    pub(crate) user: UserId,
}

/// Statements on what is imposed on users. Those that change something need the room's lock.
#[async_trait]
pub(crate) trait Restrictions {
    /// What of a kind is imposed on a user, also if it is over.
    async fn restriction(
        &mut self,
        room: RoomId,
        kind: Restriction,
        user: UserId,
    ) -> DatabaseResult<Option<RestrictionRecord>>;

    /// Imposes something on a user, in place of what was.
    async fn put_restriction(&mut self, room: RoomId, restriction: &RestrictionRecord) -> DatabaseResult<()>;

    /// Ends what is imposed on a user.
    async fn delete_restriction(
        &mut self,
        room: RoomId,
        kind: Restriction,
        user: UserId,
    ) -> DatabaseResult<()>;

    /// Forgets what is over, and says how many users something of a kind is imposed on, counted up to `most`.
    async fn count_restrictions(
        &mut self,
        room: RoomId,
        kind: Restriction,
        now: Timestamp,
        most: u64,
    ) -> DatabaseResult<u64>;

    /// The users who are banned from a room, the latest ban first.
    async fn bans(
        &mut self,
        room: RoomId,
        now: Timestamp,
        after: Option<ByBan>,
        limit: u32,
    ) -> DatabaseResult<Vec<BannedUser>>;

    /// Of them, those whose ban is of after a time, by their ids, beyond one.
    async fn bans_since(
        &mut self,
        room: RoomId,
        now: Timestamp,
        since: Timestamp,
        beyond: Uuid,
        limit: u32,
    ) -> DatabaseResult<Vec<BannedUser>>;
}
