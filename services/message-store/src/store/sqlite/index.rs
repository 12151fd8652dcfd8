//! The statements of search that differ between the databases: here they go one by one, and the index is FTS5's.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection, query, query_as};
use uuid::Uuid;

use super::index_rows::{LogRow, PlaceRow, TextRow};
use crate::store::{
    search::{ByTime, IndexedMessage, IndexedPiece, Wanted},
    values::signed,
};

const UNINDEXED: &str = "\
    SELECT r.id AS room, coalesce(p.seq, 0) AS position, coalesce(p.erasures, 0) AS erasures, \
        e.seq, e.kind, e.at, e.actor, CASE WHEN e.kind IN (1, 30) THEN e.text END AS text, \
        CASE WHEN e.kind IN (10, 11) THEN e.detail END AS detail \
    FROM rooms r LEFT JOIN search_positions p ON p.room = r.id \
    JOIN events e ON e.topic = r.id AND e.seq > coalesce(p.seq, 0) WHERE r.id = $1 ORDER BY e.seq LIMIT $2";

const TEXT: &str = "SELECT e.topic, e.seq, e.at, e.actor, e.text FROM events e WHERE e.topic = $1 AND e.seq = $2 AND e.kind IN (1, 30)";

const MAKE_POSITION: &str =
    "INSERT INTO search_positions (room, seq, erasures) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING";
const POSITION: &str = "SELECT room, seq, erasures FROM search_positions WHERE room = $1";
const MOVE_POSITION: &str = "UPDATE search_positions SET seq = $2 WHERE room = $1";

const WRITE_TOKENS: &str = "\
    INSERT INTO search (room, message, at, tokens) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (room, message) DO UPDATE SET tokens = excluded.tokens";
const DELETE_TOKENS: &str = "DELETE FROM search WHERE room = $1 AND message = $2";

/// CROSS JOIN: the index is asked first, whatever the planner thinks of the sizes. Rooms are compared in the rows that it
/// names: an expression of FTS5 with a thousand of them takes longer.
const FOUND: &str = "\
    SELECT s.room, s.message, s.at FROM search_index CROSS JOIN search s ON s.id = search_index.rowid \
    WHERE search_index MATCH ";

pub(super) async fn unindexed(
    connection: &mut SqliteConnection,
    rooms: &[madang_domain::RoomId],
    limit: i64,
) -> Result<Vec<LogRow>, sqlx::Error> {
    let mut rows = Vec::new();
    for room in rooms {
        let left = limit - rows.len() as i64;
        if left <= 0 {
            break;
        }
        let query = query_as(UNINDEXED).bind(room.uuid()).bind(left);
        rows.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

pub(super) async fn texts(
    connection: &mut SqliteConnection,
    places: &[(Uuid, i64)],
) -> Result<Vec<TextRow>, sqlx::Error> {
    let mut rows = Vec::with_capacity(places.len());
    for (topic, seq) in places {
        rows.extend(query_as(TEXT).bind(topic).bind(seq).fetch_optional(&mut *connection).await?);
    }
    Ok(rows)
}

/// The positions of rooms. The transaction has locked the whole database.
pub(super) async fn lock_positions(
    connection: &mut SqliteConnection,
    rooms: &[Uuid],
) -> Result<Vec<(Uuid, i64, i64)>, sqlx::Error> {
    let mut positions = Vec::with_capacity(rooms.len());
    for room in rooms {
        query(MAKE_POSITION).bind(room).execute(&mut *connection).await?;
        positions.push(query_as(POSITION).bind(room).fetch_one(&mut *connection).await?);
    }
    Ok(positions)
}

pub(super) async fn write(
    connection: &mut SqliteConnection,
    pieces: &[&IndexedPiece],
) -> Result<(), sqlx::Error> {
    for piece in pieces {
        let room = piece.room.uuid();
        query(MOVE_POSITION).bind(room).bind(signed(piece.up_to.get())).execute(&mut *connection).await?;
        for IndexedMessage { message, at, tokens } in &piece.messages {
            let message = signed(message.get());
            let query = match tokens {
                Some(line) => query(WRITE_TOKENS).bind(room).bind(message).bind(at.as_micros()).bind(line),
                None => query(DELETE_TOKENS).bind(room).bind(message),
            };
            query.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

pub(super) async fn found(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    beyond: ByTime,
    limit: i64,
) -> Result<Vec<PlaceRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(FOUND);
    query.push_bind(expression(&wanted.tokens));
    query.push(" AND s.at > ").push_bind(wanted.after.as_micros());
    query.push(" AND (s.at, s.room, s.message) < (").push_bind(beyond.at.as_micros());
    query.push(", ").push_bind(beyond.room.uuid());
    query.push(", ").push_bind(signed(beyond.message.get())).push(")");
    if !wanted.rooms.is_empty() {
        query.push(" AND s.room IN (");
        let mut list = query.separated(", ");
        for room in &wanted.rooms {
            list.push_bind(room.uuid());
        }
        query.push(")");
    }
    query.push(" ORDER BY s.at DESC, s.room DESC, s.message DESC LIMIT ").push_bind(limit);
    // The statement is not cached as prepared, since there would be one for each length of the list.
    query.build_query_as().persistent(false).fetch_all(connection).await
}

/// What FTS5 is asked for: all tokens. A token has neither blanks nor quotes.
fn expression(tokens: &[String]) -> String {
    let quoted: Vec<String> = tokens.iter().map(|token| format!("\"{token}\"")).collect();
    quoted.join(" AND ")
}
