//! Messages that mention everybody in their room, of which members are to be told, as the store has them.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{MentionAll, RoomId, Seq, Timestamp, UserId};

/// A message of which members are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberTell {
    pub(crate) room: RoomId,
    pub(crate) message: Seq,
    pub(crate) whom: MentionAll,
    /// Whether the embedding site sent it, for which no block counts.
    pub(crate) by_site: bool,
    /// The last of those who were told, in the order of ids.
    pub(crate) told_to: UserId,
}

/// Statements on messages of which members are to be told. To add one needs the room's lock.
#[async_trait]
pub(crate) trait MemberTells {
    /// How many messages of a room there are of which members are to be told, counted so far.
    async fn count_member_tells(&mut self, room: RoomId, up_to: u32) -> DatabaseResult<u64>;

    /// Notes that members are to be told, from this time on; what was to be told of the message before is not.
    async fn insert_member_tell(&mut self, tell: &MemberTell, since: Timestamp) -> DatabaseResult<()>;

    /// What is left to be told of a message, locked.
    async fn lock_member_tell(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<MemberTell>>;

    /// Notes who was told; with nobody left, forgets it.
    async fn save_member_tell(&mut self, tell: &MemberTell, more: bool) -> DatabaseResult<()>;

    /// The messages of which members should have been told before a time.
    async fn overdue_member_tells(
        &mut self,
        before: Timestamp,
        limit: u32,
    ) -> DatabaseResult<Vec<(RoomId, Seq, MentionAll)>>;

    /// Who has been a member since a time, after one in the order of ids.
    async fn members_since(
        &mut self,
        room: RoomId,
        since: Timestamp,
        beyond: UserId,
        limit: u32,
    ) -> DatabaseResult<Vec<UserId>>;
}
