//! The command connection of a shard: which errors end it, how often another is tried, and how it is shared.

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind, aio::MultiplexedConnection};
use tokio::sync::watch;

/// The first delay of a back-off is at most this long; the bound doubles with each failure.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// What Redis says, among others, when a script asks for a key whose slot is on its way to another node. The error has no
/// code of its own.
const SCRIPT_OF_A_MOVING_SLOT: &str = "non local key";

/// Whether an error is about the connection or the server's state, so that only another connection can help.
/// Otherwise the command itself was refused (out of memory, no permission).
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

/// Delays between attempts: full jitter under a bound that doubles up to a cap
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    cap: Duration,
    state: u64,
}

impl Backoff {
    /// The seed should differ between gateways, so that they do not return in step.
    pub(super) fn new(cap: Duration, seed: u64) -> Self {
        Self { failures: 0, cap, state: seed }
    }

    /// How long to wait after one more failure.
    pub(super) fn next_delay(&mut self) -> Duration {
        let bound = FIRST_BACKOFF.saturating_mul(1 << self.failures.min(16)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        let bound_us = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.next_random() % bound_us.saturating_add(1))
    }

    /// After a success.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// SplitMix64 (<https://doi.org/10.1145/2714064.2660195>).
    fn next_random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The command connection that a shard's tasks share. The keeper makes it; whoever sees it fail says so.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Sender<Option<Linked>>,
}

/// A connection and its fence: its number among this gateway's connections to the shard.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    pub(super) fence: u64,
    pub(super) connection: MultiplexedConnection,
}

impl Link {
    pub(super) fn new() -> Self {
        Self { state: watch::Sender::new(None) }
    }

    pub(super) fn set(&self, linked: Linked) {
        self.state.send_replace(Some(linked));
    }

    pub(super) fn current(&self) -> Option<Linked> {
        self.state.borrow().clone()
    }

    /// The connection with this fence failed. A newer one is not touched.
    pub(super) fn broke(&self, fence: u64) {
        self.state.send_if_modified(|state| {
            let is_current = state.as_ref().is_some_and(|linked| linked.fence == fence);
            if is_current {
                *state = None;
            }
            is_current
        });
    }

    /// Waits for a connection newer than the given one.
    pub(super) async fn newer_than(&self, fence: u64) -> Linked {
        let mut changes = self.state.subscribe();
        loop {
            if let Some(linked) = changes.borrow_and_update().clone()
                && linked.fence > fence
            {
                return linked;
            }
            // The sender lives in `self`, so that this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Waits until the connection with this fence is no longer the current one.
    pub(super) async fn lost(&self, fence: u64) {
        let mut changes = self.state.subscribe();
        let gone = |state: &Option<Linked>| state.as_ref().is_none_or(|linked| linked.fence != fence);
        let _ = changes.wait_for(gone).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_stays_under_its_doubling_bound_and_its_cap() {
        let cap = Duration::from_secs(1);
        let mut longest = Duration::ZERO;
        for seed in 0..200 {
            let mut backoff = Backoff::new(cap, seed);
            for failures in 0..40 {
                let delay = backoff.next_delay();
                assert!(delay <= FIRST_BACKOFF.saturating_mul(1 << failures.min(16)).min(cap));
                longest = longest.max(delay);
            }
            backoff.reset();
            assert!(backoff.next_delay() <= FIRST_BACKOFF);
        }
        assert!(longest > cap / 2, "jitter spans the bound");
    }
}
