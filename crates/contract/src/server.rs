//! What a gateway sends.

use std::borrow::Cow;

use madang_domain::{AvatarUrl, Code, DisplayName, Epoch, RoomId, Seq, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::RequestId;

/// A frame of the server's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// First after authentication.
    #[serde(borrow)]
    Hello(Hello<'a>),
    /// The answer to `subscribe`.
    Subscribed(Subscribed<'a>),
    /// What was missed has all been said.
    CaughtUp(CaughtUp),
    /// A message is committed.
    Ack(Ack<'a>),
    /// Another request was done.
    Ok(OkFrame),
    /// A request was refused; the socket lives.
    Error(ErrorFrame<'a>),
    /// Something happened in a room.
    Event(Event<'a>),
    /// One's own inbox is followed from here.
    Inbox(Inbox),
    /// Something that concerns oneself alone.
    Notice(Notice<'a>),
    /// A read mark moved.
    Read(Read),
    /// Somebody types, or has stopped.
    Typing(Typing<'a>),
    /// Who is in a room has changed.
    Presence(Presence<'a>),
    /// Come back after a while; a close follows.
    Reconnect(Reconnect<'a>),
    /// The answer to `ping`.
    Pong(Pong),
}

/// First after authentication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// The session: the signed-in device.
    pub session: SessionId,
    /// Who one is here.
    #[serde(borrow)]
    pub user: User<'a>,
    /// How often the server pings; silence of twice that closes.
    pub heartbeat_ms: u64,
    /// The bounds in force.
    pub limits: Limits,
}

/// The bounds in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The bytes of one frame.
    pub frame_bytes: usize,
    /// The characters of one text.
    pub text_chars: usize,
    /// The rooms of one `subscribe`.
    pub subscribe_rooms: usize,
    /// The events replayed to one subscription.
    pub replay_events: u32,
}

/// A user as others see one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User<'a> {
    /// The id.
    pub id: UserId,
    /// The name to show.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The picture.
    #[serde(borrow)]
    pub avatar_url: Option<Cow<'a, str>>,
}

/// The answer to `subscribe`. The missed events of each room follow, in order, then its `caught_up`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscribed<'a> {
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// One entry a room, as it was asked for.
    #[serde(borrow)]
    pub rooms: Vec<SubscribedRoom<'a>>,
}

/// One room of a subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SubscribedRoom<'a> {
    /// It is open.
    Open {
        /// The room.
        room: RoomId,
        /// The slug, where it was asked for by that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slug: Option<Cow<'a, str>>,
        /// The history that places belong to.
        epoch: Epoch,
        /// The last place.
        head: Seq,
        /// The place after which events follow.
        from: Seq,
        /// All that was missed follows; when false, nothing of it does: page history.
        complete: bool,
        /// How many members there are.
        members: u64,
        /// What one may do.
        role: Cow<'a, str>,
        /// One's read mark.
        read: Seq,
    },
    /// It is not.
    Failed {
        /// The room, as it was asked for.
        #[serde(borrow)]
        room: Cow<'a, str>,
        /// Why.
        #[serde(borrow)]
        error: RoomError<'a>,
    },
}

/// Why a room of a subscription is not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomError<'a> {
    /// The code.
    pub code: Code,
    /// What to do next.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
}

/// What was missed has all been said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaughtUp {
    /// Where.
    pub room: RoomId,
    /// Up to where.
    pub seq: Seq,
}

/// A message is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack<'a> {
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// Where.
    pub room: RoomId,
    /// The message's key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// The message's id.
    pub id: String,
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// It had been before.
    pub duplicate: bool,
}

/// Another request was done; the fields depend on which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OkFrame {
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// The answer's fields.
    #[serde(flatten)]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// A request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame<'a> {
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// The code.
    pub code: Code,
    /// What to do next.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    /// When to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// Something happened in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event<'a> {
    /// Where.
    pub room: RoomId,
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// What.
    #[serde(flatten, borrow)]
    pub body: EventBody<'a>,
}

/// What happened: `kind`, and the kind's own object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody<'a> {
    /// Somebody said something.
    Message {
        /// What.
        #[serde(borrow)]
        message: Message<'a>,
    },
    /// A user became a member.
    Joined {
        /// Who.
        #[serde(borrow)]
        joined: Joined<'a>,
    },
    /// A user is no longer a member.
    Left {
        /// Who.
        left: Left,
    },
    /// A member's role changed.
    Role {
        /// Whose.
        #[serde(borrow)]
        role: RoleChange<'a>,
    },
    /// The room's own properties changed.
    Room {
        /// To what. (Not `room`, which names the room in every event.)
        #[serde(borrow)]
        properties: Properties<'a>,
    },
    /// Of a kind that this gateway does not know, since a newer one wrote it. The event has its place, so that a log
    /// without gaps arrives, and no content: a client that knows the kind must not be shown half of it. A client
    /// reads it as any kind that the client does not know.
    #[serde(skip_deserializing)]
    Unknown,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// Its id in the room.
    pub id: Cow<'a, str>,
    /// Who says it.
    #[serde(borrow)]
    pub sender: User<'a>,
    /// What.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// The sender's key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// The id of the message that it answers.
    pub reply_to: Option<Cow<'a, str>>,
    /// The members whom it names.
    pub mentions: Vec<UserId>,
    /// Files.
    pub attachments: Vec<Attachment>,
}

/// A file that a message points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Where it is.
    pub url: AvatarUrl,
    /// Its name.
    pub name: DisplayName,
    /// Its media type.
    pub content_type: DisplayName,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// A user became a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined<'a> {
    /// Who.
    #[serde(borrow)]
    pub user: User<'a>,
    /// As what.
    pub role: Cow<'a, str>,
    /// By whose hand.
    pub by: UserId,
}

/// A user is no longer a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Who.
    pub user: UserId,
    /// By whose hand.
    pub by: UserId,
}

/// A member's role changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChange<'a> {
    /// Whose.
    pub user: UserId,
    /// To what.
    pub role: Cow<'a, str>,
    /// By whose hand.
    pub by: UserId,
}

/// A room's own properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Properties<'a> {
    /// The name now.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The slug now.
    pub slug: Option<Cow<'a, str>>,
    /// The room was deleted; nothing follows.
    pub deleted: bool,
    /// By whose hand.
    pub by: UserId,
}

/// Where one's inbox stands as it begins to be followed. The missed notices follow, in order, up to `head`; then
/// those that come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// The history that places belong to.
    pub epoch: Epoch,
    /// The last place.
    pub head: Seq,
    /// The place after which notices follow.
    pub from: Seq,
    /// All that was missed follows; when false, nothing of it does: page `GET /v1/inbox`.
    pub complete: bool,
    /// The read mark.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
}

/// Something that concerns oneself alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice<'a> {
    /// Its place in the inbox.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// What.
    #[serde(flatten, borrow)]
    pub body: NoticeBody<'a>,
}

/// What it is about: `kind`, and the kind's `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum NoticeBody<'a> {
    /// A message names one.
    #[serde(borrow)]
    Mention(Mention<'a>),
    /// Another made one a member.
    Invite(Invite<'a>),
    /// The embedding site has something to say.
    Custom(CustomData<'a>),
    /// Of a kind that this gateway does not know, as [`EventBody::Unknown`].
    #[serde(skip_deserializing)]
    Unknown,
}

/// A message names one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention<'a> {
    /// Where.
    pub room: RoomId,
    /// The message's id there.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    /// Its place.
    pub seq: Seq,
    /// Who says it.
    pub sender: User<'a>,
}

/// Another made one a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite<'a> {
    /// Of which room.
    pub room: RoomId,
    /// Its name then.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// By whose hand.
    pub by: User<'a>,
}

/// The JSON object of a notice of the embedding site, as it was given: written as it stands, to the byte.
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

/// A read mark moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Where.
    pub room: RoomId,
    /// Whose.
    pub user: UserId,
    /// Up to where.
    pub seq: Seq,
}

/// Somebody types, or has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing<'a> {
    /// Where.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// By what name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Types.
    pub on: bool,
}

/// Who is in a room has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence<'a> {
    /// Where.
    pub room: RoomId,
    /// Who came and who has gone; absent where too many are there to be named.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub changes: Option<Vec<PresenceChange<'a>>>,
    /// How many users are there now.
    pub count: u64,
}

/// Somebody came to a room, or has gone from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChange<'a> {
    /// Who.
    #[serde(borrow)]
    pub user: User<'a>,
    /// Came, with the first socket anywhere; else has gone, with the last.
    pub on: bool,
}

/// Come back after a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconnect<'a> {
    /// After how long.
    pub after_ms: u64,
    /// Why.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
}

/// The answer to `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_written_and_is_unknown_to_the_reader() {
        let text = serde_json::to_string(&EventBody::Unknown).unwrap();
        assert_eq!(text, r#"{"kind":"unknown"}"#);
        assert!(serde_json::from_str::<EventBody<'_>>(&text).is_err());
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
