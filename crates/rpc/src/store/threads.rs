//! Threads: messages that stand under another one.

use std::sync::Arc;

use madang_domain::{Profile, RoomId, RoomRef, Seq, UserId, event::Event};
use madang_proto::store::v1 as wire;

use super::{
    change::Changed,
    messages::{Append, Appended, HistoryFrom},
    page::{Page, PageQuery},
};
use crate::wire::{Profiles, Result, Wire, field, message, required, required_message};

/// A message to append to the thread that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendInThread(pub Append);

/// Asks for notices of a message in a thread to be put into the inboxes of those who follow the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TellFollowers {
    /// The room.
    pub room: RoomId,
    /// The message's place.
    pub message: Seq,
}

/// Asks for members of a room to be told of a message that mentions everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TellMembers {
    /// The room.
    pub room: RoomId,
    /// The message's place.
    pub message: Seq,
}

/// The members who are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToldMembers {
    /// The notices of those who are mentioned by `@all`.
    pub events: Vec<Event>,
    /// Those whose devices are to be told in passing, who are mentioned by `@here`.
    pub here: Vec<UserId>,
    /// There are more.
    pub more: bool,
}

/// Asks for a page of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListThreadMessages {
    /// The user who sees it.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
    /// The thread's root.
    pub thread: Seq,
    /// From where the page reaches.
    pub from: HistoryFrom,
    /// At most so many messages, 1 to 200.
    pub limit: u32,
}

/// A page of a thread, and where the user stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadPage {
    /// The thread's root.
    pub root: Event,
    /// Where the user stands.
    pub place: ThreadPlace,
    /// The messages, without the root. Fewer than were asked for where more would have too many bytes.
    pub messages: Vec<Event>,
    /// There are further messages in the same direction.
    pub more: bool,
}

/// Where a user stands in a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadPlace {
    /// Whether the user follows it. Who does not has no read mark, and nothing unread.
    pub following: bool,
    /// The place up to which the user has read it.
    pub read: Seq,
    /// The messages of others in it after that.
    pub unread: u64,
}

/// Asks for a user's read mark in a thread to be moved forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkThreadRead {
    /// The user.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
    /// The thread's root.
    pub thread: Seq,
    /// The place up to which the user has read.
    pub seq: Seq,
}

/// Asks for a user to follow a thread, or to follow it no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowThread {
    /// The user who asks.
    pub actor: Arc<Profile>,
    /// The room.
    pub room: RoomRef,
    /// The thread's root.
    pub thread: Seq,
    /// Whether the user is to follow it.
    pub on: bool,
}

/// Asks for a page of the threads that a user follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListThreads {
    /// The user.
    pub user: UserId,
    /// The page.
    pub page: PageQuery,
}

/// A thread that a user follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedThread {
    /// The thread's root.
    pub root: Event,
    /// Where the user stands.
    pub place: ThreadPlace,
}

required_message!(Appended => wire::Appended, ThreadPlace => wire::ThreadPlace);
message!(Changed<Appended> => wire::AppendInThreadResponse { value as appended, events });
message!(TellFollowers => wire::TellFollowersRequest { room, message });
message!(Changed<bool> => wire::TellFollowersResponse { value as more, events });
message!(TellMembers => wire::TellMembersRequest { room, message });
message!(ToldMembers => wire::TellMembersResponse { events, here, more });
message!(ThreadPlace => wire::ThreadPlace { following, read, unread });
message!(ListThreadMessages => wire::ListThreadMessagesRequest { user, room, thread, from, limit });
message!(ThreadPage => wire::ListThreadMessagesResponse { root, place, messages, more });
message!(MarkThreadRead => wire::MarkThreadReadRequest { user, room, thread, seq });
message!(FollowThread => wire::FollowThreadRequest { actor, room, thread, on });
message!(ThreadPlace => wire::MarkThreadReadResponse | wire::FollowThreadResponse[place]);
message!(FollowedThread => wire::FollowedThread { root, place });
message!(Page<FollowedThread> => wire::ListThreadsResponse { items as threads, next as next_cursor });

impl Wire<wire::AppendInThreadRequest> for AppendInThread {
    fn encode(&self) -> wire::AppendInThreadRequest {
        wire::AppendInThreadRequest { append: Some(self.0.encode()) }
    }

    fn decode(request: wire::AppendInThreadRequest) -> Result<Self> {
        let append = required("append", request.append)?;
        let append = Append::decode(append, &mut Profiles::default());
        append.map(Self).map_err(|error| error.within("append"))
    }
}

impl Wire<wire::ListThreadsRequest> for ListThreads {
    fn encode(&self) -> wire::ListThreadsRequest {
        let Self { user, page: PageQuery { limit, cursor } } = self;
        wire::ListThreadsRequest { user: user.encode(), limit: *limit, cursor: cursor.encode() }
    }

    fn decode(message: wire::ListThreadsRequest) -> Result<Self> {
        let wire::ListThreadsRequest { user, limit, cursor } = message;
        let page = PageQuery { limit, cursor: field("cursor", cursor)? };
        Ok(Self { user: field("user", user)?, page })
    }
}
