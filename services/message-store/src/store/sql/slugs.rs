//! Slugs that were given up. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::{RoomId, Slug, Timestamp, UserId};
use sqlx::{query, query_scalar};

use super::{connection::Connection, driver::Db};
use crate::store::slugs::{RestingSlug, Slugs};

const REST_SLUG: &str = "\
    INSERT INTO resting_slugs (slug, room, owner, since) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (slug) DO UPDATE SET room = excluded.room, owner = excluded.owner, since = excluded.since";
const SLUG_RESTS: &str =
    "SELECT count(*) FROM resting_slugs WHERE slug = $1 AND room <> $2 AND owner <> $3 AND since > $4";
const FORGET_SLUGS: &str = "\
    DELETE FROM resting_slugs WHERE slug IN (SELECT s.slug FROM resting_slugs s WHERE s.since < $1 \
                                             ORDER BY s.since LIMIT $2)";

#[async_trait]
impl Slugs for Connection {
    async fn rest_slug(&mut self, resting: &RestingSlug) -> DatabaseResult<()> {
        let query = query::<Db>(REST_SLUG)
            .bind(resting.slug.as_str())
            .bind(resting.room.uuid())
            .bind(resting.owner.uuid())
            .bind(resting.since.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn slug_rests(
        &mut self,
        slug: &Slug,
        room: RoomId,
        owner: UserId,
        after: Timestamp,
    ) -> DatabaseResult<bool> {
        let query = query_scalar::<Db, i64>(SLUG_RESTS)
            .bind(slug.as_str())
            .bind(room.uuid())
            .bind(owner.uuid())
            .bind(after.as_micros());
        Ok(run!(self, query, fetch_one)? > 0)
    }

    async fn forget_slugs(&mut self, before: Timestamp, limit: u32) -> DatabaseResult<u64> {
        let query = query::<Db>(FORGET_SLUGS).bind(before.as_micros()).bind(i64::from(limit));
        Ok(run!(self, query, execute)?.rows_affected())
    }
}
