//! The command connection of a shard: which errors end it, and how the shard's tasks share it.

use std::sync::atomic::{AtomicU32, Ordering};

use redis::{ErrorKind, RedisError, ServerErrorKind, aio::MultiplexedConnection};
use tokio::sync::watch;

/// A part of Redis' error when a script uses a key whose slot is moving to another node. The error has no code of its own.
const SCRIPT_OF_A_MOVING_SLOT: &str = "non local key";

/// Whether an error is about the connection or the server's state, so that only another connection can help. Otherwise Redis
/// refused the command itself (out of memory, no permission).
pub(super) fn breaks_connection(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(
            error.kind(),
            ErrorKind::Parse
                | ErrorKind::Client
                | ErrorKind::UnexpectedReturnType
                | ErrorKind::Server(
                    ServerErrorKind::BusyLoading
                        | ServerErrorKind::NoScript
                        | ServerErrorKind::ReadOnly
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::ClusterDown
                        | ServerErrorKind::Moved
                        | ServerErrorKind::Ask
                        | ServerErrorKind::TryAgain
                )
        )
        || error.detail().is_some_and(|detail| detail.contains(SCRIPT_OF_A_MOVING_SLOT))
}

/// The command connection that a shard's tasks share. The lease task makes it; every task that sees it fail reports that.
#[derive(Debug)]
pub(super) struct SharedConnection {
    state: watch::Sender<Option<FencedConnection>>,
    gateways: AtomicU32,
}

/// A connection and its fence: its number among this gateway's connections to the shard.
#[derive(Debug, Clone)]
pub(super) struct FencedConnection {
    pub(super) fence: u64,
    pub(super) connection: MultiplexedConnection,
}

impl SharedConnection {
    pub(super) fn new() -> Self {
        Self { state: watch::Sender::new(None), gateways: AtomicU32::new(u32::MAX) }
    }

    /// Notes how many gateways the last pulse found alive.
    pub(super) fn note_gateways(&self, gateways: u32) {
        self.gateways.store(gateways, Ordering::Relaxed);
    }

    /// How many gateways the last pulse found alive, this one included. Before the first pulse there may be any number.
    pub(super) fn gateways(&self) -> u32 {
        self.gateways.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, connection: FencedConnection) {
        self.state.send_replace(Some(connection));
    }

    pub(super) fn current(&self) -> Option<FencedConnection> {
        self.state.borrow().clone()
    }

    /// Reports that the connection with this fence failed. A newer connection stays.
    pub(super) fn report_failure(&self, fence: u64) {
        self.state.send_if_modified(|state| {
            let is_current = state.as_ref().is_some_and(|current| current.fence == fence);
            if is_current {
                *state = None;
            }
            is_current
        });
    }

    /// Waits for a connection newer than the given one.
    pub(super) async fn newer_than(&self, fence: u64) -> FencedConnection {
        let mut changes = self.state.subscribe();
        loop {
            if let Some(current) = changes.borrow_and_update().clone()
                && current.fence > fence
            {
                return current;
            }
            // The sender lives in `self`, so that this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Waits until the connection with this fence is no longer the current one.
    pub(super) async fn lost(&self, fence: u64) {
        let mut changes = self.state.subscribe();
        let is_lost =
            |state: &Option<FencedConnection>| state.as_ref().is_none_or(|current| current.fence != fence);
        let _ = changes.wait_for(is_lost).await;
    }
}
