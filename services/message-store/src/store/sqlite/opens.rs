//! Opening subscriptions: where everybody stands and what they missed, statement by statement.

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{Epoch, RoomId, RoomRef, UserId, limits::PAGE_MAX_BYTES};
use sqlx::{FromRow, SqliteConnection, query_as, query_scalar};
use uuid::Uuid;

use super::{
    events::{EventRow, OriginalRow},
    profiles::ProfileColumns,
};
use crate::store::{
    batches::RoomState,
    columns::{
        event_columns, event_columns_without_texts, event_profiles, event_size, first_that_fits, role_of,
    },
    events::Range,
    inboxes::InboxState,
    values::{role_from_number, seq, signed, unsigned},
};

const STATE: &str = concat!(
    "SELECT r.head, r.member_count, ",
    role_of!("m"),
    " AS role, m.read_seq, \
        CASE WHEN r.history = 2 THEN m.visible_after ELSE 0 END AS visible_after FROM rooms r \
    LEFT JOIN members m ON m.room = r.id AND m.user_id = $2 WHERE r.id = $1"
);

const RANGE: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM ",
    first_that_fits!("$1", "$2", "$3"),
    "CROSS JOIN events e",
    event_profiles!(),
    "WHERE e.topic = $1 AND e.seq >= p.first AND e.seq <= $3 ORDER BY e.seq"
);

const ORIGINAL: &str = "\
    SELECT e.topic, e.seq, e.actor, e.text, a.username, a.name, a.avatar_url, a.external_id, a.version \
    FROM rooms r JOIN events e ON e.topic = r.id LEFT JOIN profiles a ON a.user_id = e.actor \
    WHERE r.id = $1 AND e.seq = $2 AND e.kind IN (1, 30) AND (r.history = 1 OR e.seq > r.newcomers_after)";

const OWN_REACTIONS: &str =
    "SELECT message, emoji FROM reactions WHERE room = $1 AND user_id = $2 AND message = $3";

const HEAD: &str = "\
    SELECT head FROM rooms WHERE id = $1 \
    UNION ALL SELECT head FROM purges WHERE topic = $1 AND head IS NOT NULL";

const PROFILE: &str =
    "SELECT username, name, avatar_url, external_id, version FROM profiles WHERE user_id = $1";

const HIDES: &str =
    "SELECT hides_presence, hides_typing, version, blocks_version FROM user_settings WHERE user_id = $1";

const BLOCKED: &str = "SELECT blocked FROM blocks WHERE blocker = $1";

#[derive(Debug, FromRow)]
pub(super) struct StateRow {
    head: i64,
    member_count: i64,
    role: Option<i16>,
    read_seq: Option<i64>,
    visible_after: Option<i64>,
}

pub(super) async fn epoch(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    query_scalar("SELECT epoch FROM log_epoch").fetch_one(connection).await
}

pub(super) async fn states(
    connection: &mut SqliteConnection,
    places: &[(RoomId, UserId)],
) -> Result<Vec<Option<StateRow>>, sqlx::Error> {
    let mut rows = Vec::with_capacity(places.len());
    for (room, user) in places {
        let query = query_as(STATE).bind(room.uuid()).bind(user.uuid());
        rows.push(query.fetch_optional(&mut *connection).await?);
    }
    Ok(rows)
}

pub(super) fn read_states(
    epoch: i64,
    rows: Vec<Option<StateRow>>,
) -> DatabaseResult<(Epoch, Vec<RoomState>)> {
    let epoch = u32::try_from(epoch).map_err(|error| DatabaseError::corrupt("epoch", error))?;
    let states = rows.into_iter().map(|row| match row {
        None => Ok(RoomState::NoRoom),
        Some(StateRow { head, member_count, role: Some(role), read_seq: Some(read), visible_after }) => {
            Ok(RoomState::Member {
                head: seq(head)?,
                member_count: unsigned(member_count)?,
                role: role_from_number(role)?,
                read: seq(read)?,
                visible_after: seq(visible_after.unwrap_or(0))?,
            })
        }
        Some(_) => Ok(RoomState::NotMember),
    });
    Ok((Epoch::new(epoch), states.collect::<DatabaseResult<_>>()?))
}

pub(super) async fn ranges(
    connection: &mut SqliteConnection,
    ranges: &[Range],
) -> Result<Vec<EventRow>, sqlx::Error> {
    let mut rows = Vec::new();
    for range in ranges {
        let query = query_as(RANGE)
            .bind(range.topic.uuid())
            .bind(signed(range.after.get()))
            .bind(signed(range.up_to.get()))
            .bind(PAGE_MAX_BYTES as i64);
        rows.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

/// Whom each of the users has blocked.
pub(super) async fn blocked(
    connection: &mut SqliteConnection,
    users: &[UserId],
) -> Result<Vec<Vec<Uuid>>, sqlx::Error> {
    let mut blocked = Vec::with_capacity(users.len());
    for user in users {
        blocked.push(query_scalar(BLOCKED).bind(user.uuid()).fetch_all(&mut *connection).await?);
    }
    Ok(blocked)
}

/// The messages that others answer, of each place that has one.
pub(super) async fn originals(
    connection: &mut SqliteConnection,
    places: &[(Uuid, i64)],
) -> Result<Vec<OriginalRow>, sqlx::Error> {
    let mut rows = Vec::with_capacity(places.len());
    for (topic, seq) in places {
        rows.extend(query_as(ORIGINAL).bind(topic).bind(seq).fetch_optional(&mut *connection).await?);
    }
    Ok(rows)
}

/// A user's reactions to messages of a room.
pub(super) async fn own_reactions(
    connection: &mut SqliteConnection,
    room: Uuid,
    user: Uuid,
    messages: &[i64],
) -> Result<Vec<(i64, String)>, sqlx::Error> {
    let mut rows = Vec::new();
    for message in messages {
        let query = query_as(OWN_REACTIONS).bind(room).bind(user).bind(message);
        rows.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

pub(super) async fn resolve(
    connection: &mut SqliteConnection,
    rooms: &[RoomRef],
) -> Result<Vec<Option<RoomId>>, sqlx::Error> {
    let mut found = Vec::with_capacity(rooms.len());
    for room in rooms {
        let query = match room {
            RoomRef::Id(id) => query_scalar::<_, Uuid>("SELECT id FROM rooms WHERE id = $1").bind(id.uuid()),
            RoomRef::Slug(slug) => query_scalar("SELECT id FROM rooms WHERE slug = $1").bind(slug.as_str()),
            RoomRef::External(id) => {
                query_scalar("SELECT id FROM rooms WHERE external_id = $1").bind(id.as_str())
            }
        };
        found.push(query.fetch_optional(&mut *connection).await?.map(RoomId::new));
    }
    Ok(found)
}

pub(super) async fn heads(
    connection: &mut SqliteConnection,
    rooms: &[RoomId],
) -> Result<Vec<(RoomId, i64)>, sqlx::Error> {
    let mut heads = Vec::with_capacity(rooms.len());
    for room in rooms {
        let query = query_scalar(HEAD).bind(room.uuid());
        heads.extend(query.fetch_optional(&mut *connection).await?.map(|head: i64| (*room, head)));
    }
    Ok(heads)
}

/// Of who has a row, the head, the read mark, and how many events after it are no notices.
pub(super) async fn inbox_states(
    connection: &mut SqliteConnection,
    users: &[UserId],
) -> Result<Vec<Option<(i64, i64, i64)>>, sqlx::Error> {
    let mut rows = Vec::with_capacity(users.len());
    for user in users {
        let query = query_as("SELECT head, read_seq, gone FROM inboxes WHERE user_id = $1").bind(user.uuid());
        rows.push(query.fetch_optional(&mut *connection).await?);
    }
    Ok(rows)
}

/// The profiles of users, of each who has one.
pub(super) async fn profiles(
    connection: &mut SqliteConnection,
    users: &[UserId],
) -> Result<Vec<Option<ProfileColumns>>, sqlx::Error> {
    let mut rows = Vec::with_capacity(users.len());
    for user in users {
        rows.push(query_as(PROFILE).bind(user.uuid()).fetch_optional(&mut *connection).await?);
    }
    Ok(rows)
}

/// Whether users do not show that they are present, and that they type, and the versions of that and of their blocks.
pub(super) async fn hides(
    connection: &mut SqliteConnection,
    users: &[UserId],
) -> Result<Vec<(bool, bool, i64, i64)>, sqlx::Error> {
    let mut rows = Vec::with_capacity(users.len());
    for user in users {
        let row = query_as(HIDES).bind(user.uuid()).fetch_optional(&mut *connection).await?;
        rows.push(row.unwrap_or_default());
    }
    Ok(rows)
}

/// Who has no row has an inbox without notices.
pub(super) fn read_inbox_states(
    epoch: i64,
    rows: Vec<Option<(i64, i64, i64)>>,
) -> DatabaseResult<(Epoch, Vec<InboxState>)> {
    let epoch = u32::try_from(epoch).map_err(|error| DatabaseError::corrupt("epoch", error))?;
    let states = rows.into_iter().map(|row| {
        let (head, read, gone) = row.unwrap_or_default();
        Ok(InboxState { head: seq(head)?, read: seq(read)?, gone: unsigned(gone)? })
    });
    Ok((Epoch::new(epoch), states.collect::<DatabaseResult<_>>()?))
}
