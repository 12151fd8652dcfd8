//! Users' inboxes. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{
    IdempotencyKey, Seq, Timestamp, TopicId, UserId,
    event::{Event, EventBody, EventKind, Mention},
};
use sqlx::{QueryBuilder, query, query_as, query_scalar};
use uuid::Uuid;

use super::{connection::Connection, driver::Db, events::EventRow, profiles::Reader};
use crate::store::{
    columns::{
        event_columns, event_columns_without_texts, event_profiles, event_size, events_of_topic, page,
    },
    events::{EventPage, Slice},
    inboxes::{InboxState, Inboxes, NoticeBounds},
    values::{seq, signed, unsigned},
};

/// Takes an inbox's lock, by a row that there may not have been.
const LOCK_INBOX: &str = "\
    INSERT INTO inboxes (user_id, head, active_at) VALUES ($1, 0, $2) \
    ON CONFLICT (user_id) DO UPDATE SET head = inboxes.head";
const LOCK_INBOX_IF_ANY: &str =
    concat!("SELECT i.head, i.read_seq, i.gone FROM inboxes i WHERE i.user_id = $1", locking!());
/// Takes an inbox's next place, and its lock.
pub(super) const GROW_INBOX: &str = "\
    INSERT INTO inboxes (user_id, head, active_at) VALUES ($1, 1, $2) \
    ON CONFLICT (user_id) DO UPDATE SET head = inboxes.head + 1, \
        active_at = CASE WHEN inboxes.active_at > $2 THEN inboxes.active_at ELSE $2 END \
    RETURNING head, active_at";
/// The same of several inboxes. They are locked in the order of the rows.
const INBOXES: &str = "INSERT INTO inboxes (user_id, head, active_at) ";
const GROWN: &str = "\
     ON CONFLICT (user_id) DO UPDATE SET head = inboxes.head + 1, \
        active_at = CASE WHEN inboxes.active_at > excluded.active_at THEN inboxes.active_at ELSE excluded.active_at END \
    RETURNING user_id, head, active_at";
const NOTICES: &str = "INSERT INTO events (topic, seq, kind, actor, at, ordinal, detail) ";
pub(super) const INSERT_NOTICE: &str = "\
    INSERT INTO events (topic, seq, kind, actor, at, ordinal, key, detail) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)";
const NOTICES_ALIKE: &str = "\
    SELECT count(*) FROM (\
        SELECT e.kind, e.actor FROM events e WHERE e.topic = $1 ORDER BY e.seq DESC LIMIT $4\
    ) latest WHERE latest.kind = $2 AND latest.actor = $3";
const NOTICE_BY_KEY: &str = concat!(events_of_topic!(), "AND e.actor = $1 AND e.key = $2");
const NOTICES_AFTER: &str = page!(after: "events e", "e.topic = $1 AND e.seq > $2 AND e.seq > $5", "e.seq");
/// Whoever loads an inbox is not shown what was dismissed.
const NOTICES_BEFORE: &str =
    page!(before: "events e", "e.topic = $1 AND e.seq < $2 AND e.seq > $5 AND e.kind <> 40", "e.seq");
/// What is no notice is counted once, when the mark passes it.
const MARK_INBOX_READ: &str = "\
    UPDATE inboxes SET read_seq = $3, gone = CASE WHEN $3 >= head THEN 0 ELSE gone - ( \
        SELECT count(*) FROM events e WHERE e.topic = $1 AND e.seq > $2 AND e.seq <= $3 AND e.kind = 40) END \
    WHERE user_id = $1";
const LATEST_MENTIONS: &str = "\
    SELECT x.detail FROM (SELECT e.kind, e.detail FROM events e WHERE e.topic = $1 ORDER BY e.seq DESC LIMIT $2) x \
    WHERE x.kind = 6";
const ERASE_NOTICE: &str = "\
    UPDATE events SET kind = $3, actor = $1, subject = NULL, detail = $4 WHERE topic = $1 AND seq = $2";
const ADD_GONE: &str = "UPDATE inboxes SET gone = gone + $2 WHERE user_id = $1";

/// The last of the next so many inboxes. It is asked for before them, so that the statement looks at a bounded number.
const LAST_ASKED: &str = "SELECT user_id FROM inboxes WHERE user_id > $1 ORDER BY user_id LIMIT 1 OFFSET $2";
/// Those whose first event is not kept: the time of an inbox never goes back.
const INBOXES_BEYOND: &str = "\
    SELECT i.user_id FROM inboxes i WHERE i.user_id > $1 AND i.user_id <= $2 AND EXISTS ( \
        SELECT 1 FROM events e WHERE e.topic = i.user_id \
        AND e.seq = (SELECT min(f.seq) FROM events f WHERE f.topic = i.user_id) \
        AND (e.seq <= i.head - $3 OR e.at < $4)) \
    ORDER BY i.user_id";
const LAST_BEYOND: &str = "\
    SELECT max(e.seq) FROM events e WHERE e.topic = $1 \
    AND e.seq < (SELECT min(f.seq) FROM events f WHERE f.topic = $1) + $2 AND (e.seq <= $3 OR e.at < $4)";
const DELETE_UP_TO: &str = "DELETE FROM events WHERE topic = $1 AND seq <= $2";

#[async_trait]
impl Inboxes for Connection {
    async fn lock_inbox(&mut self, user: UserId, now: Timestamp) -> DatabaseResult<()> {
        let query = query::<Db>(LOCK_INBOX).bind(user.uuid()).bind(now.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn lock_inbox_if_any(&mut self, user: UserId) -> DatabaseResult<Option<InboxState>> {
        let query = query_as::<Db, (i64, i64, i64)>(LOCK_INBOX_IF_ANY).bind(user.uuid());
        let row = run!(self, query, fetch_optional)?;
        row.map(|(head, read, gone)| {
            Ok(InboxState { head: seq(head)?, read: seq(read)?, gone: unsigned(gone)? })
        })
        .transpose()
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

    async fn insert_notices(
        &mut self,
        users: &[UserId],
        actor: UserId,
        notice: &EventBody,
        now: Timestamp,
    ) -> DatabaseResult<Vec<(UserId, Seq, Timestamp)>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        // Neither is cached as prepared, since there would be one for each number of users.
        let mut grow = QueryBuilder::<Db>::new(INBOXES);
        grow.push_values(users, |mut row, user| {
            row.push_bind(user.uuid()).push_bind(1_i64).push_bind(now.as_micros());
        });
        grow.push(GROWN);
        let grow = grow.build_query_as::<(Uuid, i64, i64)>().persistent(false);
        let mut places = run!(self, grow, fetch_all)?;
        places.sort_unstable();
        let mut insert = QueryBuilder::<Db>::new(NOTICES);
        let (kind, detail) = (notice.number(), notice.detail());
        insert.push_values(&places, |mut row, (user, place, at)| {
            row.push_bind(*user).push_bind(*place).push_bind(kind).push_bind(actor.uuid());
            row.push_bind(*at).push_bind(0_i64).push_bind(detail.clone());
        });
        run!(self, insert.build().persistent(false), execute)?;
        let told = |(user, place, at)| Ok((UserId::new(user), seq(place)?, Timestamp::from_micros(at)));
        places.into_iter().map(told).collect()
    }

    async fn notices_alike(
        &mut self,
        user: UserId,
        actor: UserId,
        notice: &EventBody,
        latest: u32,
    ) -> DatabaseResult<u64> {
        let query = query_scalar::<Db, i64>(NOTICES_ALIKE)
            .bind(user.uuid())
            .bind(notice.number())
            .bind(actor.uuid())
            .bind(i64::from(latest));
        unsigned(run!(self, query, fetch_one)?)
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

    async fn latest_mentions(&mut self, user: UserId, events: u32) -> DatabaseResult<Vec<Mention>> {
        let query = query_scalar::<Db, Option<String>>(LATEST_MENTIONS);
        let query = query.bind(user.uuid()).bind(i64::from(events));
        let mention = |detail: Option<String>| match EventBody::read(
            EventKind::Mention.number(),
            detail.as_deref(),
            false,
        ) {
            Ok(EventBody::Mention(mention)) => Ok(mention),
            Ok(other) => Err(DatabaseError::corrupt("mention", format!("{other:?} is none"))),
            Err(error) => Err(DatabaseError::corrupt("mention", error)),
        };
        run!(self, query, fetch_all)?.into_iter().map(mention).collect()
    }

    async fn mark_inbox_read(&mut self, user: UserId, from: Seq, to: Seq) -> DatabaseResult<()> {
        let query = query::<Db>(MARK_INBOX_READ).bind(user.uuid());
        let query = query.bind(signed(from.get())).bind(signed(to.get()));
        run!(self, query, execute).map(drop)
    }

    async fn erase_notice(&mut self, user: UserId, seq: Seq, left: &EventBody) -> DatabaseResult<()> {
        let query = query::<Db>(ERASE_NOTICE).bind(user.uuid()).bind(signed(seq.get()));
        run!(self, query.bind(left.number()).bind(left.detail()), execute).map(drop)
    }

    async fn inboxes_beyond(
        &mut self,
        after: Option<UserId>,
        limit: u32,
        kept: NoticeBounds,
    ) -> DatabaseResult<(Vec<UserId>, Option<UserId>)> {
        let after = after.map_or(Uuid::nil(), UserId::uuid);
        let last = query_scalar::<Db, Uuid>(LAST_ASKED).bind(after).bind(i64::from(limit.saturating_sub(1)));
        let last = run!(self, last, fetch_optional)?;
        let users = query_scalar::<Db, Uuid>(INBOXES_BEYOND)
            .bind(after)
            .bind(last.unwrap_or(Uuid::max()))
            .bind(signed(kept.count))
            .bind(kept.since.as_micros());
        let users = run!(self, users, fetch_all)?.into_iter().map(UserId::new).collect();
        Ok((users, last.map(UserId::new)))
    }

    async fn last_beyond(
        &mut self,
        user: UserId,
        head: Seq,
        kept: NoticeBounds,
        limit: u32,
    ) -> DatabaseResult<Option<Seq>> {
        let query = query_scalar::<Db, Option<i64>>(LAST_BEYOND)
            .bind(user.uuid())
            .bind(i64::from(limit))
            .bind(signed(head.get()) - signed(kept.count))
            .bind(kept.since.as_micros());
        run!(self, query, fetch_one)?.map(seq).transpose()
    }

    async fn delete_notices(&mut self, user: UserId, up_to: Seq) -> DatabaseResult<()> {
        let query = query::<Db>(DELETE_UP_TO).bind(user.uuid()).bind(signed(up_to.get()));
        run!(self, query, execute).map(drop)
    }

    async fn add_gone(&mut self, user: UserId, count: u64) -> DatabaseResult<()> {
        run!(self, query::<Db>(ADD_GONE).bind(user.uuid()).bind(signed(count)), execute).map(drop)
    }
}
