//! Redis Clusters for tests.

use madang_bus::redis::RedisSettings;
use madang_domain::TopicId;
use madang_test_kit::{RedisCluster, RedisClusterOptions, unique_prefix};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::fast;

/// The cluster of the suite, which no test breaks. A static is never dropped: it ends with the process.
static SHARED: OnceCell<RedisCluster> = OnceCell::const_new();

/// Two clusters at a time are broken: six processes each, whose failovers are judged by the clock.
static BREAKING: Semaphore = Semaphore::const_new(2);

/// Longer than the pauses of a machine that runs other tests too: only what a test breaks is replaced.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);

/// Longer than any pause: no failover in the suite.
const UNBROKEN_NODE_TIMEOUT: Duration = Duration::from_secs(30);

/// A place in the shared cluster, apart from all others.
pub(crate) struct Corner {
    pub(crate) cluster: &'static RedisCluster,
    pub(crate) prefix: String,
}

impl Corner {
    pub(crate) async fn of_shared() -> Self {
        let start = || async {
            let options = RedisClusterOptions { node_timeout: UNBROKEN_NODE_TIMEOUT, ..Default::default() };
            RedisCluster::start_with(options).await.unwrap()
        };
        Self { cluster: SHARED.get_or_init(start).await, prefix: unique_prefix() }
    }

    pub(crate) fn settings(&self) -> RedisSettings {
        RedisSettings { prefix: self.prefix.clone(), ..fast(&self.cluster.url()) }
    }
}

/// A cluster to be broken.
pub(crate) struct Breakable {
    pub(crate) cluster: RedisCluster,
    _turn: SemaphorePermit<'static>,
}

impl Breakable {
    pub(crate) async fn start() -> Self {
        let turn = BREAKING.acquire().await.unwrap();
        let options = RedisClusterOptions { node_timeout: NODE_TIMEOUT, ..Default::default() };
        Self { cluster: RedisCluster::start_with(options).await.unwrap(), _turn: turn }
    }

    /// Three shards, hence one at each master. The lease outlives any failover here, so that it is not what tells of one.
    pub(crate) fn settings(&self) -> RedisSettings {
        RedisSettings { shards: 3, lease_ttl: Duration::from_secs(60), ..fast(&self.cluster.url()) }
    }

    /// The node that serves a topic with a subscriber, and the slot.
    pub(crate) async fn master_of(&self, topic: TopicId) -> (usize, u16) {
        let subscribers = self.subscribers_key(topic).await;
        self.cluster.master_of(&subscribers).await.unwrap()
    }

    /// The key of a topic's subscribers.
    pub(crate) async fn subscribers_key(&self, topic: TopicId) -> String {
        let mut keys = self.cluster.keys(&format!("test:*:listeners:{topic}")).await.unwrap();
        assert_eq!(keys.len(), 1, "one shard has the topic: {keys:?}");
        keys.remove(0)
    }
}
