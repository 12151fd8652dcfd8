//! Messages, the one kind of event that is frequent: every part of it is typed on every way. And what happens to them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Attachment, Emoji, IdempotencyKey, MentionAll, Metadata, Profile, Seq, Timestamp, UserId,
    limits::EXCERPT_MAX_CHARS,
};

/// A message, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is said. Valid by [`MessageText`](crate::MessageText) when it was written; empty once it is deleted.
    pub text: String,
    /// The sender's key for it.
    pub key: IdempotencyKey,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// The files that it points to.
    pub attachments: Vec<Attachment>,
    /// The members whom it names. The store finds them; it ignores what a sender gives here.
    pub mentions: Vec<UserId>,
    /// Whom it mentions besides them. The store finds it, and ignores what a sender gives here.
    pub mentions_all: Option<MentionAll>,
    /// What the sender's program keeps with it; none of nearly every message.
    pub metadata: Option<Box<Metadata>>,
    /// The beginning of what it answers. The store finds it; none where it answers nothing, or what was deleted.
    pub excerpt: Option<Box<Excerpt>>,
    /// What was done to it since it was sent: nothing to nearly every message.
    pub changes: Option<Box<MessageChanges>>,
    /// The thread in which it stands; none of nearly every message.
    pub thread: Option<Box<InThread>>,
}

impl Message {
    /// The bytes of the text, of the metadata and of the files' descriptions, about.
    pub(super) fn text_bytes(&self) -> usize {
        let attachment = |file: &Attachment| file.url.len() + file.name.len() + file.content_type.len();
        let metadata = self.metadata.as_deref().map_or(0, |metadata| metadata.json().len());
        self.text.len() + metadata + self.attachments.iter().map(attachment).sum::<usize>()
    }

    /// Whether it has uploaded files.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.attachments.iter().any(|attachment| attachment.file.is_some())
    }

    /// Whether it was deleted, and only its place is left.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| changes.deleted)
    }

    /// Whether it stands in a thread and not among the messages of the room.
    #[must_use]
    pub fn is_in_thread_alone(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.in_room)
    }
}

/// The thread in which a message stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InThread {
    /// The message that is the thread's root.
    pub root: Seq,
    /// Whether the message stands among the messages of the room as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_room: bool,
    /// The thread once the message was in it. The store finds it; it ignores what a sender gives here.
    #[serde(flatten)]
    pub state: ThreadState,
}

/// What there is to say of a thread: what its root shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadState {
    /// How many messages stand in it that are not deleted, without the root.
    pub replies: u64,
    /// When the last of them was sent; none where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "micros")]
    pub last_at: Option<Timestamp>,
    /// Who wrote them, the last one first, at most [`THREAD_BY_MAX`](crate::limits::THREAD_BY_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<UserId>,
}

/// Times as they are stored in a detail: exact, in microseconds.
mod micros {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Timestamp;

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::as_micros).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_micros))
    }
}

/// The beginning of the message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Its sender, as the profile is now.
    pub sender: Arc<Profile>,
    /// The first characters of its text, as it is now.
    pub text: String,
}

impl Excerpt {
    /// What an excerpt shows of a text.
    #[must_use]
    pub fn beginning(text: &str) -> &str {
        text.char_indices().nth(EXCERPT_MAX_CHARS).map_or(text, |(end, _)| &text[..end])
    }
}

/// What was done to a message since it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageChanges {
    /// When its text was last changed.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted. Then nothing of what was said is left.
    pub deleted: bool,
    /// The emoji with which users react, in the order of the first of each.
    pub reactions: Vec<Reactions>,
    /// The thread of which it is the root; none where it is none.
    pub thread: Option<ThreadState>,
}

/// The reactions to a message with one emoji.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactions {
    /// The emoji.
    #[serde(deserialize_with = "Emoji::deserialize_recorded")]
    pub emoji: Emoji,
    /// How many users react with it: at least one.
    pub count: u64,
    /// Whether the user whom this is shown is one of them; none where it is shown to many.
    #[serde(skip)]
    pub me: Option<bool>,
}

/// A message was pinned in its room, or unpinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The message's place.
    pub message: Seq,
    /// Whether it is pinned now.
    pub on: bool,
}

/// The text of a message was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// The message's place.
    pub message: Seq,
    /// How many texts it had before this one.
    pub revision: u32,
    /// The text; none once a later edit has replaced it, or the message was deleted. The log keeps no former text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The members whom the text names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whom it mentions besides them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions_all: Option<MentionAll>,
}

/// A message was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// The message's place.
    pub message: Seq,
    /// The thread in which it stood, as it is without the message; none where it stood in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadChange>,
}

/// A thread after one of its messages was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadChange {
    /// The message that is the thread's root.
    pub root: Seq,
    /// The thread as it is now.
    #[serde(flatten)]
    pub state: ThreadState,
}

/// A user reacts to a message with an emoji, or does so no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reacted {
    /// The message's place.
    pub message: Seq,
    /// The emoji.
    #[serde(deserialize_with = "Emoji::deserialize_recorded")]
    pub emoji: Emoji,
    /// Whether the user reacts with it now.
    pub on: bool,
    /// How many users do now.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(Excerpt::beginning("마당"), "마당");
        let text = "마".repeat(EXCERPT_MAX_CHARS + 1);
        assert_eq!(Excerpt::beginning(&text), "마".repeat(EXCERPT_MAX_CHARS));
    }
}
