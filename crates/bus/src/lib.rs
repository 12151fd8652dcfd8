//! How gateways send entries to each other.
//!
//! The bus knows topics and opaque entries, never events: a gateway *listens* to the topics in which it has
//! sockets, and an entry *published* to a topic reaches every other gateway that listens there. Two
//! variants keep the same promises: [`InProcessExchange`] for gateways of one process, and
//! [`redis::connect`] for gateways of one Redis.
//!
//! # What is promised
//!
//! - Entries of one topic from one gateway arrive in the order of their publishing. An entry may arrive
//!   twice after a connection was cut; the `seq` that it carries lets the receiver drop it.
//! - Delivery is best effort, and loss is said where it can be seen: after [`Delivery::Reset`] the receiver
//!   compares the heads of its topics with the store. What no gateway can see (an entry dropped by a
//!   publisher that then died) is found by the receiver's own sweep.
//! - Nothing here waits for a slow part without a bound: queues drop or push back, calls have deadlines.

mod in_process;
mod metrics;
mod presence;
pub mod redis;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{GatewayId, TopicId};
use tokio::sync::{mpsc, watch};

pub use in_process::{IN_PROCESS_INBOX_DELIVERIES, InProcessExchange};
pub use metrics::{BusCounts, BusMetrics};
pub use presence::{Presence, PresenceChange, PresenceError, Present, PresentPage};

/// How long a user who has gone counts as present, unless it is set otherwise: a reload and a reconnect with its first
/// pauses fit into it.
pub const PRESENCE_GRACE: Duration = Duration::from_secs(5);

/// Where a gateway receives what the bus has for it; bounded. It ends (`None`) after [`Bus::close`], and also
/// when a task of the bus has panicked: a gateway that did not close the bus must then end itself.
pub type Inbox = mpsc::Receiver<Delivery>;

/// What a gateway has of the bus once it is connected.
pub struct Connected {
    /// Its end.
    pub bus: Arc<dyn Bus>,
    /// Its part in presence. It ends with the bus, by [`Bus::close`].
    pub presence: Arc<dyn Presence>,
    /// What arrives.
    pub inbox: Inbox,
}

/// A gateway's end of the bus.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Registers this gateway as a listener of the topics.
    ///
    /// [`Listening::Registered`] means that every entry published from now on reaches the inbox, or a
    /// [`Delivery::Reset`] does. It never hangs: where the bus cannot register now it says so
    /// ([`Listening::Deferred`]), keeps the wish, registers when it can and then delivers a `Reset`.
    /// A wish is kept even if the returned future is dropped.
    async fn listen(&self, topics: &[TopicId]) -> Listening;

    /// Ends the listening to the topics. It takes effect soon, in batches: entries on their way still arrive.
    fn unlisten(&self, topics: &[TopicId]);

    /// Hands an entry (at most about 64 KiB) to every other gateway that listens to the topic. Never waits: a
    /// full queue or an absent Redis drops the entry and counts it.
    fn publish(&self, topic: TopicId, entry: Bytes) -> Published;

    /// The health of each shard, now and whenever it changes.
    fn status(&self) -> watch::Receiver<BusStatus>;

    /// The counters of this end of the bus.
    fn metrics(&self) -> Arc<BusMetrics>;

    /// Leaves the bus: sends what was published, removes the inbox, the listener entries and the lease,
    /// within a deadline. Later calls do nothing; later publishes are dropped.
    async fn close(&self);
}

/// The answer of [`Bus::listen`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Listening {
    /// Each topic is registered.
    Registered,
    /// The bus cannot register now. It will, and then delivers [`Delivery::Reset`].
    Deferred,
}

/// The answer of [`Bus::publish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The entry is on its way.
    Queued,
    /// The entry was dropped and counted.
    Dropped,
}

/// What arrives in an [`Inbox`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Entries that other gateways published, in order. Never empty.
    Entries(Vec<Bytes>),
    /// Users came to topics that this gateway listens to, or have gone; in order. Never empty.
    Presence(Vec<PresenceChange>),
    /// Entries were lost or may have been: compare the heads of all topics with the store.
    Reset(ResetReason),
    /// Another gateway died without closing. What it committed may not have been published. With
    /// several shards each of them says so.
    PeerGone(GatewayId),
}

/// Why entries may have been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ResetReason {
    /// The lease was gone, so that publishers may have skipped this gateway.
    #[error("the lease was lost")]
    LeaseLost,
    /// The inbox was trimmed, or deleted, past the reader.
    #[error("the inbox was trimmed past the reader")]
    InboxTrimmed,
    /// The inbox's ids went back: its data is not the data that was read.
    #[error("the inbox went back in time")]
    IdsWentBack,
    /// The shard's epoch is another: its data was replaced.
    #[error("the shard's epoch changed")]
    EpochChanged,
    /// The reader heard nothing and was rebuilt.
    #[error("the reader was deaf and was rebuilt")]
    ReaderRebuilt,
    /// A connection was made again; other gateways may have dropped entries in the meantime.
    #[error("the connection was made again")]
    Reconnected,
    /// Topics whose registration was deferred are registered now.
    #[error("deferred topics were registered")]
    Registered,
    /// The inbox was full, and entries for it were dropped.
    #[error("the inbox was full")]
    InboxFull,
    /// Another gateway had to drop entries that it published.
    #[error("another gateway dropped entries")]
    PeerDropped,
}

/// The health of the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusStatus {
    /// One for each shard, by its number.
    pub shards: Vec<ShardStatus>,
}

impl BusStatus {
    /// Whether all shards are healthy.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.shards.iter().all(|shard| *shard == ShardStatus::Healthy)
    }
}

/// The health of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardStatus {
    /// Entries flow both ways, shown by a probe.
    Healthy,
    /// They do not, or it is not known.
    Unhealthy(ShardFault),
}

/// Why a shard is not healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShardFault {
    /// The first connection has not been made.
    #[error("not connected yet")]
    Starting,
    /// There is no connection, or Redis does not answer on it.
    #[error("Redis is unreachable")]
    Unreachable,
    /// Connected, but the lease and the topics are not registered.
    #[error("not registered")]
    Unregistered,
    /// Registered, but no probe has come back through the reader.
    #[error("the reader has not heard a probe")]
    ReaderDeaf,
    /// The bus was closed.
    #[error("closed")]
    Closed,
}
