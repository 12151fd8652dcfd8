//! The store's log, as PostgreSQL has it at the end.

use madang_domain::{RoomId, UserId};
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::{
    error::Result,
    history::{Logged, message_digest, other_digest},
};

/// `events.kind`, beside the name that the kind has on the wire.
const KINDS: [(i16, &str); 4] = [(2, "joined"), (3, "left"), (4, "role"), (5, "room")];

/// `events.kind` of a message.
const MESSAGE: i16 = 1;

/// The log of each room, in order.
///
/// # Errors
/// When PostgreSQL does not answer.
pub async fn read(database_url: &str, rooms: &[RoomId]) -> Result<Vec<Vec<Logged>>> {
    const QUERY: &str = "SELECT seq, kind, actor, key, text FROM events WHERE topic = $1 ORDER BY seq";
    let mut connection = PgConnection::connect(database_url).await?;
    let mut logs = Vec::with_capacity(rooms.len());
    for room in rooms {
        let rows = sqlx::query(QUERY).bind(room.uuid()).fetch_all(&mut connection).await?;
        logs.push(rows.iter().map(logged).collect::<sqlx::Result<_>>()?);
    }
    connection.close().await?;
    Ok(logs)
}

fn logged(row: &PgRow) -> sqlx::Result<Logged> {
    let seq = row.try_get::<i64, _>("seq")?.cast_unsigned();
    let kind: i16 = row.try_get("kind")?;
    if kind != MESSAGE {
        let name = KINDS.iter().find(|(number, _)| *number == kind).map_or("unknown", |(_, name)| name);
        return Ok(Logged { seq, key: None, digest: other_digest(name) });
    }
    let sender = UserId::new(row.try_get::<Uuid, _>("actor")?);
    let key: Box<str> = row.try_get::<String, _>("key")?.into();
    let text: String = row.try_get("text")?;
    // A message's id is its seq.
    let digest = message_digest(&seq.to_string(), sender, &key, &text);
    Ok(Logged { seq, key: Some((sender, key)), digest })
}
