//! How long messages took while nothing was broken.

use std::{collections::HashMap, ops::Range, time::Duration};

use crate::{
    history::{History, Outcome, RoomIndex},
    watch::Moment,
};

/// A message sent less than this before the end of a calm may meet the next fault on its way.
const BEFORE_THE_END: Duration = Duration::from_millis(500);

/// A time in which nothing was broken and everybody was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calm {
    /// Since when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
}

/// From the moment in which a message was due to be sent to its arrival at each client, sender included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latencies {
    /// How many arrivals were measured.
    pub count: usize,
    /// Half of them were faster.
    pub median: Duration,
    /// Of a hundred, one was slower.
    pub p99: Duration,
    /// The slowest.
    pub max: Duration,
}

impl Latencies {
    /// Measures the messages that were sent in calm times in some rooms.
    #[must_use]
    pub fn of(history: &History, calms: &[Calm], rooms: Range<RoomIndex>) -> Self {
        let calm =
            |at: Moment| calms.iter().any(|calm| calm.from <= at && at.plus(BEFORE_THE_END) <= calm.until);
        let mut sent = HashMap::new();
        for attempt in history.clients.iter().flat_map(|client| &client.sent) {
            if let Outcome::Acknowledged { seq, .. } = attempt.outcome
                && rooms.contains(&attempt.room)
                && calm(attempt.at)
            {
                sent.insert((attempt.room, seq), attempt.at);
            }
        }
        let receipts = history.clients.iter().flat_map(|client| &client.received);
        let mut took: Vec<Duration> = receipts
            .filter_map(|receipt| Some(receipt.at.since(*sent.get(&(receipt.room, receipt.seq))?)))
            .collect();
        took.sort_unstable();
        let rank = |hundredths: usize| {
            took.get((took.len() * hundredths / 100).min(took.len().saturating_sub(1))).copied()
        };
        Self {
            count: took.len(),
            median: rank(50).unwrap_or_default(),
            p99: rank(99).unwrap_or_default(),
            max: took.last().copied().unwrap_or_default(),
        }
    }
}
