//! The frames that a client sends.

use std::collections::HashMap;

use madang_domain::{Epoch, IdempotencyKey, MessageId, MessageText, RoomId, RoomRef, Seq};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Attachment, broken,
    samples::{ROOM, attachment},
};

/// The bytes of a request's id.
const REQUEST_ID_MAX_BYTES: usize = 64;

/// The client's name for a request, of at most 64 bytes; the answer repeats it as `re`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequestId(
    #[serde(deserialize_with = "bounded_id")]
    #[schemars(length(max = 64))]
    Box<str>,
);

impl RequestId {
    /// Wraps a text of at most 64 bytes; a longer one is cut by nobody and refused by the server.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
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

/// A frame with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The id, where the client wants an answer that says it again.
    pub id: Option<RequestId>,
    /// The frame.
    pub frame: ClientFrame,
}

/// A request of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Authenticates the socket, as the first frame; later, renews the credential.
    Auth {
        /// An access token.
        token: String,
        /// The last place that the client has seen of the inbox: the missed notices follow.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inbox_since: Option<Seq>,
        /// The history that `inbox_since` belongs to, by an earlier frame `inbox`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inbox_epoch: Option<Epoch>,
    },
    /// Subscribes to rooms, each from a cursor.
    Subscribe(Subscribe),
    /// Ends subscriptions.
    Unsubscribe {
        /// The rooms.
        rooms: Vec<RoomRef>,
    },
    /// Sends a message.
    Send {
        /// The room.
        room: RoomRef,
        /// The idempotency key: a repeat with it is the same message.
        key: IdempotencyKey,
        /// The text.
        text: MessageText,
        /// The id of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        /// The files that the message points to, at most 10.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    /// Pins a message in its room, or unpins it.
    Pin {
        /// The room.
        room: RoomRef,
        /// The id of the message.
        message: MessageId,
        /// Whether the message is to be pinned.
        on: bool,
    },
    /// Moves the read mark.
    Read {
        /// The room.
        room: RoomRef,
        /// The last place that the user has read.
        seq: Seq,
    },
    /// Tells the other members that the user types, or has stopped.
    Typing {
        /// The room.
        room: RoomRef,
        /// Whether the user types now.
        on: bool,
    },
    /// Asks for a page of a room's events.
    History {
        /// The room.
        room: RoomRef,
        /// Asks for the events before this place, newest first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Seq>,
        /// Asks for the events after this place, oldest first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Seq>,
        /// The most events to answer with: 1 to 200, 50 by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// Asks who is in a room now.
    Presence {
        /// The room.
        room: RoomRef,
    },
    /// Asks whether the gateway is there, which does not ask the store.
    Ping {},
}

impl ClientFrame {
    /// The credential, and nothing else.
    pub fn auth(token: impl Into<String>) -> Self {
        Self::Auth { token: token.into(), inbox_since: None, inbox_epoch: None }
    }

    /// Examples for the documents, as a client writes them: a frame of each type at least.
    pub(crate) fn examples() -> Vec<serde_json::Value> {
        vec![
            json!({"type": "auth", "token": "eyJ0eXAi", "inbox_since": 3, "inbox_epoch": "24139c12"}),
            json!({"type": "subscribe", "id": "1", "rooms": [{"room": "courtyard", "since": 0}, {"room": ROOM}]}),
            json!({"type": "subscribe", "id": "2", "all": true, "cursors": {ROOM: 4}}),
            json!({"type": "unsubscribe", "id": "3", "rooms": ["ext:7"]}),
            json!({"type": "send", "id": "4", "room": ROOM, "key": "k1", "text": "안녕하세요", "reply_to": "2"}),
            json!({"type": "send", "room": ROOM, "key": "k2", "text": "a file", "attachments": [attachment()]}),
            json!({"type": "pin", "id": "9", "room": "courtyard", "message": "3", "on": true}),
            json!({"type": "read", "id": "5", "room": "courtyard", "seq": 3}),
            json!({"type": "typing", "room": "courtyard", "on": true}),
            json!({"type": "history", "id": "6", "room": "courtyard", "before": 5, "limit": 2}),
            json!({"type": "presence", "id": "7", "room": "courtyard"}),
            json!({"type": "ping", "id": "8"}),
        ]
    }

    /// The `type` on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "auth",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::Send { .. } => "send",
            Self::Pin { .. } => "pin",
            Self::Read { .. } => "read",
            Self::Typing { .. } => "typing",
            Self::History { .. } => "history",
            Self::Presence { .. } => "presence",
            Self::Ping {} => "ping",
        }
    }
}

/// Subscribes to rooms, each from a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// The rooms, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomSince>,
    /// Whether to subscribe to every room of which the user is a member.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// With `all`: the last place that the client has seen in each room.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    pub cursors: HashMap<RoomId, Seq>,
    /// The last place that the client has seen of the inbox: the server follows the inbox anew from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox_since: Option<Seq>,
    /// The history that `inbox_since` belongs to, by an earlier frame `inbox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox_epoch: Option<Epoch>,
}

/// A room, and what the client has seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomSince {
    /// The room.
    pub room: RoomRef,
    /// The last place that the client has seen; absent means from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Seq>,
    /// The history that `since` belongs to, by an earlier frame `subscribed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
}

/// A frame that was refused before it was understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// The request's id, where that much could be read.
    pub id: Option<RequestId>,
    /// What is wrong, and where.
    pub message: String,
}

impl Request {
    /// Reads a text frame.
    ///
    /// # Errors
    /// When it is no JSON object, or has an unknown type or field, or a value outside its bounds.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        /// The frame's own fields and the id, which serde cannot split from a tagged enum that denies
        /// unknown fields; so the object is read once, and the id taken out of it.
        fn split(text: &str) -> Result<(Option<serde_json::Value>, serde_json::Value), serde_json::Error> {
            let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
            let id = object.remove("id");
            Ok((id, serde_json::Value::Object(object)))
        }
        let (id, rest) = split(text).map_err(|error| FrameError {
            // Only here: a frame that is JSON does not pay for one that is not.
            id: broken::id_literal(text).and_then(|literal| serde_json::from_str(literal).ok()),
            message: format!("not a JSON object: {error}"),
        })?;
        let id = id
            .map(serde_json::from_value::<RequestId>)
            .transpose()
            .map_err(|error| FrameError { id: None, message: format!("id: {error}") })?;
        match serde_json::from_value(rest) {
            Ok(frame) => Ok(Self { id, frame }),
            Err(error) => Err(FrameError { id, message: error.to_string() }),
        }
    }

    /// Writes the text frame, for clients.
    ///
    /// # Errors
    /// Never with the frames of this crate; the serializer's signature has one.
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
