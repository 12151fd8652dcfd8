//! The frame `ok` and the answers that it contains.

use madang_domain::{RoomId, Seq, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::Event;
use crate::{RequestId, User};

/// The answer to a successful request.
// A client substitutes its own type for `E` to keep events of kinds that it does not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
#[schemars(rename = "OkFrame")]
pub struct OkFrame<'a, E = Event<'a>> {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// The result of the request. In JSON its fields stand beside `re`.
    #[serde(flatten)]
    pub answer: Answer<'a, E>,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Answer")]
pub enum Answer<'a, E = Event<'a>> {
    /// The result of `history`.
    History(HistoryPage<E>),
    /// The result of `read`.
    Read(ReadAnswer),
    /// The result of `presence`.
    Presence(PresenceAnswer<'a>),
    /// The result of `auth` on an authenticated socket.
    Renewed(Renewed),
    /// The empty result of `unsubscribe`, `pin` and `typing`.
    Done {},
}

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Answer<'_, E> {
    /// Recognizes each result by a field that no other result has. So a result that lacks one of its other fields is an
    /// error and not another result.
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

/// A page of a room's events: newest first, but oldest first if the request has `after`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HistoryPage")]
pub struct HistoryPage<E> {
    /// The id of the room.
    pub room: RoomId,
    /// The events, of all kinds.
    pub events: Vec<E>,
    /// Whether more events follow the last one. A page has at most 64 KiB of texts, so it may have fewer events than
    /// `limit`.
    #[serde(default)]
    pub more: bool,
}

/// The read mark after a request to move it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadAnswer {
    /// The id of the room.
    pub room: RoomId,
    /// The read mark: the `seq` up to which the user has read. It never moves back.
    pub read: Seq,
    /// The number of messages of other users after the read mark.
    pub unread: u64,
}

/// The users who are present in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceAnswer<'a> {
    /// The id of the room.
    pub room: RoomId,
    /// The number of present users.
    pub count: u64,
    /// The present users; absent if they are more than the operator's limit (200 by default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<User<'a>>>,
}

/// The server accepted the new credential of the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Renewed {
    /// The time at which the new credential expires.
    pub expires_at: Timestamp,
}
