//! Frames of the server, owned, and read as a client must: what it does not know, it ignores.

use madang_contract::{EventBody, Message, NoticeBody, OkFrame, RequestId, ServerFrame};
use madang_domain::{RoomId, Seq, Timestamp, event::EventKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::SocketError;

/// A frame of the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// Something happened in a room.
    Event(RoomEvent),
    /// Something that concerns the user alone.
    Notice(InboxNotice),
    /// A request was done.
    Ok(OkFrame<'static, RoomEvent>),
    /// Any other frame that this client knows; never [`ServerFrame::Event`], [`ServerFrame::Notice`] or
    /// [`ServerFrame::Ok`].
    Frame(ServerFrame<'static>),
    /// A frame of a type that this client does not know.
    Unknown(Map<String, Value>),
}

/// Something that happened in a room. It has its place in the log whether or not this client knows its
/// kind, and so the cursor moves over it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomEvent {
    /// Where.
    pub room: RoomId,
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// What.
    pub body: Body,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "the usual kinds are the large ones")]
pub enum Body {
    /// Of a kind that this client knows.
    Known(EventBody<'static>),
    /// Of another kind: the whole event.
    Unknown(Map<String, Value>),
}

/// Something that concerns the user alone. It has its place in the inbox whether or not this client knows its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxNotice {
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// What.
    pub body: NoticeOf,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq)]
pub enum NoticeOf {
    /// Of a kind that this client knows.
    Known(NoticeBody<'static>),
    /// Of another kind: the whole notice.
    Unknown(Map<String, Value>),
}

impl InboxNotice {
    /// Reads a notice from its object, of a frame or of a page of the inbox.
    ///
    /// # Errors
    /// [`SocketError::Unexpected`] where it has no place or time, or is of a known kind without what belongs to it.
    pub fn from_object(object: Map<String, Value>) -> Result<Self, SocketError> {
        #[derive(Deserialize)]
        struct Place {
            seq: Seq,
            at: Timestamp,
        }
        let Place { seq, at } = read(Value::Object(object.clone()))?;
        let body = match NoticeBody::deserialize(Value::Object(object.clone())) {
            Ok(body) => NoticeOf::Known(body),
            Err(error) if known_kind(&object) => return Err(unexpected(&error)),
            Err(_) => NoticeOf::Unknown(object),
        };
        Ok(Self { seq, at, body })
    }

    /// The data of a notice of the embedding site, as JSON.
    #[must_use]
    pub fn custom(&self) -> Option<&str> {
        match &self.body {
            NoticeOf::Known(NoticeBody::Custom(data)) => Some(&data.0),
            NoticeOf::Known(_) | NoticeOf::Unknown(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for InboxNotice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_object(Map::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for RoomEvent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_object(Map::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl RoomEvent {
    /// The message, where it is one.
    #[must_use]
    pub fn message(&self) -> Option<&Message<'static>> {
        match &self.body {
            Body::Known(EventBody::Message { message }) => Some(message),
            Body::Known(_) | Body::Unknown(_) => None,
        }
    }

    /// Reads an event from its object; a field `type` is not needed.
    ///
    /// # Errors
    /// [`SocketError::Unexpected`] where it has no room, place or time.
    pub fn from_object(object: Map<String, Value>) -> Result<Self, SocketError> {
        /// What every event has.
        #[derive(Deserialize)]
        struct Place {
            room: RoomId,
            seq: Seq,
            at: Timestamp,
        }
        let Place { room, seq, at } = read(Value::Object(object.clone()))?;
        let body = match EventBody::deserialize(Value::Object(object.clone())) {
            Ok(body) => Body::Known(body),
            Err(error) if known_kind(&object) => return Err(unexpected(&error)),
            Err(_) => Body::Unknown(object),
        };
        Ok(Self { room, seq, at, body })
    }
}

impl Incoming {
    /// Reads a text frame.
    ///
    /// # Errors
    /// [`SocketError::Unexpected`] where it is no frame, or a known one without what belongs to it.
    pub fn parse(text: &str) -> Result<Self, SocketError> {
        let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| unexpected(&error))?;
        match object.get("type").and_then(Value::as_str) {
            None => Err(SocketError::Unexpected("a frame without a type".to_owned())),
            Some("event") => RoomEvent::from_object(object).map(Self::Event),
            Some("notice") => InboxNotice::from_object(object).map(Self::Notice),
            Some("ok") => read(Value::Object(object)).map(Self::Ok),
            Some(kind) if known_type(kind) => read(Value::Object(object)).map(Self::Frame),
            Some(_) => Ok(Self::Unknown(object)),
        }
    }

    /// The request that it answers.
    #[must_use]
    pub fn re(&self) -> Option<&RequestId> {
        match self {
            Self::Event(_) | Self::Notice(_) | Self::Unknown(_) => None,
            Self::Ok(ok) => ok.re.as_ref(),
            Self::Frame(frame) => match frame {
                ServerFrame::Subscribed(subscribed) => subscribed.re.as_ref(),
                ServerFrame::Ack(ack) => ack.re.as_ref(),
                ServerFrame::Ok(ok) => ok.re.as_ref(),
                ServerFrame::Error(error) => error.re.as_ref(),
                ServerFrame::Pong(pong) => pong.re.as_ref(),
                ServerFrame::Hello(_)
                | ServerFrame::CaughtUp(_)
                | ServerFrame::Event(_)
                | ServerFrame::Inbox(_)
                | ServerFrame::Notice(_)
                | ServerFrame::Read(_)
                | ServerFrame::Delivered(_)
                | ServerFrame::InboxRead(_)
                | ServerFrame::Settings(_)
                | ServerFrame::Typing(_)
                | ServerFrame::Presence(_)
                | ServerFrame::Profile(_)
                | ServerFrame::Status(_)
                | ServerFrame::ThreadRead(_)
                | ServerFrame::MentionedHere(_)
                | ServerFrame::Reconnect(_) => None,
            },
        }
    }
}

fn known_type(name: &str) -> bool {
    matches!(
        name,
        "hello"
            | "subscribed"
            | "caught_up"
            | "ack"
            | "error"
            | "inbox"
            | "read"
            | "delivered"
            | "inbox_read"
            | "settings"
            | "typing"
            | "presence"
            | "profile"
            | "status"
            | "thread_read"
            | "mentioned_here"
            | "reconnect"
            | "pong"
    )
}

fn known_kind(object: &Map<String, Value>) -> bool {
    let kind = object.get("kind").and_then(Value::as_str);
    // An event without a kind is malformed rather than unknown.
    kind.is_none_or(|kind| EventKind::ALL.iter().any(|known| known.name() == kind))
}

/// Reads a value into a type that borrows from nothing: an owned [`Value`] gives its strings away.
fn read<T: Deserialize<'static>>(value: Value) -> Result<T, SocketError> {
    T::deserialize(value).map_err(|error| unexpected(&error))
}

fn unexpected(error: &serde_json::Error) -> SocketError {
    SocketError::Unexpected(error.to_string())
}

#[cfg(test)]
mod tests {
    use madang_contract::Answer;

    use super::*;

    const ROOM: &str = "01941f29-7c00-7000-8000-0000000000ab";
    const USER: &str = "01941f29-7c00-7000-8000-0000000000ac";

    #[test]
    fn an_event_is_read_with_its_message() {
        let text = format!(
            r#"{{"type":"event","room":"{ROOM}","seq":3,"at":"2026-01-01T00:00:00.000Z","kind":"message",
            "new_field":1,"message":{{"id":"3","sender":{{"id":"{USER}","name":"미나","avatar_url":null}},
            "text":"line\nbreak","key":"k","reply_to":null,"mentions":[],"attachments":[],"new_field":1}}}}"#
        );
        let Incoming::Event(event) = Incoming::parse(&text).unwrap() else { panic!("not an event") };
        assert_eq!(event.seq, Seq::new(3));
        assert_eq!(event.message().unwrap().text, "line\nbreak");
    }

    #[test]
    fn an_event_of_another_kind_keeps_its_place() {
        let text = format!(
            r#"{{"type":"event","room":"{ROOM}","seq":4,"at":"2026-01-01T00:00:00.000Z","kind":"poll","x":1}}"#
        );
        let Incoming::Event(event) = Incoming::parse(&text).unwrap() else { panic!("not an event") };
        assert_eq!(event.seq, Seq::new(4));
        assert!(matches!(event.body, Body::Unknown(_)));
    }

    #[test]
    fn what_is_not_known_is_kept_apart_from_what_is_broken() {
        assert!(matches!(Incoming::parse(r#"{"type":"weather","seq":1}"#), Ok(Incoming::Unknown(_))));
        let notice = r#"{"type":"notice","seq":1,"at":"2026-01-01T00:00:00Z","kind":"poll","data":{}}"#;
        let Ok(Incoming::Notice(notice)) = Incoming::parse(notice) else { panic!("not a notice") };
        assert!(matches!(notice.body, NoticeOf::Unknown(_)), "it keeps its place");
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":"ack"}"#,
            r#"{"type":"event","seq":1}"#,
            r#"{"type":"notice","kind":"poll"}"#,
            r#"{"type":"notice","seq":1,"at":"2026-01-01T00:00:00Z","kind":"custom","data":[]}"#,
            &format!(
                r#"{{"type":"event","room":"{ROOM}","seq":4,"at":"2026-01-01T00:00:00Z","kind":"message"}}"#
            ),
        ] {
            assert!(Incoming::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_page_of_history_keeps_the_kinds_that_are_not_known() {
        let text = format!(
            r#"{{"type":"ok","re":"7","room":"{ROOM}","events":[
            {{"room":"{ROOM}","seq":4,"at":"2026-01-01T00:00:00.000Z","kind":"poll","x":1}}]}}"#
        );
        let Incoming::Ok(OkFrame { answer: Answer::History(page), .. }) = Incoming::parse(&text).unwrap()
        else {
            panic!("not a page")
        };
        assert!(matches!(&page.events[..], [RoomEvent { body: Body::Unknown(_), .. }]));
    }

    #[test]
    fn an_answer_without_a_field_of_its_own_is_broken() {
        for text in [
            format!(r#"{{"type":"ok","events":[{{"room":"{ROOM}","seq":4}}],"room":"{ROOM}"}}"#),
            r#"{"type":"ok","events":[]}"#.to_owned(),
            r#"{"type":"ok","unread":1,"read":2}"#.to_owned(),
            r#"{"type":"ok","count":1}"#.to_owned(),
        ] {
            assert!(Incoming::parse(&text).is_err(), "{text}");
        }
        let done = Incoming::parse(r#"{"type":"ok","re":"7","new_field":1}"#);
        assert!(matches!(done, Ok(Incoming::Ok(OkFrame { answer: Answer::Done {}, .. }))), "{done:?}");
    }

    #[test]
    fn an_answer_names_its_request() {
        let text = r#"{"type":"error","re":"7","code":"not_found","message":"no such room"}"#;
        assert_eq!(Incoming::parse(text).unwrap().re(), Some(&RequestId::new("7")));
    }
}
