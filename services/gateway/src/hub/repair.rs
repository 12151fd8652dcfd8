//! Repairs: events that are missing here are read from the store.
//!
//! At most one repair runs a topic, so that all subscribers who miss the same events wait for the same read.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_domain::{Result, Seq, TopicId, event::Event};
use madang_flow_control::Backoff;
use madang_rpc::{MessageStore, store::Read};
use tokio::time::Instant;

/// How long an event waits for its predecessors before they are read from the store. Two gateways' publications of one
/// moment overtake each other by less.
pub(super) const GAP_PATIENCE: Duration = Duration::from_millis(15);
/// The pauses after failed repairs. They are not drawn at random: a shard alone reads the gap. While the store does not
/// answer, they are all that a shard's few repairs wait; with longer ones delivery would be late after an outage.
pub(super) const PAUSES: Backoff =
    Backoff::full_jitter(Duration::from_millis(100), Duration::from_millis(500));
/// The events that one repair reads.
const PAGE_EVENTS: u32 = 500;
/// The repairs that read at the same time, a shard.
const RUNNING_MAX: usize = 8;

/// How far the repair of one topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repair {
    /// Nothing is missing.
    Idle,
    /// Something is missing; it is read when it is due.
    Due,
    /// The missing events are being read, after so many failures.
    Reading { failures: u32 },
}

/// The repairs of one shard.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// The topics with a gap, by the time at which the gap is to be read.
    due: BTreeSet<(Instant, TopicId)>,
    running: usize,
}

impl Repairs {
    /// Notes a gap. Its events are read unless they arrive within a moment.
    pub(super) fn note(&mut self, topic: TopicId, now: Instant) {
        self.due.insert((now + GAP_PATIENCE, topic));
    }

    /// When the next gap is to be read.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes the next gap that is to be read now, where fewer than the most are being read. Otherwise all that are due
    /// wait a little, in their order.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<TopicId> {
        let (at, topic) = self.due.first().copied().filter(|(at, _)| *at <= now)?;
        if self.running < RUNNING_MAX {
            self.due.pop_first();
            return Some(topic);
        }
        let later = now + GAP_PATIENCE;
        let mut next = Some((at, topic));
        while let Some((at, topic)) = next.filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, topic));
            self.due.insert((later, topic));
            next = self.due.first().copied();
        }
        None
    }

    /// A repair begins to read.
    pub(super) const fn begin(&mut self) {
        self.running += 1;
    }

    /// A repair has read.
    pub(super) const fn end(&mut self) {
        self.running -= 1;
    }
}

/// Reads a page of the events after a sequence number, after a pause where reading has failed before.
pub(super) async fn read(
    store: Arc<dyn MessageStore>,
    topic: TopicId,
    after: Seq,
    failures: u32,
) -> Result<Vec<Event>> {
    if failures > 0 {
        tokio::time::sleep(PAUSES.bound(failures)).await;
    }
    store.read(Read { topic, after, limit: PAGE_EVENTS }).await
}
