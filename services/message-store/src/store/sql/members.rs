//! Members, and how far each has read. Compiled once for each database: see [`crate::store`].

use std::sync::Arc;

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::{NotificationLevel, Profile, Role, RoomId, Seq, Timestamp, UserId};
use madang_rpc::store::Member;
use sqlx::{FromRow, QueryBuilder, query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    connection::Connection,
    driver::Db,
    profiles::{ProfileColumns, Reader},
};
use crate::store::{
    columns::{guest_column, role_column, role_of},
    members::{ByRank, Members},
    rooms::RoomRecord,
    values::{level_number, rank_number, role_from_number, role_number, seq, signed, unsigned},
};

macro_rules! member_of {
    () => {
        concat!(
            "SELECT m.user_id AS actor, p.username, p.name, p.avatar_url, p.external_id, p.version, ",
            role_of!("m"),
            " AS role, m.joined_at, m.read_seq, m.muted_until \
             FROM members m LEFT JOIN profiles p ON p.user_id = m.user_id WHERE m.room = $1 "
        )
    };
}

const MEMBER: &str = concat!(member_of!(), "AND m.user_id = $2");
const MEMBERS: &str = concat!(member_of!(), "ORDER BY m.role DESC, m.joined_at, m.user_id LIMIT $2");
const MEMBERS_AFTER: &str = concat!(
    member_of!(),
    "AND (m.role < $3 OR (m.role = $3 AND (m.joined_at, m.user_id) > ($4, $5))) ",
    "ORDER BY m.role DESC, m.joined_at, m.user_id LIMIT $2"
);
const MEMBERS_WITH_ROLE_SINCE: &str =
    concat!(member_of!(), "AND m.role_at > $3 AND m.user_id > $4 ORDER BY m.user_id LIMIT $2");
const PROFILE: &str = "SELECT p.username, p.name, p.avatar_url, p.external_id, p.version \
    FROM (SELECT 1 AS one) AS always LEFT JOIN profiles p ON p.user_id = $1";
const OWNERS: &str = "SELECT count(*) FROM members WHERE room = $1 AND role = 3";

const INSERT_MEMBER: &str = concat!(
    "INSERT INTO members (room, user_id, role, guest, joined_at, read_seq, read_ordinal, visible_after, muted_until) \
     VALUES ($1, $2, ",
    role_column!("$3"),
    ", ",
    guest_column!("$3"),
    ", $4, $5, $6, $7, coalesce( \
     (SELECT x.until FROM restrictions x WHERE x.room = $1 AND x.kind = 2 AND x.user_id = $2), 0))"
);
const VISIBLE_AFTER: &str = "SELECT visible_after FROM members WHERE room = $1 AND user_id = $2";
const SET_MUTED: &str = "UPDATE members SET muted_until = $3 WHERE room = $1 AND user_id = $2";
const SET_ROLE: &str = concat!(
    "UPDATE members SET role = ",
    role_column!("$3"),
    ", guest = ",
    guest_column!("$3"),
    ", role_at = $4 WHERE room = $1 AND user_id = $2"
);
// Written only where it changes something.
const SET_HIDDEN: &str = "\
    UPDATE members SET hidden_ordinal = $3 \
    WHERE room = $1 AND user_id = $2 AND coalesce(hidden_ordinal, -1) <> coalesce($3, -1)";
const SET_ROOM_SETTINGS: &str = "\
    UPDATE members SET notify = coalesce($3, notify), notify_muted_until = coalesce($4, notify_muted_until), \
        settings_version = CASE WHEN $5 > settings_version THEN $5 ELSE settings_version + 1 END \
    WHERE room = $1 AND user_id = $2";
const ROOM_SETTINGS_VERSION: &str = "SELECT settings_version FROM members WHERE room = $1 AND user_id = $2";
const SILENT_MEMBERS: &str = "SELECT m.user_id FROM members m WHERE m.room = ";
const DELETE_MEMBER: &str = "DELETE FROM members WHERE room = $1 AND user_id = $2";

/// Moves a read mark; `src/unread.rs` has the arithmetic.
///
/// It takes no lock on the room. Appends may commit meanwhile, so everything it reads besides the member's own
/// row is of events at or below the mark, which change no more. (PostgreSQL, when it has waited for the row,
/// computes this again on the row's new version, but sees other tables as they were.)
const MARK_READ: &str = "\
    UPDATE members SET read_seq = $3, \
        read_ordinal = coalesce((SELECT e.ordinal FROM events e WHERE e.topic = $1 AND e.seq = $3), read_ordinal), \
        read_sent = CASE WHEN sent_seq <= $3 THEN sent ELSE read_sent + ( \
            SELECT count(*) FROM events e \
            WHERE e.topic = $1 AND e.seq > members.read_seq AND e.seq <= $3 AND e.actor = $2 AND e.kind = 1) END \
    WHERE room = $1 AND user_id = $2 AND read_seq < $3";

#[derive(Debug, FromRow)]
struct MemberRow {
    actor: Uuid,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    role: i16,
    joined_at: i64,
    read_seq: i64,
    muted_until: i64,
}

impl Reader {
    fn member(&mut self, row: MemberRow) -> DatabaseResult<Member> {
        Ok(Member {
            user: self.profile(row.actor, row.profile)?,
            role: role_from_number(row.role)?,
            joined_at: Timestamp::from_micros(row.joined_at),
            read: seq(row.read_seq)?,
            invited: false,
            muted_until: (row.muted_until > 0).then_some(Timestamp::from_micros(row.muted_until)),
        })
    }
}

#[async_trait]
impl Members for Connection {
    async fn members(
        &mut self,
        room: RoomId,
        after: Option<ByRank>,
        limit: u32,
    ) -> DatabaseResult<Vec<Member>> {
        let query = match after {
            None => query_as::<Db, MemberRow>(MEMBERS).bind(room.uuid()).bind(i64::from(limit)),
            Some(place) => query_as(MEMBERS_AFTER)
                .bind(room.uuid())
                .bind(i64::from(limit))
                .bind(rank_number(place.role))
                .bind(place.joined_at.as_micros())
                .bind(place.user.uuid()),
        };
        let mut reader = Reader::default();
        run!(self, query, fetch_all)?.into_iter().map(|row| reader.member(row)).collect()
    }

    async fn members_with_role_since(
        &mut self,
        room: RoomId,
        since: Timestamp,
        beyond: Uuid,
        limit: u32,
    ) -> DatabaseResult<Vec<Member>> {
        let query = query_as::<Db, MemberRow>(MEMBERS_WITH_ROLE_SINCE)
            .bind(room.uuid())
            .bind(i64::from(limit))
            .bind(since.as_micros())
            .bind(beyond);
        let mut reader = Reader::default();
        run!(self, query, fetch_all)?.into_iter().map(|row| reader.member(row)).collect()
    }

    async fn member(&mut self, room: RoomId, user: UserId) -> DatabaseResult<Option<Member>> {
        let query = query_as::<Db, MemberRow>(MEMBER).bind(room.uuid()).bind(user.uuid());
        let row = run!(self, query, fetch_optional)?;
        row.map(|row| Reader::default().member(row)).transpose()
    }

    async fn profile(&mut self, user: UserId) -> DatabaseResult<Arc<Profile>> {
        let query = query_as::<Db, ProfileColumns>(PROFILE).bind(user.uuid());
        let columns = run!(self, query, fetch_one)?;
        Reader::default().profile(user.uuid(), columns)
    }

    async fn owners(&mut self, room: RoomId) -> DatabaseResult<u64> {
        unsigned(run!(self, query_scalar::<Db, i64>(OWNERS).bind(room.uuid()), fetch_one)?)
    }

    async fn insert_member(
        &mut self,
        room: &RoomRecord,
        user: UserId,
        role: Role,
        now: Timestamp,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT_MEMBER)
            .bind(room.id.uuid())
            .bind(user.uuid())
            .bind(role_number(role))
            .bind(now.as_micros())
            .bind(signed(room.head.get()))
            .bind(signed(room.messages))
            .bind(signed(room.hidden_from_newcomers().get()));
        run!(self, query, execute).map(drop)
    }

    async fn visible_after(&mut self, room: RoomId, user: UserId) -> DatabaseResult<Seq> {
        let query = query_scalar::<Db, i64>(VISIBLE_AFTER).bind(room.uuid()).bind(user.uuid());
        seq(run!(self, query, fetch_optional)?.unwrap_or(0))
    }

    async fn set_muted(
        &mut self,
        room: RoomId,
        user: UserId,
        until: Option<Timestamp>,
    ) -> DatabaseResult<()> {
        let until = until.map_or(0, Timestamp::as_micros);
        let query = query::<Db>(SET_MUTED).bind(room.uuid()).bind(user.uuid()).bind(until);
        run!(self, query, execute).map(drop)
    }

    async fn set_role(&mut self, room: &RoomRecord, user: UserId, role: Role) -> DatabaseResult<()> {
        let query = query::<Db>(SET_ROLE)
            .bind(room.id.uuid())
            .bind(user.uuid())
            .bind(role_number(role))
            .bind(room.active_at.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn set_hidden(&mut self, room: RoomId, user: UserId, ordinal: Option<u64>) -> DatabaseResult<()> {
        let query = query::<Db>(SET_HIDDEN).bind(room.uuid()).bind(user.uuid()).bind(ordinal.map(signed));
        run!(self, query, execute).map(drop)
    }

    async fn set_room_settings(
        &mut self,
        room: RoomId,
        user: UserId,
        notify: Option<NotificationLevel>,
        muted_until: Option<Timestamp>,
        now: Timestamp,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(SET_ROOM_SETTINGS)
            .bind(room.uuid())
            .bind(user.uuid())
            .bind(notify.map(level_number))
            .bind(muted_until.map(Timestamp::as_micros))
            .bind(now.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn room_settings_version(&mut self, room: RoomId, user: UserId) -> DatabaseResult<Timestamp> {
        let query = query_scalar::<Db, i64>(ROOM_SETTINGS_VERSION).bind(room.uuid()).bind(user.uuid());
        Ok(Timestamp::from_micros(run!(self, query, fetch_optional)?.unwrap_or(0)))
    }

    async fn silent_members(
        &mut self,
        room: RoomId,
        users: &[UserId],
        now: Timestamp,
    ) -> DatabaseResult<Vec<UserId>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        // It is not cached as prepared, since there would be one for each length of the list.
        let mut query = QueryBuilder::<Db>::new(SILENT_MEMBERS);
        query.push_bind(room.uuid()).push(" AND (m.notify = 3 OR m.notify_muted_until > ");
        query.push_bind(now.as_micros()).push(") AND m.user_id IN (");
        let mut list = query.separated(", ");
        for user in users {
            list.push_bind(user.uuid());
        }
        query.push(")");
        let query = query.build_query_scalar::<Uuid>().persistent(false);
        Ok(run!(self, query, fetch_all)?.into_iter().map(UserId::new).collect())
    }

    async fn delete_member(&mut self, room: RoomId, user: UserId) -> DatabaseResult<()> {
        let query = query::<Db>(DELETE_MEMBER).bind(room.uuid()).bind(user.uuid());
        run!(self, query, execute).map(drop)
    }

    async fn mark_read(&mut self, room: RoomId, user: UserId, seq: Seq) -> DatabaseResult<()> {
        let query = query::<Db>(MARK_READ).bind(room.uuid()).bind(user.uuid()).bind(signed(seq.get()));
        run!(self, query, execute).map(drop)
    }
}
