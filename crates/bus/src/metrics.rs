//! Counters of the bus, as plain atomics; whoever exports them reads a snapshot.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that is counted in one place and read in another; no other memory depends on its order.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    pub(crate) fn add_len(&self, amount: usize) {
        self.add(u64::try_from(amount).unwrap_or(u64::MAX));
    }

    pub(crate) fn subtract_len(&self, amount: usize) {
        self.0.fetch_sub(u64::try_from(amount).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What one gateway's end of the bus has done since it was connected.
#[derive(Debug, Default)]
pub struct BusMetrics {
    pub(crate) published: Counter,
    pub(crate) dropped: Counter,
    pub(crate) delivered: Counter,
    pub(crate) inbox_appends: Counter,
    pub(crate) script_calls: Counter,
    pub(crate) resets: Counter,
    pub(crate) reader_rebuilds: Counter,
    pub(crate) reconnects: Counter,
    pub(crate) epoch_changes: Counter,
    pub(crate) listeners: Counter,
    pub(crate) presence_calls: Counter,
    pub(crate) presence_changes: Counter,
    pub(crate) presence_dropped: Counter,
    pub(crate) presence_pairs: Counter,
}

impl BusMetrics {
    /// The numbers of this moment.
    #[must_use]
    pub fn snapshot(&self) -> BusCounts {
        BusCounts {
            published: self.published.get(),
            dropped: self.dropped.get(),
            delivered: self.delivered.get(),
            inbox_appends: self.inbox_appends.get(),
            script_calls: self.script_calls.get(),
            resets: self.resets.get(),
            reader_rebuilds: self.reader_rebuilds.get(),
            reconnects: self.reconnects.get(),
            epoch_changes: self.epoch_changes.get(),
            listeners: self.listeners.get(),
            presence_calls: self.presence_calls.get(),
            presence_changes: self.presence_changes.get(),
            presence_dropped: self.presence_dropped.get(),
            presence_pairs: self.presence_pairs.get(),
        }
    }
}

/// The values of [`BusMetrics`] at one moment. All but `listeners` and `presence_pairs` only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BusCounts {
    /// Entries that `publish` accepted.
    pub published: u64,
    /// Entries dropped: at `publish`, or later because Redis stayed away.
    pub dropped: u64,
    /// Entries handed to this gateway's inbox channel.
    pub delivered: u64,
    /// Entries appended to other gateways' inboxes; divided by `published`, the fan-out.
    pub inbox_appends: u64,
    /// Calls of the publish script; `published` divided by it is the batching.
    pub script_calls: u64,
    /// Resets delivered.
    pub resets: u64,
    /// Readers rebuilt after a probe did not come back.
    pub reader_rebuilds: u64,
    /// Connections made again after a failure.
    pub reconnects: u64,
    /// Times that a shard's data was found to be served by another process: failovers, restarts, moves.
    pub epoch_changes: u64,
    /// Topics that this gateway wants to listen to now (a gauge).
    pub listeners: u64,
    /// Calls of the presence script.
    pub presence_calls: u64,
    /// Arrivals and departures delivered.
    pub presence_changes: u64,
    /// Arrivals that were not taken, because there are too many pairs of topic and user.
    pub presence_dropped: u64,
    /// Pairs of topic and user that this gateway has sockets of, or lately had (a gauge).
    pub presence_pairs: u64,
}
