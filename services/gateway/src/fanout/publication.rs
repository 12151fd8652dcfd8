//! What gateways publish and deliver.

use std::sync::Arc;

use madang_domain::{ConnectionId, RoomId, Seq, TopicId, UserId, event::Event};

/// A publication for listeners.
#[derive(Debug, Clone)]
pub(crate) enum Publication {
    /// An event that is committed in a topic's log.
    Event(Arc<Event>),
    /// An event that no log keeps. At best it reaches the current subscribers.
    Ephemeral(EphemeralEvent),
}

/// What a member does in a room that no log keeps.
#[derive(Debug, Clone)]
pub(crate) struct EphemeralEvent {
    /// The room.
    pub(crate) room: RoomId,
    /// The member.
    pub(crate) user: UserId,
    /// The member's connection to this gateway, where the signal came by one.
    pub(crate) connection: Option<ConnectionId>,
    /// What the member does.
    pub(crate) signal: Signal,
}

/// The kinds of ephemeral events.
#[derive(Debug, Clone)]
pub(crate) enum Signal {
    /// The member types, or has stopped. The other members are notified.
    Typing {
        /// The name to show.
        name: String,
        /// Whether the member types.
        on: bool,
    },
    /// The member has read up to a sequence number. The member's other devices are notified.
    ReadMark {
        /// The sequence number.
        seq: Seq,
    },
}

impl Publication {
    pub(super) fn topic(&self) -> TopicId {
        match self {
            Self::Event(event) => event.topic,
            Self::Ephemeral(event) => event.room.into(),
        }
    }
}
