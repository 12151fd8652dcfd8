//! The index of what messages say. Compiled once for each database: see [`crate::store`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{
    RoomId, Seq, UserId,
    event::{Deleted, Edited, EventBody, is_message},
};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    connection::Connection,
    driver::Db,
    index,
    index_rows::{LogRow, PlaceRow, TextRow},
};
use crate::store::{
    search::{
        ByTime, IndexPosition, IndexSweep, IndexedPiece, LogPiece, SaidText, Search, SearchedRooms, Wanted,
    },
    values::{seq, signed, unsigned},
};

/// Waits for whoever writes to the index of the room, and voids what was read of the room before.
const NOTE_ERASURE: &str = "\
    INSERT INTO search_positions (room, seq, erasures) VALUES ($1, 0, 1) \
    ON CONFLICT (room) DO UPDATE SET erasures = search_positions.erasures + 1";
const DELETE_TOKENS: &str = "DELETE FROM search WHERE room = $1 AND message = $2";

const SWEEP: &str = "\
    SELECT r.id, r.head > coalesce(p.seq, 0) AS behind FROM rooms r LEFT JOIN search_positions p ON p.room = r.id \
    WHERE r.id > $1 ORDER BY r.id LIMIT $2";
const SEARCHED_ROOMS: &str = "\
    SELECT m.room, r.head > coalesce(p.seq, 0) AS behind, CASE WHEN r.history = 2 THEN m.visible_after ELSE 0 END AS hidden \
    FROM members m JOIN rooms r ON r.id = m.room LEFT JOIN search_positions p ON p.room = m.room \
    WHERE m.user_id = $1 ORDER BY r.active_at DESC, r.id DESC LIMIT $2";
const IS_BEHIND: &str = "\
    SELECT r.head > coalesce(p.seq, 0) FROM rooms r LEFT JOIN search_positions p ON p.room = r.id WHERE r.id = $1";

/// A piece of a log while its rows are read.
struct Reading {
    piece: LogPiece,
    /// The messages among its events, each once as it is now.
    messages: BTreeMap<Seq, SaidText>,
    /// The messages that were edited or deleted, which may lie before the piece.
    changed: Vec<Seq>,
}

/// Reads rows, those of each room in order, as pieces. Places are contiguous: a row that does not follow the one before
/// it waits for the next time.
fn pieces(rows: Vec<LogRow>) -> DatabaseResult<BTreeMap<RoomId, Reading>> {
    let mut rooms: BTreeMap<RoomId, Reading> = BTreeMap::new();
    for row in rows {
        let room = RoomId::new(row.room);
        let position = IndexPosition { seq: seq(row.position)?, erasures: unsigned(row.erasures)? };
        let reading = rooms.entry(room).or_insert_with(|| Reading {
            piece: LogPiece { room, position, up_to: position.seq, messages: Vec::new() },
            messages: BTreeMap::new(),
            changed: Vec::new(),
        });
        let place = seq(row.seq)?;
        if place != reading.piece.up_to.next() {
            continue;
        }
        reading.piece.up_to = place;
        if is_message(row.kind) {
            let (topic, seq, at) = (row.room, row.seq, row.at);
            let said = TextRow { topic, seq, at, actor: row.actor, text: row.text };
            reading.messages.insert(place, said.try_into()?);
        } else if let Some(changed) = changed(row.kind, row.detail.as_deref())? {
            reading.changed.push(changed);
        }
    }
    Ok(rooms)
}

/// The message that an event has changed.
fn changed(kind: i16, detail: Option<&str>) -> DatabaseResult<Option<Seq>> {
    let Some(detail) = detail else { return Ok(None) };
    match EventBody::read(kind, Some(detail), true) {
        Ok(EventBody::Edited(Edited { message, .. }) | EventBody::Deleted(Deleted { message, .. })) => {
            Ok(Some(message))
        }
        Ok(_) => Ok(None),
        Err(error) => Err(DatabaseError::corrupt("event", error)),
    }
}

#[async_trait]
impl Search for Connection {
    async fn unindexed(&mut self, rooms: &[RoomId], limit: u32) -> DatabaseResult<Vec<LogPiece>> {
        let rows = index::unindexed(self.connection(), rooms, i64::from(limit)).await;
        let mut rooms = pieces(self.settle(rows)?)?;
        // Read later than the events: a change in between is voided by its erasure, or has an event of its own behind
        // the piece.
        let changed: Vec<(Uuid, i64)> = rooms
            .iter()
            .flat_map(|(room, reading)| reading.changed.iter().map(|seq| (room.uuid(), signed(seq.get()))))
            .collect();
        if !changed.is_empty() {
            let texts = index::texts(self.connection(), &changed).await;
            for row in self.settle(texts)? {
                let Some(reading) = rooms.get_mut(&RoomId::new(row.topic)) else { continue };
                let said = SaidText::try_from(row)?;
                reading.messages.insert(said.message, said);
            }
        }
        let piece = |Reading { piece, messages, .. }: Reading| LogPiece {
            messages: messages.into_values().collect(),
            ..piece
        };
        Ok(rooms.into_values().map(piece).collect())
    }

    async fn index(&mut self, pieces: &[IndexedPiece]) -> DatabaseResult<Vec<RoomId>> {
        let rooms: Vec<Uuid> = pieces.iter().map(|piece| piece.room.uuid()).collect();
        let positions = index::lock_positions(self.connection(), &rooms).await;
        let mut current = BTreeMap::new();
        for (room, position, erasures) in self.settle(positions)? {
            let position = IndexPosition { seq: seq(position)?, erasures: unsigned(erasures)? };
            current.insert(RoomId::new(room), position);
        }
        let is_current = |piece: &&IndexedPiece| current.get(&piece.room) == Some(&piece.position);
        let pieces: Vec<&IndexedPiece> = pieces.iter().filter(is_current).collect();
        if !pieces.is_empty() {
            let written = index::write(self.connection(), &pieces).await;
            self.settle(written)?;
        }
        Ok(pieces.into_iter().map(|piece| piece.room).collect())
    }

    async fn unindex(&mut self, room: RoomId, message: Seq) -> DatabaseResult<()> {
        run!(self, query::<Db>(NOTE_ERASURE).bind(room.uuid()), execute)?;
        let query = query::<Db>(DELETE_TOKENS).bind(room.uuid()).bind(signed(message.get()));
        run!(self, query, execute).map(drop)
    }

    async fn sweep_index(&mut self, after: Option<RoomId>, limit: u32) -> DatabaseResult<IndexSweep> {
        let after = after.map_or(Uuid::nil(), RoomId::uuid);
        let query = query_as::<Db, (Uuid, bool)>(SWEEP).bind(after).bind(i64::from(limit));
        let rows = run!(self, query, fetch_all)?;
        let is_full = rows.len() as u64 >= u64::from(limit);
        let last = rows.last().filter(|_| is_full).map(|(room, _)| RoomId::new(*room));
        Ok(IndexSweep { behind: behind(&rows), last })
    }

    async fn searched_rooms(&mut self, user: UserId, limit: u32) -> DatabaseResult<SearchedRooms> {
        let query =
            query_as::<Db, (Uuid, bool, i64)>(SEARCHED_ROOMS).bind(user.uuid()).bind(i64::from(limit));
        let mut searched = SearchedRooms::default();
        for (room, is_behind, hidden) in run!(self, query, fetch_all)? {
            let room = RoomId::new(room);
            searched.rooms.push(room);
            searched.hidden.insert(room, seq(hidden)?);
            if is_behind {
                searched.behind.push(room);
            }
        }
        Ok(searched)
    }

    async fn is_behind(&mut self, room: RoomId) -> DatabaseResult<bool> {
        let query = query_scalar::<Db, bool>(IS_BEHIND).bind(room.uuid());
        Ok(run!(self, query, fetch_optional)?.unwrap_or(false))
    }

    async fn found(&mut self, wanted: &Wanted, beyond: ByTime, limit: u32) -> DatabaseResult<Vec<ByTime>> {
        let rows = index::found(self.connection(), wanted, beyond, i64::from(limit)).await;
        self.settle(rows)?.iter().map(PlaceRow::place).collect()
    }
}

fn behind(rows: &[(Uuid, bool)]) -> Vec<RoomId> {
    rows.iter().filter(|(_, behind)| *behind).map(|(room, _)| RoomId::new(*room)).collect()
}
