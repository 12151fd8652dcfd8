//! The events of logs, and the pinned messages among them. Compiled once for each database: see [`crate::store`].

use std::collections::HashMap;

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{
    RoomId, Seq, Timestamp, TopicId, UserId,
    event::{Event, EventBody, is_message},
    limits::PAGE_MAX_BYTES,
};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type, query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    connection::Connection,
    driver::Db,
    profiles::{ProfileColumns, Reader},
};
use crate::store::{
    columns::{event_columns, event_columns_without_texts, event_profiles, event_size, page, within_bytes},
    detail::message,
    events::{EventPage, Events, NewEvent, PinPage, Range, Slice},
    rooms::RoomRecord,
    values::{missing, seq, signed, unsigned},
};

/// Joined with the room, so that a deleted room has no events, though their rows go later.
macro_rules! events_of_room {
    () => {
        "rooms r JOIN events e ON e.topic = r.id"
    };
}

/// Of a room that is there, or that left a tombstone.
const LOG_AFTER: &str = page!(
    after: "events e",
    "e.topic = $1 AND e.seq > $2 AND e.seq > $5 AND (EXISTS (SELECT 1 FROM rooms r WHERE r.id = $1) \
     OR EXISTS (SELECT 1 FROM purges p WHERE p.topic = $1 AND p.head IS NOT NULL))",
    "e.seq"
);
const EVENTS_AFTER: &str =
    page!(after: events_of_room!(), "r.id = $1 AND e.seq > $2 AND e.seq > $5", "e.seq");
const EVENTS_BEFORE: &str =
    page!(before: events_of_room!(), "r.id = $1 AND e.seq < $2 AND e.seq > $5", "e.seq");
const MESSAGES_AFTER: &str =
    page!(after: events_of_room!(), "r.id = $1 AND e.seq > $2 AND e.seq > $5 AND e.kind = 1", "e.seq");
const MESSAGES_BEFORE: &str =
    page!(before: events_of_room!(), "r.id = $1 AND e.seq < $2 AND e.seq > $5 AND e.kind = 1", "e.seq");

const MESSAGES_OF: &str = page!(
    after: events_of_room!(),
    "r.id = $1 AND e.seq > $2 AND e.seq > $5 AND e.seq <= $7 AND e.kind IN (1, 30) AND e.actor = $6",
    "e.seq"
);

const INSERT_EVENT: &str = "\
    INSERT INTO events (topic, seq, kind, actor, at, ordinal, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const IS_PINNED: &str = "\
    SELECT p.pinned FROM events e LEFT JOIN pins p ON p.room = e.topic AND p.message = e.seq \
    WHERE e.topic = $1 AND e.seq = $2 AND e.kind IN (1, 30) AND e.text <> ''";
const COUNT_PINS: &str = "SELECT count(*) FROM pins WHERE room = $1";
const INSERT_PIN: &str = "INSERT INTO pins (room, message, pinned) VALUES ($1, $2, $3)";
const DELETE_PIN: &str = "DELETE FROM pins WHERE room = $1 AND message = $2";
const PINS: &str = within_bytes!(
    concat!(
        "SELECT p.pinned, ",
        event_columns_without_texts!(),
        texts_looked_at!(),
        ", ",
        event_size!(),
        " FROM pins p JOIN events e ON e.topic = p.room AND e.seq = p.message",
        event_profiles!(),
        "WHERE p.room = $1 AND p.pinned < $2 AND p.message > $5 ORDER BY p.pinned DESC LIMIT $3"
    ),
    "v.pinned DESC",
    "$4",
    texts_that_fit!()
);

#[derive(Debug, FromRow)]
struct PinRow {
    pinned: i64,
    #[sqlx(flatten)]
    message: EventRow,
    /// How many of the pins that were looked at lie behind it.
    behind: i64,
}

#[derive(Debug, FromRow)]
pub(super) struct EventRow {
    topic: Uuid,
    seq: i64,
    kind: i16,
    at: i64,
    actor: Uuid,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    key: Option<String>,
    text: Option<String>,
    detail: Option<String>,
    subject: Option<Uuid>,
    subject_username: Option<String>,
    subject_name: Option<String>,
    subject_avatar_url: Option<String>,
    subject_external_id: Option<String>,
    subject_version: Option<i64>,
}

/// The beginning of a message that others answer.
#[derive(Debug, FromRow)]
pub(super) struct OriginalRow {
    pub(super) topic: Uuid,
    pub(super) seq: i64,
    pub(super) actor: Uuid,
    pub(super) text: Option<String>,
    #[sqlx(flatten)]
    pub(super) profile: ProfileColumns,
}

/// An event of a page.
#[derive(Debug, FromRow)]
pub(super) struct PageRow {
    #[sqlx(flatten)]
    event: EventRow,
    /// How many events were found, whether they fit or not.
    found: i64,
}

/// The columns of an event that an outer join may not have found.
#[derive(Debug)]
pub(super) struct OptionalEvent(pub(super) Option<EventRow>);

impl<'r, R> FromRow<'r, R> for OptionalEvent
where
    R: Row,
    EventRow: FromRow<'r, R>,
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        match row.try_get::<Option<i64>, _>("seq")? {
            Some(_) => EventRow::from_row(row).map(|event| Self(Some(event))),
            None => Ok(Self(None)),
        }
    }
}

impl Reader {
    /// The events of one topic.
    pub(super) fn events(&mut self, topic: TopicId, rows: Vec<EventRow>) -> DatabaseResult<Vec<Event>> {
        rows.into_iter().map(|row| self.event(topic, row)).collect()
    }

    /// The events of many topics, which ranges named.
    pub(super) fn events_of(&mut self, ranges: &[Range], rows: Vec<EventRow>) -> DatabaseResult<Vec<Event>> {
        let topics: HashMap<Uuid, TopicId> =
            ranges.iter().map(|range| (range.topic.uuid(), range.topic)).collect();
        let event = |row: EventRow| {
            let topic = topics.get(&row.topic).ok_or_else(|| missing("topic"))?;
            self.event(*topic, row)
        };
        rows.into_iter().map(event).collect()
    }

    /// An event of a topic.
    pub(super) fn event(&mut self, topic: TopicId, row: EventRow) -> DatabaseResult<Event> {
        let subject = row.subject.map(|subject| {
            let columns = ProfileColumns {
                username: row.subject_username,
                name: row.subject_name,
                avatar_url: row.subject_avatar_url,
                external_id: row.subject_external_id,
                version: row.subject_version,
            };
            self.profile(subject, columns)
        });
        let subject = subject.transpose()?;
        let body = if is_message(row.kind) {
            EventBody::Message(message(row.text, row.key, row.detail.as_deref())?)
        } else {
            EventBody::read(row.kind, row.detail.as_deref(), subject.is_some())
                .map_err(|error| DatabaseError::corrupt("event", error))?
        };
        Ok(Event {
            topic,
            seq: seq(row.seq)?,
            at: Timestamp::from_micros(row.at),
            actor: self.profile(row.actor, row.profile)?,
            subject,
            body,
        })
    }
}

#[async_trait]
impl Events for Connection {
    async fn log_after(&mut self, room: RoomId, slice: Slice) -> DatabaseResult<EventPage> {
        self.events(LOG_AFTER, room.into(), slice).await
    }

    async fn events_after(&mut self, room: RoomId, slice: Slice) -> DatabaseResult<EventPage> {
        let text = if slice.messages_only { MESSAGES_AFTER } else { EVENTS_AFTER };
        self.events(text, room.into(), slice).await
    }

    async fn events_before(&mut self, room: RoomId, slice: Slice) -> DatabaseResult<EventPage> {
        let text = if slice.messages_only { MESSAGES_BEFORE } else { EVENTS_BEFORE };
        self.events(text, room.into(), slice).await
    }

    async fn messages_of(
        &mut self,
        room: RoomId,
        sender: UserId,
        slice: Slice,
        up_to: Seq,
    ) -> DatabaseResult<EventPage> {
        self.page_of(MESSAGES_OF, room.into(), slice, Some((sender, up_to))).await
    }

    async fn insert_event(&mut self, room: &RoomRecord, event: &NewEvent) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT_EVENT)
            .bind(room.id.uuid())
            .bind(signed(room.head.get()))
            .bind(event.body.number())
            .bind(event.actor.uuid())
            .bind(room.active_at.as_micros())
            .bind(signed(room.messages))
            .bind(event.subject.map(UserId::uuid))
            .bind(event.body.detail());
        run!(self, query, execute).map(drop)
    }

    async fn is_pinned(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<bool>> {
        let query = query_scalar::<Db, Option<i64>>(IS_PINNED).bind(room.uuid()).bind(signed(message.get()));
        Ok(run!(self, query, fetch_optional)?.map(|pinned| pinned.is_some()))
    }

    async fn count_pins(&mut self, room: RoomId) -> DatabaseResult<u64> {
        unsigned(run!(self, query_scalar::<Db, i64>(COUNT_PINS).bind(room.uuid()), fetch_one)?)
    }

    async fn insert_pin(&mut self, room: &RoomRecord, message: Seq) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT_PIN)
            .bind(room.id.uuid())
            .bind(signed(message.get()))
            .bind(signed(room.head.get()));
        run!(self, query, execute).map(drop)
    }

    async fn delete_pin(&mut self, room: RoomId, message: Seq) -> DatabaseResult<()> {
        let query = query::<Db>(DELETE_PIN).bind(room.uuid()).bind(signed(message.get()));
        run!(self, query, execute).map(drop)
    }

    async fn pins(&mut self, room: RoomId, beyond: Seq, floor: Seq, limit: u32) -> DatabaseResult<PinPage> {
        let query = query_as::<Db, PinRow>(PINS)
            .bind(room.uuid())
            .bind(signed(beyond.get()))
            .bind(i64::from(limit))
            .bind(PAGE_MAX_BYTES as i64)
            .bind(signed(floor.get()));
        let rows = run!(self, query, fetch_all)?;
        let is_cut = rows.last().is_some_and(|last| last.behind > 0);
        let mut reader = Reader::default();
        let pin = |row: PinRow| Ok((seq(row.pinned)?, reader.event(room.into(), row.message)?));
        let pins: DatabaseResult<Vec<(Seq, Event)>> = rows.into_iter().map(pin).collect();
        let (places, mut messages): (Vec<Seq>, Vec<Event>) = pins?.into_iter().unzip();
        self.show_originals(&mut messages).await?;
        Ok(PinPage { places, messages, is_cut })
    }
}

impl Connection {
    /// The events of a topic that a statement of a [`page!`] selects.
    pub(super) async fn events(
        &mut self,
        text: &'static str,
        topic: TopicId,
        slice: Slice,
    ) -> DatabaseResult<EventPage> {
        self.page_of(text, topic, slice, None).await
    }

    async fn page_of(
        &mut self,
        text: &'static str,
        topic: TopicId,
        slice: Slice,
        of: Option<(UserId, Seq)>,
    ) -> DatabaseResult<EventPage> {
        let query = query_as::<Db, PageRow>(text)
            .bind(topic.uuid())
            .bind(signed(slice.beyond.get()))
            // One more than is asked for shows whether there is more.
            .bind(i64::from(slice.limit) + 1)
            .bind(PAGE_MAX_BYTES as i64)
            .bind(signed(slice.floor.get()));
        let query = match of {
            Some((sender, up_to)) => query.bind(sender.uuid()).bind(signed(up_to.get())),
            None => query,
        };
        let rows = run!(self, query, fetch_all)?;
        self.event_page(rows, topic, slice.limit).await
    }

    /// The page of what was read, one row more than is asked for.
    pub(super) async fn event_page(
        &mut self,
        mut rows: Vec<PageRow>,
        topic: TopicId,
        limit: u32,
    ) -> DatabaseResult<EventPage> {
        rows.truncate(limit as usize);
        let more = rows.last().is_some_and(|last| last.found > rows.len() as i64);
        let rows = rows.into_iter().map(|row| row.event).collect();
        let mut events = Reader::default().events(topic, rows)?;
        self.show_originals(&mut events).await?;
        Ok(EventPage { events, more })
    }
}
