//! How far the members of a room have read it, as the store has it.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{RoomId, Seq, UserId};
use madang_rpc::store::DeliveredMark;

/// A member's places in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberMarks {
    pub(crate) user: UserId,
    /// The place up to which the member has read: the read mark, or the own last message behind it.
    pub(crate) read: Seq,
    /// The place up to which the member's devices have received events; never before the one above.
    pub(crate) delivered: Seq,
}

/// How many members of a room have read up to where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MarkCounts {
    /// The latest places, the last one first, with the members who have read up to there.
    pub(crate) latest: Vec<(Seq, u64)>,
    /// How many members there are in all.
    pub(crate) members: u64,
}

/// Statements on how far members have read.
#[async_trait]
pub(crate) trait Reads {
    /// Members and how far each has read, at most so many.
    async fn member_marks(&mut self, room: RoomId, limit: u32) -> DatabaseResult<Vec<MemberMarks>>;

    /// Notes up to where members' devices have received events, in rooms of at most so many members that show marks.
    /// Answers the rooms in which that is news.
    async fn mark_delivered(
        &mut self,
        marks: &[DeliveredMark],
        members_max: u32,
    ) -> DatabaseResult<Vec<RoomId>>;

    /// The latest places up to which members have read, at most so many, with the number of members of each.
    async fn mark_counts(&mut self, room: RoomId, limit: u32) -> DatabaseResult<MarkCounts>;
}
