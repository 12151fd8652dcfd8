//! Who is in a topic now, over all gateways and all of a user's sockets.

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{TopicId, UserId};

/// A gateway's part in presence; made together with its [`Bus`](crate::Bus).
///
/// The gateway says when a user's first socket *here* is in a topic and when the last one has gone. The others
/// are told, with the gateway itself, when that makes a difference *anywhere*: each gateway that listens to the
/// topic receives [`Delivery::Presence`](crate::Delivery::Presence), in one order, together with the change of what
/// [`present`](Self::present) answers.
///
/// Who has gone everywhere counts as present for a *grace* more, and a return within it is not told. The users of a
/// gateway that died leave when its lease has ended and the grace is over; it is told once, by whichever gateway. After
/// a loss of Redis' data each gateway puts back what it has without telling it.
///
/// What is told may be lost with an inbox, and then a [`Delivery::Reset`](crate::Delivery::Reset) says so. The
/// `count` of each change lets a receiver see that it has missed some.
#[async_trait]
pub trait Presence: Send + Sync + 'static {
    /// A user's first socket here is in the topic. Never waits: the wish is kept, and repeated until it is done.
    /// Past the bound of pairs of topic and user it is dropped and counted.
    fn enter(&self, topic: TopicId, present: Present);

    /// A user's last socket here has gone from the topic. Never waits.
    fn leave(&self, topic: TopicId, user: UserId);

    /// Who is in the topic.
    ///
    /// # Errors
    /// When presence is off, or Redis does not answer in time.
    async fn present(&self, topic: TopicId, limit: usize) -> Result<PresentPage, PresenceError>;
}

/// A user in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Who.
    pub user: UserId,
    /// What is shown of the user; opaque to the bus.
    pub card: Bytes,
}

/// Who is in a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PresentPage {
    /// How many.
    pub count: u64,
    /// Who, in no order; nobody where there are more than the limit.
    pub users: Vec<Present>,
}

/// A user came to a topic, or has gone from it, everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChange {
    /// Where.
    pub topic: TopicId,
    /// Who.
    pub user: UserId,
    /// What is shown of the user.
    pub card: Bytes,
    /// Came; else has gone.
    pub on: bool,
    /// How many are there now.
    pub count: u64,
}

/// Why it cannot be said who is in a topic.
#[derive(Debug, thiserror::Error)]
pub enum PresenceError {
    /// It is switched off.
    #[error("presence is off")]
    Off,
    /// The bus has no connection, or was closed.
    #[error("Redis is unreachable")]
    Unreachable,
    /// Redis refused, or did not answer.
    #[error("Redis did not answer")]
    Redis(#[source] redis::RedisError),
}
