//! Users who are erased.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{Emoji, Profile, RoomId, RoomName, Seq, Timestamp, UserId};

/// What is next of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The user leaves rooms.
    Memberships,
    /// The user's notices go; they name rooms.
    Inbox,
    /// All rooms are asked whether they have anything of the user.
    Rooms,
    /// Those that have are looked through.
    Logs,
    /// The former name of a direct room, which was made of the user's, goes from its log.
    NameInLog,
    /// And from the inbox of the other user.
    NameInInbox,
}

/// Where the name of a direct room stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NamedIn {
    /// In the events of its log that change it.
    Log(RoomId),
    /// In the inbox of a user, where others made the user a member of it.
    Inbox(UserId, RoomId),
}

/// How far an erasure is.
#[derive(Debug, Clone)]
pub(crate) struct ErasureRecord {
    pub(crate) user: UserId,
    pub(crate) since: Timestamp,
    pub(crate) stage: Stage,
    /// The room after which to go on, or the one that is being looked through.
    pub(crate) room: Option<RoomId>,
    /// The event after which to go on.
    pub(crate) seq: Seq,
    /// By which others name the user; none once it is done.
    pub(crate) username: Option<String>,
    /// What makes the keys that replace those of the user's messages unlike all others.
    pub(crate) nonce: String,
    pub(crate) done_at: Option<Timestamp>,
}

/// A message in which something of the user may stand.
#[derive(Debug)]
pub(crate) struct SuspectMessage {
    pub(crate) seq: Seq,
    pub(crate) sender: UserId,
    pub(crate) text: String,
    /// Whether it has former texts.
    pub(crate) is_edited: bool,
    /// Whether it mentions the user.
    pub(crate) is_mention: bool,
}

/// Statements of erasures.
#[async_trait]
pub(crate) trait Erasures {
    /// Of users, whether one was erased. None of them is erased until the transaction ends. After a room's lock, never
    /// before it.
    async fn is_any_erased(&mut self, users: &[UserId]) -> DatabaseResult<bool>;

    /// The same, of users those who were erased.
    async fn erased_among(&mut self, users: &[UserId]) -> DatabaseResult<Vec<UserId>>;

    /// Notes that an erasure begins, where none has begun.
    async fn insert_erasure(&mut self, erasure: &ErasureRecord) -> DatabaseResult<()>;

    /// How far an erasure is. No other transaction goes on with it until this one ends.
    async fn lock_erasure(&mut self, user: UserId) -> DatabaseResult<Option<ErasureRecord>>;

    /// Notes how far an erasure is.
    async fn save_erasure(&mut self, erasure: &ErasureRecord) -> DatabaseResult<()>;

    /// Puts what is shown of an erased user in the place of the profile.
    async fn hide_profile(&mut self, profile: &Profile) -> DatabaseResult<()>;

    /// Removes what is kept of a user besides rooms and logs: blocks, also by others, settings, invitations, exports.
    async fn forget_user(&mut self, user: UserId) -> DatabaseResult<()>;

    /// The next room of which a user is a member.
    async fn next_membership(
        &mut self,
        user: UserId,
        after: Option<RoomId>,
    ) -> DatabaseResult<Option<RoomId>>;

    /// The member of the highest role but one, of several the one who is it for the longest.
    async fn successor(&mut self, room: RoomId, but: UserId) -> DatabaseResult<Option<UserId>>;

    /// Whether both users of a direct room were erased.
    async fn is_deserted(&mut self, room: RoomId) -> DatabaseResult<bool>;

    /// Removes some of the notices in a user's inbox, the oldest, and answers kind and detail of each. Where none is left,
    /// the inbox goes.
    async fn take_notices(&mut self, user: UserId, limit: u32) -> DatabaseResult<Vec<(i16, Option<String>)>>;

    /// Notes that rooms are to be looked through.
    async fn insert_erasure_rooms(&mut self, user: UserId, rooms: &[RoomId]) -> DatabaseResult<()>;

    /// Notes of the next so many rooms those that have something of a user. Answers the last one that was asked; none where
    /// there are no further ones.
    async fn find_erasure_rooms(
        &mut self,
        user: UserId,
        after: Option<RoomId>,
        limit: u32,
    ) -> DatabaseResult<Option<RoomId>>;

    /// Has the logs of deleted rooms removed soon in which the user has said something, and notes the rooms with reactions
    /// of the user.
    async fn find_other_traces(&mut self, user: UserId) -> DatabaseResult<()>;

    /// A room that is to be looked through.
    async fn next_erasure_room(&mut self, user: UserId) -> DatabaseResult<Option<RoomId>>;

    /// Notes that a room was looked through.
    async fn delete_erasure_room(&mut self, user: UserId, room: RoomId) -> DatabaseResult<()>;

    /// Removes a user's invitation links to a room, and what is imposed on the user there.
    async fn forget_in_room(&mut self, room: RoomId, user: UserId) -> DatabaseResult<()>;

    /// Some of a user's reactions in a room.
    async fn reactions_of(
        &mut self,
        room: RoomId,
        user: UserId,
        limit: u32,
    ) -> DatabaseResult<Vec<(Seq, Emoji)>>;

    /// The messages after a place and up to another that are a user's, or may name the user, in order, at most `limit`.
    async fn suspect_messages(
        &mut self,
        room: RoomId,
        user: UserId,
        after: Seq,
        up_to: Seq,
        limit: u32,
    ) -> DatabaseResult<Vec<SuspectMessage>>;

    /// Replaces the keys of a user's messages after a place and up to another, which the user has chosen.
    async fn replace_keys(
        &mut self,
        room: RoomId,
        user: UserId,
        nonce: &str,
        after: Seq,
        up_to: Seq,
    ) -> DatabaseResult<()>;

    /// Replaces a former text.
    async fn rewrite_revision(
        &mut self,
        room: RoomId,
        message: Seq,
        revision: u32,
        text: &str,
    ) -> DatabaseResult<()>;

    /// Replaces the name of a direct room in the events after a place and up to another that have it, at most `limit` of
    /// them. Where there may be more, answers the last one.
    async fn rename_in(
        &mut self,
        place: NamedIn,
        name: &RoomName,
        after: Seq,
        up_to: Seq,
        limit: u32,
    ) -> DatabaseResult<Option<Seq>>;
}
