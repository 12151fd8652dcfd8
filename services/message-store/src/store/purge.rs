//! The logs of deleted rooms, which are removed a bounded number of events at a time.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::Timestamp;

/// Statements that remove logs.
#[async_trait]
pub(crate) trait Purge {
    /// Removes up to `limit` events of a room, and as many rows that belong to its messages, that was deleted before a time, and says how many. `None` when no
    /// such room is left. From the first removal on nobody reads the log any more.
    async fn purge(&mut self, deleted_before: Timestamp, limit: u32) -> DatabaseResult<Option<u64>>;
}
