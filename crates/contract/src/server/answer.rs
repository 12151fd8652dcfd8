//! The answers that the frame `ok` carries.

use madang_domain::{RoomId, Seq, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::Event;
use crate::{RequestId, User};

/// A request was done. `E` is the form of the events of a history page: a client that keeps kinds of events which it
/// does not know has a form of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
#[schemars(rename = "OkFrame")]
pub struct OkFrame<'a, E = Event<'a>> {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// What the request asked for; in JSON its fields stand beside `re`.
    #[serde(flatten)]
    pub answer: Answer<'a, E>,
}

/// What a request asked for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Answer")]
pub enum Answer<'a, E = Event<'a>> {
    /// The answer to `history`.
    History(HistoryPage<E>),
    /// The answer to `read`.
    Read(ReadAnswer),
    /// The answer to `presence`.
    Presence(PresenceAnswer<'a>),
    /// The answer to `auth` on a socket that is signed in already.
    Renewed(Renewed),
    /// The answer to `unsubscribe` and `typing`, which ask for nothing.
    Done {},
}

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Answer<'_, E> {
    /// Which answer it is shows in the one field that no other has, so that an answer without a field that belongs
    /// to it is an error and not another answer.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::<String, Value>::deserialize(deserializer)?;
        let has = |name| fields.contains_key(name);
        let (is_history, is_presence) = (has("events"), has("count"));
        let (is_read, is_renewed) = (has("unread"), has("expires_at"));
        let fields = Value::Object(fields);
        if is_history {
            HistoryPage::deserialize(fields).map(Self::History).map_err(D::Error::custom)
        } else if is_presence {
            PresenceAnswer::deserialize(fields).map(Self::Presence).map_err(D::Error::custom)
        } else if is_read {
            ReadAnswer::deserialize(fields).map(Self::Read).map_err(D::Error::custom)
        } else if is_renewed {
            Renewed::deserialize(fields).map(Self::Renewed).map_err(D::Error::custom)
        } else {
            Ok(Self::Done {})
        }
    }
}

/// A page of a room's events, newest first, or oldest first where the request said `after`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HistoryPage")]
pub struct HistoryPage<E> {
    /// The room.
    pub room: RoomId,
    /// The events of all kinds.
    pub events: Vec<E>,
    /// Whether there is more beyond the last event. A page may have fewer than were asked for: its bytes are bounded.
    #[serde(default)]
    pub more: bool,
}

/// A read mark after a request to move it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadAnswer {
    /// The room.
    pub room: RoomId,
    /// The read mark, which never moves back.
    pub read: Seq,
    /// The messages of others after it.
    pub unread: u64,
}

/// Who is in a room now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceAnswer<'a> {
    /// The room.
    pub room: RoomId,
    /// How many users are there.
    pub count: u64,
    /// The users; absent where too many are there to be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<User<'a>>>,
}

/// A credential was renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Renewed {
    /// When the new credential expires.
    pub expires_at: Timestamp,
}
