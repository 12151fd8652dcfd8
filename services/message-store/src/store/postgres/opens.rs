//! Opening subscriptions: where everybody stands and what they missed, as arrays.

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{Epoch, RoomId, RoomRef, Seq, Timestamp, UserId, limits::PAGE_MAX_BYTES};
use sqlx::{FromRow, PgConnection, query_as};
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
    inboxes::{InboxOpening, InboxState},
    values::{role_from_number, seq, signed, unsigned},
};

const STATES: &str = concat!(
    "SELECT (SELECT epoch FROM log_epoch) AS epoch, r.head, r.member_count, ",
    role_of!("m"),
    " AS role, m.read_seq, \
        CASE WHEN r.history = 2 THEN m.visible_after ELSE 0 END AS visible_after \
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (room, user_id, ord) \
    LEFT JOIN rooms r ON r.id = asked.room \
    LEFT JOIN members m ON m.room = asked.room AND m.user_id = asked.user_id \
    ORDER BY asked.ord"
);

const RANGES: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS asked (topic, beyond, up_to) CROSS JOIN LATERAL ",
    first_that_fits!("asked.topic", "asked.beyond", "asked.up_to"),
    "JOIN events e ON e.topic = asked.topic AND e.seq >= p.first AND e.seq <= asked.up_to",
    event_profiles!(),
    "ORDER BY e.topic, e.seq"
);

const ORIGINALS: &str = "\
    SELECT e.topic, e.seq, e.actor, e.text, a.username, a.name, a.avatar_url, a.external_id, a.version \
    FROM unnest($1::uuid[], $2::bigint[]) AS asked (topic, seq) \
    JOIN rooms r ON r.id = asked.topic \
    JOIN events e ON e.topic = asked.topic AND e.seq = asked.seq AND e.kind IN (1, 30) \
        AND (r.history = 1 OR e.seq > r.newcomers_after) \
    LEFT JOIN profiles a ON a.user_id = e.actor";

const OWN_REACTIONS: &str = "\
    SELECT asked.message, r.emoji FROM unnest($3::bigint[]) AS asked (message) \
    CROSS JOIN LATERAL ( \
        SELECT r.emoji FROM reactions r WHERE r.room = $1 AND r.message = asked.message AND r.user_id = $2 OFFSET 0 \
    ) r";

const RESOLVE: &str = "\
    SELECT r.id FROM unnest($1::uuid[], $2::text[], $3::text[]) \
    WITH ORDINALITY AS asked (id, slug, external_id, ord) \
    LEFT JOIN LATERAL ( \
        SELECT id FROM rooms WHERE id = asked.id \
        UNION ALL SELECT id FROM rooms WHERE slug = asked.slug \
        UNION ALL SELECT id FROM rooms WHERE external_id = asked.external_id \
    ) r ON true ORDER BY asked.ord";

const INBOX_STATES: &str = "\
    SELECT (SELECT epoch FROM log_epoch) AS epoch, i.head, i.read_seq, i.gone \
    FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (user_id, ord) \
    LEFT JOIN inboxes i ON i.user_id = asked.user_id ORDER BY asked.ord";

const INBOX_OPENINGS: &str = "\
    SELECT (SELECT epoch FROM log_epoch) AS epoch, i.head, i.read_seq, i.gone, \
        p.username, p.name, p.avatar_url, p.external_id, p.version, \
        coalesce(u.hides_presence, false) AS hides_presence, coalesce(u.hides_typing, false) AS hides_typing, \
        coalesce(u.version, 0) AS settings_version, coalesce(u.blocks_version, 0) AS blocks_version, \
        (SELECT array_agg(b.blocked) FROM blocks b WHERE b.blocker = asked.user_id) AS blocked \
    FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (user_id, ord) \
    LEFT JOIN inboxes i ON i.user_id = asked.user_id \
    LEFT JOIN user_settings u ON u.user_id = asked.user_id \
    LEFT JOIN profiles p ON p.user_id = asked.user_id ORDER BY asked.ord";

const HEADS: &str = "\
    SELECT id, head FROM rooms WHERE id = ANY ($1) \
    UNION ALL SELECT topic, head FROM purges WHERE topic = ANY ($1) AND head IS NOT NULL";

#[derive(Debug, FromRow)]
pub(super) struct StateRow {
    epoch: i64,
    head: Option<i64>,
    member_count: Option<i64>,
    role: Option<i16>,
    read_seq: Option<i64>,
    visible_after: Option<i64>,
}

pub(super) async fn states(
    connection: &mut PgConnection,
    places: &[(RoomId, UserId)],
) -> Result<Vec<StateRow>, sqlx::Error> {
    let rooms: Vec<Uuid> = places.iter().map(|(room, _)| room.uuid()).collect();
    let users: Vec<Uuid> = places.iter().map(|(_, user)| user.uuid()).collect();
    query_as(STATES).bind(rooms).bind(users).fetch_all(connection).await
}

pub(super) fn read_states(rows: &[StateRow]) -> DatabaseResult<(Epoch, Vec<RoomState>)> {
    let epoch = rows.first().map_or(0, |row| row.epoch);
    let epoch = u32::try_from(epoch).map_err(|error| DatabaseError::corrupt("epoch", error))?;
    let states = rows.iter().map(|row| match (row.head, row.member_count, row.role, row.read_seq) {
        (Some(head), Some(member_count), Some(role), Some(read)) => Ok(RoomState::Member {
            head: seq(head)?,
            member_count: unsigned(member_count)?,
            role: role_from_number(role)?,
            read: seq(read)?,
            visible_after: seq(row.visible_after.unwrap_or(0))?,
        }),
        (None, ..) => Ok(RoomState::NoRoom),
        _ => Ok(RoomState::NotMember),
    });
    Ok((Epoch::new(epoch), states.collect::<DatabaseResult<_>>()?))
}

pub(super) async fn ranges(
    connection: &mut PgConnection,
    ranges: &[Range],
) -> Result<Vec<EventRow>, sqlx::Error> {
    let topics: Vec<Uuid> = ranges.iter().map(|range| range.topic.uuid()).collect();
    let column =
        |of: fn(&Range) -> Seq| -> Vec<i64> { ranges.iter().map(|range| signed(of(range).get())).collect() };
    let (after, up_to) = (column(|range| range.after), column(|range| range.up_to));
    query_as(RANGES)
        .bind(topics)
        .bind(after)
        .bind(up_to)
        .bind(PAGE_MAX_BYTES as i64)
        .fetch_all(connection)
        .await
}

/// The messages that others answer, of each place that has one.
pub(super) async fn originals(
    connection: &mut PgConnection,
    places: &[(Uuid, i64)],
) -> Result<Vec<OriginalRow>, sqlx::Error> {
    let (topics, seqs): (Vec<Uuid>, Vec<i64>) = places.iter().copied().unzip();
    query_as(ORIGINALS).bind(topics).bind(seqs).fetch_all(connection).await
}

/// A user's reactions to messages of a room.
pub(super) async fn own_reactions(
    connection: &mut PgConnection,
    room: Uuid,
    user: Uuid,
    messages: &[i64],
) -> Result<Vec<(i64, String)>, sqlx::Error> {
    query_as(OWN_REACTIONS).bind(room).bind(user).bind(messages).fetch_all(connection).await
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
    gone: Option<i64>,
}

#[derive(Debug, FromRow)]
pub(super) struct InboxOpeningRow {
    #[sqlx(flatten)]
    inbox: InboxRow,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    hides_presence: bool,
    hides_typing: bool,
    settings_version: i64,
    blocked: Option<Vec<Uuid>>,
    blocks_version: i64,
}

pub(super) async fn inbox_openings(
    connection: &mut PgConnection,
    users: &[UserId],
) -> Result<Vec<InboxOpeningRow>, sqlx::Error> {
    let ids: Vec<Uuid> = users.iter().map(|user| user.uuid()).collect();
    query_as(INBOX_OPENINGS).bind(ids).fetch_all(connection).await
}

pub(super) fn read_inbox_openings(
    users: &[UserId],
    rows: Vec<InboxOpeningRow>,
) -> DatabaseResult<(Epoch, Vec<InboxOpening>)> {
    let epoch = read_epoch(rows.first().map(|row| &row.inbox))?;
    let openings = users.iter().zip(rows).map(|(user, row)| {
        Ok(InboxOpening {
            state: row.inbox.state()?,
            user: row.profile.known(*user)?,
            hides_presence: row.hides_presence,
            hides_typing: row.hides_typing,
            hides_version: Timestamp::from_micros(row.settings_version),
            blocked: row.blocked.into_iter().flatten().map(UserId::new).collect(),
            blocks_version: Timestamp::from_micros(row.blocks_version),
        })
    });
    Ok((epoch, openings.collect::<DatabaseResult<_>>()?))
}

pub(super) async fn inbox_states(
    connection: &mut PgConnection,
    users: &[UserId],
) -> Result<Vec<InboxRow>, sqlx::Error> {
    let ids: Vec<Uuid> = users.iter().map(|user| user.uuid()).collect();
    query_as(INBOX_STATES).bind(ids).fetch_all(connection).await
}

pub(super) fn read_inbox_states(rows: &[InboxRow]) -> DatabaseResult<(Epoch, Vec<InboxState>)> {
    let states = rows.iter().map(InboxRow::state).collect::<DatabaseResult<_>>()?;
    Ok((read_epoch(rows.first())?, states))
}

fn read_epoch(row: Option<&InboxRow>) -> DatabaseResult<Epoch> {
    let epoch = row.map_or(0, |row| row.epoch);
    Ok(Epoch::new(u32::try_from(epoch).map_err(|error| DatabaseError::corrupt("epoch", error))?))
}

impl InboxRow {
    /// Who has no row has an inbox without notices.
    fn state(&self) -> DatabaseResult<InboxState> {
        Ok(InboxState {
            head: seq(self.head.unwrap_or(0))?,
            read: seq(self.read_seq.unwrap_or(0))?,
            gone: unsigned(self.gone.unwrap_or(0))?,
        })
    }
}
