//! What the statements of search give. Compiled once for each database: see [`crate::store`].

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{RoomId, Timestamp, UserId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::store::{
    search::{ByTime, SaidText},
    values::{missing, seq},
};

/// An event of a log after the position of its room.
#[derive(Debug, FromRow)]
pub(super) struct LogRow {
    pub(super) room: Uuid,
    pub(super) position: i64,
    pub(super) erasures: i64,
    pub(super) seq: i64,
    pub(super) kind: i16,
    pub(super) at: i64,
    pub(super) actor: Uuid,
    /// Of a message.
    pub(super) text: Option<String>,
    /// Of an edit or a deletion.
    pub(super) detail: Option<String>,
}

/// A message as it is now.
#[derive(Debug, FromRow)]
pub(super) struct TextRow {
    pub(super) topic: Uuid,
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) actor: Uuid,
    pub(super) text: Option<String>,
}

/// The place of a message that was found.
#[derive(Debug, FromRow)]
pub(super) struct PlaceRow {
    pub(super) room: Uuid,
    pub(super) message: i64,
    pub(super) at: i64,
}

impl TryFrom<TextRow> for SaidText {
    type Error = DatabaseError;

    fn try_from(row: TextRow) -> DatabaseResult<Self> {
        Ok(Self {
            message: seq(row.seq)?,
            at: Timestamp::from_micros(row.at),
            sender: UserId::new(row.actor),
            text: row.text.ok_or_else(|| missing("text"))?,
        })
    }
}

impl PlaceRow {
    pub(super) fn place(&self) -> DatabaseResult<ByTime> {
        let at = Timestamp::from_micros(self.at);
        Ok(ByTime { at, room: RoomId::new(self.room), message: seq(self.message)? })
    }
}
