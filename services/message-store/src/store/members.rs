//! Members as the store has them.

use std::sync::Arc;

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{NotificationLevel, Profile, Role, RoomId, Seq, Timestamp, UserId};
use madang_rpc::store::Member;
use uuid::Uuid;

use super::rooms::RoomRecord;

/// A place among a room's members: owners first, then by the time of joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByRank {
    pub(crate) role: Role,
    pub(crate) joined_at: Timestamp,
    pub(crate) user: UserId,
}

/// Statements on members.
#[async_trait]
pub(crate) trait Members {
    /// A room's members, owners first, then by the time of joining.
    async fn members(
        &mut self,
        room: RoomId,
        after: Option<ByRank>,
        limit: u32,
    ) -> DatabaseResult<Vec<Member>>;

    /// Of the members those whose role was changed after a time, by their ids after `beyond`.
    async fn members_with_role_since(
        &mut self,
        room: RoomId,
        since: Timestamp,
        beyond: Uuid,
        limit: u32,
    ) -> DatabaseResult<Vec<Member>>;

    /// One member.
    async fn member(&mut self, room: RoomId, user: UserId) -> DatabaseResult<Option<Member>>;

    /// The present profile of a user.
    async fn profile(&mut self, user: UserId) -> DatabaseResult<Arc<Profile>>;

    /// How many owners a room has.
    async fn owners(&mut self, room: RoomId) -> DatabaseResult<u64>;

    /// Adds a member who has read up to the room's head, and is muted still who was.
    async fn insert_member(
        &mut self,
        room: &RoomRecord,
        user: UserId,
        role: Role,
        now: Timestamp,
    ) -> DatabaseResult<()>;

    /// Changes a member's role.
    async fn set_role(&mut self, room: &RoomRecord, user: UserId, role: Role) -> DatabaseResult<()>;

    /// Hides a room from a member's list while its last message is the one of this ordinal; none shows it.
    async fn set_hidden(&mut self, room: RoomId, user: UserId, ordinal: Option<u64>) -> DatabaseResult<()>;

    /// The place up to which a member sees nothing where newcomers do not see what was before.
    async fn visible_after(&mut self, room: RoomId, user: UserId) -> DatabaseResult<Seq>;

    /// Notes until when a member is muted; none: not at all.
    async fn set_muted(&mut self, room: RoomId, user: UserId, until: Option<Timestamp>)
    -> DatabaseResult<()>;

    /// Notes of what a member wants to be notified, and until when of nothing; what is absent stays, and the time 0 ends it.
    /// The change has a later version than each one before.
    async fn set_room_settings(
        &mut self,
        room: RoomId,
        user: UserId,
        notify: Option<NotificationLevel>,
        muted_until: Option<Timestamp>,
        now: Timestamp,
    ) -> DatabaseResult<()>;

    /// When what a member has set for a room was last changed.
    async fn room_settings_version(&mut self, room: RoomId, user: UserId) -> DatabaseResult<Timestamp>;

    /// Of members, those who want to be notified of nothing in the room now.
    async fn silent_members(
        &mut self,
        room: RoomId,
        users: &[UserId],
        now: Timestamp,
    ) -> DatabaseResult<Vec<UserId>>;

    /// Removes a member.
    async fn delete_member(&mut self, room: RoomId, user: UserId) -> DatabaseResult<()>;

    /// Moves a read mark forward to an event that exists; does nothing where it is there or further.
    async fn mark_read(&mut self, room: RoomId, user: UserId, seq: Seq) -> DatabaseResult<()>;
}
