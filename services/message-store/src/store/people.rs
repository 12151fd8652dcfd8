//! What users say of themselves, and when they were last seen.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{RoomId, Timestamp, UserId};
use madang_rpc::store::{Person, Seen, Status};

/// What a user does not show; none of each: as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HidesChange {
    pub(crate) presence: Option<bool>,
    pub(crate) last_seen: Option<bool>,
    pub(crate) typing: Option<bool>,
}

/// What a user does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hides {
    pub(crate) presence: bool,
    pub(crate) last_seen: bool,
    pub(crate) typing: bool,
}

/// Statements on users, as others see them.
#[async_trait]
pub(crate) trait People {
    /// Sets a user's status, and answers its version, which is later than that of each one before.
    async fn set_status(
        &mut self,
        user: UserId,
        status: Option<&Status>,
        now: Timestamp,
    ) -> DatabaseResult<Timestamp>;

    /// Takes statuses away that have ended by themselves, some of them.
    async fn end_statuses(&mut self, now: Timestamp) -> DatabaseResult<()>;

    /// Those who share a room with a user and whom the user blocks, or who block the user, with the room.
    async fn blocked_in_rooms(&mut self, user: UserId) -> DatabaseResult<Vec<(RoomId, UserId)>>;

    /// What a user sees of others, who let it be seen.
    async fn people(
        &mut self,
        viewer: UserId,
        users: &[UserId],
        now: Timestamp,
    ) -> DatabaseResult<Vec<Person>>;

    /// Notes when users were last seen, of those who have a profile, are not erased and let it be seen. Sorted by user, each
    /// once. In a transaction.
    async fn note_seen(&mut self, seen: &[Seen]) -> DatabaseResult<()>;

    /// When what a user has set was last changed; of 1970 where nothing was.
    async fn settings_version(&mut self, user: UserId) -> DatabaseResult<Timestamp>;

    /// Notes that what a user has set is changed, with a version that is later than all before. No other transaction changes
    /// it until this one ends.
    async fn change_settings(&mut self, user: UserId, now: Timestamp) -> DatabaseResult<()>;

    /// What a user does not show.
    async fn hides(&mut self, user: UserId) -> DatabaseResult<Hides>;

    /// Changes what a user does not show. When the user was last seen is forgotten where that is hidden.
    async fn set_hides(&mut self, user: UserId, change: HidesChange) -> DatabaseResult<()>;
}
