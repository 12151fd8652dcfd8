//! The Redis of a run. Faults know it by what is done to it, not by how many servers it is.

use std::{net::SocketAddr, path::PathBuf};

use madang_test_kit::{Persistence, RedisServer, Result};

/// The inboxes of all gateways, whatever their shard.
const INBOXES: &str = "madang:*:inbox:*";

/// What gateways meet in.
#[derive(Debug)]
pub enum RedisSide {
    /// One server, with an append-only file.
    Single(RedisServer),
}

impl RedisSide {
    pub(super) async fn start(log: PathBuf) -> Result<Self> {
        RedisServer::start_with(Persistence::AppendOnly, Some(log)).await.map(Self::Single)
    }

    /// What lines lead to.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        match self {
            Self::Single(server) => vec![server.address()],
        }
    }

    /// What a gateway is told, whose lines begin at these addresses.
    pub(super) fn url(&self, lines: &[SocketAddr]) -> String {
        match self {
            Self::Single(_) => lines.iter().map(|line| format!("redis://{line}/")).collect(),
        }
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When it does not go.
    pub async fn kill9(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.kill9().await,
        }
    }

    /// Starts again with its data.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.restart().await,
        }
    }

    /// Starts again without its data.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart_empty(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.restart_empty().await,
        }
    }

    /// `FLUSHALL`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn flush(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.flush().await,
        }
    }

    /// SIGSTOP.
    pub fn pause(&self) {
        match self {
            Self::Single(server) => server.pause(),
        }
    }

    /// SIGCONT.
    pub fn resume(&self) {
        match self {
            Self::Single(server) => server.resume(),
        }
    }

    /// Keeps of every inbox the newest entry alone.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn trim_inboxes(&self) -> Result<usize> {
        match self {
            Self::Single(server) => server.trim_streams(INBOXES).await,
        }
    }

    /// Deletes every inbox.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn remove_inboxes(&self) -> Result<usize> {
        match self {
            Self::Single(server) => server.remove_streams(INBOXES).await,
        }
    }

    pub(super) async fn stop(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.stop().await,
        }
    }
}
