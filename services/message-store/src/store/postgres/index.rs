//! The statements of search that differ between the databases: here they take many things at once, as arrays.

use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use super::index_rows::{LogRow, PlaceRow, TextRow};
use crate::store::{
    search::{ByTime, IndexedMessage, IndexedPiece, Wanted},
    values::signed,
};

/// Of one moment: the positions, and the events behind them. The rows of each room come in order, since the inner
/// statement orders them and the outer one is a nested loop; whoever reads them sees to it.
const UNINDEXED: &str = "\
    SELECT r.id AS room, coalesce(p.seq, 0) AS position, coalesce(p.erasures, 0) AS erasures, \
        e.seq, e.kind, e.at, e.actor, e.text, e.detail \
    FROM unnest($1::uuid[]) AS asked (room) JOIN rooms r ON r.id = asked.room \
    LEFT JOIN search_positions p ON p.room = r.id \
    CROSS JOIN LATERAL ( \
        SELECT e.seq, e.kind, e.at, e.actor, CASE WHEN e.kind IN (1, 30) THEN e.text END AS text, \
            CASE WHEN e.kind IN (10, 11) THEN e.detail END AS detail \
        FROM events e WHERE e.topic = r.id AND e.seq > coalesce(p.seq, 0) ORDER BY e.seq LIMIT $2 \
    ) e LIMIT $2";

const TEXTS: &str = "\
    SELECT e.topic, e.seq, e.at, e.actor, e.text FROM unnest($1::uuid[], $2::bigint[]) AS asked (topic, seq) \
    JOIN events e ON e.topic = asked.topic AND e.seq = asked.seq AND e.kind IN (1, 30)";

const MAKE_POSITIONS: &str = "\
    INSERT INTO search_positions (room, seq, erasures) \
    SELECT asked.room, 0, 0 FROM unnest($1::uuid[]) AS asked (room) ORDER BY asked.room ON CONFLICT DO NOTHING";

/// In the order of rooms, so that replicas cannot deadlock. A row that another transaction has changed is read again once
/// that has ended.
const LOCK_POSITIONS: &str = "\
    SELECT p.room, p.seq, p.erasures FROM search_positions p WHERE p.room = ANY ($1) ORDER BY p.room FOR UPDATE";

const MOVE_POSITIONS: &str = "\
    UPDATE search_positions p SET seq = moved.seq \
    FROM unnest($1::uuid[], $2::bigint[]) AS moved (room, seq) WHERE p.room = moved.room";

const WRITE_TOKENS: &str = "\
    INSERT INTO search (room, message, at, tokens) \
    SELECT new.room, new.message, new.at, string_to_array(new.tokens, ' ') \
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) AS new (room, message, at, tokens) \
    ON CONFLICT (room, message) DO UPDATE SET tokens = excluded.tokens";

const DELETE_TOKENS: &str = "\
    DELETE FROM search s USING unnest($1::uuid[], $2::bigint[]) AS gone (room, message) \
    WHERE s.room = gone.room AND s.message = gone.message";

macro_rules! found {
    ($rooms:literal, $limit:literal) => {
        concat!(
            "SELECT s.room, s.message, s.at FROM search s WHERE s.tokens @> $1 AND s.at > $2 \
             AND (s.at, s.room, s.message) < ($3, $4, $5) ",
            $rooms,
            "ORDER BY s.at DESC, s.room DESC, s.message DESC LIMIT ",
            $limit
        )
    };
}

const FOUND: &str = found!("", "$6");
/// Rooms by their ids, and not by their tokens. The index of tokens would read all that is said in each of them, also where the
/// words are rare; and each row that is looked at by time would be compared with each room. So the database chooses: what the
/// words name and then whether it is in one of the rooms, or the rooms by the primary key as well.
const FOUND_IN_ROOMS: &str = found!("AND s.room = ANY ($6) ", "$7");

pub(super) async fn unindexed(
    connection: &mut PgConnection,
    rooms: &[madang_domain::RoomId],
    limit: i64,
) -> Result<Vec<LogRow>, sqlx::Error> {
    let rooms: Vec<Uuid> = rooms.iter().map(|room| room.uuid()).collect();
    query_as(UNINDEXED).bind(rooms).bind(limit).fetch_all(connection).await
}

pub(super) async fn texts(
    connection: &mut PgConnection,
    places: &[(Uuid, i64)],
) -> Result<Vec<TextRow>, sqlx::Error> {
    let (topics, seqs): (Vec<Uuid>, Vec<i64>) = places.iter().copied().unzip();
    query_as(TEXTS).bind(topics).bind(seqs).fetch_all(connection).await
}

/// The positions of rooms, which nobody else changes until the transaction ends.
pub(super) async fn lock_positions(
    connection: &mut PgConnection,
    rooms: &[Uuid],
) -> Result<Vec<(Uuid, i64, i64)>, sqlx::Error> {
    query(MAKE_POSITIONS).bind(rooms).execute(&mut *connection).await?;
    query_as(LOCK_POSITIONS).bind(rooms).fetch_all(connection).await
}

pub(super) async fn write(
    connection: &mut PgConnection,
    pieces: &[&IndexedPiece],
) -> Result<(), sqlx::Error> {
    let (rooms, seqs): (Vec<Uuid>, Vec<i64>) =
        pieces.iter().map(|piece| (piece.room.uuid(), signed(piece.up_to.get()))).unzip();
    query(MOVE_POSITIONS).bind(rooms).bind(seqs).execute(&mut *connection).await?;

    let (mut rooms, mut messages, mut times, mut tokens) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut emptied_rooms, mut emptied) = (Vec::new(), Vec::new());
    for piece in pieces {
        for IndexedMessage { message, at, tokens: of_message } in &piece.messages {
            match of_message {
                Some(line) => {
                    rooms.push(piece.room.uuid());
                    messages.push(signed(message.get()));
                    times.push(at.as_micros());
                    tokens.push(line.as_str());
                }
                None => {
                    emptied_rooms.push(piece.room.uuid());
                    emptied.push(signed(message.get()));
                }
            }
        }
    }
    if !rooms.is_empty() {
        let query = query(WRITE_TOKENS).bind(rooms).bind(messages).bind(times).bind(tokens);
        query.execute(&mut *connection).await?;
    }
    if !emptied.is_empty() {
        query(DELETE_TOKENS).bind(emptied_rooms).bind(emptied).execute(connection).await?;
    }
    Ok(())
}

pub(super) async fn found(
    connection: &mut PgConnection,
    wanted: &Wanted,
    beyond: ByTime,
    limit: i64,
) -> Result<Vec<PlaceRow>, sqlx::Error> {
    let statement = if wanted.rooms.is_empty() { FOUND } else { FOUND_IN_ROOMS };
    let query = query_as(statement)
        .bind(&wanted.tokens)
        .bind(wanted.after.as_micros())
        .bind(beyond.at.as_micros())
        .bind(beyond.room.uuid())
        .bind(signed(beyond.message.get()));
    let rooms: Vec<Uuid> = wanted.rooms.iter().map(|room| room.uuid()).collect();
    let query = if rooms.is_empty() { query } else { query.bind(rooms) };
    // Not prepared for later: what is rare is found by its tokens, and what is frequent by looking at the latest messages.
    // The plan must depend on which of both it is.
    query.bind(limit).persistent(false).fetch_all(connection).await
}
