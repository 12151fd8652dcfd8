//! What the service keeps, and the two databases that keep it.
//!
//! SQL stands in this module alone. [`Backend`] is what differs between the databases: connections,
//! migrations, and the batched hot paths. [`Session`] is one connection of either, for statements that both
//! understand as they stand; `statements.rs` implements it, compiled once for each database.

mod postgres;
mod rows;
mod sql;
mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;
use madang_domain::{
    Epoch, ExternalId, IdempotencyKey, Profile, Role, RoomId, RoomName, RoomRef, Seq, Slug, Timestamp,
    TopicId, UserId, Username,
    event::{Event, EventBody},
};
use madang_rpc::store::{Appended, Member, Membership, RoomKind};

use crate::{
    page::{ByActivity, ByAge, ByRank},
    unread::Counts,
};

pub(crate) use madang_database::{DatabaseError as StoreError, DatabaseResult as StoreResult};
pub(crate) use postgres::Postgres;
pub(crate) use rows::{role_from_number, role_number};
pub(crate) use sqlite::Sqlite;

/// Where the migrations that were applied are listed. A name of its own, since services may share a database.
const MIGRATIONS_TABLE: &str = "message_store_migrations";

/// One of the databases.
#[async_trait]
pub(crate) trait Backend: Send + Sync + 'static {
    /// Checks that the database can be used, and applies the migrations under a lock. On the first time
    /// `new_epoch` becomes the log's epoch.
    async fn prepare(&self, new_epoch: Epoch) -> StoreResult<()>;

    /// Gives the log another epoch.
    async fn renew_epoch(&self, epoch: Epoch) -> StoreResult<()>;

    /// Whether the database answers.
    async fn ping(&self) -> StoreResult<()>;

    /// Closes what is idle. What is in use closes when it is given back.
    async fn close(&self);

    /// A connection for reading.
    async fn read(&self) -> StoreResult<Box<dyn Session>>;

    /// A connection for single statements that may write.
    async fn single(&self) -> StoreResult<Box<dyn Session>>;

    /// A connection within a transaction that may write.
    async fn write(&self) -> StoreResult<Box<dyn Session>>;

    /// Writes profiles, each where it is newer than the one that is there. Sorted by user, each once.
    async fn save_profiles(&self, profiles: &[Arc<Profile>]) -> StoreResult<()>;

    /// The members of rooms who have these names: each with the place of what was asked.
    async fn named_members(&self, asked: &[(RoomId, Username)]) -> StoreResult<Vec<(usize, UserId)>>;

    /// Appends messages, and the notices of whom they mention, in one transaction; an outcome for each, in order.
    async fn append(&self, now: Timestamp, rows: &[AppendRow<'_>]) -> StoreResult<Vec<AppendOutcome>>;

    /// Where users stand in rooms, and the epoch; a state for each place, in order, all of one moment.
    async fn states(&self, places: &[(RoomId, UserId)]) -> StoreResult<(Epoch, Vec<RoomState>)>;

    /// The events of many ranges; those of each in order.
    async fn ranges(&self, ranges: &[Range]) -> StoreResult<Vec<Event>>;

    /// The rooms that references name, at the place of each.
    async fn resolve(&self, rooms: &[RoomRef]) -> StoreResult<Vec<Option<RoomId>>>;

    /// The heads of the rooms that exist, or were deleted lately.
    async fn heads(&self, rooms: &[RoomId]) -> StoreResult<Vec<(RoomId, Seq)>>;

    /// Where users' inboxes stand, and the epoch; a state for each user, in order, all of one moment.
    async fn inbox_states(&self, users: &[UserId]) -> StoreResult<(Epoch, Vec<InboxState>)>;
}

/// One connection. Dropping it closes it, and rolls back what was not committed.
#[async_trait]
pub(crate) trait Session: Send {
    /// Commits, where there is a transaction, and gives the connection back.
    async fn commit(self: Box<Self>) -> StoreResult<()>;

    /// Rolls back, where there is a transaction, and gives the connection back.
    async fn rollback(self: Box<Self>) -> StoreResult<()>;

    /// A room as a user sees it.
    async fn view(&mut self, user: UserId, room: &RoomRef) -> StoreResult<Option<View>>;

    /// A user's rooms, latest activity first.
    async fn active_rooms(
        &mut self,
        user: UserId,
        after: Option<ByActivity>,
        limit: u32,
    ) -> StoreResult<Vec<View>>;

    /// The public rooms that a user is not in, newest first.
    async fn joinable_rooms(
        &mut self,
        user: UserId,
        after: Option<ByAge>,
        limit: u32,
    ) -> StoreResult<Vec<View>>;

    /// The rooms of a user, at most `limit`.
    async fn memberships(&mut self, user: UserId, limit: u32) -> StoreResult<Vec<RoomId>>;

    /// A room's members, owners first, then by the time of joining.
    async fn members(&mut self, room: RoomId, after: Option<ByRank>, limit: u32) -> StoreResult<Vec<Member>>;

    /// One member.
    async fn member(&mut self, room: RoomId, user: UserId) -> StoreResult<Option<Member>>;

    /// How many owners a room has.
    async fn owners(&mut self, room: RoomId) -> StoreResult<u64>;

    /// The events after a place, oldest first, also of a room that was deleted lately: its last event says so.
    async fn log_after(&mut self, room: RoomId, slice: Slice) -> StoreResult<Vec<Event>>;

    /// The events after a place, oldest first. None of a room that was deleted, though its rows may still be
    /// there.
    async fn events_after(&mut self, room: RoomId, slice: Slice) -> StoreResult<Vec<Event>>;

    /// The events before a place, newest first.
    async fn events_before(&mut self, room: RoomId, slice: Slice) -> StoreResult<Vec<Event>>;

    /// Locks a room against all that writes to it, until the transaction ends.
    async fn lock_room(&mut self, room: &RoomRef) -> StoreResult<Option<RoomRecord>>;

    /// Makes a room, unless its slug, its creation key or its pair of users is taken.
    async fn insert_room(&mut self, room: &RoomRecord, origin: &Origin) -> StoreResult<bool>;

    /// The room that a creation made before: by its key, or by its pair of users.
    async fn created_before(&mut self, origin: &Origin) -> StoreResult<Option<RoomId>>;

    /// Writes a room's name, slug and counters back. False when the slug is taken.
    async fn save_room(&mut self, room: &RoomRecord) -> StoreResult<bool>;

    /// Deletes a room and its members. Its log stays for [`log_after`](Self::log_after) and
    /// [`heads`](Backend::heads), until [`purge`](Self::purge) removes it.
    async fn delete_room(&mut self, room: &RoomRecord) -> StoreResult<()>;

    /// Removes up to `limit` events of a room that was deleted before a time, and says how many. `None` when no
    /// such room is left. From the first removal on nobody reads the log any more.
    async fn purge(&mut self, deleted_before: Timestamp, limit: u32) -> StoreResult<Option<u64>>;

    /// Adds a member who has read up to the room's head.
    async fn insert_member(
        &mut self,
        room: &RoomRecord,
        user: UserId,
        role: Role,
        now: Timestamp,
    ) -> StoreResult<()>;

    /// Changes a member's role.
    async fn set_role(&mut self, room: RoomId, user: UserId, role: Role) -> StoreResult<()>;

    /// Removes a member.
    async fn delete_member(&mut self, room: RoomId, user: UserId) -> StoreResult<()>;

    /// Adds an event other than a message at the room's next place; the caller has locked the room and
    /// counted its head up.
    async fn insert_event(&mut self, room: &RoomRecord, event: &NewEvent) -> StoreResult<()>;

    /// Moves a read mark forward to an event that exists; does nothing where it is there or further.
    async fn mark_read(&mut self, room: RoomId, user: UserId, seq: Seq) -> StoreResult<()>;

    /// Locks an inbox against all that writes to it, until the transaction ends.
    async fn lock_inbox(&mut self, user: UserId, now: Timestamp) -> StoreResult<()>;

    /// Adds a notice at the next place of a user's inbox, and says where and of what time. The inbox is locked
    /// from then on; of several, in the order of users, and after the room.
    async fn insert_notice(
        &mut self,
        user: UserId,
        actor: UserId,
        notice: &EventBody,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> StoreResult<(Seq, Timestamp)>;

    /// The notice of the embedding site that has a key.
    async fn notice_by_key(&mut self, user: UserId, key: &IdempotencyKey) -> StoreResult<Option<Event>>;

    /// The notices after a place, oldest first.
    async fn notices_after(&mut self, user: UserId, slice: Slice) -> StoreResult<Vec<Event>>;

    /// The notices before a place, newest first.
    async fn notices_before(&mut self, user: UserId, slice: Slice) -> StoreResult<Vec<Event>>;

    /// Moves an inbox's read mark forward, no further than its head.
    async fn mark_inbox_read(&mut self, user: UserId, seq: Seq) -> StoreResult<()>;
}

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
    pub(crate) place: Option<MemberPlace>,
    pub(crate) last_message: Option<Event>,
}

/// A member's role and read mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberPlace {
    pub(crate) role: Role,
    pub(crate) read: Seq,
    pub(crate) counts: Counts,
}

impl MemberPlace {
    /// As it is shown.
    pub(crate) fn membership(&self) -> Membership {
        Membership { role: self.role, read: self.read, unread: self.counts.unread() }
    }
}

/// Which events to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The place that is the last one not to be read.
    pub(crate) beyond: Seq,
    pub(crate) limit: u32,
    pub(crate) messages_only: bool,
}

/// The events of a topic after a place, up to and with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Range {
    pub(crate) topic: TopicId,
    pub(crate) after: Seq,
    pub(crate) up_to: Seq,
}

/// An event other than a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewEvent {
    pub(crate) actor: UserId,
    pub(crate) subject: Option<UserId>,
    pub(crate) body: EventBody,
}

/// A message to append.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppendRow<'a> {
    pub(crate) room: RoomId,
    pub(crate) actor: UserId,
    pub(crate) key: &'a str,
    pub(crate) text: &'a str,
    pub(crate) detail: Option<&'a str>,
    /// Whom it is to mention, each once: who is a member when it is appended.
    pub(crate) mentions: &'a [UserId],
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AppendOutcome {
    /// It is committed, now or before.
    Appended(Appended),
    /// There is no such room.
    NoRoom,
    /// The sender is not a member.
    NotMember,
}

/// A room and a user's standing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoomState {
    /// There is no such room.
    NoRoom,
    /// The user is not a member.
    NotMember,
    /// The user is a member.
    Member {
        /// The last place of the log.
        head: Seq,
        /// How many members there are.
        member_count: u64,
        /// What the user may do.
        role: Role,
        /// The read mark.
        read: Seq,
    },
}

/// Where a user's inbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InboxState {
    /// The last place of the log.
    pub(crate) head: Seq,
    /// The read mark.
    pub(crate) read: Seq,
}

impl InboxState {
    /// The notices after the read mark.
    pub(crate) const fn unread(self) -> u64 {
        self.head.since(self.read)
    }
}

/// What else there is to say of a message, as the database keeps it; nothing of most.
pub(crate) fn message_detail(message: &madang_domain::event::Message) -> Option<String> {
    rows::message_detail(message)
}
