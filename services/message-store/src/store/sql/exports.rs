//! What users may download of theirs. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::{RoomId, Timestamp, UserId};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{connection::Connection, driver::Db};
use crate::store::exports::{ExportRecord, Exports};

const INSERT: &str = "\
    INSERT INTO exports (user_id, id, at, expires_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, at = excluded.at, expires_at = excluded.expires_at \
    WHERE exports.at <= $5";
const EXPORT: &str = "SELECT id, at, expires_at FROM exports WHERE user_id = $1";
/// Each message has a key, and with its room, sender and key an index.
const NEXT_ROOM: &str = "\
    SELECT r.id FROM rooms r WHERE r.id > $2 AND r.id <= $3 \
    AND EXISTS (SELECT 1 FROM events e WHERE e.topic = r.id AND e.actor = $1 AND e.key IS NOT NULL) \
    ORDER BY r.id LIMIT 1";
/// Asked for first, as in an erasure.
const LAST_ASKED: &str = "SELECT id FROM rooms WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2";

#[async_trait]
impl Exports for Connection {
    async fn insert_export(&mut self, export: &ExportRecord, last_before: Timestamp) -> DatabaseResult<bool> {
        let query = query::<Db>(INSERT)
            .bind(export.user.uuid())
            .bind(export.id)
            .bind(export.at.as_micros())
            .bind(export.expires_at.as_micros())
            .bind(last_before.as_micros());
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn export(&mut self, user: UserId) -> DatabaseResult<Option<ExportRecord>> {
        let query = query_as::<Db, (Uuid, i64, i64)>(EXPORT).bind(user.uuid());
        let record = |(id, at, expires_at)| ExportRecord {
            user,
            id,
            at: Timestamp::from_micros(at),
            expires_at: Timestamp::from_micros(expires_at),
        };
        Ok(run!(self, query, fetch_optional)?.map(record))
    }

    async fn next_room_of_sender(
        &mut self,
        user: UserId,
        after: Option<RoomId>,
        limit: u32,
    ) -> DatabaseResult<(Option<RoomId>, Option<RoomId>)> {
        let after = after.map_or(Uuid::nil(), RoomId::uuid);
        let query = query_scalar::<Db, Uuid>(LAST_ASKED).bind(after).bind(i64::from(limit.saturating_sub(1)));
        let last = run!(self, query, fetch_optional)?;
        let up_to = last.unwrap_or(Uuid::max());
        let query = query_scalar::<Db, Uuid>(NEXT_ROOM).bind(user.uuid()).bind(after).bind(up_to);
        let found = run!(self, query, fetch_optional)?;
        Ok((found.map(RoomId::new), last.map(RoomId::new)))
    }
}
