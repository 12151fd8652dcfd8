//! How a shard finds its server: there is one server for all shards, or each shard belongs to a master of a cluster.

use std::sync::Arc;

use redis::{ErrorKind, RedisResult};

use super::{
    address::Address,
    cluster::{Cluster, Nodes},
    server::{Authorities, Server, Timeouts},
    settings::RedisSettings,
    slots::slot_of,
};

/// The servers of one gateway's shards.
#[derive(Debug)]
pub(super) enum Servers {
    /// One server has all shards.
    Single(Box<Server>),
    /// The masters of a cluster share the shards.
    Cluster(Arc<Cluster>),
}

impl Servers {
    pub(super) fn new(settings: &RedisSettings) -> RedisResult<Self> {
        let timeouts = Timeouts { connect: settings.connect_timeout, response: settings.response_timeout };
        let authorities: Authorities = settings.ca_file.as_deref().map(Arc::from);
        let address = Address::parse(&settings.url)?;
        if authorities.is_some() && !address.is_by_tls() {
            return Err((
                ErrorKind::InvalidClientConfig,
                "a file of authorities needs rediss:// or rediss+cluster://",
            )
                .into());
        }
        Ok(match address {
            Address::Single(node) => Self::Single(Box::new(Server::new(node, authorities, timeouts)?)),
            Address::Cluster { seeds, login, by_tls } => {
                let nodes = Nodes { login, by_tls, authorities, timeouts };
                Self::Cluster(Arc::new(Cluster::new(seeds, nodes)))
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
    Fixed(Box<Server>),
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
            Self::Fixed(server) => Ok(Server::clone(server)),
            Self::Slot { cluster, slot, seen_view } => cluster.master_of(*slot, seen_view).await,
        }
    }
}
