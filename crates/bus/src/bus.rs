//! A gateway's end of the bus, whichever variant it is.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{GatewayId, TopicId};
use tokio::sync::{mpsc, watch};

use crate::{
    budgets::SharedBudgets,
    metrics::BusMetrics,
    presence::{Presence, PresenceChange},
    status::BusStatus,
};

/// The bounded queue from which a gateway receives what the bus has for it. It ends (`None`) after [`Bus::close`], and also
/// when a task of the bus has panicked: a gateway that did not close the bus must then end itself.
pub type Deliveries = mpsc::Receiver<Delivery>;

/// What a gateway has of the bus once it is connected.
pub struct Connected {
    /// The gateway's end of the bus.
    pub bus: Arc<dyn Bus>,
    /// The gateway's part in presence. It ends with the bus, by [`Bus::close`].
    pub presence: Arc<dyn Presence>,
    /// The budgets that it shares with the other gateways.
    pub budgets: Arc<dyn SharedBudgets>,
    /// What arrives.
    pub deliveries: Deliveries,
}

/// A gateway's end of the bus.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Subscribes this gateway to the topics.
    ///
    /// [`Subscribed::Registered`] promises that every entry that is published from now on is delivered, or that a
    /// [`Delivery::Reset`] is. The call never hangs. Where the bus cannot register the subscriptions now, it answers
    /// [`Subscribed::Deferred`], keeps them, registers them when it can and then delivers a `Reset`. It keeps them even if
    /// the caller drops the returned future.
    async fn subscribe(&self, topics: &[TopicId]) -> Subscribed;

    /// Ends the subscriptions to the topics. It takes effect soon, in batches: entries on their way still arrive.
    fn unsubscribe(&self, topics: &[TopicId]);

    /// Hands an entry (at most about 64 KiB) to every other gateway that is subscribed to the topic. It never waits: a full
    /// queue or an absent Redis drops the entry and counts it. A sampled span in which this is called lasts until Redis has
    /// the entry.
    fn publish(&self, topic: TopicId, entry: Bytes) -> Published;

    /// What carries the entries to other processes, as traces name it; none within one process.
    fn medium(&self) -> Option<Medium> {
        None
    }

    /// The health of each shard, now and whenever it changes.
    fn status(&self) -> watch::Receiver<BusStatus>;

    /// The counters of this end of the bus.
    fn metrics(&self) -> Arc<BusMetrics>;

    /// Leaves the bus within a deadline: sends what was published, and removes the gateway stream, the subscriptions and the
    /// lease. Later calls do nothing; later publishes are dropped.
    async fn close(&self);
}

/// What carries entries between processes, in the terms of OpenTelemetry's conventions for messaging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Medium {
    /// `messaging.system`.
    pub system: &'static str,
    /// `messaging.destination.template`: every gateway has a destination of its own.
    pub destination: &'static str,
}

/// The answer of [`Bus::subscribe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Subscribed {
    /// Each subscription is registered.
    Registered,
    /// The bus cannot register the subscriptions now. It will, and then delivers [`Delivery::Reset`].
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

/// What the bus delivers to a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Entries that other gateways published, in order. Never empty.
    Entries(Vec<Bytes>),
    /// Users entered or left topics to which this gateway is subscribed, in order. Never empty.
    Presence(Vec<PresenceChange>),
    /// Entries were lost or may have been: the gateway compares the heads of all topics with the store.
    Reset(ResetReason),
    /// Another gateway died without closing the bus. It may not have published what it committed. With several shards
    /// each of them reports it.
    PeerGone(GatewayId),
}

/// Why entries may have been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ResetReason {
    /// The lease was gone, so that publishers may have skipped this gateway.
    #[error("the lease was lost")]
    LeaseLost,
    /// The gateway stream was trimmed, or deleted, past the reader.
    #[error("the gateway stream was trimmed past the reader")]
    StreamTrimmed,
    /// The ids of the gateway stream went back: its data is not the data that was read.
    #[error("the gateway stream went back in time")]
    IdsWentBack,
    /// The shard has another epoch: its data was replaced.
    #[error("the shard's epoch changed")]
    EpochChanged,
    /// The reader received nothing and was rebuilt.
    #[error("the reader was stalled and was rebuilt")]
    ReaderRebuilt,
    /// A connection was made again; other gateways may have dropped entries in the meantime.
    #[error("the connection was made again")]
    Reconnected,
    /// Subscriptions that were deferred are registered now.
    #[error("deferred subscriptions were registered")]
    Registered,
    /// The queue of deliveries was full, and entries for it were dropped.
    #[error("the queue of deliveries was full")]
    QueueFull,
    /// Another gateway had to drop entries that it published.
    #[error("another gateway dropped entries")]
    PeerDropped,
}
