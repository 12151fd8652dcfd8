//! The health of the bus, shard by shard.

/// The health of the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusStatus {
    /// One for each shard, by its number.
    pub shards: Vec<ShardStatus>,
}

impl BusStatus {
    /// Whether all shards are healthy.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.shards.iter().all(|shard| *shard == ShardStatus::Healthy)
    }
}

/// The health of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardStatus {
    /// Entries flow both ways; a probe has shown it.
    Healthy,
    /// Entries do not flow, or the bus does not know whether they do.
    Unhealthy(ShardFault),
}

/// Why a shard is not healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShardFault {
    /// The first connection has not been made.
    #[error("not connected yet")]
    Starting,
    /// There is no connection, or Redis does not answer on it.
    #[error("Redis is unreachable")]
    Unreachable,
    /// The connection stands, but the lease and the subscriptions are not registered.
    #[error("not registered")]
    Unregistered,
    /// The subscriptions are registered, but no probe has come back through the reader.
    #[error("no probe has come back through the reader")]
    ReaderStalled,
    /// The bus was closed.
    #[error("closed")]
    Closed,
}
