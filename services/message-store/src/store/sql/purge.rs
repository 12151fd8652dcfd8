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
/// Of a table with what is kept of a room's messages besides their rows, the first rows by its key. A range up to the last of
/// them: to look for each of them would cost the square of their number.
macro_rules! purge_by_key {
    ($table:literal, $key:literal, $key_backwards:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE room = $1 AND (",
            $key,
            ") <= (SELECT ",
            $key,
            " FROM (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE room = $1 ORDER BY ",
            $key,
            " LIMIT $2) AS first ORDER BY ",
            $key_backwards,
            " LIMIT 1)"
        )
    };
}

const PURGE_CHANGES: [&str; 6] = [
    purge_by_key!("revisions", "message, revision", "message DESC, revision DESC"),
    purge_by_key!("reactions", "message, user_id, emoji", "message DESC, user_id DESC, emoji DESC"),
    purge_by_key!("deletions", "seq", "seq DESC"),
    purge_by_key!("search", "message", "message DESC"),
    purge_by_key!("threads", "root", "root DESC"),
    purge_by_key!("thread_messages", "root, seq", "root DESC, seq DESC"),
];
/// Files have their bytes elsewhere, and are removed by who removes those. Before the purge itself goes, which says that the room
/// is deleted.
const REMOVE_FILES: &str = "\
    UPDATE files SET state = 3, since = $3, name = NULL, content_type = NULL, image = NULL \
    WHERE id IN (SELECT f.id FROM files f WHERE f.room = $1 AND f.state < 3 LIMIT $2)";
const DELETE_POSITION: &str = "DELETE FROM search_positions WHERE room = $1";
const DELETE_WORD_LIST: &str = "DELETE FROM word_lists WHERE room = $1";
const DELETE_PURGE: &str = "DELETE FROM purges WHERE topic = $1";

#[async_trait]
impl Purge for Connection {
    async fn purge(&mut self, deleted_before: Timestamp, limit: u32) -> DatabaseResult<Option<u64>> {
        let query = query_scalar::<Db, Uuid>(BEGIN_PURGE).bind(deleted_before.as_micros());
        let Some(topic) = run!(self, query, fetch_optional)? else {
            return Ok(None);
        };
        let query = sqlx::query::<Db>(PURGE_EVENTS).bind(topic).bind(i64::from(limit));
        let mut removed = run!(self, query, execute)?.rows_affected();
        for statement in PURGE_CHANGES {
            let query = sqlx::query::<Db>(statement).bind(topic).bind(i64::from(limit));
            removed += run!(self, query, execute)?.rows_affected();
        }
        let files = sqlx::query::<Db>(REMOVE_FILES).bind(topic).bind(i64::from(limit));
        removed += run!(self, files.bind(deleted_before.as_micros()), execute)?.rows_affected();
        if removed == 0 {
            run!(self, sqlx::query::<Db>(DELETE_POSITION).bind(topic), execute)?;
            run!(self, sqlx::query::<Db>(DELETE_WORD_LIST).bind(topic), execute)?;
            run!(self, sqlx::query::<Db>(DELETE_PURGE).bind(topic), execute)?;
        }
        Ok(Some(removed))
    }
}
