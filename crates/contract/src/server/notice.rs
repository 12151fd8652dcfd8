//! The notices of inboxes.

use std::borrow::Cow;

use madang_domain::{Epoch, Reason, RoomId, RoomName, Seq, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    User,
    samples::{at, room_id, user},
};

/// The state of the user's inbox when the subscription to it begins. The missed notices follow, in order, up to `head`,
/// and then the new ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inbox {
    /// The epoch of the inbox.
    pub epoch: Epoch,
    /// The `seq` of the last notice; 0 if there is none.
    pub head: Seq,
    /// The `seq` after which notices follow.
    pub from: Seq,
    /// Whether all missed notices follow. If it is false, none of them does: get them by `GET /v1/inbox`.
    pub complete: bool,
    /// The read mark: the `seq` up to which the user has read the inbox.
    pub read: Seq,
    /// The number of notices after the read mark.
    pub unread: u64,
}

/// A notice in the user's inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notice<'a> {
    /// The sequence number of the notice in the inbox.
    pub seq: Seq,
    /// The time of the commit.
    pub at: Timestamp,
    /// The kind and the data of the notice. In JSON these fields stand beside `seq`.
    #[serde(flatten)]
    pub body: NoticeBody<'a>,
}

impl Notice<'static> {
    /// Examples for the documents: a notice of each kind.
    pub(crate) fn examples() -> Vec<Self> {
        let mention = Mention { room: room_id(), message: "3".into(), seq: Seq::new(3), sender: user() };
        let bodies = vec![
            NoticeBody::Mention(mention),
            NoticeBody::Invite(Invite {
                room: room_id(),
                name: "Courtyard".into(),
                by: user(),
                pending: false,
            }),
            NoticeBody::Custom(CustomData(r#"{"kind":"order","no":7}"#.into())),
            NoticeBody::Ban(RestrictionNotice {
                room: room_id(),
                name: "Courtyard".into(),
                on: true,
                until: Some(at()),
                reason: Some("spam".into()),
                by: Some(user()),
            }),
            NoticeBody::Mute(RestrictionNotice {
                room: room_id(),
                name: "Courtyard".into(),
                on: false,
                until: None,
                reason: None,
                by: None,
            }),
            NoticeBody::Dismissed(Dismissed { notice: Seq::new(2) }),
            NoticeBody::Reply(Reply {
                room: room_id(),
                message: "4".into(),
                seq: Seq::new(4),
                thread: "3".into(),
                sender: user(),
            }),
            NoticeBody::Unknown,
        ];
        let mut seq = Seq::START;
        let placed = bodies.into_iter().map(|body| {
            seq = seq.next();
            Self { seq, at: at(), body }
        });
        placed.collect()
    }
}

/// The `kind` of a notice, and its `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum NoticeBody<'a> {
    /// A message mentions the user.
    Mention(Mention<'a>),
    /// Another user added the user to a room, or invites the user to it.
    Invite(Invite<'a>),
    /// The embedding site's backend posted the notice.
    Custom(CustomData<'a>),
    /// The user was banned from a room, or the ban was ended.
    Ban(RestrictionNotice<'a>),
    /// The user was muted in a room, or the mute was ended.
    Mute(RestrictionNotice<'a>),
    /// The user dismissed a notice on any device, or this is what is left of it.
    Dismissed(Dismissed),
    /// A message was sent to a thread that the user follows.
    Reply(Reply<'a>),
    /// A notice of a kind that this gateway does not know, because a newer gateway wrote it. It has a `seq` and no
    /// content.
    #[serde(skip_deserializing)]
    Unknown,
}

/// A notice was dismissed. In place of the dismissed notice itself, `notice` is its own `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dismissed {
    /// The `seq` of the notice.
    pub notice: Seq,
}

/// The user moved the read mark of the inbox, or dismissed a notice, on any device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboxRead {
    /// The read mark: the `seq` up to which the user has read the inbox.
    pub read: Seq,
    /// The number of notices after the read mark that are not dismissed.
    pub unread: u64,
}

/// A message mentions the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mention<'a> {
    /// The id of the message's room.
    pub room: RoomId,
    /// The id of the message in the room.
    pub message: Cow<'a, str>,
    /// The sequence number of the message in its room.
    pub seq: Seq,
    /// The profile of the message's sender.
    pub sender: User<'a>,
}

/// A message was sent to a thread that the user follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply<'a> {
    /// The id of the message's room.
    pub room: RoomId,
    /// The id of the message in the room.
    pub message: Cow<'a, str>,
    /// The sequence number of the message in its room.
    pub seq: Seq,
    /// The id of the message that is the thread's root.
    pub thread: Cow<'a, str>,
    /// The profile of the message's sender.
    pub sender: User<'a>,
}

/// Another user added the user to a room, or invites the user to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invite<'a> {
    /// The id of the room.
    pub room: RoomId,
    /// The name of the room at that time.
    #[schemars(with = "RoomName")]
    pub name: Cow<'a, str>,
    /// The profile of the user who added or invited this user.
    pub by: User<'a>,
    /// True for an invitation: `POST /v1/rooms/{room}/join` accepts it and `/leave` declines it. Absent if the user
    /// was added.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
}

/// A ban or a mute of the user, or its end before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestrictionNotice<'a> {
    /// The id of the room.
    pub room: RoomId,
    /// The name of the room at that time.
    #[schemars(with = "RoomName")]
    pub name: Cow<'a, str>,
    /// True if it is imposed; false if it was ended.
    pub on: bool,
    /// The time at which it ends by itself; null if it has no end, or was ended.
    pub until: Option<Timestamp>,
    /// The reason; null if none was given.
    #[schemars(with = "Option<Reason>")]
    pub reason: Option<Cow<'a, str>>,
    /// The profile of the user who imposed or ended it; null if the embedding site's backend did.
    pub by: Option<User<'a>>,
}

/// The JSON object of the embedding site's notice, exactly as the site sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomData<'a>(pub Cow<'a, str>);

impl Serialize for CustomData<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CustomData<'_> {
    /// Reads an equal object, not the same bytes: a frame is parsed before its kind is known.
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
            "description": "The JSON object of the embedding site's notice, of at most 16 KiB."
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
