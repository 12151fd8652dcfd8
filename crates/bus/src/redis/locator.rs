//! How a shard finds its server: there is one server for all shards, or each shard belongs to a master of a cluster.

use std::sync::Arc;

use redis::RedisResult;

use super::{
    address::Address,
    cluster::Cluster,
    server::{Server, Timeouts},
    settings::RedisSettings,
    slots::slot_of,
};

/// The servers of one gateway's shards.
#[derive(Debug)]
pub(super) enum Servers {
    /// One server has all shards.
    Single(Server),
    /// The masters of a cluster share the shards.
    Cluster(Arc<Cluster>),
}

impl Servers {
    pub(super) fn new(settings: &RedisSettings) -> RedisResult<Self> {
        let timeouts = Timeouts { connect: settings.connect_timeout, response: settings.response_timeout };
        Ok(match Address::parse(&settings.url)? {
            Address::Single(node) => Self::Single(Server::new(node, timeouts)?),
            Address::Cluster { seeds, login } => {
                Self::Cluster(Arc::new(Cluster::new(seeds, login, timeouts)))
            }
        })
    }

    /// The locator of the shard with this hash tag.
    pub(super) fn locator(&self, tag: &str) -> Locator {
        match self {
            Self::Single(server) => Locator::Fixed(server.clone()),
            Self::Cluster(cluster) => {
                Locator::Slot { cluster: Arc::clone(cluster), slot: slot_of(tag), seen_view: 0 }
            }
        }
    }
}

/// Finds the server of one shard.
#[derive(Debug)]
pub(super) enum Locator {
    /// The server does not change.
    Fixed(Server),
    /// The server is the master of a slot.
    Slot {
        /// The cluster, which knows its masters.
        cluster: Arc<Cluster>,
        /// The slot of the shard's keys.
        slot: u16,
        /// The view that found the server last. It is not trusted a second time.
        seen_view: u64,
    },
}

impl Locator {
    /// The server of this moment. A shard asks for it when the one before failed.
    pub(super) async fn locate(&mut self) -> RedisResult<Server> {
        match self {
            Self::Fixed(server) => Ok(server.clone()),
            Self::Slot { cluster, slot, seen_view } => cluster.master_of(*slot, seen_view).await,
        }
    }
}
