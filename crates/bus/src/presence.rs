//! Which users are in a topic now, over all gateways and all of a user's sockets.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{TopicId, UserId};

/// How long a user who has left still counts as present, unless the settings say otherwise: a reload, or a reconnection with
/// its first pauses, fits into it.
pub const PRESENCE_GRACE: Duration = Duration::from_secs(5);

/// A gateway's part in presence; made together with its [`Bus`](crate::Bus).
///
/// The gateway reports when a user's first socket *here* enters a topic and when the last one leaves it. The bus notifies all
/// gateways that are subscribed to the topic, the reporting one included, when that makes a difference *anywhere*: each
/// receives [`Delivery::Presence`](crate::Delivery::Presence), in one order, together with the change of what
/// [`present`](Self::present) answers.
///
/// A user who has left everywhere counts as present for a *grace* period more, and nobody is notified of a return within it.
/// The users of a gateway that died leave when its lease has expired and the grace is over; one gateway, whichever it is,
/// makes that known once. After a loss of Redis' data each gateway restores what it has without a notification.
///
/// A notification may be lost with a gateway stream; a [`Delivery::Reset`](crate::Delivery::Reset) then reports the loss. The
/// `count` of each change lets a receiver see that it has missed some.
#[async_trait]
pub trait Presence: Send + Sync + 'static {
    /// A user's first socket here entered the topic. The call never waits: the bus keeps the entry and repeats its call to
    /// Redis until that succeeds. Past the bound of pairs of topic and user it drops the entry and counts it.
    fn enter(&self, topic: TopicId, present: Present);

    /// A user's last socket here left the topic. The call never waits.
    fn leave(&self, topic: TopicId, user: UserId);

    /// The users in the topic.
    ///
    /// # Errors
    ///
    /// When presence is off, or Redis does not answer in time.
    async fn present(&self, topic: TopicId, limit: usize) -> Result<PresentPage, PresenceError>;
}

/// A user in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The user's id.
    pub user: UserId,
    /// The profile that others are shown of the user; opaque to the bus.
    pub profile: Bytes,
}

/// The users in a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PresentPage {
    /// How many users there are.
    pub count: u64,
    /// The users, in no order; empty where there are more than the limit.
    pub users: Vec<Present>,
}

/// A user entered a topic, or has left it, everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChange {
    /// The topic.
    pub topic: TopicId,
    /// The user's id.
    pub user: UserId,
    /// The profile that others are shown of the user.
    pub profile: Bytes,
    /// Whether the user entered; otherwise the user has left.
    pub on: bool,
    /// How many users are in the topic after the change.
    pub count: u64,
}

/// Why the bus cannot tell which users are in a topic.
#[derive(Debug, thiserror::Error)]
pub enum PresenceError {
    /// Presence is switched off.
    #[error("presence is off")]
    Off,
    /// The bus has no connection, or was closed.
    #[error("Redis is unreachable")]
    Unreachable,
    /// Redis refused, or did not answer.
    #[error("Redis did not answer")]
    Redis(#[source] redis::RedisError),
}
