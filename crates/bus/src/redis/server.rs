//! A Redis server, and how connections to it are made.

use std::{path::Path, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, RedisResult, TlsCertificates,
    aio::MultiplexedConnection,
};
use tokio::time::timeout;

/// How long a gateway waits for a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

/// The file with the authorities that sign the servers' certificates; none where those of the system do.
pub(super) type Authorities = Option<Arc<Path>>;

/// One server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    node: ConnectionInfo,
    authorities: Authorities,
    timeouts: Timeouts,
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        self.node.addr() == other.node.addr()
    }
}

impl Server {
    pub(super) fn new(
        node: ConnectionInfo,
        authorities: Authorities,
        timeouts: Timeouts,
    ) -> RedisResult<Self> {
        Client::open(node.clone())?;
        Ok(Self { node, authorities, timeouts })
    }

    /// The client, with the authorities that the file holds now.
    async fn client(&self) -> RedisResult<Client> {
        let Some(authorities) = &self.authorities else { return Client::open(self.node.clone()) };
        let root_cert = tokio::fs::read(authorities).await?;
        Client::build_with_tls(
            self.node.clone(),
            TlsCertificates { client_tls: None, root_cert: Some(root_cert) },
        )
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
        let connecting =
            async { self.client().await?.get_multiplexed_async_connection_with_config(&config).await };
        // The client's own timeout need not cover name resolution and the greeting; this one does.
        timeout(self.timeouts.connect, connecting)
            .await
            .unwrap_or_else(|_| Err((ErrorKind::Io, "no connection within the timeout").into()))
    }
}
