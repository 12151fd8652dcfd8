//! What a message's `detail` column holds: JSON, and null for most messages.

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{Attachment, IdempotencyKey, Seq, UserId, event::Message};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::values::missing;

#[derive(Debug, Default, Serialize, Deserialize)]
struct MessageDetail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Seq>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "recorded_attachments")]
    attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<UserId>,
}

/// Reads the attachments of a row, which an earlier version may have written.
fn recorded_attachments<'de, D: Deserializer<'de>>(row: D) -> Result<Vec<Attachment>, D::Error> {
    #[derive(Deserialize)]
    struct Recorded {
        url: String,
        name: String,
        content_type: String,
        size_bytes: u64,
    }
    let made_fit = |Recorded { url, name, content_type, size_bytes }| {
        Attachment::recorded(url, &name, content_type, size_bytes).map_err(D::Error::custom)
    };
    Vec::<Recorded>::deserialize(row)?.into_iter().map(made_fit).collect()
}

/// A message of its columns.
pub(super) fn message(
    text: Option<String>,
    key: Option<String>,
    detail: Option<&str>,
) -> DatabaseResult<Message> {
    let detail = detail.map(serde_json::from_str::<MessageDetail>).transpose();
    let detail = detail.map_err(|error| DatabaseError::corrupt("message detail", error))?.unwrap_or_default();
    Ok(Message {
        text: text.ok_or_else(|| missing("text"))?,
        key: IdempotencyKey::new(key.ok_or_else(|| missing("key"))?)
            .map_err(|error| DatabaseError::corrupt("key", error))?,
        reply_to: detail.reply_to,
        attachments: detail.attachments,
        mentions: detail.mentions,
    })
}

/// What else there is to say of a message; nothing of most.
pub(crate) fn message_detail(message: &Message) -> Option<String> {
    if message.reply_to.is_none() && message.attachments.is_empty() {
        return None;
    }
    let detail = MessageDetail {
        reply_to: message.reply_to,
        attachments: message.attachments.clone(),
        mentions: Vec::new(),
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
