//! Rooms as the store has them.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{
    ExternalId, Role, RoomDetails, RoomFlags, RoomHistory, RoomId, RoomName, RoomRef, SearchText, Seq, Slug,
    Timestamp, UserId, event::Event,
};
use madang_rpc::store::{Membership, RoomKind, RoomSettings};
use uuid::Uuid;

use crate::unread::Counts;

/// A room's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoomRecord {
    pub(crate) id: RoomId,
    pub(crate) kind: RoomKind,
    pub(crate) name: RoomName,
    pub(crate) slug: Option<Slug>,
    pub(crate) created_at: Timestamp,
    pub(crate) active_at: Timestamp,
    pub(crate) head: Seq,
    pub(crate) messages: u64,
    pub(crate) member_count: u64,
    pub(crate) external_id: Option<ExternalId>,
    pub(crate) flags: RoomFlags,
    pub(crate) details: RoomDetails,
    /// The place after which the last of those sees the room who came while newcomers saw nothing of before.
    pub(crate) newcomers_after: Seq,
}

impl RoomRecord {
    /// The place up to which who becomes a member sees nothing, once the event that says so is the last one.
    pub(crate) fn hidden_from_newcomers(&self) -> Seq {
        match self.flags.history {
            RoomHistory::All => Seq::START,
            RoomHistory::Joined => Seq::new(self.head.get().saturating_sub(1)),
        }
    }
}

/// What makes a room the same when it is made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) creator: UserId,
    pub(crate) key: Option<String>,
    /// The two users of a direct room, the lower id first.
    pub(crate) pair: Option<(UserId, UserId)>,
    /// What the embedding site calls it, whoever makes it.
    pub(crate) external_id: Option<ExternalId>,
}

/// A room and a user's place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) room: RoomRecord,
    /// By which the user's rooms are ordered: when something last happened there. The epoch's beginning where nothing was
    /// said yet and another made the room, so that empty rooms do not push a user's conversations down.
    pub(crate) activity: Timestamp,
    pub(crate) place: Option<MemberPlace>,
    pub(crate) last_message: Option<Event>,
}

/// The first of the rooms that a page was asked for, as many as fit into its bytes.
#[derive(Debug, Default)]
pub(crate) struct RoomPage {
    pub(crate) rooms: Vec<View>,
    /// There are further ones, which do not fit.
    pub(crate) is_cut: bool,
}

/// A member's role and read mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberPlace {
    pub(crate) role: Role,
    pub(crate) read: Seq,
    pub(crate) counts: Counts,
    /// The place up to which the member sees nothing.
    pub(crate) visible_after: Seq,
    /// What the member has set for the room.
    pub(crate) settings: RoomSettings,
}

impl MemberPlace {
    /// As it is shown.
    pub(crate) fn membership(&self) -> Membership {
        let Self { role, read, settings, .. } = *self;
        Membership { role, read, unread: self.counts.unread(), settings }
    }
}

/// A place among a user's rooms: latest activity first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByActivity {
    pub(crate) activity: Timestamp,
    pub(crate) room: RoomId,
}

/// A place among the public rooms: newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByAge {
    pub(crate) room: RoomId,
}

/// Statements on rooms.
#[async_trait]
pub(crate) trait Rooms {
    /// A room as a user sees it.
    async fn view(&mut self, user: UserId, room: &RoomRef) -> DatabaseResult<Option<View>>;

    /// A user's rooms, latest activity first, without the direct ones that the user hides.
    async fn active_rooms(
        &mut self,
        user: UserId,
        after: Option<ByActivity>,
        limit: u32,
    ) -> DatabaseResult<RoomPage>;

    /// Of the same rooms those with activity after a time, by their ids after `beyond`.
    async fn rooms_active_since(
        &mut self,
        user: UserId,
        since: Timestamp,
        beyond: Uuid,
        limit: u32,
    ) -> DatabaseResult<RoomPage>;

    /// The public rooms that a user is not in, newest first.
    async fn joinable_rooms(
        &mut self,
        user: UserId,
        text: Option<&SearchText>,
        after: Option<ByAge>,
        limit: u32,
    ) -> DatabaseResult<Vec<View>>;

    /// All rooms as nobody sees them, newest first.
    async fn all_rooms(&mut self, after: Option<ByAge>, limit: u32) -> DatabaseResult<Vec<View>>;

    /// The rooms of a user, latest activity first, at most `limit`; and how many there are.
    async fn memberships(&mut self, user: UserId, limit: u32) -> DatabaseResult<(Vec<RoomId>, u64)>;

    /// Locks a room against all that writes to it, until the transaction ends.
    async fn lock_room(&mut self, room: &RoomRef) -> DatabaseResult<Option<RoomRecord>>;

    /// Makes a room, unless its slug, its creation key or its pair of users is taken.
    async fn insert_room(&mut self, room: &RoomRecord, origin: &Origin) -> DatabaseResult<bool>;

    /// The room that a creation made before: by its key, or by its pair of users.
    async fn created_before(&mut self, origin: &Origin) -> DatabaseResult<Option<RoomId>>;

    /// Writes a room's name, slug, flags and counters back. False when the slug is taken.
    async fn save_room(&mut self, room: &RoomRecord) -> DatabaseResult<bool>;

    /// Deletes a room and its members. Its log stays for [`log_after`](super::events::Events::log_after) and
    /// [`heads`](super::database::Database::heads), until [`purge`](super::purge::Purge::purge) removes it.
    async fn delete_room(&mut self, room: &RoomRecord) -> DatabaseResult<()>;
}
