//! Whom users have blocked. Compiled once for each database: see [`crate::store`].
//!
//! A user's profile stands for the user's blocks, as that which is locked: it is always there, and a change of it waits
//! for nobody who reads blocks. Who acts by blocks shares the lock and reads them by a later statement, which sees all
//! that was committed under it. Who blocks has the lock alone: what was not committed before sees the block.

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::{RoomId, Timestamp, UserId};
use madang_rpc::store::BlockedUser;
use sqlx::{FromRow, QueryBuilder, query, query_scalar};
use uuid::Uuid;

use super::{
    connection::Connection,
    driver::Db,
    profiles::{ProfileColumns, Reader},
};
use crate::store::{
    blocks::{Blocks, ByBlock},
    values::unsigned,
};

const LOCK_BLOCKS: &str = concat!("SELECT p.user_id FROM profiles p WHERE p.user_id = $1", excluding!());
const SHARE_BLOCKS: &str = "SELECT p.user_id FROM profiles p WHERE p.user_id IN (";
const SHARED: &str = concat!(") ORDER BY p.user_id", sharing!());
const BLOCKERS: &str = "SELECT b.blocker FROM blocks b WHERE b.blocked = ";

const SHARE_BLOCKS_OF_DIRECT: &str = concat!(
    "SELECT p.user_id FROM rooms r JOIN profiles p ON p.user_id IN (r.direct_low, r.direct_high) \
     WHERE r.id = $1 ORDER BY p.user_id",
    sharing!()
);
/// Those who block the other one of a direct room.
pub(super) const BLOCKERS_IN_DIRECT: &str = "\
    SELECT b.blocker FROM rooms r JOIN blocks b \
    ON b.blocker IN (r.direct_low, r.direct_high) AND b.blocked IN (r.direct_low, r.direct_high) WHERE r.id = $1";
const DIRECT_ROOM: &str = "SELECT id FROM rooms WHERE direct_low = $1 AND direct_high = $2";

const INSERT_BLOCK: &str =
    "INSERT INTO blocks (blocker, blocked, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const DELETE_BLOCK: &str = "DELETE FROM blocks WHERE blocker = $1 AND blocked = $2";
const COUNT_BLOCKS: &str = "SELECT count(*) FROM blocks WHERE blocker = $1";

const CHANGE_BLOCKS: &str = "\
    INSERT INTO user_settings (user_id, blocks_version) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET \
        blocks_version = CASE WHEN excluded.blocks_version > user_settings.blocks_version \
            THEN excluded.blocks_version ELSE user_settings.blocks_version + 1 END \
    RETURNING blocks_version";
/// One statement: the blocks are those of the version.
const BLOCKS_OF: &str = "\
    SELECT u.user_id, u.blocks_version, b.blocked FROM user_settings u LEFT JOIN blocks b ON b.blocker = u.user_id \
    WHERE u.user_id IN (";

macro_rules! blocked_by {
    ($beyond:literal) => {
        concat!(
            "SELECT b.blocked, b.at, p.username, p.name, p.avatar_url, p.external_id, p.version \
             FROM blocks b LEFT JOIN profiles p ON p.user_id = b.blocked WHERE b.blocker = $1 ",
            $beyond,
            "ORDER BY b.at DESC, b.blocked DESC LIMIT $2"
        )
    };
}

const BLOCKED: &str = blocked_by!("");
const BLOCKED_AFTER: &str = blocked_by!("AND (b.at, b.blocked) < ($3, $4) ");

#[derive(Debug, FromRow)]
struct BlockedRow {
    blocked: Uuid,
    at: i64,
    #[sqlx(flatten)]
    profile: ProfileColumns,
}

#[async_trait]
impl Blocks for Connection {
    async fn lock_blocks(&mut self, blocker: UserId) -> DatabaseResult<()> {
        let query = query_scalar::<Db, Uuid>(LOCK_BLOCKS).bind(blocker.uuid());
        run!(self, query, fetch_optional).map(drop)
    }

    async fn blockers(&mut self, blocked: UserId, users: &[UserId]) -> DatabaseResult<Vec<UserId>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        // Neither is cached as prepared, since there would be one for each length of the list.
        let mut share = QueryBuilder::<Db>::new(SHARE_BLOCKS);
        push_ids(&mut share, users);
        share.push(SHARED);
        run!(self, share.build().persistent(false), fetch_all)?;
        let mut blockers = QueryBuilder::<Db>::new(BLOCKERS);
        blockers.push_bind(blocked.uuid()).push(" AND b.blocker IN (");
        push_ids(&mut blockers, users);
        blockers.push(")");
        let query = blockers.build_query_scalar::<Uuid>().persistent(false);
        Ok(run!(self, query, fetch_all)?.into_iter().map(UserId::new).collect())
    }

    async fn blockers_in_direct(&mut self, room: RoomId) -> DatabaseResult<Vec<UserId>> {
        run!(self, query::<Db>(SHARE_BLOCKS_OF_DIRECT).bind(room.uuid()), fetch_all)?;
        let query = query_scalar::<Db, Uuid>(BLOCKERS_IN_DIRECT).bind(room.uuid());
        Ok(run!(self, query, fetch_all)?.into_iter().map(UserId::new).collect())
    }

    async fn direct_room(&mut self, one: UserId, other: UserId) -> DatabaseResult<Option<RoomId>> {
        let (low, high) = (one.min(other), one.max(other));
        let query = query_scalar::<Db, Uuid>(DIRECT_ROOM).bind(low.uuid()).bind(high.uuid());
        Ok(run!(self, query, fetch_optional)?.map(RoomId::new))
    }

    async fn insert_block(
        &mut self,
        blocker: UserId,
        blocked: UserId,
        at: Timestamp,
    ) -> DatabaseResult<bool> {
        let query = query::<Db>(INSERT_BLOCK).bind(blocker.uuid()).bind(blocked.uuid()).bind(at.as_micros());
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn delete_block(&mut self, blocker: UserId, blocked: UserId) -> DatabaseResult<()> {
        let query = query::<Db>(DELETE_BLOCK).bind(blocker.uuid()).bind(blocked.uuid());
        run!(self, query, execute).map(drop)
    }

    async fn change_blocks(&mut self, blocker: UserId, now: Timestamp) -> DatabaseResult<Timestamp> {
        let query = query_scalar::<Db, i64>(CHANGE_BLOCKS).bind(blocker.uuid()).bind(now.as_micros());
        Ok(Timestamp::from_micros(run!(self, query, fetch_one)?))
    }

    async fn blocks_of(
        &mut self,
        users: &[UserId],
        limit: u32,
    ) -> DatabaseResult<Vec<(UserId, Timestamp, Option<UserId>)>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        // It is not cached as prepared, since there would be one for each length of the list.
        let mut query = QueryBuilder::<Db>::new(BLOCKS_OF);
        push_ids(&mut query, users);
        query.push(") ORDER BY u.user_id LIMIT ").push_bind(i64::from(limit));
        let query = query.build_query_as::<(Uuid, i64, Option<Uuid>)>().persistent(false);
        let row = |(user, version, blocked): (Uuid, i64, Option<Uuid>)| {
            (UserId::new(user), Timestamp::from_micros(version), blocked.map(UserId::new))
        };
        Ok(run!(self, query, fetch_all)?.into_iter().map(row).collect())
    }

    async fn count_blocks(&mut self, blocker: UserId) -> DatabaseResult<u64> {
        unsigned(run!(self, query_scalar::<Db, i64>(COUNT_BLOCKS).bind(blocker.uuid()), fetch_one)?)
    }

    async fn blocked(
        &mut self,
        blocker: UserId,
        after: Option<ByBlock>,
        limit: u32,
    ) -> DatabaseResult<Vec<BlockedUser>> {
        let query = match after {
            None => sqlx::query_as::<Db, BlockedRow>(BLOCKED).bind(blocker.uuid()).bind(i64::from(limit)),
            Some(place) => sqlx::query_as(BLOCKED_AFTER)
                .bind(blocker.uuid())
                .bind(i64::from(limit))
                .bind(place.at.as_micros())
                .bind(place.blocked.uuid()),
        };
        let mut reader = Reader::default();
        let blocked = |row: BlockedRow| {
            let user = reader.profile(row.blocked, row.profile)?;
            Ok(BlockedUser { user, at: Timestamp::from_micros(row.at) })
        };
        run!(self, query, fetch_all)?.into_iter().map(blocked).collect()
    }
}

fn push_ids(query: &mut QueryBuilder<Db>, users: &[UserId]) {
    let mut list = query.separated(", ");
    for user in users {
        list.push_bind(user.uuid());
    }
}
