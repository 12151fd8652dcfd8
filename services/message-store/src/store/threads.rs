//! Threads as the store has them.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{
    IdempotencyKey, RoomId, Seq, Timestamp, UserId,
    event::{Event, ThreadState},
};
use madang_rpc::store::ThreadPlace;

use super::{
    events::{EventPage, Slice},
    rooms::RoomRecord,
};

/// A thread's counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ThreadRecord {
    pub(crate) room: RoomId,
    pub(crate) root: Seq,
    /// How many messages were sent to it.
    pub(crate) messages: u64,
    /// How many of them are not deleted.
    pub(crate) replies: u64,
    /// The last one's place; the start before the first.
    pub(crate) last_seq: Seq,
    /// When the last one was sent.
    pub(crate) last_at: Timestamp,
}

/// A message for a thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadMessage<'a> {
    pub(crate) sender: UserId,
    pub(crate) key: &'a IdempotencyKey,
    pub(crate) text: &'a str,
    pub(crate) detail: Option<&'a str>,
    /// Whether it stands among the messages of the room as well.
    pub(crate) in_room: bool,
}

/// A message of which followers of its thread are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tell {
    pub(crate) room: RoomId,
    pub(crate) message: Seq,
    pub(crate) root: Seq,
    /// Whether the embedding site sent it, for which no block counts.
    pub(crate) by_site: bool,
    /// The last of those who were told, in the order of ids.
    pub(crate) told_to: UserId,
}

/// A place in the list of followed threads: the latest message first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByReply {
    pub(crate) last_at: Timestamp,
    pub(crate) room: RoomId,
    pub(crate) root: Seq,
}

impl ByReply {
    /// The thread.
    pub(crate) const fn id(self) -> ThreadId {
        ThreadId { room: self.room, root: self.root }
    }
}

/// What names a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ThreadId {
    pub(crate) room: RoomId,
    pub(crate) root: Seq,
}

/// The first of the threads that a page was asked for, as many as fit into its bytes.
#[derive(Debug, Default)]
pub(crate) struct FollowedPage {
    /// Each with its root.
    pub(crate) threads: Vec<(ByReply, Event, ThreadPlace)>,
    /// There are further ones, which do not fit.
    pub(crate) is_cut: bool,
}

/// Statements on threads. Those that change something need the room's lock, but for read marks and what is told.
#[async_trait]
pub(crate) trait Threads {
    /// Where and when a user's message with a key was committed.
    async fn appended_before(
        &mut self,
        room: RoomId,
        sender: UserId,
        key: &IdempotencyKey,
    ) -> DatabaseResult<Option<(Seq, Timestamp)>>;

    /// When a member's last message was committed; the epoch's beginning where there is none.
    async fn sent_at(&mut self, room: RoomId, member: UserId) -> DatabaseResult<Timestamp>;

    /// The thread under a message, once somebody wrote in it or follows it.
    async fn thread(&mut self, room: RoomId, root: Seq) -> DatabaseResult<Option<ThreadRecord>>;

    /// Writes a thread's counters, also of a new one.
    async fn save_thread(&mut self, thread: &ThreadRecord) -> DatabaseResult<()>;

    /// What a thread's root is to show.
    async fn thread_state(&mut self, thread: &ThreadRecord) -> DatabaseResult<ThreadState>;

    /// Notes that a user's message at the thread's last place stands in it.
    async fn insert_in_thread(&mut self, thread: &ThreadRecord, sender: UserId) -> DatabaseResult<()>;

    /// Notes that a message of a thread is deleted.
    async fn delete_in_thread(&mut self, thread: &ThreadRecord, message: Seq) -> DatabaseResult<()>;

    /// Adds a message for a thread at the room's next place; the caller has counted the room's head up, and its messages
    /// where it is one of them.
    async fn insert_thread_message(
        &mut self,
        room: &RoomRecord,
        message: &ThreadMessage<'_>,
    ) -> DatabaseResult<()>;

    /// Lets a user follow a thread, who has read it so far where the user is new to it. Who is no member does not.
    async fn follow(&mut self, thread: &ThreadRecord, user: UserId) -> DatabaseResult<()>;

    /// Lets a user follow a thread no more.
    async fn unfollow(&mut self, room: RoomId, root: Seq, user: UserId) -> DatabaseResult<()>;

    /// How many users follow a thread, counted so far.
    async fn count_followers(&mut self, room: RoomId, root: Seq, up_to: u32) -> DatabaseResult<u64>;

    /// How many threads a user follows, as far as `up_to`.
    async fn count_followed(&mut self, user: UserId, up_to: u32) -> DatabaseResult<u64>;

    /// Ends the follows of those threads of a user in which nobody has written for the longest time, but for so many and one.
    async fn forget_quietest(&mut self, user: UserId, but: ThreadId, kept: u32) -> DatabaseResult<()>;

    /// Counts a message at the thread's last place as the user's own, for who has a place in the thread.
    async fn count_own(&mut self, thread: &ThreadRecord, user: UserId) -> DatabaseResult<()>;

    /// Where a user stands in a thread.
    async fn thread_place(&mut self, room: RoomId, root: Seq, user: UserId) -> DatabaseResult<ThreadPlace>;

    /// Moves a read mark in a thread forward, no further than its last message.
    async fn mark_thread_read(
        &mut self,
        room: RoomId,
        root: Seq,
        user: UserId,
        seq: Seq,
    ) -> DatabaseResult<()>;

    /// The messages of a thread after a place, oldest first.
    async fn thread_after(&mut self, room: RoomId, root: Seq, slice: Slice) -> DatabaseResult<EventPage>;

    /// The messages of a thread before a place, newest first.
    async fn thread_before(&mut self, room: RoomId, root: Seq, slice: Slice) -> DatabaseResult<EventPage>;

    /// The threads that a user follows and sees, the latest message first.
    async fn followed_threads(
        &mut self,
        user: UserId,
        after: Option<ByReply>,
        limit: u32,
    ) -> DatabaseResult<FollowedPage>;

    /// Those of them with a message of after a time, after one in the order of their ids.
    async fn threads_active_since(
        &mut self,
        user: UserId,
        since: Timestamp,
        beyond: ThreadId,
        limit: u32,
    ) -> DatabaseResult<FollowedPage>;

    /// Notes that followers are to be told, from this time on.
    async fn insert_tell(&mut self, tell: &Tell, since: Timestamp) -> DatabaseResult<()>;

    /// What is left to be told of a message, locked.
    async fn lock_tell(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<Tell>>;

    /// Notes who was told; with nobody left, forgets it.
    async fn save_tell(&mut self, tell: &Tell, more: bool) -> DatabaseResult<()>;

    /// The messages of which followers should have been told before a time.
    async fn overdue_tells(&mut self, before: Timestamp, limit: u32) -> DatabaseResult<Vec<(RoomId, Seq)>>;

    /// Followers of a thread, after one in the order of ids.
    async fn followers(
        &mut self,
        room: RoomId,
        root: Seq,
        beyond: UserId,
        limit: u32,
    ) -> DatabaseResult<Vec<UserId>>;
}
