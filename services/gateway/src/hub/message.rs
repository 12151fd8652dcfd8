//! The messages to a shard of the hubs.

use std::sync::Arc;

use bytes::Bytes;
use madang_bus::PresenceChange;
use madang_contract::WireFrame;
use madang_domain::{ConnectionId, Seq, TopicId, event::Event};
use tokio::sync::oneshot;

use super::topic_hub::{Audience, Listener};
use crate::formats::Format;

/// A message to a shard.
#[derive(Debug)]
pub(super) enum Message {
    /// A socket is about to read a topic's state. The answer comes when this gateway is a listener.
    Attach { topic: TopicId, listener: Listener, listening: oneshot::Sender<()> },
    /// The socket has been sent the log up to this sequence number. With a profile, its user is present.
    Activate { topic: TopicId, connection: ConnectionId, seen: Seq, profile: Option<Bytes> },
    /// The socket's subscription ends.
    Detach { topic: TopicId, connection: ConnectionId },
    /// Events, from here or from another gateway; in any order, any number of times.
    Events(Vec<Arc<Event>>),
    /// A frame that no log keeps.
    Say { topic: TopicId, frame: WireFrame, format: Format, audience: Audience },
    /// Users came or have gone, at any gateway; in order.
    Presence(Vec<PresenceChange>),
    /// Asks whether a socket subscribes to the topic and its user is still a member.
    Listens { topic: TopicId, connection: ConnectionId, answer: oneshot::Sender<bool> },
    /// Events may have been lost: compare all heads with the store.
    SweepAll,
}
