//! A gateway's end of the bus through Redis: the callers' side of all shards.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::TopicId;
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::DropGuard;
use tracing::warn;

use super::{
    keys::{STREAM_TEMPLATE, shard_of},
    publisher::PublishQueue,
    settings::RedisSettings,
    subscriptions::WantedSubscriptions,
    tasks::Tasks,
};
use crate::{
    bus::{Bus, Medium, Published, Subscribed},
    metrics::BusMetrics,
    status::{BusStatus, ShardFault, ShardStatus},
};

/// A gateway's end of the bus.
pub(super) struct RedisBus {
    pub(super) shards: Vec<Shard>,
    pub(super) status: watch::Sender<BusStatus>,
    pub(super) metrics: Arc<BusMetrics>,
    pub(super) settings: Arc<RedisSettings>,
    pub(super) tasks: Tasks,
    pub(super) _stop_when_dropped: DropGuard,
}

/// The callers' side of one shard.
pub(super) struct Shard {
    pub(super) subscriptions: Arc<WantedSubscriptions>,
    pub(super) queue: PublishQueue,
}

impl RedisBus {
    fn shard(&self, topic: TopicId) -> usize {
        usize::from(shard_of(topic, self.settings.shards))
    }

    /// The shards, each with those of the topics that belong to it.
    fn by_shard<'a>(
        &'a self,
        topics: &'a [TopicId],
    ) -> impl Iterator<Item = (&'a Shard, impl Iterator<Item = TopicId> + 'a)> {
        let is_in = move |number: usize, topic: &TopicId| self.shard(*topic) == number;
        self.shards
            .iter()
            .enumerate()
            .filter(move |(number, _)| topics.iter().any(|topic| is_in(*number, topic)))
            .map(move |(number, shard)| {
                (shard, topics.iter().copied().filter(move |topic| is_in(number, topic)))
            })
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn subscribe(&self, topics: &[TopicId]) -> Subscribed {
        if self.tasks.closing.is_cancelled() {
            return Subscribed::Deferred;
        }
        let deadline = Instant::now() + self.settings.subscribe_deadline;
        let answers: Vec<_> =
            self.by_shard(topics).map(|(shard, topics)| shard.subscriptions.subscribe(topics)).collect();
        let mut subscribed = Subscribed::Registered;
        for answer in answers {
            let answer = match answer {
                Some(answer) => answer_by(answer, deadline).await,
                None => Subscribed::Deferred,
            };
            if answer == Subscribed::Deferred {
                subscribed = Subscribed::Deferred;
            }
        }
        subscribed
    }

    fn unsubscribe(&self, topics: &[TopicId]) {
        for (shard, topics) in self.by_shard(topics) {
            shard.subscriptions.unsubscribe(topics);
        }
    }

    fn publish(&self, topic: TopicId, entry: Bytes) -> Published {
        match self.shards.get(self.shard(topic)) {
            Some(shard) => shard.queue.offer(topic, entry),
            None => Published::Dropped,
        }
    }

    fn medium(&self) -> Option<Medium> {
        Some(Medium { system: "redis", destination: STREAM_TEMPLATE })
    }

    fn status(&self) -> watch::Receiver<BusStatus> {
        self.status.subscribe()
    }

    fn metrics(&self) -> Arc<BusMetrics> {
        Arc::clone(&self.metrics)
    }

    async fn close(&self) {
        self.tasks.closing.cancel();
        if timeout(self.settings.close_deadline, self.tasks.left()).await.is_err() {
            warn!("the bus could not be left within the deadline");
        }
        self.tasks.stop().await;
        self.status.send_modify(|status| status.shards.fill(ShardStatus::Unhealthy(ShardFault::Closed)));
    }
}

/// The answer to a subscription, or `Deferred` at the deadline. The lease task then sees that nobody waits, and owes a reset.
async fn answer_by(mut answer: oneshot::Receiver<Subscribed>, deadline: Instant) -> Subscribed {
    match timeout_at(deadline, &mut answer).await {
        Ok(answer) => answer.unwrap_or(Subscribed::Deferred),
        Err(_) => {
            answer.close();
            answer.try_recv().unwrap_or(Subscribed::Deferred)
        }
    }
}
