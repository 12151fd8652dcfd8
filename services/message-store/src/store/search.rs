//! The index of what messages say, as the store has it: the tokens of each message, and how far each room is indexed.

use std::collections::HashMap;

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{RoomId, Seq, Timestamp, UserId};

/// How far a room is indexed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct IndexPosition {
    /// The place up to which the log was read.
    pub(crate) seq: Seq,
    /// How many messages of the room were erased since. What was read before an erasure is not written after it.
    pub(crate) erasures: u64,
}

/// Events of a room's log that are not indexed yet, the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogPiece {
    pub(crate) room: RoomId,
    /// Where it begins.
    pub(crate) position: IndexPosition,
    /// The place of its last event.
    pub(crate) up_to: Seq,
    /// The messages among the events as they are now, and those whose edit or deletion is among them.
    pub(crate) messages: Vec<SaidText>,
}

/// What a message says now; an empty text where it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SaidText {
    pub(crate) message: Seq,
    pub(crate) at: Timestamp,
    pub(crate) sender: UserId,
    pub(crate) text: String,
}

/// A piece of a log as it is written to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexedPiece {
    pub(crate) room: RoomId,
    pub(crate) position: IndexPosition,
    pub(crate) up_to: Seq,
    pub(crate) messages: Vec<IndexedMessage>,
}

/// The tokens of a message, with blanks between them; none where it is found by nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexedMessage {
    pub(crate) message: Seq,
    pub(crate) at: Timestamp,
    pub(crate) tokens: Option<String>,
}

/// Some of all rooms, in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IndexSweep {
    /// Those of them that are not indexed up to their heads.
    pub(crate) behind: Vec<RoomId>,
    /// The last one; none where there are no more rooms.
    pub(crate) last: Option<RoomId>,
}

/// The rooms that a user may search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SearchedRooms {
    pub(crate) rooms: Vec<RoomId>,
    /// The place in each up to which the user sees nothing; 0 where the user sees all.
    pub(crate) hidden: HashMap<RoomId, Seq>,
    /// Those of them that are not indexed up to their heads.
    pub(crate) behind: Vec<RoomId>,
}

/// A place among the messages of all rooms, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByTime {
    pub(crate) at: Timestamp,
    pub(crate) room: RoomId,
    pub(crate) message: Seq,
}

/// Which messages to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// All of these.
    pub(crate) tokens: Vec<String>,
    /// In one of these; wherever they are where it is empty.
    pub(crate) rooms: Vec<RoomId>,
    /// Those later than this.
    pub(crate) after: Timestamp,
}

/// Statements on the index.
#[async_trait]
pub(crate) trait Search {
    /// What is not indexed yet of rooms that exist, at most `limit` events in all. A room from which nothing comes may
    /// have more.
    async fn unindexed(&mut self, rooms: &[RoomId], limit: u32) -> DatabaseResult<Vec<LogPiece>>;

    /// Writes pieces, within a transaction, in the order of their rooms. Answers the rooms whose position was still that
    /// of the piece; nothing is written of the others.
    async fn index(&mut self, pieces: &[IndexedPiece]) -> DatabaseResult<Vec<RoomId>>;

    /// Forgets a message, within the transaction that erases it, and makes sure that nobody who has read its text before
    /// writes it to the index.
    async fn unindex(&mut self, room: RoomId, message: Seq) -> DatabaseResult<()>;

    /// Compares the heads of rooms after one with their positions.
    async fn sweep_index(&mut self, after: Option<RoomId>, limit: u32) -> DatabaseResult<IndexSweep>;

    /// A user's rooms, those with the latest activity first.
    async fn searched_rooms(&mut self, user: UserId, limit: u32) -> DatabaseResult<SearchedRooms>;

    /// Whether a room is not indexed up to its head.
    async fn is_behind(&mut self, room: RoomId) -> DatabaseResult<bool>;

    /// The places of messages that come after a place, the newest first.
    async fn found(&mut self, wanted: &Wanted, beyond: ByTime, limit: u32) -> DatabaseResult<Vec<ByTime>>;
}
