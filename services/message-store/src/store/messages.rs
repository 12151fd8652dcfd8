//! Messages after they were sent: edits, deletions and reactions, as the store has them.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{
    Emoji, RoomId, Seq, Timestamp, UserId,
    event::{Event, Excerpt},
};
use madang_rpc::store::Revision;

use super::detail::MessageDetail;

/// A message's row.
#[derive(Debug, Clone)]
pub(crate) struct MessageRecord {
    pub(crate) seq: Seq,
    pub(crate) sender: UserId,
    pub(crate) at: Timestamp,
    /// Empty once it is deleted.
    pub(crate) text: String,
    pub(crate) detail: MessageDetail,
}

/// The first of the former texts that a page was asked for, as many as fit into its bytes.
#[derive(Debug)]
pub(crate) struct RevisionPage {
    pub(crate) revisions: Vec<Revision>,
    /// There are further ones, which do not fit.
    pub(crate) is_cut: bool,
}

/// Statements on messages that were sent. Those that change something need the room's lock.
#[async_trait]
pub(crate) trait Messages {
    /// Of places of messages those that were deleted.
    async fn deleted_among(&mut self, places: &[(RoomId, Seq)]) -> DatabaseResult<Vec<(RoomId, Seq)>>;

    /// A message of a room, also a deleted one.
    async fn message(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<MessageRecord>>;

    /// Writes a message's text and detail back.
    async fn save_message(&mut self, room: RoomId, message: &MessageRecord) -> DatabaseResult<()>;

    /// Keeps a former text, and drops those of before a revision.
    async fn insert_revision(
        &mut self,
        room: RoomId,
        message: Seq,
        former: &Revision,
        first_kept: u32,
    ) -> DatabaseResult<()>;

    /// The former texts of before a revision, the latest first.
    async fn revisions(
        &mut self,
        room: RoomId,
        message: Seq,
        beyond: u32,
        limit: u32,
    ) -> DatabaseResult<RevisionPage>;

    /// Takes the text out of the event that told of an edit.
    async fn erase_edit(
        &mut self,
        room: RoomId,
        event: Seq,
        message: Seq,
        revision: u32,
    ) -> DatabaseResult<()>;

    /// Removes what else is kept of a message besides its row, and notes that it is deleted.
    async fn erase_message(&mut self, room: RoomId, message: &MessageRecord) -> DatabaseResult<()>;

    /// Whether a user reacts to a message with an emoji.
    async fn reacts(
        &mut self,
        room: RoomId,
        message: Seq,
        user: UserId,
        emoji: &Emoji,
    ) -> DatabaseResult<bool>;

    /// Notes that a user reacts to a message with an emoji, or removes that.
    async fn set_reaction(
        &mut self,
        room: RoomId,
        message: Seq,
        user: UserId,
        emoji: &Emoji,
        on: bool,
    ) -> DatabaseResult<()>;

    /// Says in the messages among events to which users react, whether a user is one of them.
    async fn show_own_reactions(
        &mut self,
        room: RoomId,
        user: UserId,
        events: &mut [Event],
    ) -> DatabaseResult<()>;

    /// The beginning of a message; none where there is no such message, or it is deleted.
    async fn excerpt(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<Excerpt>>;
}
