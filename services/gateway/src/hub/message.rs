//! The messages to a shard of the hubs.

use bytes::Bytes;
use madang_bus::PresenceChange;
use madang_contract::WireFrame;
use madang_domain::{ConnectionId, Seq, TopicId};
use tokio::sync::oneshot;

use super::{
    arrival::Arrival,
    profile_news::{ProfileNews, SettingsChange, ShownNews, StatusNews},
    topic_hub::{Audience, Listener},
    typists::TypingSignal,
};
use crate::formats::Format;

/// What became of a socket that was to be registered with a hub.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attached {
    /// It is registered, and this gateway is a listener of the topic.
    Listening,
    /// There is no hub of the topic.
    NoHub,
}

/// A message to a shard.
#[derive(Debug)]
pub(super) enum Message {
    /// A socket is about to read a topic's state. The answer comes when this gateway is a listener; or at once, where there
    /// is no hub and none is to be made.
    Attach { topic: TopicId, listener: Listener, make: bool, attached: oneshot::Sender<Attached> },
    /// The socket has been sent the log up to this sequence number. With a profile, its user is present.
    Activate { topic: TopicId, connection: ConnectionId, seen: Seq, profile: Option<Bytes> },
    /// The socket's subscription ends.
    Detach { topic: TopicId, connection: ConnectionId },
    /// Events, from here or from another gateway; in any order, any number of times.
    Events(Vec<Arrival>),
    /// A frame that no log keeps.
    Say { topic: TopicId, frame: WireFrame, format: Format, audience: Audience },
    /// Somebody types or has stopped, here or at another gateway.
    Typing { topic: TopicId, signal: TypingSignal },
    /// A user's profile has changed.
    Profile { topic: TopicId, news: ProfileNews },
    /// A user has set something, of which the user's own devices are told.
    Settings { topic: TopicId, change: SettingsChange, frame: WireFrame },
    /// A user has set a status, or ended it.
    Status { topic: TopicId, news: StatusNews },
    /// Others see from now on that a user is present, or do not.
    Shown { topic: TopicId, news: ShownNews },
    /// Asks whether it is news to the others that the user of a socket types or has stopped; none where the socket does not
    /// subscribe to the topic.
    IsTypingNews {
        topic: TopicId,
        connection: ConnectionId,
        on: bool,
        thread: Option<Seq>,
        answer: oneshot::Sender<Option<bool>>,
    },
    /// A mark of a room has moved, which the room shows to its members.
    MarksMoved { topic: TopicId },
    /// Users came or have gone, at any gateway; in order.
    Presence(Vec<PresenceChange>),
    /// Asks whether a socket subscribes to the topic and its user is still a member.
    Listens { topic: TopicId, connection: ConnectionId, answer: oneshot::Sender<bool> },
    /// Events may have been lost: compare all heads with the store.
    SweepAll,
}
