//! What users may download of theirs.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{RoomId, Timestamp, UserId};
use uuid::Uuid;

/// The permission to download.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExportRecord {
    pub(crate) user: UserId,
    pub(crate) id: Uuid,
    pub(crate) at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Statements of exports.
#[async_trait]
pub(crate) trait Exports {
    /// Notes an export in the place of the user's last one. False where that is later than a time.
    async fn insert_export(&mut self, export: &ExportRecord, last_before: Timestamp) -> DatabaseResult<bool>;

    /// A user's last export.
    async fn export(&mut self, user: UserId) -> DatabaseResult<Option<ExportRecord>>;

    /// Of the next so many rooms the first one in which a user has said something, and else the last one that was asked,
    /// where there are further ones.
    async fn next_room_of_sender(
        &mut self,
        user: UserId,
        after: Option<RoomId>,
        limit: u32,
    ) -> DatabaseResult<(Option<RoomId>, Option<RoomId>)>;
}
