//! The counts of a run that is under way.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened so far, for those who watch.
#[derive(Debug, Default)]
pub struct Tally {
    /// Messages that were begun.
    pub sent: AtomicU64,
    /// Messages that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Events that were received.
    pub delivered: AtomicU64,
}

impl Tally {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
