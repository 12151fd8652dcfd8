//! A Redis server, and how connections to it are made.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, RedisResult, aio::MultiplexedConnection,
};
use tokio::time::timeout;

/// How long a gateway waits for a server.
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

    /// A connection for commands.
    pub(super) async fn command_connection(&self) -> RedisResult<MultiplexedConnection> {
        self.connect(self.timeouts.response).await
    }

    /// A connection for reads that wait in Redis for up to `block`.
    pub(super) async fn reading_connection(&self, block: Duration) -> RedisResult<MultiplexedConnection> {
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
