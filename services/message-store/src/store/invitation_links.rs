//! Invitation links: by whoever has its code a user joins a room.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{RoomId, Timestamp, UserId};
use madang_rpc::store::Invitation;
use uuid::Uuid;

/// The digest of a code.
pub(crate) type CodeDigest = [u8; 32];

/// An invitation link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvitationLink {
    pub(crate) id: Uuid,
    pub(crate) room: RoomId,
    pub(crate) code: CodeDigest,
    /// Who made it.
    pub(crate) actor: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// How often it can be used in all; none: any number.
    pub(crate) uses: Option<u32>,
}

/// Statements on invitation links. Those that change something need the room's lock.
#[async_trait]
pub(crate) trait InvitationLinks {
    /// The room of a link that can be used.
    async fn room_of_link(&mut self, code: &CodeDigest, now: Timestamp) -> DatabaseResult<Option<RoomId>>;

    /// Uses a link once more. False where it cannot be used.
    async fn use_link(&mut self, code: &CodeDigest, now: Timestamp) -> DatabaseResult<bool>;

    /// Notes a link.
    async fn insert_link(&mut self, link: &InvitationLink) -> DatabaseResult<()>;

    /// Forgets the links of a room that are over, and says how many others there are.
    async fn count_links(&mut self, room: RoomId, now: Timestamp) -> DatabaseResult<u64>;

    /// The links of a room that can be used, the newest first.
    async fn links(&mut self, room: RoomId, now: Timestamp) -> DatabaseResult<Vec<Invitation>>;

    /// Removes a link of a room by its id or its code. False where there is none.
    async fn delete_link(
        &mut self,
        room: RoomId,
        id: Option<Uuid>,
        code: &CodeDigest,
    ) -> DatabaseResult<bool>;
}
