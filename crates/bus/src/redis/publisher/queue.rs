//! The sending side of a shard's publish queue.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use madang_domain::TopicId;
use madang_trace::UntilDropped;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{bus::Published, metrics::BusMetrics, redis::settings::RedisSettings};

/// An entry on its way to Redis.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) topic: TopicId,
    pub(super) entry: Bytes,
    /// Lasts until Redis has the entry, or it is dropped.
    span: UntilDropped,
}

impl Publication {
    /// Notes that it is dropped.
    pub(super) fn note_dropped(&self) {
        self.span.span().record("error.type", "dropped");
        self.span.span().record("otel.status_code", "ERROR");
    }
}

/// The sending side of a shard's publish queue. Overflow policy: the newest entry is dropped and counted.
#[derive(Debug)]
pub(in crate::redis) struct PublishQueue {
    sender: mpsc::Sender<Publication>,
    state: Arc<PublishState>,
    bytes_max: usize,
    metrics: Arc<BusMetrics>,
}

/// What the two sides of the queue share with the lease task.
#[derive(Debug, Default)]
pub(in crate::redis) struct PublishState {
    /// Bytes of the entries that wait or are on their way.
    bytes: AtomicUsize,
    /// Redis has been away for longer than an entry is worth keeping, or the bus is closing.
    is_shut: AtomicBool,
    /// Entries were dropped, and the other gateways do not know it yet.
    has_dropped: AtomicBool,
}

impl PublishState {
    /// Whether entries were dropped since the last call.
    pub(in crate::redis) fn take_dropped(&self) -> bool {
        self.has_dropped.swap(false, Relaxed)
    }

    /// The other gateways could not be notified.
    pub(in crate::redis) fn put_back_dropped(&self) {
        self.has_dropped.store(true, Relaxed);
    }

    pub(super) fn set_shut(&self, is_shut: bool) {
        self.is_shut.store(is_shut, Relaxed);
    }

    /// Entries were sent.
    pub(super) fn subtract_bytes(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    /// Entries were dropped.
    pub(super) fn drop_bytes(&self, bytes: usize) {
        self.subtract_bytes(bytes);
        self.has_dropped.store(true, Relaxed);
    }
}

impl PublishQueue {
    pub(super) fn new(
        settings: &RedisSettings,
        state: Arc<PublishState>,
        metrics: Arc<BusMetrics>,
    ) -> (Self, mpsc::Receiver<Publication>) {
        let (sender, receiver) = mpsc::channel(settings.publish_queue_entries);
        (Self { sender, state, bytes_max: settings.publish_queue_bytes, metrics }, receiver)
    }

    pub(in crate::redis) fn offer(&self, topic: TopicId, entry: Bytes) -> Published {
        let bytes = entry.len();
        let waiting = self.state.bytes.fetch_add(bytes, Relaxed);
        // First: the publisher subtracts what it has sent.
        self.metrics.waiting_bytes.add(bytes as u64);
        let fits = waiting + bytes <= self.bytes_max && !self.state.is_shut.load(Relaxed);
        let publication = Publication { topic, entry, span: UntilDropped::new(madang_trace::sampled_span()) };
        let refused = if fits {
            self.sender.try_send(publication).err()
        } else {
            Some(TrySendError::Full(publication))
        };
        let Some(refused) = refused else {
            self.metrics.published.add(1);
            return Published::Queued;
        };
        refused.into_inner().note_dropped();
        self.state.drop_bytes(bytes);
        self.metrics.waiting_bytes.subtract_len(bytes);
        self.metrics.dropped.add(1);
        Published::Dropped
    }
}
