//! What a shard of the hubs is told.

use std::sync::Arc;

use bytes::Bytes;
use madang_bus::PresenceChange;
use madang_contract::WireFrame;
use madang_domain::{ConnectionId, Seq, TopicId, event::Event};
use tokio::sync::oneshot;

use super::topic_hub::{Audience, Listener};
use crate::formats::Format;

/// What a shard is told.
#[derive(Debug)]
pub(super) enum Message {
    /// A socket is about to read a topic's state. The answer comes when this gateway is a listener.
    Attach { topic: TopicId, listener: Listener, listening: oneshot::Sender<()> },
    /// The socket has been sent the log up to this place; with a profile its user is present.
    Activate { topic: TopicId, connection: ConnectionId, seen: Seq, profile: Option<Bytes> },
    /// The socket listens no more.
    Detach { topic: TopicId, connection: ConnectionId },
    /// Events, from here or from another gateway; in any order, any number of times.
    Events(Vec<Arc<Event>>),
    /// Something without a place in the log.
    Say { topic: TopicId, frame: WireFrame, format: Format, audience: Audience },
    /// Users came or have gone, somewhere; in order.
    Presence(Vec<PresenceChange>),
    /// Whether a socket listens, its membership included.
    Listens { topic: TopicId, connection: ConnectionId, answer: oneshot::Sender<bool> },
    /// Continuity may be broken: compare all heads with the store.
    SweepAll,
}
