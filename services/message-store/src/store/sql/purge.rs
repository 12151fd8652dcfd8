//! The logs of deleted rooms. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::Timestamp;
use sqlx::query_scalar;
use uuid::Uuid;

use super::{connection::Connection, driver::Db};
use crate::store::purge::Purge;

/// Chooses the room that was deleted first, before `$1`. Without a head it is no tombstone any more: a log of which
/// the beginning is gone must not be read.
const BEGIN_PURGE: &str = "\
    UPDATE purges SET head = NULL \
    WHERE topic = (SELECT p.topic FROM purges p WHERE p.since < $1 ORDER BY p.since LIMIT 1) RETURNING topic";
/// Seqs are contiguous, so a span of them is a bounded number of rows.
const PURGE_EVENTS: &str = "\
    DELETE FROM events WHERE topic = $1 AND seq < (SELECT min(e.seq) + $2 FROM events e WHERE e.topic = $1)";
const DELETE_PURGE: &str = "DELETE FROM purges WHERE topic = $1";

#[async_trait]
impl Purge for Connection {
    async fn purge(&mut self, deleted_before: Timestamp, limit: u32) -> DatabaseResult<Option<u64>> {
        let query = query_scalar::<Db, Uuid>(BEGIN_PURGE).bind(deleted_before.as_micros());
        let Some(topic) = run!(self, query, fetch_optional)? else {
            return Ok(None);
        };
        let query = sqlx::query::<Db>(PURGE_EVENTS).bind(topic).bind(i64::from(limit));
        let removed = run!(self, query, execute)?.rows_affected();
        if removed == 0 {
            run!(self, sqlx::query::<Db>(DELETE_PURGE).bind(topic), execute)?;
        }
        Ok(Some(removed))
    }
}
