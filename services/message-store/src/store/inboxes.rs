//! Users' inboxes as the store has them.

use std::sync::Arc;

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{
    IdempotencyKey, Profile, Seq, Timestamp, UserId,
    event::{Event, EventBody, Mention},
};

use super::events::{EventPage, Slice};

/// Where a user's inbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InboxState {
    /// The last place of the log.
    pub(crate) head: Seq,
    /// The read mark.
    pub(crate) read: Seq,
    /// How many events after it are no notices: those that were dismissed, and the events that say so.
    pub(crate) gone: u64,
}

/// An inbox that is opened.
#[derive(Debug, Clone)]
pub(crate) struct InboxOpening {
    /// Where it stands.
    pub(crate) state: InboxState,
    /// Its user as the profile is now; none where the store has none.
    pub(crate) user: Option<Arc<Profile>>,
    /// Whether others do not see that the user is present.
    pub(crate) hides_presence: bool,
    /// Whether others do not see that the user types.
    pub(crate) hides_typing: bool,
    /// When what is hidden was last changed.
    pub(crate) hides_version: Timestamp,
    /// The users whom the user has blocked.
    pub(crate) blocked: Vec<UserId>,
    /// The version of that, alike.
    pub(crate) blocks_version: Timestamp,
}

/// What is kept of an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoticeBounds {
    /// So many of the latest events.
    pub(crate) count: u64,
    /// Those of after this time.
    pub(crate) since: Timestamp,
}

impl InboxState {
    /// The notices after the read mark.
    pub(crate) const fn unread(self) -> u64 {
        self.head.since(self.read).saturating_sub(self.gone)
    }
}

/// Statements on inboxes.
#[async_trait]
pub(crate) trait Inboxes {
    /// Locks an inbox against all that writes to it, until the transaction ends.
    async fn lock_inbox(&mut self, user: UserId, now: Timestamp) -> DatabaseResult<()>;

    /// Locks an inbox likewise, where there is one already.
    async fn lock_inbox_if_any(&mut self, user: UserId) -> DatabaseResult<Option<InboxState>>;

    /// Adds a notice at the next place of a user's inbox, and says where and of what time. The inbox is locked
    /// from then on; of several, in the order of users, and after the room.
    async fn insert_notice(
        &mut self,
        user: UserId,
        actor: UserId,
        notice: &EventBody,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> DatabaseResult<(Seq, Timestamp)>;

    /// Adds the same notice to the inboxes of several users, by two statements, and says of each where and of what time. The
    /// users are in their order, each once.
    async fn insert_notices(
        &mut self,
        users: &[UserId],
        actor: UserId,
        notice: &EventBody,
        now: Timestamp,
    ) -> DatabaseResult<Vec<(UserId, Seq, Timestamp)>>;

    /// The notice of the embedding site that has a key.
    async fn notice_by_key(&mut self, user: UserId, key: &IdempotencyKey) -> DatabaseResult<Option<Event>>;

    /// How many of the latest notices of an inbox are an actor's and of the kind of this one.
    async fn notices_alike(
        &mut self,
        user: UserId,
        actor: UserId,
        notice: &EventBody,
        latest: u32,
    ) -> DatabaseResult<u64>;

    /// The notices after a place, oldest first.
    async fn notices_after(&mut self, user: UserId, slice: Slice) -> DatabaseResult<EventPage>;

    /// The notices before a place, newest first.
    async fn notices_before(&mut self, user: UserId, slice: Slice) -> DatabaseResult<EventPage>;

    /// The mentions among the latest events of an inbox.
    async fn latest_mentions(&mut self, user: UserId, events: u32) -> DatabaseResult<Vec<Mention>>;

    /// Moves the read mark of a locked inbox from a place to a later one, no further than its head.
    async fn mark_inbox_read(&mut self, user: UserId, from: Seq, to: Seq) -> DatabaseResult<()>;

    /// Leaves of a notice its place alone.
    async fn erase_notice(&mut self, user: UserId, seq: Seq, left: &EventBody) -> DatabaseResult<()>;

    /// Counts events after the read mark of a locked inbox that are no notices.
    async fn add_gone(&mut self, user: UserId, count: u64) -> DatabaseResult<()>;

    /// Of the next so many inboxes, by their users' ids after one, those with events that are not kept; and the last user who
    /// was looked at, none at the end.
    async fn inboxes_beyond(
        &mut self,
        after: Option<UserId>,
        limit: u32,
        kept: NoticeBounds,
    ) -> DatabaseResult<(Vec<UserId>, Option<UserId>)>;

    /// The last of an inbox's first so many events that is not kept. Needs the inbox's lock.
    async fn last_beyond(
        &mut self,
        user: UserId,
        head: Seq,
        kept: NoticeBounds,
        limit: u32,
    ) -> DatabaseResult<Option<Seq>>;

    /// Removes the events of an inbox up to a place. Needs the inbox's lock.
    async fn delete_notices(&mut self, user: UserId, up_to: Seq) -> DatabaseResult<()>;
}
