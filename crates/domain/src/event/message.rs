//! Messages, the one kind of event that is frequent: every part of it is typed on every way. And what happens to them.

use serde::{Deserialize, Serialize};

use crate::{Attachment, IdempotencyKey, Seq, UserId};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What was said. Valid by [`MessageText`](crate::MessageText) when it was appended.
    pub text: String,
    /// The sender's key for it.
    pub key: IdempotencyKey,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// The files that it points to.
    pub attachments: Vec<Attachment>,
    /// The members whom it names. The store finds them; it ignores what a sender gives here.
    pub mentions: Vec<UserId>,
}

impl Message {
    /// The bytes of the text and of the files' descriptions, about.
    pub(super) fn text_bytes(&self) -> usize {
        let attachment = |file: &Attachment| file.url.len() + file.name.len() + file.content_type.len();
        self.text.len() + self.attachments.iter().map(attachment).sum::<usize>()
    }
}

/// A message was pinned in its room, or unpinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The message's place.
    pub message: Seq,
    /// Whether it is pinned now.
    pub on: bool,
}
