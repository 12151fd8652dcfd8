//! How long messages took while nothing was broken.

use std::{collections::HashMap, ops::Range, time::Duration};

use crate::{
    history::{History, Outcome, RoomIndex, Span},
    watch::Moment,
};

/// A message sent less than this before the end of a calm may meet the next fault on its way.
const BEFORE_THE_END: Duration = Duration::from_millis(500);

/// From the moment in which a message was due to be sent to its arrival at each client, sender included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latencies {
    /// How many arrivals were measured.
    pub count: usize,
    /// Half of them were faster.
    pub median: Duration,
    /// Of ten, one was slower.
    pub p90: Duration,
    /// Of a hundred, one was slower.
    pub p99: Duration,
    /// The slowest.
    pub max: Duration,
}

impl Latencies {
    /// Measures the messages that were sent in calm times in some rooms.
    #[must_use]
    pub fn of(history: &History, calms: &[Span], rooms: Range<RoomIndex>) -> Self {
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
        // What a client is sent because it has just come, or come back, was sent before.
        let clients = history.clients.iter().filter(|client| client.absences.is_empty());
        let live = clients.flat_map(|client| {
            let first = client.listening.first().map(|listening| listening.at).unwrap_or_default();
            client.received.iter().map(move |receipt| (receipt, first))
        });
        let mut took: Vec<Duration> = live
            .filter_map(|(receipt, first)| {
                let sent = *sent.get(&(receipt.room, receipt.seq))?;
                (sent >= first).then(|| receipt.at.since(sent))
            })
            .collect();
        took.sort_unstable();
        let rank = |hundredths: usize| {
            took.get((took.len() * hundredths / 100).min(took.len().saturating_sub(1))).copied()
        };
        Self {
            count: took.len(),
            median: rank(50).unwrap_or_default(),
            p90: rank(90).unwrap_or_default(),
            p99: rank(99).unwrap_or_default(),
            max: took.last().copied().unwrap_or_default(),
        }
    }
}
