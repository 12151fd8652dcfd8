//! The message store: rooms, members, and the ordered log of each topic. It decides who may do what.

use std::sync::Arc;

use async_trait::async_trait;
use madang_domain::{
    Cursor, Epoch, ExternalId, IdempotencyKey, Result, RoomId, RoomName, RoomRef, Seq, Slug, Timestamp,
    TopicId, UserId,
};
use serde::{Deserialize, Serialize};

use crate::event::{Event, Message, Profile, Role};

/// How a room can be found and joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Anybody finds it and may join.
    Public,
    /// Members add members.
    Private,
    /// Two users, for ever the same two.
    Direct,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// How it is found and joined.
    pub kind: RoomKind,
    /// Its name.
    pub name: RoomName,
    /// Its name in addresses.
    pub slug: Option<Slug>,
    /// What the embedding site calls it.
    pub external_id: Option<ExternalId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last place of its log.
    pub head: Seq,
    /// How many members it has.
    pub member_count: u64,
}

/// A user's place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// What the user may do.
    pub role: Role,
    /// The read mark.
    pub read: Seq,
    /// The messages of others after the read mark.
    pub unread: u64,
}

/// A room as a user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomView {
    /// The room.
    pub room: Room,
    /// The user's place in it; none when not a member.
    pub membership: Option<Membership>,
    /// The last message, for a member.
    pub last_message: Option<Event>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: Arc<Profile>,
    /// As what.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
    /// The read mark.
    pub read: Seq,
}

/// A page of a list. `next` is opaque and asks for the page after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// At most so many items, 1 to 200.
    pub limit: u32,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A change that was made, and the events that it committed, for the gateway to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<T> {
    /// What there is now.
    pub value: T,
    /// What happened: of each topic in order. A change of a room may have events in the inboxes of those whom
    /// it concerns.
    pub events: Vec<Event>,
}

/// By what right a change of a room is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authority {
    /// By the actor's own role in the room.
    User,
    /// By the embedding site's, which stands above roles: the actor is whom the event names, and need not be
    /// a member.
    Site,
}

/// A room to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// How it is found and joined.
    pub kind: RoomKind,
    /// Its name.
    pub name: RoomName,
    /// Its name in addresses.
    pub slug: Option<Slug>,
    /// What the embedding site calls it. The room that has it already is the answer, whoever made it.
    pub external_id: Option<ExternalId>,
    /// The first members besides the creator.
    pub members: Vec<Arc<Profile>>,
    /// Repeats of the request with this key by this creator answer with the first room.
    pub key: Option<IdempotencyKey>,
}

/// A message to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where.
    pub room: RoomId,
    /// Who says it, as a verified token describes the user.
    pub actor: Arc<Profile>,
    /// What; `message.key` makes it idempotent with the room and the actor.
    pub message: Message,
}

/// A message that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// It had been appended before; the place is the first one's.
    pub duplicate: bool,
    /// Whom it mentions, with the notices that were committed with it. None of a duplicate: they were told when
    /// it was new.
    pub mentions: Vec<Mentioned>,
}

/// A notice in the inbox of a user whom a message mentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mentioned {
    /// Who.
    pub user: UserId,
    /// The notice's place in the inbox.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
}

/// A subscription to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Who subscribes.
    pub user: UserId,
    /// To what.
    pub room: RoomId,
    /// What the client has seen; none means from now.
    pub since: Option<Cursor>,
    /// At most so many events are replayed; when more were missed, none is.
    pub replay_limit: u32,
}

/// The state of a room as a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Which history the positions belong to.
    pub epoch: Epoch,
    /// The last place of the log.
    pub head: Seq,
    /// How many members the room has.
    pub member_count: u64,
    /// What the user may do.
    pub role: Role,
    /// The read mark.
    pub read: Seq,
    /// `events` are all from the cursor to the head. False: too many, or a cursor of another epoch or
    /// past the head; then there are none and the client pages history.
    pub complete: bool,
    /// What the client missed, in order, contiguous up to `head`.
    pub events: Vec<Event>,
}

/// A user's own inbox to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInbox {
    /// Whose.
    pub user: UserId,
    /// What the client has seen; none means from now.
    pub since: Option<Cursor>,
    /// At most so many notices are replayed; when more were missed, none is.
    pub replay_limit: u32,
}

/// The state of an inbox as a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedInbox {
    /// Which history the positions belong to.
    pub epoch: Epoch,
    /// The last place of the log; of an inbox that nothing was ever put into, the start.
    pub head: Seq,
    /// The read mark.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
    /// As of a room: `events` are all from the cursor to the head, or none.
    pub complete: bool,
    /// What the client missed, in order, contiguous up to `head`.
    pub events: Vec<Event>,
}

/// A page of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxPage {
    /// Which history the positions belong to.
    pub epoch: Epoch,
    /// The notices.
    pub events: Vec<Event>,
    /// The last place of the log.
    pub head: Seq,
    /// The read mark.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
}

/// The read mark of an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxMark {
    /// Up to where.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
}

/// What references name, and where the user is a member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    /// At the place of each reference.
    pub rooms: Vec<Option<RoomId>>,
    /// The user's rooms, where asked for; at most 10,000.
    pub memberships: Vec<RoomId>,
}

/// From where a page of history reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryFrom {
    /// Newest first, from the end.
    End,
    /// Newest first, below this place.
    Before(Seq),
    /// Oldest first, above this place.
    After(Seq),
}

/// A page of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// From where.
    pub from: HistoryFrom,
    /// At most so many events, 1 to 200.
    pub limit: u32,
    /// Messages alone, not what else happened.
    pub messages_only: bool,
}

/// A read mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// Where.
    pub room: RoomId,
    /// Up to where.
    pub read: Seq,
    /// The messages of others after it.
    pub unread: u64,
}

/// Rooms, members, logs.
///
/// Where a room is named: `not_found` when there is none, `permission_denied` when the user is not a
/// member or the role does not suffice. Every method may fail with `unavailable` (the database does not
/// answer), `deadline_exceeded` or `internal` besides what it names.
#[async_trait]
pub trait MessageStore: Send + Sync + 'static {
    /// Makes a room; the actor owns it. A direct room between two users is made once: another try
    /// answers with it. `already_exists`: the slug is taken. `invalid_argument`: a direct room needs
    /// exactly one other member. No role is asked for, so it is the same by the site's authority. With an
    /// external id, the room that has it already is the answer, as the actor sees it: who may name external
    /// ids, the caller judges.
    async fn create_room(&self, actor: Arc<Profile>, room: NewRoom) -> Result<Changed<RoomView>>;

    /// A room. Private and direct ones show to members only.
    async fn room(&self, user: UserId, room: RoomRef) -> Result<RoomView>;

    /// The user's rooms, latest activity first; or the public ones that the user may join.
    async fn rooms(&self, user: UserId, joinable: bool, page: PageQuery) -> Result<Page<RoomView>>;

    /// Changes a room's name or slug; `Some(None)` removes the slug. Owners only.
    async fn update_room(
        &self,
        actor: Arc<Profile>,
        room: RoomRef,
        name: Option<RoomName>,
        slug: Option<Option<Slug>>,
    ) -> Result<Changed<RoomView>>;

    /// Deletes a room with all that was said in it. Owners only. The event is not in any log: it is the
    /// last thing that listeners hear.
    async fn delete_room(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<()>>;

    /// Joins a public room. A member already is no error, and no event.
    async fn join(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<RoomView>>;

    /// Leaves a room. `failed_precondition`: the last owner of a room with other members must name
    /// another first; a direct room is not left.
    async fn leave(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<()>>;

    /// The members, owners first, then by the time of joining.
    async fn members(&self, user: UserId, room: RoomRef, page: PageQuery) -> Result<Page<Member>>;

    /// Adds a member (moderators), or changes a role (owners). Who is added by another finds an invitation in
    /// the inbox. By the site's authority nobody's role is asked.
    async fn put_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: Arc<Profile>,
        role: Role,
    ) -> Result<Changed<Member>>;

    /// Removes a member of a lesser role. By the site's authority any, the actor too; but the last owner of a
    /// room with other members is `failed_precondition`, as for `leave`.
    async fn remove_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: UserId,
    ) -> Result<Changed<()>>;

    /// Appends a message, durably: when this answers, it is committed. Idempotent by room, actor and
    /// key: repeat it freely.
    async fn append(&self, append: Append) -> Result<Appended>;

    /// Opens a subscription.
    async fn open(&self, open: Open) -> Result<Opened>;

    /// The rooms that references name (whether or not the user is a member: `open` judges that), and
    /// those that the user is a member of.
    async fn resolve(&self, user: UserId, rooms: &[RoomRef], memberships: bool) -> Result<Resolved>;

    /// A topic's events after a place, in order, contiguous, at most `limit`. For gateways, which have
    /// judged their subscribers by `open` and by the log's own events.
    async fn read(&self, topic: TopicId, after: Seq, limit: u32) -> Result<Vec<Event>>;

    /// The last places of topics, at most 1,000 a call. Rooms that do not exist are left out; every user has an
    /// inbox, which begins empty.
    async fn heads(&self, topics: &[TopicId]) -> Result<Vec<(TopicId, Seq)>>;

    /// A page of a room's history, for a member.
    async fn history(&self, user: UserId, room: RoomRef, query: HistoryQuery) -> Result<Vec<Event>>;

    /// Moves the user's read mark forward, never back, never past the head.
    async fn mark_read(&self, user: UserId, room: RoomRef, seq: Seq) -> Result<ReadMark>;

    /// Puts a notice of the embedding site into a user's inbox: a JSON object of at most 16 KiB and 32 levels,
    /// else `invalid_argument`. Idempotent by user and key: a repeat answers with the first, and has no events.
    async fn notify(
        &self,
        user: Arc<Profile>,
        data: Box<str>,
        key: Option<IdempotencyKey>,
    ) -> Result<Changed<Event>>;

    /// Opens a subscription to a user's own inbox.
    async fn open_inbox(&self, open: OpenInbox) -> Result<OpenedInbox>;

    /// A page of a user's inbox, of 1 to 200 notices.
    async fn inbox(&self, user: UserId, from: HistoryFrom, limit: u32) -> Result<InboxPage>;

    /// Moves the read mark of a user's inbox forward, never back, never past the head.
    async fn mark_inbox_read(&self, user: UserId, seq: Seq) -> Result<InboxMark>;
}
