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
pub use ephemeral::{
    Delivered, Mark, MentionedHere, Presence, PresenceChange, Profile, Read, Settings, StatusChanged,
    ThreadRead, Typing,
};
pub use event::*;
pub use notice::*;
pub use subscription::{CaughtUp, RoomError, Subscribed, SubscribedRoom};

use crate::{RequestId, User};

/// A frame that the server sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a frame is written at once: no allocation for the most frequent kind"
)]
pub enum ServerFrame<'a> {
    /// The server has authenticated the socket.
    Hello(Hello<'a>),
    /// The answer to `subscribe`. For each room the missed events follow, in order, and then `caught_up`.
    Subscribed(Subscribed<'a>),
    /// The server has sent all missed events of a room.
    CaughtUp(CaughtUp),
    /// The answer to `send`: the message is committed.
    Ack(Ack<'a>),
    /// The answer to any other successful request. Its fields depend on the request.
    Ok(OkFrame<'a>),
    /// The server refused a request. The socket stays open.
    Error(ErrorFrame<'a>),
    /// An event in a room.
    Event(Event<'a>),
    /// The subscription to the user's inbox begins. The missed notices follow, in order, and then the new ones.
    Inbox(Inbox),
    /// A notice in the user's inbox.
    Notice(Notice<'a>),
    /// Read marks have moved: the user's own on another socket, or those of a room's members.
    Read(Read),
    /// What the devices of a room's members have received.
    Delivered(Delivered),
    /// The user moved the read mark of the inbox on any device.
    InboxRead(InboxRead),
    /// The user changed settings on any device.
    Settings(Settings),
    /// A user is typing or has stopped.
    Typing(Typing<'a>),
    /// The users who are present in a room have changed.
    Presence(Presence<'a>),
    /// A user's profile has changed.
    Profile(Profile<'a>),
    /// A user has set a status, or ended it.
    Status(StatusChanged),
    /// The user moved the read mark of a thread, or follows a thread now or no more, on any device.
    ThreadRead(ThreadRead),
    /// A message mentions the members who are here.
    MentionedHere(MentionedHere<'a>),
    /// The client must reconnect after a delay. A close with 1012 follows.
    Reconnect(Reconnect<'a>),
    /// The answer to `ping`.
    Pong(Pong),
}

/// The server has authenticated the socket: the session, its user and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hello<'a> {
    /// The id of the session (the signed-in device).
    pub session: SessionId,
    /// The profile of the user.
    pub user: User<'a>,
    /// The interval of pings to a silent client, in milliseconds. After more than twice as long the server closes the
    /// socket.
    pub heartbeat_ms: u64,
    /// The limits of this socket.
    pub limits: Limits,
}

/// The limits of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// The maximum size of a frame, in bytes.
    pub frame_bytes: usize,
    /// The maximum length of a message's text, in characters.
    pub text_chars: usize,
    /// The maximum number of rooms that one `subscribe` may name.
    pub subscribe_rooms: usize,
    /// The maximum number of events that are replayed to one subscription.
    pub replay_events: u32,
}

/// The answer to `send`: the message is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ack<'a> {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// The id of the room.
    pub room: RoomId,
    /// The idempotency key of the request.
    #[schemars(with = "IdempotencyKey")]
    pub key: Cow<'a, str>,
    /// The id of the message.
    pub id: String,
    /// The sequence number of the message in its room.
    pub seq: Seq,
    /// The time of the commit.
    pub at: Timestamp,
    /// Whether an earlier request with the same key had already committed the message.
    pub duplicate: bool,
}

/// The server refused a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFrame<'a> {
    /// The id of the request; absent if it had none, or if the id could not be found in a malformed frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// The error code.
    pub code: Code,
    /// A sentence for developers, which says what is wrong or what to do next.
    pub message: Cow<'a, str>,
    /// The name of the limit that was reached; present with `rate_limited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Cow<'a, str>>,
    /// The number of milliseconds to wait before a retry; absent if a retry does not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The client must reconnect after a delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconnect<'a> {
    /// The delay before the reconnection, in milliseconds.
    pub after_ms: u64,
    /// The reason: `restart` (the server is stopping), `old` (the socket is old) or `busy` (too many clients at once).
    pub reason: Cow<'a, str>,
}

/// The answer to `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pong {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
}
