//! The statements that both databases understand, on one connection of either.
//!
//! This file is compiled twice: `postgres` and `sqlite` each declare it as a module of their own and give it
//! their `Db`, their `Connector` and their way to lock a room. Generic code over `sqlx::Database` would need
//! a page of bounds on every function to say the same.

use async_trait::async_trait;
use madang_database::Lease;
use madang_domain::{
    IdempotencyKey, Role, RoomId, RoomRef, Seq, Timestamp, TopicId, UserId,
    event::{Event, EventBody},
};
use madang_rpc::store::Member;
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{Connector, Db, LOCK_BY_EXTERNAL_ID, LOCK_BY_ID, LOCK_BY_SLUG};
use crate::{
    page::{ByActivity, ByAge, ByRank},
    store::{
        self, NewEvent, Origin, RoomRecord, Slice, StoreResult, View,
        rows::{
            EventRow, MemberRow, Reader, RoomRow, ViewRow, role_number, room_kind_number, seq, signed,
            unsigned,
        },
        sql,
    },
};

/// A connection, within a transaction or not.
pub(super) struct Session {
    lease: Lease<Connector>,
    in_transaction: bool,
}

/// Runs a query on the session's connection and settles its result.
macro_rules! run {
    ($session:expr, $query:expr, $fetch:ident) => {{
        let result = $query.$fetch($session.lease.connection()).await;
        $session.lease.settle(result)
    }};
}

impl Session {
    /// A session without a transaction: each statement for itself.
    pub(super) fn reading(lease: Lease<Connector>) -> Self {
        Self { lease, in_transaction: false }
    }

    /// A session in a transaction, begun by `begin`.
    pub(super) async fn writing(lease: Lease<Connector>, begin: &'static str) -> StoreResult<Self> {
        let mut session = Self { lease, in_transaction: true };
        run!(session, sqlx::raw_sql(begin), execute)?;
        Ok(session)
    }

    async fn end(mut self: Box<Self>, statement: &'static str) -> StoreResult<()> {
        if self.in_transaction {
            run!(self, sqlx::raw_sql(statement), execute)?;
        }
        self.lease.give_back();
        Ok(())
    }
}

/// Makes values of rows.
fn views(rows: Vec<ViewRow>) -> StoreResult<Vec<View>> {
    let mut reader = Reader::default();
    rows.into_iter().map(|row| reader.view(row)).collect()
}

#[async_trait]
impl store::Session for Session {
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        self.end("COMMIT").await
    }

    async fn rollback(self: Box<Self>) -> StoreResult<()> {
        self.end("ROLLBACK").await
    }

    async fn view(&mut self, user: UserId, room: &RoomRef) -> StoreResult<Option<View>> {
        let query = match room {
            RoomRef::Id(id) => query_as::<Db, ViewRow>(sql::VIEW_BY_ID).bind(user.uuid()).bind(id.uuid()),
            RoomRef::Slug(slug) => query_as(sql::VIEW_BY_SLUG).bind(user.uuid()).bind(slug.as_str()),
            RoomRef::External(id) => query_as(sql::VIEW_BY_EXTERNAL_ID).bind(user.uuid()).bind(id.as_str()),
        };
        let row = run!(self, query, fetch_optional)?;
        row.map(|row| Reader::default().view(row)).transpose()
    }

    async fn active_rooms(
        &mut self,
        user: UserId,
        after: Option<ByActivity>,
        limit: u32,
    ) -> StoreResult<Vec<View>> {
        let query = match after {
            None => query_as::<Db, ViewRow>(sql::ACTIVE_ROOMS).bind(user.uuid()).bind(i64::from(limit)),
            Some(place) => query_as(sql::ACTIVE_ROOMS_AFTER)
                .bind(user.uuid())
                .bind(i64::from(limit))
                .bind(place.active_at.as_micros())
                .bind(place.room.uuid()),
        };
        views(run!(self, query, fetch_all)?)
    }

    async fn joinable_rooms(
        &mut self,
        user: UserId,
        after: Option<ByAge>,
        limit: u32,
    ) -> StoreResult<Vec<View>> {
        let query = match after {
            None => query_as::<Db, ViewRow>(sql::JOINABLE_ROOMS).bind(user.uuid()).bind(i64::from(limit)),
            Some(place) => query_as(sql::JOINABLE_ROOMS_AFTER)
                .bind(user.uuid())
                .bind(i64::from(limit))
                .bind(place.room.uuid()),
        };
        views(run!(self, query, fetch_all)?)
    }

    async fn memberships(&mut self, user: UserId, limit: u32) -> StoreResult<Vec<RoomId>> {
        let query = query_scalar::<Db, Uuid>(sql::MEMBERSHIPS).bind(user.uuid()).bind(i64::from(limit));
        Ok(run!(self, query, fetch_all)?.into_iter().map(RoomId::new).collect())
    }

    async fn members(&mut self, room: RoomId, after: Option<ByRank>, limit: u32) -> StoreResult<Vec<Member>> {
        let query = match after {
            None => query_as::<Db, MemberRow>(sql::MEMBERS).bind(room.uuid()).bind(i64::from(limit)),
            Some(place) => query_as(sql::MEMBERS_AFTER)
                .bind(room.uuid())
                .bind(i64::from(limit))
                .bind(role_number(place.role))
                .bind(place.joined_at.as_micros())
                .bind(place.user.uuid()),
        };
        let mut reader = Reader::default();
        run!(self, query, fetch_all)?.into_iter().map(|row| reader.member(row)).collect()
    }

    async fn member(&mut self, room: RoomId, user: UserId) -> StoreResult<Option<Member>> {
        let query = query_as::<Db, MemberRow>(sql::MEMBER).bind(room.uuid()).bind(user.uuid());
        let row = run!(self, query, fetch_optional)?;
        row.map(|row| Reader::default().member(row)).transpose()
    }

    async fn owners(&mut self, room: RoomId) -> StoreResult<u64> {
        unsigned(run!(self, query_scalar::<Db, i64>(sql::OWNERS).bind(room.uuid()), fetch_one)?)
    }

    async fn events_after(&mut self, room: RoomId, slice: Slice) -> StoreResult<Vec<Event>> {
        let text = if slice.messages_only { sql::MESSAGES_AFTER } else { sql::EVENTS_AFTER };
        self.events(text, room.into(), slice).await
    }

    async fn log_after(&mut self, room: RoomId, slice: Slice) -> StoreResult<Vec<Event>> {
        self.events(sql::LOG_AFTER, room.into(), slice).await
    }

    async fn events_before(&mut self, room: RoomId, slice: Slice) -> StoreResult<Vec<Event>> {
        let text = if slice.messages_only { sql::MESSAGES_BEFORE } else { sql::EVENTS_BEFORE };
        self.events(text, room.into(), slice).await
    }

    async fn lock_room(&mut self, room: &RoomRef) -> StoreResult<Option<RoomRecord>> {
        let query = match room {
            RoomRef::Id(id) => query_as::<Db, RoomRow>(LOCK_BY_ID).bind(id.uuid()),
            RoomRef::Slug(slug) => query_as(LOCK_BY_SLUG).bind(slug.as_str()),
            RoomRef::External(id) => query_as(LOCK_BY_EXTERNAL_ID).bind(id.as_str()),
        };
        run!(self, query, fetch_optional)?.map(RoomRecord::try_from).transpose()
    }

    async fn insert_room(&mut self, room: &RoomRecord, origin: &Origin) -> StoreResult<bool> {
        let query = query::<Db>(sql::INSERT_ROOM)
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
            .bind(room.external_id.as_deref());
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn created_before(&mut self, origin: &Origin) -> StoreResult<Option<RoomId>> {
        if let Some(external) = &origin.external_id {
            let query = query_scalar::<Db, Uuid>(sql::CREATED_AS_EXTERNAL).bind(external.as_str());
            if let Some(id) = run!(self, query, fetch_optional)? {
                return Ok(Some(RoomId::new(id)));
            }
        }
        if let Some(key) = &origin.key {
            let query =
                query_scalar::<Db, Uuid>(sql::CREATED_BY_KEY).bind(origin.creator.uuid()).bind(key.as_str());
            if let Some(id) = run!(self, query, fetch_optional)? {
                return Ok(Some(RoomId::new(id)));
            }
        }
        let Some((low, high)) = origin.pair else { return Ok(None) };
        let query = query_scalar::<Db, Uuid>(sql::CREATED_FOR_PAIR).bind(low.uuid()).bind(high.uuid());
        Ok(run!(self, query, fetch_optional)?.map(RoomId::new))
    }

    async fn save_room(&mut self, room: &RoomRecord) -> StoreResult<bool> {
        if let Some(slug) = &room.slug {
            let query =
                query_scalar::<Db, Uuid>(sql::SLUG_OF_ANOTHER).bind(slug.as_str()).bind(room.id.uuid());
            if run!(self, query, fetch_optional)?.is_some() {
                return Ok(false);
            }
        }
        let query = query::<Db>(sql::SAVE_ROOM)
            .bind(room.id.uuid())
            .bind(room.name.as_str())
            .bind(room.slug.as_deref())
            .bind(room.active_at.as_micros())
            .bind(signed(room.head.get()))
            .bind(signed(room.member_count));
        let saved = query.execute(self.lease.connection()).await;
        // Another transaction may have taken the slug since it was looked for.
        if saved.as_ref().is_err_and(is_taken) {
            return Ok(false);
        }
        self.lease.settle(saved).map(|_| true)
    }

    async fn delete_room(&mut self, room: &RoomRecord) -> StoreResult<()> {
        run!(self, query::<Db>(sql::DELETE_ROOM).bind(room.id.uuid()), execute)?;
        let query = query::<Db>(sql::INSERT_PURGE)
            .bind(room.id.uuid())
            .bind(room.active_at.as_micros())
            .bind(signed(room.head.get()));
        run!(self, query, execute).map(drop)
    }

    async fn purge(&mut self, deleted_before: Timestamp, limit: u32) -> StoreResult<Option<u64>> {
        let query = query_scalar::<Db, Uuid>(sql::BEGIN_PURGE).bind(deleted_before.as_micros());
        let Some(topic) = run!(self, query, fetch_optional)? else {
            return Ok(None);
        };
        let query = sqlx::query::<Db>(sql::PURGE_EVENTS).bind(topic).bind(i64::from(limit));
        let removed = run!(self, query, execute)?.rows_affected();
        if removed == 0 {
            run!(self, sqlx::query::<Db>(sql::DELETE_PURGE).bind(topic), execute)?;
        }
        Ok(Some(removed))
    }

    async fn insert_member(
        &mut self,
        room: &RoomRecord,
        user: UserId,
        role: Role,
        now: Timestamp,
    ) -> StoreResult<()> {
        let query = query::<Db>(sql::INSERT_MEMBER)
            .bind(room.id.uuid())
            .bind(user.uuid())
            .bind(role_number(role))
            .bind(now.as_micros())
            .bind(signed(room.head.get()))
            .bind(signed(room.messages));
        run!(self, query, execute).map(drop)
    }

    async fn set_role(&mut self, room: RoomId, user: UserId, role: Role) -> StoreResult<()> {
        let query = query::<Db>(sql::SET_ROLE).bind(room.uuid()).bind(user.uuid()).bind(role_number(role));
        run!(self, query, execute).map(drop)
    }

    async fn delete_member(&mut self, room: RoomId, user: UserId) -> StoreResult<()> {
        let query = query::<Db>(sql::DELETE_MEMBER).bind(room.uuid()).bind(user.uuid());
        run!(self, query, execute).map(drop)
    }

    async fn insert_event(&mut self, room: &RoomRecord, event: &NewEvent) -> StoreResult<()> {
        let query = query::<Db>(sql::INSERT_EVENT)
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

    async fn mark_read(&mut self, room: RoomId, user: UserId, seq: Seq) -> StoreResult<()> {
        let query = query::<Db>(sql::MARK_READ).bind(room.uuid()).bind(user.uuid()).bind(signed(seq.get()));
        run!(self, query, execute).map(drop)
    }

    async fn lock_inbox(&mut self, user: UserId, now: Timestamp) -> StoreResult<()> {
        let query = query::<Db>(sql::LOCK_INBOX).bind(user.uuid()).bind(now.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn insert_notice(
        &mut self,
        user: UserId,
        actor: UserId,
        notice: &EventBody,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> StoreResult<(Seq, Timestamp)> {
        let query = query_as::<Db, (i64, i64)>(sql::GROW_INBOX).bind(user.uuid()).bind(now.as_micros());
        let (place, at) = run!(self, query, fetch_one)?;
        let query = sqlx::query::<Db>(sql::INSERT_NOTICE)
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

    async fn notice_by_key(&mut self, user: UserId, key: &IdempotencyKey) -> StoreResult<Option<Event>> {
        let query = query_as::<Db, EventRow>(sql::NOTICE_BY_KEY).bind(user.uuid()).bind(key.as_str());
        Ok(Reader::default().events(TopicId::Inbox(user), run!(self, query, fetch_all)?)?.pop())
    }

    async fn notices_after(&mut self, user: UserId, slice: Slice) -> StoreResult<Vec<Event>> {
        self.events(sql::NOTICES_AFTER, TopicId::Inbox(user), slice).await
    }

    async fn notices_before(&mut self, user: UserId, slice: Slice) -> StoreResult<Vec<Event>> {
        self.events(sql::NOTICES_BEFORE, TopicId::Inbox(user), slice).await
    }

    async fn mark_inbox_read(&mut self, user: UserId, seq: Seq) -> StoreResult<()> {
        let query = query::<Db>(sql::MARK_INBOX_READ).bind(user.uuid()).bind(signed(seq.get()));
        run!(self, query, execute).map(drop)
    }
}

impl Session {
    async fn events(&mut self, text: &'static str, topic: TopicId, slice: Slice) -> StoreResult<Vec<Event>> {
        let query = query_as::<Db, EventRow>(text)
            .bind(topic.uuid())
            .bind(signed(slice.beyond.get()))
            .bind(i64::from(slice.limit));
        Reader::default().events(topic, run!(self, query, fetch_all)?)
    }
}

fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
