//! `/v1/rooms/{room}/messages`, `/pins` and `/read`: messages, what is done to them, pinned messages and read marks.

use madang_domain::{IdempotencyKey, MessageId, MessageText, Metadata, RoomId, Seq, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::NewAttachment;

/// A message to send.
// A client that leaves validation to the server substitutes `String` for the parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SendMessage")]
pub struct SendMessage<T = MessageText, K = IdempotencyKey> {
    /// The text of the message.
    pub text: T,
    /// The idempotency key. The header `Idempotency-Key` may contain it instead. Without a key each request sends a new
    /// message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<K>,
    /// The id of the message to which this one replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The attachments, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<NewAttachment>,
    /// The id of the message under which this one stands: the root of the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<MessageId>,
    /// With `thread`: whether the message stands among the messages of the room as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_room: bool,
    /// A JSON object, which the message carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// The acknowledgement of a committed message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentMessage {
    /// The id of the room. If the URL names the room by a slug, store this id and send by it: a slug may move.
    pub room: RoomId,
    /// The id of the message in its room.
    pub id: String,
    /// The sequence number of the message in its room.
    pub seq: Seq,
    /// The time of the commit.
    pub at: Timestamp,
    /// Whether an earlier request with the same key had already committed the message.
    pub duplicate: bool,
}

/// A new text for a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EditMessage")]
pub struct EditMessage<T = MessageText> {
    /// The text of the message.
    pub text: T,
}

/// A former text of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// The number of texts that the message had before this one.
    pub revision: u32,
    /// The text.
    pub text: String,
    /// The time at which it was written.
    pub at: Timestamp,
}

/// The query for a page of a log. It may have `before` or `after`, but not both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub struct RangeQuery {
    /// Selects items below this `seq`, newest first. Without `before` and `after` the page starts at the newest item.
    pub before: Option<Seq>,
    /// Selects items above this `seq`, oldest first.
    pub after: Option<Seq>,
    /// The maximum number of items of the page: 1 to 200, 50 by default.
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u32>,
}

/// A new read mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// The `seq` of the last event or notice that the user has read.
    pub seq: Seq,
}

/// A read mark and the number of unread items after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadMark {
    /// The id of the room; absent for the inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The read mark: the `seq` up to which the user has read. It never moves back.
    pub read: Seq,
    /// The number of unread items after the read mark: messages of other users, or notices.
    pub unread: u64,
}

/// A page of messages of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MessagesPage")]
pub struct MessagesPage<M> {
    /// The messages: newest first, but oldest first if the query has `after`.
    pub items: Vec<M>,
    /// Always null: ask for the next page by the `seq` of the last message.
    pub next_cursor: Option<String>,
    /// Whether more messages follow the last one. A page has at most 64 KiB of texts, so it may have fewer items than
    /// `limit`.
    #[serde(default)]
    pub more: bool,
}

/// The routes of messages, pins and read marks.
pub mod routes {
    use madang_domain::Code;

    use super::{
        EditMessage, MarkRead, MessagesPage, RangeQuery, ReadMark, Revision, SendMessage, SentMessage,
    };
    use crate::{
        RoomMessage,
        rest::{Page, PageQuery, Route, route::table},
    };

    table! {
        /// Lists the messages of a room.
        LIST = Route::get("list_messages", "/v1/rooms/{room}/messages", "List the messages of a room, by `seq`, without those that stand in a thread alone")
            .query::<RangeQuery>()
            .answers::<MessagesPage<RoomMessage<'_>>>(200, "A page of messages.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Sends a message.
        SEND = Route::post("send_message", "/v1/rooms/{room}/messages", "Send a message to a room")
            .takes::<SendMessage>()
            .idempotency_key()
            .answers::<SentMessage>(201, "This request, or an earlier one with the same key, has committed the message.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition, Code::RateLimited]);
        /// Changes the text of a message.
        EDIT = Route::patch("edit_message", "/v1/rooms/{room}/messages/{id}", "Change the text of the user's own message")
            .takes::<EditMessage>()
            .answers::<RoomMessage<'_>>(200, "The message as it is now.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Deletes a message.
        DELETE = Route::delete("delete_message", "/v1/rooms/{room}/messages/{id}", "Delete a message (for its sender and moderators); its place stays")
            .answers_empty(204, "The message is deleted.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Lists the former texts of a message.
        REVISIONS = Route::get("list_revisions", "/v1/rooms/{room}/messages/{id}/revisions", "List the former texts of a message, the latest first (for moderators)")
            .query::<PageQuery>()
            .answers::<Page<Revision>>(200, "A page of former texts.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Reacts to a message.
        REACT = Route::put("add_reaction", "/v1/rooms/{room}/messages/{id}/reactions/{emoji}", "React to a message with an emoji; at most 20 different emoji for one message")
            .answers_empty(204, "The user reacts with the emoji.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Takes a reaction back.
        UNREACT = Route::delete("remove_reaction", "/v1/rooms/{room}/messages/{id}/reactions/{emoji}", "Take a reaction to a message back")
            .answers_empty(204, "The user does not react with the emoji.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Lists the pinned messages of a room.
        PINS = Route::get("list_pins", "/v1/rooms/{room}/pins", "List the pinned messages of a room, the newest pin first")
            .query::<PageQuery>()
            .answers::<Page<RoomMessage<'_>>>(200, "A page of pinned messages.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Pins a message.
        PIN = Route::put("pin_message", "/v1/rooms/{room}/pins/{id}", "Pin a message (for moderators, and both users of a direct room); at most 100 in a room")
            .answers_empty(204, "The message is pinned.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Unpins a message.
        UNPIN = Route::delete("unpin_message", "/v1/rooms/{room}/pins/{id}", "Unpin a message (for moderators, and both users of a direct room)")
            .answers_empty(204, "The message is not pinned.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Moves the read mark.
        READ = Route::put("mark_read", "/v1/rooms/{room}/read", "Move the user's read mark in a room; it never moves back")
            .takes::<MarkRead>()
            .answers::<ReadMark>(200, "The read mark after the request.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
    }
}
