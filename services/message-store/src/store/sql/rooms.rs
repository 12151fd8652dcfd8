//! Rooms. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{
    AvatarUrl, ExternalId, RoomDetails, RoomFlags, RoomId, RoomName, RoomRef, RoomTopic, SearchText, Slug,
    Timestamp, UserId, limits::PAGE_MAX_BYTES,
};
use madang_rpc::store::RoomSettings;
use sqlx::{FromRow, query, query_as, query_scalar};
use uuid::Uuid;

use super::{connection::Connection, driver::Db, events::OptionalEvent, profiles::Reader};
use crate::{
    store::{
        columns::{
            event_columns_without_texts, event_profiles, event_size, role_of, room_columns, within_bytes,
        },
        rooms::{ByActivity, ByAge, MemberPlace, Origin, RoomPage, RoomRecord, Rooms, View},
        values::{
            history_from_number, history_number, level_from_number, receipts_from_number, receipts_number,
            role_from_number, role_number, room_kind_from_number, room_kind_number, seq, signed, unsigned,
        },
    },
    unread::Counts,
};

/// The activity of a room for the user `$1`: see [`View::activity`]. It only grows.
macro_rules! activity {
    () => {
        "CASE WHEN r.messages > 0 OR r.creator = $1 THEN r.active_at ELSE 0 END"
    };
}

/// The place up to which a member sees nothing; null of who is none.
macro_rules! visible_after {
    () => {
        "CASE WHEN r.history = 2 THEN m.visible_after ELSE 0 END"
    };
}

/// By what a room is shown that has no name: the names of five of its members besides the user `$1`, owners first, then by
/// the time of joining.
macro_rules! member_names {
    () => {
        concat!(
            "CASE WHEN r.unnamed THEN (SELECT ",
            joined_texts!("x.name"),
            " FROM (SELECT p.name FROM members n JOIN profiles p ON p.user_id = n.user_id",
            " WHERE n.room = r.id AND n.user_id <> $1",
            " ORDER BY n.role DESC, n.joined_at, n.user_id LIMIT 5) x) END"
        )
    };
}

/// A room as the user `$1` sees it: with the place in it, and for a member the last message.
macro_rules! view_columns {
    ($texts:expr) => {
        concat!(
            room_columns!(),
            ", ",
            activity!(),
            " AS activity, ",
            role_of!("m"),
            " AS role, m.read_seq, m.read_ordinal, m.sent, m.read_sent, m.notify, m.notify_muted_until, ",
            "(SELECT count(*) FROM deletions d ",
            "WHERE d.room = r.id AND d.seq > m.read_seq AND d.sender <> m.user_id) AS deleted, ",
            visible_after!(),
            " AS visible_after, ",
            member_names!(),
            " AS member_names, ",
            event_columns_without_texts!(),
            $texts
        )
    };
}

macro_rules! view_of_rooms {
    () => {
        concat!(
            "SELECT ",
            view_columns!(", e.text, e.detail"),
            " FROM rooms r LEFT JOIN members m ON m.room = r.id AND m.user_id = $1",
            " LEFT JOIN events e ON e.topic = r.id AND e.seq = r.last_message_seq AND e.seq > ",
            visible_after!(),
            " AND m.user_id IS NOT NULL",
            event_profiles!()
        )
    };
}

macro_rules! view_of_memberships {
    () => {
        concat!(
            "SELECT ",
            view_columns!(texts_looked_at!()),
            ", ",
            event_size!(),
            " FROM members m JOIN rooms r ON r.id = m.room",
            " LEFT JOIN events e ON e.topic = r.id AND e.seq = r.last_message_seq AND e.seq > ",
            visible_after!(),
            event_profiles!(),
            "WHERE m.user_id = $1 "
        )
    };
}

/// Without the direct rooms that the member has hidden and in which nothing was said since.
macro_rules! shown {
    () => {
        "AND (m.hidden_ordinal IS NULL OR m.hidden_ordinal < r.messages) "
    };
}

const VIEW_BY_ID: &str = concat!(view_of_rooms!(), "WHERE r.id = $2");
const VIEW_BY_SLUG: &str = concat!(view_of_rooms!(), "WHERE r.slug = $2");
const VIEW_BY_EXTERNAL_ID: &str = concat!(view_of_rooms!(), "WHERE r.external_id = $2");

const ACTIVE_ROOMS: &str = within_bytes!(
    concat!(view_of_memberships!(), shown!(), "ORDER BY activity DESC, r.id DESC LIMIT $2"),
    "v.activity DESC, v.room_id DESC",
    "$3",
    texts_that_fit!()
);
const ACTIVE_ROOMS_AFTER: &str = within_bytes!(
    concat!(
        view_of_memberships!(),
        shown!(),
        "AND (",
        activity!(),
        ", r.id) < ($4, $5) ORDER BY activity DESC, r.id DESC LIMIT $2"
    ),
    "v.activity DESC, v.room_id DESC",
    "$3",
    texts_that_fit!()
);
const ROOMS_ACTIVE_SINCE: &str = within_bytes!(
    concat!(
        view_of_memberships!(),
        shown!(),
        "AND ",
        activity!(),
        " > $4 AND r.id > $5 ORDER BY r.id LIMIT $2"
    ),
    "v.room_id",
    "$3",
    texts_that_fit!()
);

// The literal kind, not a parameter: it is what the partial index says.
const JOINABLE_ROOMS: &str =
    concat!(view_of_rooms!(), "WHERE r.kind = 1 AND m.user_id IS NULL ORDER BY r.id DESC LIMIT $2");
const JOINABLE_ROOMS_AFTER: &str = concat!(
    view_of_rooms!(),
    "WHERE r.kind = 1 AND m.user_id IS NULL AND r.id < $3 ORDER BY r.id DESC LIMIT $2"
);
/// The rooms among them whose name or slug has a text, whatever its letters' case; SQLite knows the case of ASCII alone. No
/// index helps: public rooms are walked from the newest on, until the page is full.
macro_rules! named {
    ($pattern:literal) => {
        concat!(
            "WHERE r.kind = 1 AND m.user_id IS NULL AND (lower(r.name) LIKE lower(",
            $pattern,
            ") ESCAPE '\\' OR r.slug LIKE lower(",
            $pattern,
            ") ESCAPE '\\') "
        )
    };
}
const NAMED_ROOMS: &str = concat!(view_of_rooms!(), named!("$3"), "ORDER BY r.id DESC LIMIT $2");
const NAMED_ROOMS_AFTER: &str =
    concat!(view_of_rooms!(), named!("$3"), "AND r.id < $4 ORDER BY r.id DESC LIMIT $2");
const ALL_ROOMS: &str = concat!(view_of_rooms!(), "ORDER BY r.id DESC LIMIT $2");
const ALL_ROOMS_AFTER: &str = concat!(view_of_rooms!(), "WHERE r.id < $3 ORDER BY r.id DESC LIMIT $2");
const MEMBERSHIPS: &str = concat!(
    "SELECT m.room FROM members m JOIN rooms r ON r.id = m.room WHERE m.user_id = $1 ORDER BY ",
    activity!(),
    " DESC, r.id DESC LIMIT $2"
);
const COUNT_MEMBERSHIPS: &str = "SELECT count(*) FROM members WHERE user_id = $1";

const LOCK_BY_ID: &str = concat!("SELECT ", room_columns!(), " FROM rooms r WHERE r.id = $1", locking!());
const LOCK_BY_SLUG: &str = concat!("SELECT ", room_columns!(), " FROM rooms r WHERE r.slug = $1", locking!());
const LOCK_BY_EXTERNAL_ID: &str =
    concat!("SELECT ", room_columns!(), " FROM rooms r WHERE r.external_id = $1", locking!());

const INSERT_ROOM: &str = "\
    INSERT INTO rooms (id, kind, name, slug, created_at, creator, creation_key, direct_low, direct_high, \
                       active_at, head, messages, last_message_seq, member_count, external_id, unnamed) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12, $13, $14) ON CONFLICT DO NOTHING";
const CREATED_AS_EXTERNAL: &str = "SELECT id FROM rooms WHERE external_id = $1";
const CREATED_BY_KEY: &str = "SELECT id FROM rooms WHERE creator = $1 AND creation_key = $2";
const CREATED_FOR_PAIR: &str = "SELECT id FROM rooms WHERE direct_low = $1 AND direct_high = $2";
const SAVE_ROOM: &str = "\
    UPDATE rooms SET name = $2, slug = $3, active_at = $4, head = $5, member_count = $6, archived = $7, \
        send_role = $8, slow_mode_s = $9, history = $10, newcomers_after = $11, receipts = $12, guests_send = $13, \
        topic = $14, avatar_url = $15, unnamed = $16, members_add = $17, members_pin = $18, \
        members_mention_all = $19, edit_window_s = $20 WHERE id = $1";
const SLUG_OF_ANOTHER: &str = "SELECT id FROM rooms WHERE slug = $1 AND id <> $2";
const DELETE_ROOM: &str = "DELETE FROM rooms WHERE id = $1";
const INSERT_PURGE: &str = "INSERT INTO purges (topic, since, head) VALUES ($1, $2, $3)";

#[derive(Debug, FromRow)]
struct RoomRow {
    room_id: Uuid,
    room_kind: i16,
    room_name: String,
    slug: Option<String>,
    created_at: i64,
    active_at: i64,
    head: i64,
    messages: i64,
    member_count: i64,
    room_external_id: Option<String>,
    archived: bool,
    send_role: i16,
    slow_mode_s: i64,
    history: i16,
    newcomers_after: i64,
    receipts: i16,
    room_topic: Option<String>,
    room_avatar_url: Option<String>,
    unnamed: bool,
    guests_send: bool,
    members_add: bool,
    members_pin: bool,
    members_mention_all: bool,
    edit_window_s: i64,
}

#[derive(Debug, FromRow)]
struct ViewRow {
    #[sqlx(flatten)]
    room: RoomRow,
    activity: i64,
    role: Option<i16>,
    read_seq: Option<i64>,
    read_ordinal: Option<i64>,
    sent: Option<i64>,
    read_sent: Option<i64>,
    notify: Option<i16>,
    notify_muted_until: Option<i64>,
    deleted: i64,
    visible_after: Option<i64>,
    member_names: Option<String>,
    #[sqlx(flatten)]
    last_message: OptionalEvent,
}

/// A room of a page.
#[derive(Debug, FromRow)]
struct PageRow {
    #[sqlx(flatten)]
    view: ViewRow,
    /// How many of the rooms that were looked at lie behind it.
    behind: i64,
}

impl TryFrom<RoomRow> for RoomRecord {
    type Error = DatabaseError;

    fn try_from(row: RoomRow) -> DatabaseResult<Self> {
        Ok(Self {
            id: RoomId::new(row.room_id),
            kind: room_kind_from_number(row.room_kind)?,
            name: RoomName::recorded(row.room_name)
                .map_err(|error| DatabaseError::corrupt("room name", error))?,
            slug: row
                .slug
                .map(Slug::new)
                .transpose()
                .map_err(|error| DatabaseError::corrupt("slug", error))?,
            created_at: Timestamp::from_micros(row.created_at),
            active_at: Timestamp::from_micros(row.active_at),
            head: seq(row.head)?,
            messages: unsigned(row.messages)?,
            member_count: unsigned(row.member_count)?,
            external_id: row
                .room_external_id
                .map(ExternalId::new)
                .transpose()
                .map_err(|error| DatabaseError::corrupt("external id", error))?,
            flags: RoomFlags {
                announcement: role_from_number(row.send_role)? > RoomFlags::default().least_sender(),
                archived: row.archived,
                slow_mode_s: u32::try_from(row.slow_mode_s)
                    .map_err(|error| DatabaseError::corrupt("slow mode", error))?,
                history: history_from_number(row.history)?,
                receipts: receipts_from_number(row.receipts)?,
                guests_send: row.guests_send,
                members_add: row.members_add,
                members_pin: row.members_pin,
                members_mention_all: row.members_mention_all,
                edit_window_s: u32::try_from(row.edit_window_s)
                    .map_err(|error| DatabaseError::corrupt("edit window", error))?,
            },
            details: RoomDetails {
                topic: row
                    .room_topic
                    .map(RoomTopic::new)
                    .transpose()
                    .map_err(|error| DatabaseError::corrupt("topic", error))?,
                avatar_url: row.room_avatar_url.and_then(AvatarUrl::recorded),
                unnamed: row.unnamed,
            },
            newcomers_after: seq(row.newcomers_after)?,
        })
    }
}

impl Reader {
    fn view(&mut self, row: ViewRow) -> DatabaseResult<View> {
        let mut room = RoomRecord::try_from(row.room)?;
        if let Some(name) = row.member_names.as_deref().and_then(RoomName::of_members) {
            room.name = name;
        }
        let place = match (row.role, row.read_seq, row.read_ordinal, row.sent, row.read_sent) {
            (Some(role), Some(read), Some(read_ordinal), Some(sent), Some(read_sent)) => Some(MemberPlace {
                role: role_from_number(role)?,
                read: seq(read)?,
                counts: Counts {
                    messages: signed(room.messages),
                    read_ordinal,
                    sent,
                    read_sent,
                    deleted: row.deleted,
                },
                visible_after: seq(row.visible_after.unwrap_or(0))?,
                settings: RoomSettings {
                    notify: row.notify.map(level_from_number).transpose()?.unwrap_or_default(),
                    muted_until: row
                        .notify_muted_until
                        .filter(|until| *until > 0)
                        .map(Timestamp::from_micros),
                },
            }),
            _ => None,
        };
        let last_message = row.last_message.0.map(|event| self.event(room.id.into(), event)).transpose()?;
        Ok(View { room, activity: Timestamp::from_micros(row.activity), place, last_message })
    }
}

/// A text anywhere in another, as LIKE reads it.
fn pattern_of(text: &SearchText) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Makes values of rows.
fn views(rows: Vec<ViewRow>) -> DatabaseResult<Vec<View>> {
    let mut reader = Reader::default();
    rows.into_iter().map(|row| reader.view(row)).collect()
}

/// Makes a page of rows.
fn page(rows: Vec<PageRow>) -> DatabaseResult<RoomPage> {
    let is_cut = rows.last().is_some_and(|last| last.behind > 0);
    let rooms = views(rows.into_iter().map(|row| row.view).collect())?;
    Ok(RoomPage { rooms, is_cut })
}

#[async_trait]
impl Rooms for Connection {
    async fn view(&mut self, user: UserId, room: &RoomRef) -> DatabaseResult<Option<View>> {
        let query = match room {
            RoomRef::Id(id) => query_as::<Db, ViewRow>(VIEW_BY_ID).bind(user.uuid()).bind(id.uuid()),
            RoomRef::Slug(slug) => query_as(VIEW_BY_SLUG).bind(user.uuid()).bind(slug.as_str()),
            RoomRef::External(id) => query_as(VIEW_BY_EXTERNAL_ID).bind(user.uuid()).bind(id.as_str()),
        };
        let row = run!(self, query, fetch_optional)?;
        row.map(|row| Reader::default().view(row)).transpose()
    }

    async fn active_rooms(
        &mut self,
        user: UserId,
        after: Option<ByActivity>,
        limit: u32,
    ) -> DatabaseResult<RoomPage> {
        let text = if after.is_some() { ACTIVE_ROOMS_AFTER } else { ACTIVE_ROOMS };
        let query = query_as::<Db, PageRow>(text)
            .bind(user.uuid())
            .bind(i64::from(limit))
            .bind(PAGE_MAX_BYTES as i64);
        let query = match after {
            None => query,
            Some(place) => query.bind(place.activity.as_micros()).bind(place.room.uuid()),
        };
        page(run!(self, query, fetch_all)?)
    }

    async fn rooms_active_since(
        &mut self,
        user: UserId,
        since: Timestamp,
        beyond: Uuid,
        limit: u32,
    ) -> DatabaseResult<RoomPage> {
        let query = query_as::<Db, PageRow>(ROOMS_ACTIVE_SINCE)
            .bind(user.uuid())
            .bind(i64::from(limit))
            .bind(PAGE_MAX_BYTES as i64)
            .bind(since.as_micros())
            .bind(beyond);
        page(run!(self, query, fetch_all)?)
    }

    async fn joinable_rooms(
        &mut self,
        user: UserId,
        text: Option<&SearchText>,
        after: Option<ByAge>,
        limit: u32,
    ) -> DatabaseResult<Vec<View>> {
        let statement = match (text, after) {
            (None, None) => JOINABLE_ROOMS,
            (None, Some(_)) => JOINABLE_ROOMS_AFTER,
            (Some(_), None) => NAMED_ROOMS,
            (Some(_), Some(_)) => NAMED_ROOMS_AFTER,
        };
        let mut query = query_as::<Db, ViewRow>(statement).bind(user.uuid()).bind(i64::from(limit));
        if let Some(text) = text {
            query = query.bind(pattern_of(text));
        }
        if let Some(place) = after {
            query = query.bind(place.room.uuid());
        }
        views(run!(self, query, fetch_all)?)
    }

    async fn all_rooms(&mut self, after: Option<ByAge>, limit: u32) -> DatabaseResult<Vec<View>> {
        let text = if after.is_some() { ALL_ROOMS_AFTER } else { ALL_ROOMS };
        let query = query_as::<Db, ViewRow>(text).bind(Uuid::nil()).bind(i64::from(limit));
        let query = match after {
            None => query,
            Some(place) => query.bind(place.room.uuid()),
        };
        views(run!(self, query, fetch_all)?)
    }

    async fn memberships(&mut self, user: UserId, limit: u32) -> DatabaseResult<(Vec<RoomId>, u64)> {
        let query = query_scalar::<Db, Uuid>(MEMBERSHIPS).bind(user.uuid()).bind(i64::from(limit));
        let rooms: Vec<RoomId> = run!(self, query, fetch_all)?.into_iter().map(RoomId::new).collect();
        if rooms.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
            let total = rooms.len() as u64;
            return Ok((rooms, total));
        }
        let query = query_scalar::<Db, i64>(COUNT_MEMBERSHIPS).bind(user.uuid());
        Ok((rooms, unsigned(run!(self, query, fetch_one)?)?))
    }

    async fn lock_room(&mut self, room: &RoomRef) -> DatabaseResult<Option<RoomRecord>> {
        let query = match room {
            RoomRef::Id(id) => query_as::<Db, RoomRow>(LOCK_BY_ID).bind(id.uuid()),
            RoomRef::Slug(slug) => query_as(LOCK_BY_SLUG).bind(slug.as_str()),
            RoomRef::External(id) => query_as(LOCK_BY_EXTERNAL_ID).bind(id.as_str()),
        };
        run!(self, query, fetch_optional)?.map(RoomRecord::try_from).transpose()
    }

    async fn insert_room(&mut self, room: &RoomRecord, origin: &Origin) -> DatabaseResult<bool> {
        let query = query::<Db>(INSERT_ROOM)
            .bind(room.id.uuid())
            .bind(room_kind_number(room.kind))
            .bind(room.name.as_str())
            .bind(room.slug.as_deref())
            .bind(room.created_at.as_micros())
            .bind(origin.creator.uuid())
            .bind(origin.key.as_deref())
            .bind(origin.pair.map(|(low, _)| low.uuid()))
            .bind(origin.pair.map(|(_, high)| high.uuid()))
            .bind(room.active_at.as_micros())
            .bind(signed(room.head.get()))
            .bind(signed(room.member_count))
            .bind(room.external_id.as_deref())
            .bind(room.details.unnamed);
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn created_before(&mut self, origin: &Origin) -> DatabaseResult<Option<RoomId>> {
        if let Some(external) = &origin.external_id {
            let query = query_scalar::<Db, Uuid>(CREATED_AS_EXTERNAL).bind(external.as_str());
            if let Some(id) = run!(self, query, fetch_optional)? {
                return Ok(Some(RoomId::new(id)));
            }
        }
        if let Some(key) = &origin.key {
            let query =
                query_scalar::<Db, Uuid>(CREATED_BY_KEY).bind(origin.creator.uuid()).bind(key.as_str());
            if let Some(id) = run!(self, query, fetch_optional)? {
                return Ok(Some(RoomId::new(id)));
            }
        }
        let Some((low, high)) = origin.pair else { return Ok(None) };
        let query = query_scalar::<Db, Uuid>(CREATED_FOR_PAIR).bind(low.uuid()).bind(high.uuid());
        Ok(run!(self, query, fetch_optional)?.map(RoomId::new))
    }

    async fn save_room(&mut self, room: &RoomRecord) -> DatabaseResult<bool> {
        if let Some(slug) = &room.slug {
            let query = query_scalar::<Db, Uuid>(SLUG_OF_ANOTHER).bind(slug.as_str()).bind(room.id.uuid());
            if run!(self, query, fetch_optional)?.is_some() {
                return Ok(false);
            }
        }
        let query = query::<Db>(SAVE_ROOM)
            .bind(room.id.uuid())
            .bind(room.name.as_str())
            .bind(room.slug.as_deref())
            .bind(room.active_at.as_micros())
            .bind(signed(room.head.get()))
            .bind(signed(room.member_count))
            .bind(room.flags.archived)
            .bind(role_number(room.flags.least_sender()))
            .bind(i64::from(room.flags.slow_mode_s))
            .bind(history_number(room.flags.history))
            .bind(signed(room.newcomers_after.get()))
            .bind(receipts_number(room.flags.receipts))
            .bind(room.flags.guests_send)
            .bind(room.details.topic.as_deref())
            .bind(room.details.avatar_url.as_deref())
            .bind(room.details.unnamed)
            .bind(room.flags.members_add)
            .bind(room.flags.members_pin)
            .bind(room.flags.members_mention_all)
            .bind(i64::from(room.flags.edit_window_s));
        let saved = query.execute(self.connection()).await;
        // Another transaction may have taken the slug since it was looked for.
        if saved.as_ref().is_err_and(is_taken) {
            return Ok(false);
        }
        self.settle(saved).map(|_| true)
    }

    async fn delete_room(&mut self, room: &RoomRecord) -> DatabaseResult<()> {
        run!(self, query::<Db>(DELETE_ROOM).bind(room.id.uuid()), execute)?;
        let query = query::<Db>(INSERT_PURGE)
            .bind(room.id.uuid())
            .bind(room.active_at.as_micros())
            .bind(signed(room.head.get()));
        run!(self, query, execute).map(drop)
    }
}

fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
