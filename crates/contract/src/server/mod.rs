//! The frames that a gateway sends.

mod answer;
mod ephemeral;
mod event;
mod notice;
mod subscription;

use std::borrow::Cow;

use madang_domain::{Code, IdempotencyKey, RoomId, Seq, SessionId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use answer::{Answer, HistoryPage, OkFrame, PresenceAnswer, ReadAnswer, Renewed};
pub use ephemeral::{Presence, PresenceChange, Read, Typing};
pub use event::*;
pub use notice::*;
pub use subscription::{CaughtUp, RoomError, Subscribed, SubscribedRoom};

use crate::{RequestId, User};

/// A frame of the server's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// The first frame after authentication.
    Hello(Hello<'a>),
    /// The answer to `subscribe`. The missed events of each room follow, in order, then its `caught_up`.
    Subscribed(Subscribed<'a>),
    /// All missed events of a room have been sent.
    CaughtUp(CaughtUp),
    /// The answer to `send`: the message is committed.
    Ack(Ack<'a>),
    /// The answer to any other request that was done; its fields depend on the request.
    Ok(OkFrame<'a>),
    /// A request was refused. The socket lives.
    Error(ErrorFrame<'a>),
    /// Something happened in a room.
    Event(Event<'a>),
    /// The server follows the user's inbox from here. The missed notices follow, in order, then those that come.
    Inbox(Inbox),
    /// Something happened that concerns the user alone.
    Notice(Notice<'a>),
    /// The user has moved a read mark on another device.
    Read(Read),
    /// A user types, or has stopped.
    Typing(Typing<'a>),
    /// Users came to a room or have gone from it.
    Presence(Presence<'a>),
    /// The client is to reconnect after a while; a close follows.
    Reconnect(Reconnect<'a>),
    /// The answer to `ping`.
    Pong(Pong),
}

/// The first frame after authentication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hello<'a> {
    /// The id of the signed-in device.
    pub session: SessionId,
    /// The user whose socket it is.
    pub user: User<'a>,
    /// How often the server pings, in milliseconds; a client silent for more than twice that is closed.
    pub heartbeat_ms: u64,
    /// The limits in force.
    pub limits: Limits,
}

/// The limits in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// The answer to `send`: the message is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ack<'a> {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// The room.
    pub room: RoomId,
    /// The key that the request gave.
    #[schemars(with = "IdempotencyKey")]
    pub key: Cow<'a, str>,
    /// The id of the message.
    pub id: String,
    /// Its place in the room's log.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// Whether it had been committed before, under the same key.
    pub duplicate: bool,
}

/// A request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFrame<'a> {
    /// The id of the request, where the frame could be read that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// The reason.
    pub code: Code,
    /// What to do next, for a developer.
    pub message: Cow<'a, str>,
    /// The limit that was reached, where one was: see the table of limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Cow<'a, str>>,
    /// After how many milliseconds to try again, where that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The client is to reconnect after a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconnect<'a> {
    /// After how many milliseconds.
    pub after_ms: u64,
    /// Why: `restart` or `busy`.
    pub reason: Cow<'a, str>,
}

/// The answer to `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pong {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
}
