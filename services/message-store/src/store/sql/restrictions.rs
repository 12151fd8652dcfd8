//! Bans and mutes. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{Reason, Restriction, RoomId, Timestamp, UserId};
use madang_rpc::store::BannedUser;
use sqlx::{FromRow, query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    connection::Connection,
    driver::Db,
    profiles::{ProfileColumns, Reader},
};
use crate::store::{
    restrictions::{ByBan, RestrictionRecord, Restrictions},
    values::{restriction_number, signed, unsigned},
};

const RESTRICTION: &str =
    "SELECT actor, at, until, reason FROM restrictions WHERE room = $1 AND kind = $2 AND user_id = $3";
const PUT_RESTRICTION: &str = "\
    INSERT INTO restrictions (room, kind, user_id, actor, at, until, reason) VALUES ($1, $2, $3, $4, $5, $6, $7) \
    ON CONFLICT (room, kind, user_id) DO UPDATE SET actor = excluded.actor, at = excluded.at, \
        until = excluded.until, reason = excluded.reason";
const DELETE_RESTRICTION: &str = "DELETE FROM restrictions WHERE room = $1 AND kind = $2 AND user_id = $3";
const FORGET_RESTRICTIONS: &str = "DELETE FROM restrictions WHERE room = $1 AND kind = $2 AND until <= $3";
const COUNT_RESTRICTIONS: &str = "\
    SELECT count(*) FROM (SELECT 1 FROM restrictions WHERE room = $1 AND kind = $2 LIMIT $3) AS present";

macro_rules! bans {
    ($rest:literal) => {
        concat!(
            "SELECT x.user_id, x.actor, x.at, x.until, x.reason, p.username, p.name, p.avatar_url, \
             p.external_id, p.version FROM restrictions x LEFT JOIN profiles p ON p.user_id = x.user_id \
             WHERE x.room = $1 AND x.kind = 1 AND x.until > $2 ",
            $rest
        )
    };
}

const BANS: &str = bans!("ORDER BY x.at DESC, x.user_id DESC LIMIT $3");
const BANS_AFTER: &str =
    bans!("AND (x.at, x.user_id) < ($4, $5) ORDER BY x.at DESC, x.user_id DESC LIMIT $3");
const BANS_SINCE: &str = bans!("AND x.at > $4 AND x.user_id > $5 ORDER BY x.user_id LIMIT $3");

#[derive(Debug, FromRow)]
struct RestrictionRow {
    actor: Uuid,
    at: i64,
    until: i64,
    reason: Option<String>,
}

#[derive(Debug, FromRow)]
struct BanRow {
    user_id: Uuid,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    #[sqlx(flatten)]
    ban: RestrictionRow,
}

fn reason(text: Option<String>) -> DatabaseResult<Option<Reason>> {
    text.map(Reason::new).transpose().map_err(|error| DatabaseError::corrupt("reason", error))
}

/// None of what has no end.
fn end(until: i64) -> Option<Timestamp> {
    Some(Timestamp::from_micros(until)).filter(|until| *until != Restriction::WITHOUT_END)
}

fn banned(reader: &mut Reader, row: BanRow) -> DatabaseResult<BannedUser> {
    Ok(BannedUser {
        user: reader.profile(row.user_id, row.profile)?,
        by: UserId::new(row.ban.actor),
        at: Timestamp::from_micros(row.ban.at),
        until: end(row.ban.until),
        reason: reason(row.ban.reason)?,
    })
}

#[async_trait]
impl Restrictions for Connection {
    async fn restriction(
        &mut self,
        room: RoomId,
        kind: Restriction,
        user: UserId,
    ) -> DatabaseResult<Option<RestrictionRecord>> {
        let query = query_as::<Db, RestrictionRow>(RESTRICTION)
            .bind(room.uuid())
            .bind(restriction_number(kind))
            .bind(user.uuid());
        let record = |row: RestrictionRow| {
            Ok(RestrictionRecord {
                kind,
                user,
                actor: UserId::new(row.actor),
                at: Timestamp::from_micros(row.at),
                until: Timestamp::from_micros(row.until),
                reason: reason(row.reason)?,
            })
        };
        run!(self, query, fetch_optional)?.map(record).transpose()
    }

    async fn put_restriction(&mut self, room: RoomId, restriction: &RestrictionRecord) -> DatabaseResult<()> {
        let query = query::<Db>(PUT_RESTRICTION)
            .bind(room.uuid())
            .bind(restriction_number(restriction.kind))
            .bind(restriction.user.uuid())
            .bind(restriction.actor.uuid())
            .bind(restriction.at.as_micros())
            .bind(restriction.until.as_micros())
            .bind(restriction.reason.as_deref());
        run!(self, query, execute).map(drop)
    }

    async fn delete_restriction(
        &mut self,
        room: RoomId,
        kind: Restriction,
        user: UserId,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(DELETE_RESTRICTION)
            .bind(room.uuid())
            .bind(restriction_number(kind))
            .bind(user.uuid());
        run!(self, query, execute).map(drop)
    }

    async fn count_restrictions(
        &mut self,
        room: RoomId,
        kind: Restriction,
        now: Timestamp,
        most: u64,
    ) -> DatabaseResult<u64> {
        let forget = query::<Db>(FORGET_RESTRICTIONS)
            .bind(room.uuid())
            .bind(restriction_number(kind))
            .bind(now.as_micros());
        run!(self, forget, execute)?;
        let count = query_scalar::<Db, i64>(COUNT_RESTRICTIONS)
            .bind(room.uuid())
            .bind(restriction_number(kind))
            .bind(signed(most));
        unsigned(run!(self, count, fetch_one)?)
    }

    async fn bans(
        &mut self,
        room: RoomId,
        now: Timestamp,
        after: Option<ByBan>,
        limit: u32,
    ) -> DatabaseResult<Vec<BannedUser>> {
        let text = if after.is_some() { BANS_AFTER } else { BANS };
        let query =
            query_as::<Db, BanRow>(text).bind(room.uuid()).bind(now.as_micros()).bind(i64::from(limit));
        let query = match after {
            None => query,
            Some(place) => query.bind(place.at.as_micros()).bind(place.user.uuid()),
        };
        let mut reader = Reader::default();
        run!(self, query, fetch_all)?.into_iter().map(|row| banned(&mut reader, row)).collect()
    }

    async fn bans_since(
        &mut self,
        room: RoomId,
        now: Timestamp,
        since: Timestamp,
        beyond: Uuid,
        limit: u32,
    ) -> DatabaseResult<Vec<BannedUser>> {
        let query = query_as::<Db, BanRow>(BANS_SINCE)
            .bind(room.uuid())
            .bind(now.as_micros())
            .bind(i64::from(limit))
            .bind(since.as_micros())
            .bind(beyond);
        let mut reader = Reader::default();
        run!(self, query, fetch_all)?.into_iter().map(|row| banned(&mut reader, row)).collect()
    }
}
