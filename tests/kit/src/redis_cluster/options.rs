//! What a Redis Cluster is started with.

use std::path::PathBuf;
use std::time::Duration;

/// What a cluster is started with.
#[derive(Debug, Clone)]
pub struct RedisClusterOptions {
    /// A master that is silent for this long is replaced (`cluster-node-timeout`). Short for tests of failovers; a test
    /// that wants none takes a long one, since on a busy machine a healthy node may be silent for a second.
    pub node_timeout: Duration,
    /// Where the logs go; the cluster's own directory by default.
    pub logs: Option<PathBuf>,
    /// Each node is known to clients, and to its replica, by the address of a proxy before it.
    pub behind_lines: bool,
}

impl Default for RedisClusterOptions {
    fn default() -> Self {
        Self { node_timeout: Duration::from_secs(1), logs: None, behind_lines: false }
    }
}
