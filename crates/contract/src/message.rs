//! Messages and their attachments.

use std::{borrow::Cow, ops::Deref};

use madang_domain::{
    Attachment, Emoji, IdempotencyKey, MentionAll, MessageId, Metadata, RoomId, Seq, Timestamp, UserId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::User;

/// A message in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message<'a> {
    /// The id of the message, unique in its room.
    pub id: Cow<'a, str>,
    /// The user who sent it.
    pub sender: User<'a>,
    /// The text of the message as it is now; empty if it was deleted.
    pub text: Cow<'a, str>,
    /// The idempotency key with which it was sent.
    #[schemars(with = "IdempotencyKey")]
    pub key: Cow<'a, str>,
    /// The id of the message to which this one replies; null if it is not a reply.
    pub reply_to: Option<Cow<'a, str>>,
    /// The ids of the members whom the text mentions by `@username`, without the sender, at most 20.
    pub mentions: Vec<UserId>,
    /// Whom the text mentions besides them: `all` (every member, by `@all`) or `here` (the members with a connected device,
    /// by `@here`); absent if it does neither, or if the sender may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions_all: Option<MentionAll>,
    /// The attachments, at most 10.
    pub attachments: Vec<Attachment>,
    /// The JSON object with which it was sent; absent if there is none, or if it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Cow<'a, Metadata>>,
    /// The beginning of the message to which this one replies; absent if that does not exist or was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt<'a>>,
    /// The time of the last edit; absent if the message was never edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Whether the message was deleted. Then only its place is left; absent if it was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// The reactions, at most 20 emoji, in the order of the first reaction with each; absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reactions>,
    /// The thread of which the message is the root or in which it stands; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
}

/// A thread: messages that stand under another one, the root. In the root it is the thread as it is now. In a message of
/// the thread and in `deleted` it is the thread after that event, so a client shows it with the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Thread {
    /// The id of the root; absent in the root itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<MessageId>,
    /// In a message of the thread: whether it stands among the messages of the room as well; absent if it does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_room: bool,
    /// The number of messages in the thread, without the root and without deleted ones.
    pub replies: u64,
    /// The time of the last of them; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// The ids of the users who wrote them, the last one first, at most 5.
    pub by: Vec<UserId>,
}

/// The beginning of the message to which another one replies, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excerpt<'a> {
    /// The user who sent it.
    pub sender: User<'a>,
    /// The first 100 characters (code points) of its text.
    pub text: Cow<'a, str>,
}

/// The reactions to a message with one emoji.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reactions {
    /// The emoji.
    #[schemars(with = "Emoji")]
    pub emoji: String,
    /// The number of users who react with it.
    pub count: u64,
    /// Whether the user who asked is one of them. It is present in answers for one user: pages of messages, pins and
    /// history. Elsewhere the events `reaction` that follow say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub me: Option<bool>,
}

/// A message with its room, sequence number and time, as the REST API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomMessage<'a> {
    /// The id of the message's room.
    pub room: RoomId,
    /// The sequence number of the message in its room.
    pub seq: Seq,
    /// The time of the commit.
    pub at: Timestamp,
    /// The message. In JSON its fields stand beside `room`.
    #[serde(flatten)]
    pub message: Message<'a>,
}

impl<'a> Deref for RoomMessage<'a> {
    type Target = Message<'a>;

    fn deref(&self) -> &Message<'a> {
        &self.message
    }
}
