//! `/v1/threads` and `/v1/rooms/{room}/threads`: messages that stand under another one. A thread is named by the id of that
//! message, its root.

use madang_domain::Seq;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The user's place in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ThreadPlace {
    /// Whether the user follows the thread. Who does not has no read mark, and nothing unread.
    pub following: bool,
    /// The read mark: the `seq` up to which the user has read the thread. It never moves back.
    pub read: Seq,
    /// The number of messages of other users in the thread after the read mark.
    pub unread: u64,
}

/// A page of the messages of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ThreadPage")]
pub struct ThreadPage<M> {
    /// The root of the thread.
    pub root: M,
    /// The user's place. In JSON its fields stand beside `root`.
    #[serde(flatten)]
    pub place: ThreadPlace,
    /// The messages without the root: newest first, but oldest first if the query has `after`.
    pub items: Vec<M>,
    /// Always null: ask for the next page by the `seq` of the last message.
    pub next_cursor: Option<String>,
    /// Whether more messages follow the last one. A page has at most 64 KiB of texts, so it may have fewer items than
    /// `limit`.
    pub more: bool,
}

/// A thread that the user follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FollowedThread")]
pub struct FollowedThread<M> {
    /// The root of the thread, with the state of the thread in its `thread`.
    pub root: M,
    /// The user's place. In JSON its fields stand beside `root`.
    #[serde(flatten)]
    pub place: ThreadPlace,
}

/// The routes of threads.
pub mod routes {
    use madang_domain::Code;

    use super::{FollowedThread, ThreadPage, ThreadPlace};
    use crate::{
        RoomMessage,
        rest::{MarkRead, Page, PageQuery, RangeQuery, Route, route::table},
    };

    table! {
        /// Lists the followed threads.
        LIST = Route::get("list_threads", "/v1/threads", "List the threads that the user follows, the one with the latest message first")
            .query::<PageQuery>()
            .answers::<Page<FollowedThread<RoomMessage<'_>>>>(200, "A page of threads.");
        /// Lists the messages of a thread.
        MESSAGES = Route::get("list_thread_messages", "/v1/rooms/{room}/threads/{id}/messages", "List the messages of a thread, by `seq`")
            .query::<RangeQuery>()
            .answers::<ThreadPage<RoomMessage<'_>>>(200, "A page of messages, the root and the user's place.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Moves the read mark in a thread.
        READ = Route::put("mark_thread_read", "/v1/rooms/{room}/threads/{id}/read", "Move the user's read mark in a thread that the user follows; it never moves back")
            .takes::<MarkRead>()
            .answers::<ThreadPlace>(200, "The user's place after the request.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Follows a thread.
        FOLLOW = Route::put("follow_thread", "/v1/rooms/{room}/threads/{id}/follow", "Follow a thread; at most 1,000 users follow one")
            .answers::<ThreadPlace>(200, "The user follows the thread.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Follows a thread no more.
        UNFOLLOW = Route::delete("unfollow_thread", "/v1/rooms/{room}/threads/{id}/follow", "Do not follow a thread any more")
            .answers_empty(204, "The user does not follow the thread.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
    }
}
