//! The store's logs, as PostgreSQL has them at the end.

use std::collections::HashMap;

use madang_domain::UserId;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::{
    crowd::people,
    error::Result,
    history::{History, Logged, NoticeKind, Stored, message_digest, other_digest},
};

/// `events.kind`, beside the name that the kind has on the wire.
const KINDS: [(i16, &str); 4] = [(2, "joined"), (3, "left"), (4, "role"), (5, "room")];

/// `events.kind` of a message.
const MESSAGE: i16 = 1;

/// `events.kind` of a mention and of an invitation, in inboxes.
const NOTICE_KINDS: [(i16, NoticeKind); 2] = [(6, NoticeKind::Mention), (7, NoticeKind::Invite)];

/// The log of each room and of each client's inbox, in order.
///
/// # Errors
/// When PostgreSQL does not answer.
pub async fn read(database_url: &str, history: &History) -> Result<Stored> {
    const QUERY: &str = "SELECT seq, kind, actor, key, text FROM events WHERE topic = $1 ORDER BY seq";
    const INBOX: &str = "SELECT seq, kind FROM events WHERE topic = $1 ORDER BY seq";
    let mut connection = PgConnection::connect(database_url).await?;
    let mut stored = Stored::default();
    for room in &history.rooms {
        let rows = sqlx::query(QUERY).bind(room.uuid()).fetch_all(&mut connection).await?;
        stored.rooms.push(rows.iter().map(|row| logged(row, history)).collect::<sqlx::Result<_>>()?);
    }
    let users: HashMap<UserId, ()> = history.clients.iter().map(|client| (client.user, ())).collect();
    for user in users.into_keys() {
        let rows = sqlx::query(INBOX).bind(user.uuid()).fetch_all(&mut connection).await?;
        stored.inboxes.insert(user, rows.iter().map(notice).collect::<sqlx::Result<_>>()?);
    }
    connection.close().await?;
    Ok(stored)
}

fn logged(row: &PgRow, history: &History) -> sqlx::Result<Logged> {
    let seq = row.try_get::<i64, _>("seq")?.cast_unsigned();
    let kind: i16 = row.try_get("kind")?;
    if kind != MESSAGE {
        let name = KINDS.iter().find(|(number, _)| *number == kind).map_or("unknown", |(_, name)| name);
        return Ok(Logged { seq, key: None, digest: other_digest(name), names: Vec::new() });
    }
    let sender = UserId::new(row.try_get::<Uuid, _>("actor")?);
    let key: Box<str> = row.try_get::<String, _>("key")?.into();
    let text: String = row.try_get("text")?;
    // A message's id is its seq.
    let digest = message_digest(&seq.to_string(), sender, &key, &text);
    let named = people::named_in(&text).filter_map(|number| Some(history.clients.get(number)?.user));
    let names = named.filter(|user| *user != sender).collect();
    Ok(Logged { seq, key: Some((sender, key)), digest, names })
}

fn notice(row: &PgRow) -> sqlx::Result<(u64, NoticeKind)> {
    let seq = row.try_get::<i64, _>("seq")?.cast_unsigned();
    let kind: i16 = row.try_get("kind")?;
    let known = NOTICE_KINDS.iter().find(|(number, _)| *number == kind);
    Ok((seq, known.map_or(NoticeKind::Other, |(_, kind)| *kind)))
}
