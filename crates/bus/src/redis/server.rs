//! The server of a shard: how it is found, and how connections to it are made.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, RedisResult, aio::MultiplexedConnection,
};
use tokio::time::timeout;

use super::{RedisSettings, address::Address, cluster::Cluster, scripts::Scripts, slots::slot_of};

/// What is waited for a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

/// One server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    client: Client,
    timeouts: Timeouts,
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        self.client.get_connection_info().addr() == other.client.get_connection_info().addr()
    }
}

impl Server {
    pub(super) fn new(node: ConnectionInfo, timeouts: Timeouts) -> RedisResult<Self> {
        Ok(Self { client: Client::open(node)?, timeouts })
    }

    /// A connection for commands, with the scripts loaded.
    pub(super) async fn commands(&self, scripts: &Scripts) -> RedisResult<MultiplexedConnection> {
        let mut connection = self.plain().await?;
        scripts.load(&mut connection).await?;
        Ok(connection)
    }

    /// A connection for commands.
    pub(super) async fn plain(&self) -> RedisResult<MultiplexedConnection> {
        self.connect(self.timeouts.response).await
    }

    /// A connection for reads that wait in Redis for up to `block`.
    pub(super) async fn reader(&self, block: Duration) -> RedisResult<MultiplexedConnection> {
        self.connect(block + self.timeouts.response).await
    }

    async fn connect(&self, response_timeout: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect))
            .set_response_timeout(Some(response_timeout));
        // The client's own timeout need not cover name resolution and the greeting; this one does.
        timeout(self.timeouts.connect, self.client.get_multiplexed_async_connection_with_config(&config))
            .await
            .unwrap_or_else(|_| Err((ErrorKind::Io, "no connection within the timeout").into()))
    }
}

/// What the shards of one gateway find their servers by.
#[derive(Debug)]
pub(super) enum Directory {
    /// There is one.
    Single(Server),
    /// They are the masters of a cluster.
    Cluster(Arc<Cluster>),
}

impl Directory {
    pub(super) fn new(settings: &RedisSettings) -> RedisResult<Self> {
        let timeouts = Timeouts { connect: settings.connect_timeout, response: settings.response_timeout };
        Ok(match Address::parse(&settings.url)? {
            Address::Single(node) => Self::Single(Server::new(node, timeouts)?),
            Address::Cluster { seeds, login } => {
                Self::Cluster(Arc::new(Cluster::new(seeds, login, timeouts)))
            }
        })
    }

    /// How the shard with this hash tag finds its server.
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
    /// It does not change.
    Fixed(Server),
    /// It is the master of a slot.
    Slot {
        /// Who knows.
        cluster: Arc<Cluster>,
        /// Of the shard's keys.
        slot: u16,
        /// The view by which it was found last, which is not believed a second time.
        seen_view: u64,
    },
}

impl Locator {
    /// The server of now. It is asked for when the one before was of no more use.
    pub(super) async fn locate(&mut self) -> RedisResult<Server> {
        match self {
            Self::Fixed(server) => Ok(server.clone()),
            Self::Slot { cluster, slot, seen_view } => cluster.master_of(*slot, seen_view).await,
        }
    }
}
