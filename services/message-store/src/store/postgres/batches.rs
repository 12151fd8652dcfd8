//! The statements that take many things at once, as arrays.

use std::sync::Arc;

use madang_domain::{Epoch, Profile, RoomId, RoomRef, Seq, Timestamp, UserId, Username};
use madang_rpc::store::{Appended, Mentioned};
use sqlx::{FromRow, PgConnection, query, query_as};
use uuid::Uuid;

use crate::store::{
    AppendOutcome, AppendRow, InboxState, Range, RoomState, StoreError, StoreResult,
    rows::{EventRow, role_from_number, seq, signed, unsigned},
    sql,
};

/// The migration `0002_append_messages.sql` has the reasons.
const APPEND: &str = "SELECT outcome, seq, at FROM append_messages($1, $2, $3, $4, $5, $6, $7)";

/// The migration `0004_append_with_mentions.sql` has the reasons.
const APPEND_WITH_MENTIONS: &str = "\
    SELECT outcome, seq, at, mentioned, mention_seqs, mention_ats \
    FROM append_with_mentions($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const NAMED_MEMBERS: &str = "\
    SELECT asked.ord, p.user_id \
    FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS asked (room, username, ord) \
    JOIN profiles p ON p.username = asked.username \
    JOIN members m ON m.room = asked.room AND m.user_id = p.user_id";

const SAVE_PROFILES: &str = concat!(
    "INSERT INTO profiles (user_id, username, name, avatar_url, external_id, version) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) ",
    sql::newer_profile!()
);

const STATES: &str = "\
    SELECT (SELECT epoch FROM log_epoch) AS epoch, r.head, r.member_count, m.role, m.read_seq \
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (room, user_id, ord) \
    LEFT JOIN rooms r ON r.id = asked.room \
    LEFT JOIN members m ON m.room = asked.room AND m.user_id = asked.user_id \
    ORDER BY asked.ord";

const RANGES: &str = concat!(
    "SELECT ",
    sql::event_columns!(),
    " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS asked (topic, beyond, up_to) \
     JOIN events e ON e.topic = asked.topic AND e.seq > asked.beyond AND e.seq <= asked.up_to",
    sql::event_profiles!(),
    "ORDER BY e.topic, e.seq"
);

const RESOLVE: &str = "\
    SELECT r.id FROM unnest($1::uuid[], $2::text[], $3::text[]) \
    WITH ORDINALITY AS asked (id, slug, external_id, ord) \
    LEFT JOIN LATERAL ( \
        SELECT id FROM rooms WHERE id = asked.id \
        UNION ALL SELECT id FROM rooms WHERE slug = asked.slug \
        UNION ALL SELECT id FROM rooms WHERE external_id = asked.external_id \
    ) r ON true ORDER BY asked.ord";

const INBOX_STATES: &str = "\
    SELECT (SELECT epoch FROM log_epoch) AS epoch, i.head, i.read_seq \
    FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (user_id, ord) \
    LEFT JOIN inboxes i ON i.user_id = asked.user_id ORDER BY asked.ord";

const HEADS: &str = "\
    SELECT id, head FROM rooms WHERE id = ANY ($1) \
    UNION ALL SELECT topic, head FROM purges WHERE topic = ANY ($1) AND head IS NOT NULL";

/// What became of one row; the codes are those of the function.
#[derive(Debug, FromRow)]
pub(super) struct OutcomeRow {
    outcome: i16,
    seq: Option<i64>,
    at: Option<i64>,
    #[sqlx(default)]
    mentioned: Vec<Uuid>,
    #[sqlx(default)]
    mention_seqs: Vec<i64>,
    #[sqlx(default)]
    mention_ats: Vec<i64>,
}

#[derive(Debug, FromRow)]
pub(super) struct StateRow {
    epoch: i64,
    head: Option<i64>,
    member_count: Option<i64>,
    role: Option<i16>,
    read_seq: Option<i64>,
}

/// Appends as if every key were new, which nearly every one is; when one is not, looks them up.
pub(super) async fn append(
    connection: &mut PgConnection,
    now: Timestamp,
    rows: &[AppendRow<'_>],
) -> Result<Vec<OutcomeRow>, sqlx::Error> {
    match call_append(connection, now, rows, false).await {
        Err(sqlx::Error::Database(refusal)) if refusal.is_unique_violation() => {
            call_append(connection, now, rows, true).await
        }
        result => result,
    }
}

async fn call_append(
    connection: &mut PgConnection,
    now: Timestamp,
    rows: &[AppendRow<'_>],
    look_up: bool,
) -> Result<Vec<OutcomeRow>, sqlx::Error> {
    let rooms: Vec<Uuid> = rows.iter().map(|row| row.room.uuid()).collect();
    let actors: Vec<Uuid> = rows.iter().map(|row| row.actor.uuid()).collect();
    let keys: Vec<&str> = rows.iter().map(|row| row.key).collect();
    let texts: Vec<&str> = rows.iter().map(|row| row.text).collect();
    let details: Vec<Option<&str>> = rows.iter().map(|row| row.detail).collect();
    let mentions = rows
        .iter()
        .zip(1_i64..)
        .flat_map(|(row, ord)| row.mentions.iter().map(move |user| (ord, user.uuid())));
    let (ords, users): (Vec<i64>, Vec<Uuid>) = mentions.unzip();
    let query = query_as(if ords.is_empty() { APPEND } else { APPEND_WITH_MENTIONS })
        .bind(rooms)
        .bind(actors)
        .bind(keys)
        .bind(texts)
        .bind(details)
        .bind(now.as_micros())
        .bind(look_up);
    let query = if ords.is_empty() { query } else { query.bind(ords).bind(users) };
    query.fetch_all(connection).await
}

pub(super) async fn named_members(
    connection: &mut PgConnection,
    asked: &[(RoomId, Username)],
) -> Result<Vec<(usize, UserId)>, sqlx::Error> {
    let (rooms, names): (Vec<Uuid>, Vec<&str>) =
        asked.iter().map(|(room, name)| (room.uuid(), name.as_str())).unzip();
    let rows: Vec<(i64, Uuid)> =
        query_as(NAMED_MEMBERS).bind(rooms).bind(names).fetch_all(connection).await?;
    // Ordinals count from 1.
    let place = |ord: i64| usize::try_from(ord - 1).unwrap_or(usize::MAX);
    Ok(rows.into_iter().map(|(ord, user)| (place(ord), UserId::new(user))).collect())
}

impl TryFrom<OutcomeRow> for AppendOutcome {
    type Error = StoreError;

    fn try_from(row: OutcomeRow) -> StoreResult<Self> {
        match (row.outcome, row.seq, row.at) {
            (outcome @ (0 | 1), Some(place), Some(at)) => Ok(Self::Appended(Appended {
                seq: seq(place)?,
                at: Timestamp::from_micros(at),
                duplicate: outcome == 1,
                mentions: row
                    .mentioned
                    .into_iter()
                    .zip(row.mention_seqs.into_iter().zip(row.mention_ats))
                    .map(|(user, (place, at))| {
                        let (user, at) = (UserId::new(user), Timestamp::from_micros(at));
                        Ok(Mentioned { user, seq: seq(place)?, at })
                    })
                    .collect::<StoreResult<_>>()?,
            })),
            (2, ..) => Ok(Self::NoRoom),
            (3, ..) => Ok(Self::NotMember),
            (other, ..) => Err(StoreError::corrupt("append outcome", format!("{other} is none"))),
        }
    }
}

pub(super) async fn save_profiles(
    connection: &mut PgConnection,
    profiles: &[Arc<Profile>],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = profiles.iter().map(|profile| profile.id.uuid()).collect();
    let usernames: Vec<&str> = profiles.iter().map(|profile| profile.username.as_str()).collect();
    let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    let avatars: Vec<Option<&str>> = profiles.iter().map(|profile| profile.avatar_url.as_deref()).collect();
    let externals: Vec<Option<&str>> =
        profiles.iter().map(|profile| profile.external_id.as_deref()).collect();
    let versions: Vec<i64> = profiles.iter().map(|profile| profile.version.as_micros()).collect();
    let query = query(SAVE_PROFILES).bind(ids).bind(usernames).bind(names).bind(avatars);
    query.bind(externals).bind(versions).execute(connection).await.map(drop)
}

pub(super) async fn states(
    connection: &mut PgConnection,
    places: &[(RoomId, UserId)],
) -> Result<Vec<StateRow>, sqlx::Error> {
    let rooms: Vec<Uuid> = places.iter().map(|(room, _)| room.uuid()).collect();
    let users: Vec<Uuid> = places.iter().map(|(_, user)| user.uuid()).collect();
    query_as(STATES).bind(rooms).bind(users).fetch_all(connection).await
}

pub(super) fn read_states(rows: &[StateRow]) -> StoreResult<(Epoch, Vec<RoomState>)> {
    let epoch = rows.first().map_or(0, |row| row.epoch);
    let epoch = u32::try_from(epoch).map_err(|error| StoreError::corrupt("epoch", error))?;
    let states = rows.iter().map(|row| match (row.head, row.member_count, row.role, row.read_seq) {
        (Some(head), Some(member_count), Some(role), Some(read)) => Ok(RoomState::Member {
            head: seq(head)?,
            member_count: unsigned(member_count)?,
            role: role_from_number(role)?,
            read: seq(read)?,
        }),
        (None, ..) => Ok(RoomState::NoRoom),
        _ => Ok(RoomState::NotMember),
    });
    Ok((Epoch::new(epoch), states.collect::<StoreResult<_>>()?))
}

pub(super) async fn ranges(
    connection: &mut PgConnection,
    ranges: &[Range],
) -> Result<Vec<EventRow>, sqlx::Error> {
    let topics: Vec<Uuid> = ranges.iter().map(|range| range.topic.uuid()).collect();
    let column =
        |of: fn(&Range) -> Seq| -> Vec<i64> { ranges.iter().map(|range| signed(of(range).get())).collect() };
    let (after, up_to) = (column(|range| range.after), column(|range| range.up_to));
    query_as(RANGES).bind(topics).bind(after).bind(up_to).fetch_all(connection).await
}

pub(super) async fn resolve(
    connection: &mut PgConnection,
    rooms: &[RoomRef],
) -> Result<Vec<Option<RoomId>>, sqlx::Error> {
    let (mut ids, mut slugs, mut externals) = (Vec::new(), Vec::new(), Vec::new());
    for room in rooms {
        let (id, slug, external) = match room {
            RoomRef::Id(id) => (Some(id.uuid()), None, None),
            RoomRef::Slug(slug) => (None, Some(slug.as_str()), None),
            RoomRef::External(external) => (None, None, Some(external.as_str())),
        };
        ids.push(id);
        slugs.push(slug);
        externals.push(external);
    }
    let query = sqlx::query_scalar(RESOLVE).bind(ids).bind(slugs).bind(externals);
    let found: Vec<Option<Uuid>> = query.fetch_all(connection).await?;
    Ok(found.into_iter().map(|id| id.map(RoomId::new)).collect())
}

pub(super) async fn heads(
    connection: &mut PgConnection,
    rooms: &[RoomId],
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let ids: Vec<Uuid> = rooms.iter().map(|room| room.uuid()).collect();
    query_as(HEADS).bind(ids).fetch_all(connection).await
}

#[derive(Debug, FromRow)]
pub(super) struct InboxRow {
    epoch: i64,
    head: Option<i64>,
    read_seq: Option<i64>,
}

pub(super) async fn inbox_states(
    connection: &mut PgConnection,
    users: &[UserId],
) -> Result<Vec<InboxRow>, sqlx::Error> {
    let ids: Vec<Uuid> = users.iter().map(|user| user.uuid()).collect();
    query_as(INBOX_STATES).bind(ids).fetch_all(connection).await
}

/// Who has no row has an inbox without notices.
pub(super) fn read_inbox_states(rows: &[InboxRow]) -> StoreResult<(Epoch, Vec<InboxState>)> {
    let epoch = rows.first().map_or(0, |row| row.epoch);
    let epoch = u32::try_from(epoch).map_err(|error| StoreError::corrupt("epoch", error))?;
    let states = rows.iter().map(|row| {
        Ok(InboxState { head: seq(row.head.unwrap_or(0))?, read: seq(row.read_seq.unwrap_or(0))? })
    });
    Ok((Epoch::new(epoch), states.collect::<StoreResult<_>>()?))
}
