//! Messages that mention everybody in their room. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{MentionAll, RoomId, Seq, Timestamp, UserId};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{connection::Connection, driver::Db};
use crate::store::{
    member_tells::{MemberTell, MemberTells},
    values::{seq, signed, unsigned},
};

const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM member_tells WHERE room = $1 LIMIT $2) AS t";
const INSERT: &str = "\
    INSERT INTO member_tells (room, message, whom, since, by_site, told_to) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (room, message) DO UPDATE SET whom = excluded.whom, since = excluded.since, \
        by_site = excluded.by_site, told_to = excluded.told_to";
const LOCK: &str =
    concat!("SELECT whom, by_site, told_to FROM member_tells WHERE room = $1 AND message = $2", locking!());
const SAVE: &str = "UPDATE member_tells SET told_to = $3 WHERE room = $1 AND message = $2";
const DELETE: &str = "DELETE FROM member_tells WHERE room = $1 AND message = $2";
const OVERDUE: &str =
    "SELECT room, message, whom FROM member_tells WHERE since < $1 ORDER BY since, room, message LIMIT $2";
const MEMBERS_SINCE: &str = "\
    SELECT user_id FROM members WHERE room = $1 AND user_id > $2 AND joined_at <= $3 ORDER BY user_id LIMIT $4";

const fn number(whom: MentionAll) -> i16 {
    match whom {
        MentionAll::All => 1,
        MentionAll::Here => 2,
    }
}

fn from_number(number: i16) -> DatabaseResult<MentionAll> {
    match number {
        1 => Ok(MentionAll::All),
        2 => Ok(MentionAll::Here),
        other => Err(DatabaseError::corrupt("mention of everybody", format!("{other} is none"))),
    }
}

#[async_trait]
impl MemberTells for Connection {
    async fn count_member_tells(&mut self, room: RoomId, up_to: u32) -> DatabaseResult<u64> {
        let query = query_scalar::<Db, i64>(COUNT).bind(room.uuid()).bind(i64::from(up_to));
        unsigned(run!(self, query, fetch_one)?)
    }

    async fn insert_member_tell(&mut self, tell: &MemberTell, since: Timestamp) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT)
            .bind(tell.room.uuid())
            .bind(signed(tell.message.get()))
            .bind(number(tell.whom))
            .bind(since.as_micros())
            .bind(tell.by_site)
            .bind(tell.told_to.uuid());
        run!(self, query, execute).map(drop)
    }

    async fn lock_member_tell(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<MemberTell>> {
        let query = query_as::<Db, (i16, bool, Uuid)>(LOCK).bind(room.uuid()).bind(signed(message.get()));
        let row = run!(self, query, fetch_optional)?;
        let tell = |(whom, by_site, told_to)| {
            Ok(MemberTell { room, message, whom: from_number(whom)?, by_site, told_to: UserId::new(told_to) })
        };
        row.map(tell).transpose()
    }

    async fn save_member_tell(&mut self, tell: &MemberTell, more: bool) -> DatabaseResult<()> {
        let (room, message) = (tell.room.uuid(), signed(tell.message.get()));
        if more {
            let query = query::<Db>(SAVE).bind(room).bind(message).bind(tell.told_to.uuid());
            run!(self, query, execute).map(drop)
        } else {
            run!(self, query::<Db>(DELETE).bind(room).bind(message), execute).map(drop)
        }
    }

    async fn overdue_member_tells(
        &mut self,
        before: Timestamp,
        limit: u32,
    ) -> DatabaseResult<Vec<(RoomId, Seq, MentionAll)>> {
        let query = query_as::<Db, (Uuid, i64, i16)>(OVERDUE).bind(before.as_micros()).bind(i64::from(limit));
        let rows = run!(self, query, fetch_all)?;
        let tell = |(room, message, whom)| Ok((RoomId::new(room), seq(message)?, from_number(whom)?));
        rows.into_iter().map(tell).collect()
    }

    async fn members_since(
        &mut self,
        room: RoomId,
        since: Timestamp,
        beyond: UserId,
        limit: u32,
    ) -> DatabaseResult<Vec<UserId>> {
        let query = query_scalar::<Db, Uuid>(MEMBERS_SINCE)
            .bind(room.uuid())
            .bind(beyond.uuid())
            .bind(since.as_micros())
            .bind(i64::from(limit));
        Ok(run!(self, query, fetch_all)?.into_iter().map(UserId::new).collect())
    }
}
