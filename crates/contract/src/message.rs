//! Messages and the files that they point to.

use std::{borrow::Cow, ops::Deref};

pub use madang_domain::Attachment;
use madang_domain::{IdempotencyKey, RoomId, Seq, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::User;

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message<'a> {
    /// Its id in the room.
    pub id: Cow<'a, str>,
    /// The user who sent it.
    pub sender: User<'a>,
    /// The text.
    pub text: Cow<'a, str>,
    /// The sender's key for it.
    #[schemars(with = "IdempotencyKey")]
    pub key: Cow<'a, str>,
    /// The id of the message that it answers.
    pub reply_to: Option<Cow<'a, str>>,
    /// The members whom the text names by `@username`, the sender not.
    pub mentions: Vec<UserId>,
    /// The files that it points to.
    pub attachments: Vec<Attachment>,
}

/// A message with its room, place and time, as REST shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomMessage<'a> {
    /// The room of the message.
    pub room: RoomId,
    /// Its place in the room's log.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// The message; in JSON its fields stand beside the room.
    #[serde(flatten)]
    pub message: Message<'a>,
}

impl<'a> Deref for RoomMessage<'a> {
    type Target = Message<'a>;

    fn deref(&self) -> &Message<'a> {
        &self.message
    }
}
