//! What users say of themselves, and when they were last seen. Compiled once for each database: see [`crate::store`].

use std::collections::HashSet;

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{RoomId, StatusText, Timestamp, UserId};
use madang_rpc::store::{Person, Seen, Status};
use sqlx::{FromRow, QueryBuilder, query, query_as, query_scalar};
use uuid::Uuid;

use super::{connection::Connection, driver::Db};
use crate::store::people::{Hides, HidesChange, People};

const SET_STATUS: &str = "\
    INSERT INTO user_states (user_id, status, status_until, status_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (user_id) DO UPDATE SET status = excluded.status, status_until = excluded.status_until, \
        status_at = CASE WHEN user_states.status_at < excluded.status_at THEN excluded.status_at \
                         ELSE user_states.status_at + 1 END \
    RETURNING status_at";
const END_STATUSES: &str = "\
    UPDATE user_states SET status = NULL, status_until = 0 WHERE user_id IN ( \
        SELECT user_id FROM user_states WHERE status_until > 0 AND status_until <= $1 LIMIT 1000)";

/// From the blocks, which are few, to the rooms.
const BLOCKED_IN_ROOMS: &str = "\
    SELECT theirs.room, theirs.user_id FROM ( \
        SELECT b.blocked AS user_id FROM blocks b WHERE b.blocker = $1 \
        UNION SELECT b.blocker FROM blocks b WHERE b.blocked = $1 \
    ) AS k \
    JOIN members theirs ON theirs.user_id = k.user_id \
    JOIN members mine ON mine.room = theirs.room AND mine.user_id = $1";

const PEOPLE: &str = "\
    SELECT s.user_id, s.status, s.status_until, \
        CASE WHEN coalesce(u.hides_last_seen, FALSE) THEN 0 ELSE s.last_seen END AS last_seen \
    FROM user_states s LEFT JOIN user_settings u ON u.user_id = s.user_id WHERE (s.user_id = ";
const WHO_SHARE_A_ROOM: &str = " OR (EXISTS ( \
        SELECT 1 FROM members a JOIN members b ON b.room = a.room AND b.user_id = s.user_id WHERE a.user_id = ";
const WITHOUT_BLOCKS: &str = ") AND NOT EXISTS ( \
        SELECT 1 FROM blocks k WHERE (k.blocker = s.user_id AND k.blocked = ";
const NOR_THE_OTHER_WAY: &str = ") OR (k.blocked = s.user_id AND k.blocker = ";
const OF_THESE: &str = ")))) AND s.user_id IN (";

// As for blocks: a user's profile stands for the erasure as that which is locked.
const SHARE: &str = "SELECT p.user_id FROM profiles p WHERE p.user_id IN (";
const SHARED: &str = concat!(") ORDER BY p.user_id", sharing!());
const ERASED: &str = "SELECT user_id FROM erasures WHERE user_id IN (";
const HIDDEN: &str = ") UNION ALL SELECT user_id FROM user_settings WHERE hides_last_seen AND user_id IN (";
const INSERT_SEEN: &str = "INSERT INTO user_states (user_id, last_seen) ";
const LATER_SEEN: &str = " ON CONFLICT (user_id) DO UPDATE SET last_seen = excluded.last_seen \
    WHERE user_states.last_seen < excluded.last_seen";

const HIDES: &str =
    "SELECT hides_presence, hides_last_seen, hides_typing FROM user_settings WHERE user_id = $1";
const SETTINGS_VERSION: &str = "SELECT version FROM user_settings WHERE user_id = $1";
const CHANGE_SETTINGS: &str = "\
    INSERT INTO user_settings (user_id, version) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET version = \
        CASE WHEN excluded.version > user_settings.version THEN excluded.version ELSE user_settings.version + 1 END";
const SET_HIDES: &str = "\
    INSERT INTO user_settings (user_id, hides_presence, hides_last_seen, hides_typing) \
    VALUES ($1, coalesce($2, FALSE), coalesce($3, FALSE), coalesce($4, FALSE)) \
    ON CONFLICT (user_id) DO UPDATE SET \
        hides_presence = coalesce($2, user_settings.hides_presence), \
        hides_last_seen = coalesce($3, user_settings.hides_last_seen), \
        hides_typing = coalesce($4, user_settings.hides_typing)";
const FORGET_SEEN: &str = "UPDATE user_states SET last_seen = 0 WHERE user_id = $1";

#[derive(Debug, FromRow)]
struct PersonRow {
    user_id: Uuid,
    status: Option<String>,
    status_until: i64,
    last_seen: i64,
}

impl PersonRow {
    fn read(self, now: Timestamp) -> DatabaseResult<Person> {
        let until = (self.status_until > 0).then(|| Timestamp::from_micros(self.status_until));
        let text = self.status.filter(|_| until.is_none_or(|until| until > now));
        let text = text.map(StatusText::new).transpose();
        let text = text.map_err(|error| DatabaseError::corrupt("status", error))?;
        Ok(Person {
            user: UserId::new(self.user_id),
            status: text.map(|text| Status { text, until }),
            last_seen: (self.last_seen > 0).then(|| Timestamp::from_micros(self.last_seen)),
        })
    }
}

#[async_trait]
impl People for Connection {
    async fn set_status(
        &mut self,
        user: UserId,
        status: Option<&Status>,
        now: Timestamp,
    ) -> DatabaseResult<Timestamp> {
        let until = status.and_then(|status| status.until).map_or(0, Timestamp::as_micros);
        let query = query_scalar::<Db, i64>(SET_STATUS)
            .bind(user.uuid())
            .bind(status.map(|status| status.text.as_str()))
            .bind(until)
            .bind(now.as_micros());
        Ok(Timestamp::from_micros(run!(self, query, fetch_one)?))
    }

    async fn end_statuses(&mut self, now: Timestamp) -> DatabaseResult<()> {
        run!(self, query::<Db>(END_STATUSES).bind(now.as_micros()), execute).map(drop)
    }

    async fn blocked_in_rooms(&mut self, user: UserId) -> DatabaseResult<Vec<(RoomId, UserId)>> {
        let query = query_as::<Db, (Uuid, Uuid)>(BLOCKED_IN_ROOMS).bind(user.uuid());
        let rows = run!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(|(room, user)| (RoomId::new(room), UserId::new(user))).collect())
    }

    async fn people(
        &mut self,
        viewer: UserId,
        users: &[UserId],
        now: Timestamp,
    ) -> DatabaseResult<Vec<Person>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Db>::new(PEOPLE);
        for then in [WHO_SHARE_A_ROOM, WITHOUT_BLOCKS, NOR_THE_OTHER_WAY, OF_THESE] {
            query.push_bind(viewer.uuid()).push(then);
        }
        push_ids(&mut query, users);
        query.push(")");
        // The statement is not cached as prepared, since there would be one for each length of the list.
        let query = query.build_query_as::<PersonRow>().persistent(false);
        run!(self, query, fetch_all)?.into_iter().map(|row| row.read(now)).collect()
    }

    async fn note_seen(&mut self, seen: &[Seen]) -> DatabaseResult<()> {
        if seen.is_empty() {
            return Ok(());
        }
        let users: Vec<UserId> = seen.iter().map(|seen| seen.user).collect();
        // None is cached as prepared, since there would be one for each length of the list.
        let mut share = QueryBuilder::<Db>::new(SHARE);
        push_ids(&mut share, &users);
        share.push(SHARED);
        let known: Vec<Uuid> = run!(self, share.build_query_scalar().persistent(false), fetch_all)?;
        let mut silent = QueryBuilder::<Db>::new(ERASED);
        push_ids(&mut silent, &users);
        silent.push(HIDDEN);
        push_ids(&mut silent, &users);
        silent.push(")");
        let silent: Vec<Uuid> = run!(self, silent.build_query_scalar().persistent(false), fetch_all)?;
        let (known, silent): (HashSet<Uuid>, HashSet<Uuid>) =
            (known.into_iter().collect(), silent.into_iter().collect());
        let shown = |seen: &&Seen| known.contains(&seen.user.uuid()) && !silent.contains(&seen.user.uuid());
        let shown: Vec<&Seen> = seen.iter().filter(shown).collect();
        if shown.is_empty() {
            return Ok(());
        }
        let mut insert = QueryBuilder::<Db>::new(INSERT_SEEN);
        insert.push_values(shown, |mut row, seen| {
            row.push_bind(seen.user.uuid()).push_bind(seen.at.as_micros());
        });
        insert.push(LATER_SEEN);
        run!(self, insert.build().persistent(false), execute).map(drop)
    }

    async fn settings_version(&mut self, user: UserId) -> DatabaseResult<Timestamp> {
        let query = query_scalar::<Db, i64>(SETTINGS_VERSION).bind(user.uuid());
        Ok(Timestamp::from_micros(run!(self, query, fetch_optional)?.unwrap_or(0)))
    }

    async fn change_settings(&mut self, user: UserId, now: Timestamp) -> DatabaseResult<()> {
        let query = query::<Db>(CHANGE_SETTINGS).bind(user.uuid()).bind(now.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn hides(&mut self, user: UserId) -> DatabaseResult<Hides> {
        let query = query_as::<Db, (bool, bool, bool)>(HIDES).bind(user.uuid());
        let (presence, last_seen, typing) = run!(self, query, fetch_optional)?.unwrap_or_default();
        Ok(Hides { presence, last_seen, typing })
    }

    async fn set_hides(&mut self, user: UserId, change: HidesChange) -> DatabaseResult<()> {
        let HidesChange { presence, last_seen, typing } = change;
        let set = query::<Db>(SET_HIDES).bind(user.uuid()).bind(presence).bind(last_seen).bind(typing);
        run!(self, set, execute)?;
        if last_seen == Some(true) {
            run!(self, query::<Db>(FORGET_SEEN).bind(user.uuid()), execute)?;
        }
        Ok(())
    }
}

fn push_ids(query: &mut QueryBuilder<Db>, users: &[UserId]) {
    let mut list = query.separated(", ");
    for user in users {
        list.push_bind(user.uuid());
    }
}
