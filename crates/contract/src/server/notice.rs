//! What concerns one user alone.

use std::borrow::Cow;

use madang_domain::{Epoch, RoomId, RoomName, Seq, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::User;

/// The state of the user's inbox as the server begins to follow it. The missed notices follow, in order, up to `head`;
/// then those that come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inbox {
    /// The history that places in the inbox belong to.
    pub epoch: Epoch,
    /// The last place.
    pub head: Seq,
    /// The place after which notices follow.
    pub from: Seq,
    /// Whether all that was missed follows; when false, nothing of it does, and the client pages `GET /v1/inbox`.
    pub complete: bool,
    /// The read mark.
    pub read: Seq,
    /// The number of notices after the read mark.
    pub unread: u64,
}

/// Something happened that concerns the user alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notice<'a> {
    /// Its place in the inbox.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened; in JSON its fields stand beside the place.
    #[serde(flatten)]
    pub body: NoticeBody<'a>,
}

/// What the notice is about: the `kind`, and the kind's `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum NoticeBody<'a> {
    /// A message names the user.
    Mention(Mention<'a>),
    /// Another user made the user a member of a room, or invites the user to become one.
    Invite(Invite<'a>),
    /// The embedding site tells the user something.
    Custom(CustomData<'a>),
    /// Of a kind that this gateway does not know, since a newer one wrote it. The notice has its place and no content.
    #[serde(skip_deserializing)]
    Unknown,
}

/// A message names the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mention<'a> {
    /// The room of the message.
    pub room: RoomId,
    /// The id of the message in the room.
    pub message: Cow<'a, str>,
    /// The place of the message in the room's log.
    pub seq: Seq,
    /// The user who sent the message.
    pub sender: User<'a>,
}

/// Another user made the user a member of a room, or invites the user to become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invite<'a> {
    /// The room.
    pub room: RoomId,
    /// The room's name at that time.
    #[schemars(with = "RoomName")]
    pub name: Cow<'a, str>,
    /// The user who added or invited the user.
    pub by: User<'a>,
    /// Whether the user is no member yet: who joins the room accepts, who leaves it declines.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
}

/// The JSON object of a notice of the embedding site, written as the site gave it, to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomData<'a>(pub Cow<'a, str>);

impl Serialize for CustomData<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CustomData<'_> {
    /// The same object, though not its bytes: a frame is read before its kind is known.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = serde_json::Map::<String, serde_json::Value>::deserialize(deserializer)?;
        Ok(Self(Cow::Owned(serde_json::Value::Object(object).to_string())))
    }
}

impl JsonSchema for CustomData<'_> {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("CustomData")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "The JSON object of a notice of the embedding site, of at most 16 KiB."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerFrame;

    #[test]
    fn an_unknown_kind_is_written_and_is_unknown_to_the_reader() {
        let text = serde_json::to_string(&NoticeBody::Unknown).unwrap();
        assert_eq!(text, r#"{"kind":"unknown"}"#);
        assert!(serde_json::from_str::<NoticeBody<'_>>(&text).is_err());
    }

    #[test]
    fn a_notice_is_written_with_its_data_as_given_and_read_back() {
        let data = r#"{ "z": 1, "a": 12345678901234567890123 }"#;
        let body = NoticeBody::Custom(CustomData(data.into()));
        let notice = Notice { seq: Seq::new(3), at: Timestamp::from_micros(0), body };
        let text = serde_json::to_string(&ServerFrame::Notice(notice)).unwrap();
        assert_eq!(
            text,
            format!(
                r#"{{"type":"notice","seq":3,"at":"1970-01-01T00:00:00.000Z","kind":"custom","data":{data}}}"#
            )
        );
        let read: ServerFrame<'_> = serde_json::from_str(&text).unwrap();
        let ServerFrame::Notice(Notice { body: NoticeBody::Custom(CustomData(read)), .. }) = read else {
            panic!("{read:?}")
        };
        assert!(read.contains("\"z\":1"), "{read}");
    }
}
