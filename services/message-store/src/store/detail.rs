//! What a message's `detail` column holds: JSON, and null for most messages.

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{
    Attachment, FileId, IdempotencyKey, Image, MentionAll, Metadata, Seq, Timestamp, UserId,
    event::{InThread, Message, MessageChanges, Reactions, ThreadState},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::values::missing;

/// What there is to say of a message besides its text. Earlier versions know the first three, and ignore the others.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MessageDetail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<Seq>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "recorded_attachments")]
    pub(crate) attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mentions: Vec<UserId>,
    /// Whom it mentions besides them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mentions_all: Option<MentionAll>,
    /// A JSON object, as text: so the database keeps it to the byte.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "metadata_as_text")]
    pub(crate) metadata: Option<Metadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edit: Option<LastEdit>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) deleted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reactions: Vec<Reactions>,
    /// The thread in which it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) in_thread: Option<InThread>,
    /// The thread of which it is the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) thread: Option<ThreadState>,
}

/// The last edit of a message.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct LastEdit {
    /// How many there were.
    pub(crate) revision: u32,
    /// When it was made, in microseconds.
    pub(crate) at: i64,
    /// The seq of the event that tells of it, and has the text.
    pub(crate) event: Seq,
}

impl MessageDetail {
    /// Reads the column.
    pub(crate) fn read(detail: Option<&str>) -> DatabaseResult<Self> {
        let detail = detail.map(serde_json::from_str).transpose();
        Ok(detail.map_err(|error| DatabaseError::corrupt("message detail", error))?.unwrap_or_default())
    }

    /// The column; null where there is nothing to say.
    pub(crate) fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok().filter(|json| json != "{}")
    }

    /// Whether it stands among the messages of the room, in a thread or not.
    pub(crate) fn counts_in_room(&self) -> bool {
        self.in_thread.as_ref().is_none_or(|thread| thread.in_room)
    }

    fn changes(&mut self) -> Option<Box<MessageChanges>> {
        let Self { edit, deleted, reactions, thread, .. } = self;
        if edit.is_none() && !*deleted && reactions.is_empty() && thread.is_none() {
            return None;
        }
        let edited_at = edit.map(|edit| Timestamp::from_micros(edit.at));
        let (reactions, thread) = (std::mem::take(reactions), thread.take());
        Some(Box::new(MessageChanges { edited_at, deleted: *deleted, reactions, thread }))
    }
}

/// Metadata as a text in a detail.
mod metadata_as_text {
    use madang_domain::Metadata;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        metadata: &Option<Metadata>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        metadata.as_ref().map(Metadata::json).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Metadata>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Metadata::new(&text)).transpose().map_err(D::Error::custom)
    }
}

/// Reads the attachments of a row, which an earlier version may have written.
fn recorded_attachments<'de, D: Deserializer<'de>>(row: D) -> Result<Vec<Attachment>, D::Error> {
    #[derive(Deserialize)]
    struct Recorded {
        url: String,
        name: String,
        content_type: String,
        size_bytes: u64,
        file: Option<FileId>,
        image: Option<Image>,
    }
    let made_fit = |Recorded { url, name, content_type, size_bytes, file, image }| {
        let recorded =
            Attachment::recorded(url, &name, content_type, size_bytes).map_err(D::Error::custom)?;
        Ok(Attachment { file, image, ..recorded })
    };
    Vec::<Recorded>::deserialize(row)?.into_iter().map(made_fit).collect()
}

/// A message of its columns.
pub(super) fn message(
    text: Option<String>,
    key: Option<String>,
    detail: Option<&str>,
) -> DatabaseResult<Message> {
    let mut detail = MessageDetail::read(detail)?;
    Ok(Message {
        changes: detail.changes(),
        excerpt: None,
        text: text.ok_or_else(|| missing("text"))?,
        key: IdempotencyKey::new(key.ok_or_else(|| missing("key"))?)
            .map_err(|error| DatabaseError::corrupt("key", error))?,
        reply_to: detail.reply_to,
        attachments: detail.attachments,
        mentions: detail.mentions,
        mentions_all: detail.mentions_all,
        metadata: detail.metadata.map(Box::new),
        thread: detail.in_thread.map(Box::new),
    })
}

/// What else there is to say of a message; nothing of most.
pub(crate) fn message_detail(message: &Message) -> Option<String> {
    let Message { reply_to, attachments, mentions_all, metadata, .. } = message;
    if reply_to.is_none() && attachments.is_empty() && mentions_all.is_none() && metadata.is_none() {
        return None;
    }
    let detail = MessageDetail {
        reply_to: *reply_to,
        attachments: attachments.clone(),
        mentions_all: *mentions_all,
        metadata: metadata.as_deref().cloned(),
        ..MessageDetail::default()
    };
    serde_json::to_string(&detail).ok()
}

/// A message's detail with whom it mentions, as `append_with_mentions` of PostgreSQL makes it.
pub(super) fn detail_with_mentions(detail: Option<&str>, mentions: Vec<UserId>) -> Option<String> {
    let detail = detail.and_then(|detail| serde_json::from_str::<MessageDetail>(detail).ok());
    serde_json::to_string(&MessageDetail { mentions, ..detail.unwrap_or_default() }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attachments_of_an_earlier_version_are_read() {
        let row = r#"{"attachments":[{"url":"https://files.example/1","name":"in/out","content_type":"a photo","size_bytes":1}]}"#;
        let detail: MessageDetail = serde_json::from_str(row).unwrap();
        let [attachment] = detail.attachments.as_slice() else { panic!("{detail:?}") };
        assert_eq!(
            (attachment.name.as_str(), attachment.content_type.as_str()),
            ("in_out", "application/octet-stream")
        );
    }
}
