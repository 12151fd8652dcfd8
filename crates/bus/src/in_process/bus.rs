//! One gateway's end of the bus.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::TopicId;
use tokio::sync::watch;

use super::{
    directory::{SharedDirectory, remove_subscriber},
    queue::{GatewayQueue, Offer},
};
use crate::{
    bus::{Bus, Delivery, Published, Subscribed},
    metrics::BusMetrics,
    status::{BusStatus, ShardFault, ShardStatus},
};

/// One gateway's end of the bus.
pub(super) struct InProcessBus {
    directory: SharedDirectory,
    queue: Arc<GatewayQueue>,
    status: watch::Sender<BusStatus>,
}

impl InProcessBus {
    pub(super) fn new(directory: SharedDirectory, queue: Arc<GatewayQueue>) -> Self {
        let status = watch::Sender::new(BusStatus { shards: vec![ShardStatus::Healthy] });
        Self { directory, queue, status }
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn subscribe(&self, topics: &[TopicId]) -> Subscribed {
        let mut directory = self.directory.write();
        if !directory.gateways.contains_key(&self.queue.gateway) {
            return Subscribed::Deferred;
        }
        for topic in topics {
            let subscribers = directory.subscribers.entry(*topic).or_default();
            if subscribers.iter().all(|queue| queue.gateway != self.queue.gateway) {
                subscribers.push(Arc::clone(&self.queue));
                self.queue.metrics.subscriptions.add(1);
            }
        }
        Subscribed::Registered
    }

    fn unsubscribe(&self, topics: &[TopicId]) {
        let mut directory = self.directory.write();
        for topic in topics {
            if let Some(subscribers) = directory.subscribers.get_mut(topic) {
                remove_subscriber(subscribers, &self.queue);
                if subscribers.is_empty() {
                    directory.subscribers.remove(topic);
                }
            }
        }
    }

    fn publish(&self, topic: TopicId, entry: Bytes) -> Published {
        let directory = self.directory.read();
        let mut published = Published::Queued;
        if !directory.gateways.contains_key(&self.queue.gateway) {
            published = Published::Dropped;
        } else if let Some(subscribers) = directory.subscribers.get(&topic) {
            for queue in subscribers.iter().filter(|queue| queue.gateway != self.queue.gateway) {
                match queue.offer(Delivery::Entries(vec![entry.clone()])) {
                    Offer::Taken => {
                        self.queue.metrics.stream_appends.add(1);
                        queue.metrics.delivered.add(1);
                    }
                    Offer::Refused => published = Published::Dropped,
                }
            }
        }
        match published {
            Published::Queued => self.queue.metrics.published.add(1),
            Published::Dropped => self.queue.metrics.dropped.add(1),
        }
        published
    }

    fn status(&self) -> watch::Receiver<BusStatus> {
        self.status.subscribe()
    }

    fn metrics(&self) -> Arc<BusMetrics> {
        Arc::clone(&self.queue.metrics)
    }

    async fn close(&self) {
        self.directory.remove(&self.queue);
        self.queue.close();
        let closed = ShardStatus::Unhealthy(ShardFault::Closed);
        self.status.send_replace(BusStatus { shards: vec![closed] });
    }
}

impl Drop for InProcessBus {
    fn drop(&mut self) {
        if self.directory.remove(&self.queue) {
            self.queue.close();
            for queue in self.directory.read().gateways.values() {
                // A queue that refuses has a reset before it, which asks for the same work.
                queue.offer(Delivery::PeerGone(self.queue.gateway));
            }
        }
    }
}
