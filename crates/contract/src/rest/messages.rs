//! `/v1/rooms/{room}/messages` and `/read`: messages, and how far the user has read.

use madang_domain::{IdempotencyKey, MessageText, RoomId, Seq, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Attachment;

/// A message to send. A client that leaves the check of the texts to the server uses another type for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SendMessage")]
pub struct SendMessage<T = MessageText, K = IdempotencyKey> {
    /// The text.
    pub text: T,
    /// The idempotency key; the header `Idempotency-Key` may give it instead. Without one each request is a message of
    /// its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<K>,
    /// The id of the message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The files that it points to, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// A message that is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentMessage {
    /// The room that it reached: the one that has the slug now, where the address has a slug.
    pub room: RoomId,
    /// The id of the message in its room.
    pub id: String,
    /// Its place in the room's log.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// Whether it had been committed before, under the same key.
    pub duplicate: bool,
}

/// Which part of a log to answer with: of `before` and `after` at most one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub struct RangeQuery {
    /// Answers with what stands before this place, newest first; absent, as `after` is, means from the end.
    pub before: Option<Seq>,
    /// Answers with what stands after this place, oldest first.
    pub after: Option<Seq>,
    /// The most items to answer with.
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u32>,
}

/// How far the user has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// The last place that the user has read.
    pub seq: Seq,
}

/// A read mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadMark {
    /// The room; absent for the inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The last place that the user has read. It never moves back.
    pub read: Seq,
    /// How many messages of other users, or notices, stand after it.
    pub unread: u64,
}

/// The routes.
pub mod routes {
    use madang_domain::Code;

    use super::{MarkRead, RangeQuery, ReadMark, SendMessage, SentMessage};
    use crate::{
        RoomMessage,
        rest::{Page, Route, route::table},
    };

    table! {
        /// Pages messages.
        LIST = Route::get("list_messages", "/v1/rooms/{room}/messages", "Page the messages of a room by `seq`; `next_cursor` is always null")
            .query::<RangeQuery>()
            .answers::<Page<RoomMessage<'_>>>(200, "The messages.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Sends a message.
        SEND = Route::post("send_message", "/v1/rooms/{room}/messages", "Send a message")
            .takes::<SendMessage>()
            .idempotency_key()
            .answers::<SentMessage>(201, "The message is committed, by this request or by an earlier one with the same key.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::RateLimited]);
        /// Moves the read mark.
        READ = Route::put("mark_read", "/v1/rooms/{room}/read", "Move the read mark in a room")
            .takes::<MarkRead>()
            .answers::<ReadMark>(200, "The read mark.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
    }
}
