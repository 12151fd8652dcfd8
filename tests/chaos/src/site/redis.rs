//! The Redis of a run. Faults know it by what is done to it, not by how many servers it is.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use madang_test_kit::{Persistence, RedisCluster, RedisClusterOptions, RedisServer, Result};

use super::lines::{Line, cross, shared};
use crate::redis_shape::RedisShape;

/// The key pattern of all gateway streams, in every shard.
const GATEWAY_STREAMS: &str = "madang:{*}:inbox:*";

/// What gateways meet in.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for a run")]
pub enum RedisSide {
    /// One server.
    Single(RedisServer),
    /// A cluster.
    Cluster(ClusterSide),
}

/// A cluster, and what was done to it.
#[derive(Debug)]
pub struct ClusterSide {
    cluster: RedisCluster,
    /// The nodes that are killed or paused.
    down: Mutex<Vec<usize>>,
    /// The masters are hit in turn.
    turn: AtomicUsize,
}

impl RedisSide {
    pub(super) async fn start(shape: RedisShape, logs: &Path) -> Result<Self> {
        match shape {
            RedisShape::Single => {
                let log = Some(logs.join("redis.log"));
                RedisServer::start_with(Persistence::AppendOnly, log).await.map(Self::Single)
            }
            RedisShape::Cluster => {
                let options = RedisClusterOptions {
                    logs: Some(logs.to_owned()),
                    behind_lines: true,
                    ..RedisClusterOptions::default()
                };
                let cluster = RedisCluster::start_with(options).await?;
                Ok(Self::Cluster(ClusterSide { cluster, down: Mutex::default(), turn: AtomicUsize::new(0) }))
            }
        }
    }

    /// The lines to it, of so many gateways.
    pub(super) fn lines(&self, gateways: usize) -> crate::error::Result<Vec<Line>> {
        match self {
            Self::Single(server) => cross(gateways, &[server.address()]),
            Self::Cluster(side) => Ok(shared(gateways, side.cluster.lines())),
        }
    }

    /// What a gateway is told, whose lines begin at these addresses.
    pub(super) fn url(&self, lines: &[SocketAddr]) -> String {
        match self {
            Self::Single(_) => lines.iter().map(|line| format!("redis://{line}/")).collect(),
            Self::Cluster(side) => side.cluster.url(),
        }
    }

    /// SIGKILL; of a cluster, to a master.
    ///
    /// # Errors
    /// When it does not go.
    pub async fn kill9(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.kill9().await,
            Self::Cluster(side) => {
                let Some(master) = side.next_master().await else { return Ok(()) };
                side.kill9(master).await
            }
        }
    }

    /// SIGKILL to all who have the data; of a cluster, to a master and its replica.
    ///
    /// # Errors
    /// When it does not go.
    pub async fn kill9_with_replica(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.kill9().await,
            Self::Cluster(side) => {
                let Some(master) = side.next_master().await else { return Ok(()) };
                let replica = side.cluster.replica_of(master).await;
                side.kill9(master).await?;
                match replica {
                    Some(replica) => side.kill9(replica).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// Starts again with its data; of a cluster, what is down, which the others give theirs.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.restart().await,
            Self::Cluster(side) => side.restart().await,
        }
    }

    /// Starts again without its data.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart_empty(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.restart_empty().await,
            Self::Cluster(side) => side.restart().await,
        }
    }

    /// `FLUSHALL`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn flush(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.flush().await,
            Self::Cluster(side) => side.cluster.flush().await,
        }
    }

    /// SIGSTOP; of a cluster, to a master.
    pub async fn pause(&self) {
        match self {
            Self::Single(server) => server.pause(),
            Self::Cluster(side) => {
                if let Some(master) = side.next_master().await {
                    side.cluster.pause(master);
                    side.down().push(master);
                }
            }
        }
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When a cluster does not settle.
    pub async fn resume(&self) -> Result<()> {
        match self {
            Self::Single(server) => {
                server.resume();
                Ok(())
            }
            Self::Cluster(side) => {
                let paused = std::mem::take(&mut *side.down());
                paused.into_iter().for_each(|node| side.cluster.resume(node));
                side.cluster.settled().await
            }
        }
    }

    /// `CLUSTER FAILOVER`; false where there is no replica to take over.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn fail_over(&self) -> Result<bool> {
        match self {
            Self::Single(_) => Ok(false),
            Self::Cluster(side) => {
                // A replica that follows nobody cannot take over: a line may have been broken just now.
                side.cluster.settled().await?;
                let Some(master) = side.next_master().await else { return Ok(false) };
                let Some(replica) = side.cluster.replica_of(master).await else { return Ok(false) };
                side.cluster.failover(replica).await?;
                side.cluster.settled().await?;
                Ok(true)
            }
        }
    }

    /// Trims every gateway stream to its newest entry.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn trim_gateway_streams(&self) -> Result<usize> {
        match self {
            Self::Single(server) => server.trim_streams(GATEWAY_STREAMS).await,
            Self::Cluster(side) => side.cluster.trim_streams(GATEWAY_STREAMS).await,
        }
    }

    /// Deletes every gateway stream.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn remove_gateway_streams(&self) -> Result<usize> {
        match self {
            Self::Single(server) => server.remove_streams(GATEWAY_STREAMS).await,
            Self::Cluster(side) => side.cluster.remove_streams(GATEWAY_STREAMS).await,
        }
    }

    pub(super) async fn stop(&self) -> Result<()> {
        match self {
            Self::Single(server) => server.stop().await,
            Self::Cluster(side) => side.cluster.stop().await,
        }
    }
}

impl ClusterSide {
    async fn next_master(&self) -> Option<usize> {
        let masters = self.cluster.masters().await;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        masters.get(turn % masters.len().max(1)).copied()
    }

    async fn kill9(&self, node: usize) -> Result<()> {
        self.down().push(node);
        self.cluster.kill9(node).await
    }

    async fn restart(&self) -> Result<()> {
        let killed = std::mem::take(&mut *self.down());
        for node in killed {
            self.cluster.restart(node).await?;
        }
        self.cluster.settled().await
    }

    fn down(&self) -> MutexGuard<'_, Vec<usize>> {
        // No code that can panic runs under the lock.
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
