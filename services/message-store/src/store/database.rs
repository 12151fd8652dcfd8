//! One of the databases, and one connection of it.

use std::sync::Arc;

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{Epoch, Profile, RoomId, RoomRef, Seq, Timestamp, UserId, Username, event::Event};
use madang_kit::Metrics;

use super::{
    batches::{AppendOutcome, AppendRow, RoomState},
    blocks::Blocks,
    erasures::Erasures,
    events::{Events, Range},
    exports::Exports,
    files::Files,
    inboxes::{InboxOpening, InboxState, Inboxes},
    invitation_links::InvitationLinks,
    invitations::Invitations,
    member_tells::MemberTells,
    members::Members,
    messages::Messages,
    people::People,
    profiles::Profiles,
    purge::Purge,
    reads::Reads,
    reports::Reports,
    restrictions::Restrictions,
    rooms::Rooms,
    search::Search,
    slugs::Slugs,
    threads::Threads,
};

/// Where the migrations that were applied are listed. A name of its own, since services may share a database.
pub(super) const MIGRATIONS_TABLE: &str = "message_store_migrations";

/// One of the databases.
#[async_trait]
pub(crate) trait Database: Send + Sync + 'static {
    /// Checks that the database can be used, and applies the migrations under a lock, or else checks that they are applied.
    /// On the first time `new_epoch` becomes the log's epoch.
    async fn prepare(&self, new_epoch: Epoch, migrate: bool) -> DatabaseResult<()>;

    /// Gives the log another epoch.
    async fn renew_epoch(&self, epoch: Epoch) -> DatabaseResult<()>;

    /// How many events of logs one transaction of the indexer of search takes.
    fn index_chunk_events(&self) -> u32;

    /// Whether the database answers.
    async fn ping(&self) -> DatabaseResult<()>;

    /// Shows the connections in metrics.
    fn observe(&self, metrics: &Metrics);

    /// Closes what is idle. What is in use closes when it is given back.
    async fn close(&self);

    /// A connection for reading.
    async fn reader(&self) -> DatabaseResult<Box<dyn Connection>>;

    /// A connection for single statements that may write.
    async fn writer(&self) -> DatabaseResult<Box<dyn Connection>>;

    /// A connection within a transaction that may write. Dropped without a commit, it rolls back.
    async fn begin(&self) -> DatabaseResult<Box<dyn Connection>>;

    /// Writes profiles, each where it is newer than the one that is there. Sorted by user, each once.
    async fn save_profiles(&self, profiles: &[Arc<Profile>]) -> DatabaseResult<()>;

    /// The members of rooms who have these names: each with the place of what was asked.
    async fn named_members(&self, asked: &[(RoomId, Username)]) -> DatabaseResult<Vec<(usize, UserId)>>;

    /// Appends messages, and the notices of whom they mention, in one transaction; an outcome for each, in order.
    async fn append(&self, now: Timestamp, rows: &[AppendRow<'_>]) -> DatabaseResult<Vec<AppendOutcome>>;

    /// Where users stand in rooms, and the epoch; a state for each place, in order, all of one moment.
    async fn states(&self, places: &[(RoomId, UserId)]) -> DatabaseResult<(Epoch, Vec<RoomState>)>;

    /// The events of many ranges; those of each in order. Of one with more bytes than a page has, the last ones that fit.
    async fn ranges(&self, ranges: &[Range]) -> DatabaseResult<Vec<Event>>;

    /// The rooms that references name, at the place of each.
    async fn resolve(&self, rooms: &[RoomRef]) -> DatabaseResult<Vec<Option<RoomId>>>;

    /// The heads of the rooms that exist, or were deleted lately.
    async fn heads(&self, rooms: &[RoomId]) -> DatabaseResult<Vec<(RoomId, Seq)>>;

    /// Where users' inboxes stand, and the epoch; a state for each user, in order, all of one moment.
    async fn inbox_states(&self, users: &[UserId]) -> DatabaseResult<(Epoch, Vec<InboxState>)>;

    /// The same with the users' profiles: in one statement, since each connection of a user asks.
    async fn inbox_openings(&self, users: &[UserId]) -> DatabaseResult<(Epoch, Vec<InboxOpening>)>;
}

/// One connection, within a transaction or not. Dropping it closes it, and rolls back what was not committed.
#[async_trait]
pub(crate) trait Connection:
    Rooms
    + MemberTells
    + Members
    + Messages
    + People
    + Profiles
    + Events
    + Files
    + Inboxes
    + Invitations
    + InvitationLinks
    + Restrictions
    + Blocks
    + Erasures
    + Exports
    + Purge
    + Reports
    + Reads
    + Search
    + Slugs
    + Threads
    + Send
{
    /// Commits, where there is a transaction, and gives the connection back.
    async fn commit(self: Box<Self>) -> DatabaseResult<()>;

    /// Rolls back, where there is a transaction, and gives the connection back.
    async fn rollback(self: Box<Self>) -> DatabaseResult<()>;
}
