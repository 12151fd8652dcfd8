//! The frames that a client sends.

use std::collections::HashMap;

use madang_domain::{Emoji, Epoch, IdempotencyKey, MessageId, MessageText, Metadata, RoomId, RoomRef, Seq};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    NewAttachment, broken, in_words,
    samples::{FILE, ROOM, link},
};

/// The maximum length of a request's id, in bytes.
const REQUEST_ID_MAX_BYTES: usize = 64;

/// The longest message of an error, in bytes. The parser repeats what it refuses, which may be as long as a frame.
const ERROR_MAX_BYTES: usize = 512;

/// How many fields of a refused frame are looked at for the wrong one; none has more.
const REFUSED_FIELDS_MAX: usize = 16;

/// The id that a client gives to a request: a text of at most 64 bytes. The answer repeats it as `re`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequestId(
    #[serde(deserialize_with = "bounded_id")]
    #[schemars(length(max = 64))]
    Box<str>,
);

impl RequestId {
    /// Wraps a text of at most 64 bytes. The length is not checked here; the server refuses a longer text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn bounded_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Box<str>, D::Error> {
    let text = Box::<str>::deserialize(deserializer)?;
    if text.len() > REQUEST_ID_MAX_BYTES {
        return Err(serde::de::Error::custom(format_args!("id: has more than {REQUEST_ID_MAX_BYTES} bytes")));
    }
    Ok(text)
}

/// A client's frame with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The id, which the answer repeats; none if the client sent none.
    pub id: Option<RequestId>,
    /// The frame.
    pub frame: ClientFrame,
}

/// A frame that a client sends: a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Authenticates the socket, as its first frame. Later it renews the credential.
    Auth {
        /// The access token.
        token: String,
        /// The `seq` of the last notice that the client has seen. The later notices follow.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inbox_since: Option<Seq>,
        /// The epoch of `inbox_since`, from an earlier frame `inbox`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inbox_epoch: Option<Epoch>,
    },
    /// Subscribes to rooms, each from a cursor or from now.
    Subscribe(Subscribe),
    /// Ends subscriptions to rooms.
    Unsubscribe {
        /// The rooms to unsubscribe from.
        rooms: Vec<RoomRef>,
    },
    /// Sends a message to a room.
    Send {
        /// The room to send to.
        room: RoomRef,
        /// The idempotency key. A repeated request with the same key does not send a second message.
        key: IdempotencyKey,
        /// The text of the message.
        text: MessageText,
        /// The id of the message to which this one replies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        /// The attachments, at most 10.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<NewAttachment>,
        /// The id of the message under which this one stands: the root of the thread.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread: Option<MessageId>,
        /// With `thread`: whether the message stands among the messages of the room as well.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        in_room: bool,
        /// A JSON object, which the message carries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Metadata>,
    },
    /// Changes the text of the user's own message.
    Edit {
        /// The room of the message.
        room: RoomRef,
        /// The id of the message.
        message: MessageId,
        /// The new text of the message.
        text: MessageText,
    },
    /// Deletes a message.
    Delete {
        /// The room of the message.
        room: RoomRef,
        /// The id of the message.
        message: MessageId,
    },
    /// Reacts to a message, or takes the reaction back.
    React {
        /// The room of the message.
        room: RoomRef,
        /// The id of the message.
        message: MessageId,
        /// The emoji.
        emoji: Emoji,
        /// True adds the reaction; false takes it back.
        on: bool,
    },
    /// Pins or unpins a message.
    Pin {
        /// The room of the message.
        room: RoomRef,
        /// The id of the message.
        message: MessageId,
        /// True pins the message; false unpins it.
        on: bool,
    },
    /// Moves the user's read mark in a room. It never moves back.
    Read {
        /// The room.
        room: RoomRef,
        /// The `seq` of the last event that the user has read.
        seq: Seq,
    },
    /// Acknowledges that this device has received the events of a room. It never moves back.
    Received {
        /// The room.
        room: RoomRef,
        /// The `seq` of the last event that the device has received.
        seq: Seq,
    },
    /// Announces to the room's subscribers that the user is typing or has stopped.
    Typing {
        /// The room.
        room: RoomRef,
        /// True if the user is typing; false if the user has stopped.
        on: bool,
        /// The id of the root of the thread in which the user is typing; absent if it is among the messages of the room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread: Option<MessageId>,
    },
    /// Requests a page of a room's events.
    History {
        /// The room.
        room: RoomRef,
        /// Selects events below this `seq`, newest first. Without `before` and `after` the page starts at the newest
        /// event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Seq>,
        /// Selects events above this `seq`, oldest first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Seq>,
        /// The maximum number of events of the page: 1 to 200, 50 by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// Requests the users who are present in a room.
    Presence {
        /// The room.
        room: RoomRef,
    },
    /// Checks that the gateway answers. The gateway does not call the store for it.
    Ping {},
}

impl ClientFrame {
    /// An `auth` frame with only a token.
    pub fn auth(token: impl Into<String>) -> Self {
        Self::Auth { token: token.into(), inbox_since: None, inbox_epoch: None }
    }

    /// Examples for documents and tests, as a client writes them: at least one frame of each type.
    #[must_use]
    pub fn examples() -> Vec<Value> {
        vec![
            json!({"type": "auth", "token": "eyJ0eXAi", "inbox_since": 3, "inbox_epoch": "24139c12"}),
            json!({"type": "subscribe", "id": "1", "rooms": [{"room": "courtyard", "since": 0}, {"room": ROOM}]}),
            json!({"type": "subscribe", "id": "2", "all": true, "cursors": {ROOM: 4}}),
            json!({"type": "unsubscribe", "id": "3", "rooms": ["ext:7"]}),
            json!({"type": "send", "id": "4", "room": ROOM, "key": "k1", "text": "안녕하세요", "reply_to": "2"}),
            json!({"type": "send", "room": ROOM, "key": "k2", "text": "a file", "attachments": [link()]}),
            json!({"type": "send", "room": ROOM, "key": "k4", "text": "a picture", "attachments": [{"file": FILE}]}),
            json!({"type": "send", "id": "13", "room": ROOM, "key": "k3", "text": "답글", "thread": "3", "in_room": true}),
            json!({"type": "send", "room": ROOM, "key": "k5", "text": "@here", "metadata": {"order": 7}}),
            json!({"type": "edit", "id": "10", "room": "courtyard", "message": "3", "text": "안녕하세요!"}),
            json!({"type": "delete", "id": "11", "room": "courtyard", "message": "3"}),
            json!({"type": "react", "id": "12", "room": "courtyard", "message": "3", "emoji": "👍", "on": true}),
            json!({"type": "pin", "id": "9", "room": "courtyard", "message": "3", "on": true}),
            json!({"type": "read", "id": "5", "room": "courtyard", "seq": 3}),
            json!({"type": "received", "room": ROOM, "seq": 3}),
            json!({"type": "typing", "room": "courtyard", "on": true}),
            json!({"type": "typing", "room": "courtyard", "on": true, "thread": "3"}),
            json!({"type": "history", "id": "6", "room": "courtyard", "before": 5, "limit": 2}),
            json!({"type": "presence", "id": "7", "room": "courtyard"}),
            json!({"type": "ping", "id": "8"}),
        ]
    }

    /// The value of `type` in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "auth",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::Send { .. } => "send",
            Self::Edit { .. } => "edit",
            Self::Delete { .. } => "delete",
            Self::React { .. } => "react",
            Self::Pin { .. } => "pin",
            Self::Read { .. } => "read",
            Self::Received { .. } => "received",
            Self::Typing { .. } => "typing",
            Self::History { .. } => "history",
            Self::Presence { .. } => "presence",
            Self::Ping {} => "ping",
        }
    }
}

/// Subscribes to rooms, each from a cursor or from now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// The rooms to subscribe to, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomSince>,
    /// Whether to subscribe to all rooms of which the user is a member, up to the limit of a socket.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// With `all`: the `seq` of the last event that the client has seen, by the id of the room.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    pub cursors: HashMap<RoomId, Seq>,
    /// The `seq` of the last notice that the client has seen. The subscription to the inbox restarts from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox_since: Option<Seq>,
    /// The epoch of `inbox_since`, from an earlier frame `inbox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox_epoch: Option<Epoch>,
}

/// A room to subscribe to, with the client's cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomSince {
    /// The room to subscribe to.
    pub room: RoomRef,
    /// The `seq` of the last event that the client has seen. If it is absent, the subscription starts from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Seq>,
    /// The epoch of `since`, from an earlier frame `subscribed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
}

/// The error for a frame that could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// The id of the request, if it could be found.
    pub id: Option<RequestId>,
    /// The error and its place in the frame.
    pub message: String,
}

impl Request {
    /// Parses a text frame.
    ///
    /// # Errors
    /// If the text is not a JSON object, or has an unknown type or field, or a value out of bounds.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let (id, rest) = split(text).map_err(|error| FrameError {
            // Only here: a frame that is JSON does not pay for one that is not.
            id: broken::id_literal(text).and_then(|literal| serde_json::from_str(literal).ok()),
            message: brief(format!("not a JSON object: {error}")),
        })?;
        let id = id.map(serde_json::from_value::<RequestId>).transpose().map_err(|error| FrameError {
            id: None,
            message: brief(format!("id {}", in_words(&error.to_string()).1)),
        })?;
        match serde_json::from_value(Value::Object(rest)) {
            Ok(frame) => Ok(Self { id, frame }),
            Err(error) => Err(FrameError { id, message: brief(refusal(text, &error.to_string())) }),
        }
    }

    /// Encodes the request as the text of a frame, for clients.
    ///
    /// # Errors
    /// Never for frames of this crate; the serializer's signature requires a `Result`.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a RequestId>,
            #[serde(flatten)]
            frame: &'a ClientFrame,
        }
        serde_json::to_string(&Whole { id: self.id.as_ref(), frame: &self.frame })
    }
}

/// The id and the frame's own fields, which serde cannot split from a tagged enum that denies unknown fields; so the object
/// is read once, and the id taken out of it.
fn split(text: &str) -> Result<(Option<Value>, Map<String, Value>), serde_json::Error> {
    let mut object: Map<String, Value> = serde_json::from_str(text)?;
    let id = object.remove("id");
    Ok((id, object))
}

/// Why a frame is refused that is JSON: which field, and what is wrong with it. Reads it again, which only a refusal is
/// worth.
///
/// The parser does not say which field of a tagged enum has a wrong value: it is the one without which it says something
/// else.
fn refusal(text: &str, said: &str) -> String {
    let (name, words) = in_words(said);
    if let Some(name) = name {
        return format!("{name} {words}");
    }
    let object = split(text).map(|(_, object)| object).unwrap_or_default();
    let is_wrong = |name: &&String| {
        let mut rest = object.clone();
        rest.remove(*name);
        serde_json::from_value::<ClientFrame>(Value::Object(rest)).map_err(|error| error.to_string())
            != Err(said.to_owned())
    };
    match object.keys().take(REFUSED_FIELDS_MAX).find(is_wrong) {
        Some(name) => format!("{name} {words}"),
        None => format!("the frame is refused: {words}"),
    }
}

/// A message, cut at a character where it is long.
fn brief(mut message: String) -> String {
    if message.len() > ERROR_MAX_BYTES {
        message.truncate(message.floor_char_boundary(ERROR_MAX_BYTES));
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: &str = "01941f29-7c00-7000-8000-0000000000ab";

    #[test]
    fn a_send_is_read_and_written_alike() {
        let text =
            format!(r#"{{"type":"send","id":"7","room":"{ROOM}","key":"k1","text":"안녕","reply_to":"3"}}"#);
        let request = Request::parse(&text).unwrap();
        assert_eq!(request.id.as_ref().unwrap().as_str(), "7");
        assert!(matches!(&request.frame, ClientFrame::Send { text, .. } if text.as_str() == "안녕"));
        assert_eq!(Request::parse(&request.to_json().unwrap()).unwrap(), request);
    }

    #[test]
    fn what_is_not_known_is_refused_with_the_id() {
        for text in [
            r#"{"type":"sing","id":"7"}"#,
            r#"{"type":"ping","id":"7","volume":11}"#,
            r#"{"type":"send","id":"7","room":"general","key":"k","text":""}"#,
            r#"{"type":"send","id":"7","room":"general","key":"k"}"#,
            r#"{"type":"read","id":"7","room":"general","seq":-1}"#,
            r#"{"type":"subscribe","id":"7","rooms":[{"room":"general","sinc":1}]}"#,
        ] {
            let error = Request::parse(text).unwrap_err();
            assert_eq!(error.id, Some(RequestId::new("7")), "{text}");
        }
    }

    #[test]
    fn a_refusal_names_the_field_and_repeats_no_value() {
        for (text, message) in [
            (r#"{"type":"ping","volume":11}"#, "volume is not known here"),
            (r#"{"type":"send","room":"general","key":"k"}"#, "text is missing"),
            (r#"{"type":"send","room":"general","key":"k","text":5}"#, "text is a number; expected a string"),
            (
                r#"{"type":"typing","room":"general","on":"x`, expected y"}"#,
                "on is a string; expected a boolean",
            ),
            (r#"{"type":["x"]}"#, "type is a list; expected a string"),
            (r#"{"type":"ping","id":5}"#, "id is a number; expected a string"),
        ] {
            assert_eq!(Request::parse(text).unwrap_err().message, message, "{text}");
        }
        let unknown = Request::parse(r#"{"type":"sing"}"#).unwrap_err().message;
        assert!(unknown.starts_with("type is not known here; expected one of `auth`, `sub"), "{unknown}");
        let text =
            Request::parse(r#"{"type":"send","room":"general","key":"k","text":""}"#).unwrap_err().message;
        assert!(text.starts_with("text "), "{text}");
        // Two values are wrong: one of them is told.
        let two = r#"{"type":"read","room":7,"seq":"x"}"#;
        assert_eq!(Request::parse(two).unwrap_err().message, "room is a number; expected a string");
    }

    #[test]
    fn a_frame_that_is_no_json_is_refused_with_the_id() {
        for text in [
            r#"{"type":"send","id":"7","text":"cut \ud83d"}"#,
            r#"{"text":"cut \ud83d\u0041","type":"send","id":"7"}"#,
            r#"{"type":"send","id":"7","text":"no end"#,
            r#"{"type":"send","id":"\u0037","text":}"#,
        ] {
            let error = Request::parse(text).unwrap_err();
            assert_eq!(error.id, Some(RequestId::new("7")), "{text}");
        }
        // An id that cannot be said again is none.
        for id in [r#""\ud83d""#.to_owned(), format!("\"{}\"", "x".repeat(65))] {
            assert_eq!(Request::parse(&format!(r#"{{"id":{id},"#)).unwrap_err().id, None, "{id}");
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_a_long_frame() {
        let long = "\u{301}".repeat(10_000);
        for text in [
            format!(r#"{{"type":"{long}"}}"#),
            format!(r#"{{"type":"ping","{long}":1}}"#),
            format!(r#"{{"type":"read","room":"courtyard","seq":"{long}"}}"#),
            format!(r#"{{"type":"ping","id":["{long}"]}}"#),
        ] {
            let message = Request::parse(&text).unwrap_err().message;
            assert!(message.len() <= ERROR_MAX_BYTES + '…'.len_utf8(), "{} bytes", message.len());
        }
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for text in ["", "{", "[]", "null", "\"ping\"", "{\"type\":\"ping\"}x"] {
            assert!(Request::parse(text).is_err(), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Request::parse(&format!("{{\"type\":\"ping\",\"x\":{deep}}}")).is_err());
    }

    #[test]
    fn an_id_is_bounded() {
        let text = format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(65));
        assert!(Request::parse(&text).unwrap_err().message.contains("64 bytes"));
    }
}
