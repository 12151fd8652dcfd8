//! Users' inboxes. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::{
    IdempotencyKey, Seq, Timestamp, TopicId, UserId,
    event::{Event, EventBody},
};
use sqlx::{query, query_as};

use super::{connection::Connection, driver::Db, events::EventRow, profiles::Reader};
use crate::store::{
    columns::{event_columns, event_profiles, events_of_topic, page},
    events::{EventPage, Slice},
    inboxes::Inboxes,
    values::{seq, signed},
};

/// Takes an inbox's lock, by a row that there may not have been.
const LOCK_INBOX: &str = "\
    INSERT INTO inboxes (user_id, head, active_at) VALUES ($1, 0, $2) \
    ON CONFLICT (user_id) DO UPDATE SET head = inboxes.head";
/// Takes an inbox's next place, and its lock.
pub(super) const GROW_INBOX: &str = "\
    INSERT INTO inboxes (user_id, head, active_at) VALUES ($1, 1, $2) \
    ON CONFLICT (user_id) DO UPDATE SET head = inboxes.head + 1, \
        active_at = CASE WHEN inboxes.active_at > $2 THEN inboxes.active_at ELSE $2 END \
    RETURNING head, active_at";
pub(super) const INSERT_NOTICE: &str = "\
    INSERT INTO events (topic, seq, kind, actor, at, ordinal, key, detail) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)";
const NOTICE_BY_KEY: &str = concat!(events_of_topic!(), "AND e.actor = $1 AND e.key = $2");
const NOTICES_AFTER: &str = page!("FROM events e WHERE e.topic = $1 AND e.seq > $2 AND e.seq > $5 ", "ASC");
const NOTICES_BEFORE: &str = page!("FROM events e WHERE e.topic = $1 AND e.seq < $2 AND e.seq > $5 ", "DESC");
const MARK_INBOX_READ: &str = "\
    UPDATE inboxes SET read_seq = CASE WHEN $2 < head THEN $2 ELSE head END \
    WHERE user_id = $1 AND read_seq < $2 AND read_seq < head";

#[async_trait]
impl Inboxes for Connection {
    async fn lock_inbox(&mut self, user: UserId, now: Timestamp) -> DatabaseResult<()> {
        let query = query::<Db>(LOCK_INBOX).bind(user.uuid()).bind(now.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn insert_notice(
        &mut self,
        user: UserId,
        actor: UserId,
        notice: &EventBody,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> DatabaseResult<(Seq, Timestamp)> {
        let query = query_as::<Db, (i64, i64)>(GROW_INBOX).bind(user.uuid()).bind(now.as_micros());
        let (place, at) = run!(self, query, fetch_one)?;
        let query = sqlx::query::<Db>(INSERT_NOTICE)
            .bind(user.uuid())
            .bind(place)
            .bind(notice.number())
            .bind(actor.uuid())
            .bind(at)
            .bind(key.map(IdempotencyKey::as_str))
            .bind(notice.detail());
        run!(self, query, execute)?;
        Ok((seq(place)?, Timestamp::from_micros(at)))
    }

    async fn notice_by_key(&mut self, user: UserId, key: &IdempotencyKey) -> DatabaseResult<Option<Event>> {
        let query = query_as::<Db, EventRow>(NOTICE_BY_KEY).bind(user.uuid()).bind(key.as_str());
        Ok(Reader::default().events(TopicId::Inbox(user), run!(self, query, fetch_all)?)?.pop())
    }

    async fn notices_after(&mut self, user: UserId, slice: Slice) -> DatabaseResult<EventPage> {
        self.events(NOTICES_AFTER, TopicId::Inbox(user), slice).await
    }

    async fn notices_before(&mut self, user: UserId, slice: Slice) -> DatabaseResult<EventPage> {
        self.events(NOTICES_BEFORE, TopicId::Inbox(user), slice).await
    }

    async fn mark_inbox_read(&mut self, user: UserId, seq: Seq) -> DatabaseResult<()> {
        let query = query::<Db>(MARK_INBOX_READ).bind(user.uuid()).bind(signed(seq.get()));
        run!(self, query, execute).map(drop)
    }
}
