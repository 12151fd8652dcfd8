//! The judge: a pure function over what clients remember and what the store has.

mod defect;
mod latency;
mod received;
mod sent;
#[cfg(test)]
mod tests;

pub use defect::{Class, ClientIndex, Defect, DefectKind};
pub use latency::{Calm, Latencies};

use crate::{
    history::{History, Logged},
    watch::Moment,
};

/// What the judge found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Everything that is wrong.
    pub found: Vec<Found>,
    /// How much was judged.
    pub counts: Counts,
}

/// A defect, and when it happened, where that can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// When.
    pub at: Option<Moment>,
    /// What.
    pub defect: Defect,
}

/// How much there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that clients began to send.
    pub sent: usize,
    /// Those that were acknowledged.
    pub acknowledged: usize,
    /// Those whose outcome their senders do not know.
    pub unknown: usize,
    /// Those that were refused for good.
    pub refused: usize,
    /// Events that the store has.
    pub logged: usize,
    /// Events that clients received, each counted once for each client, as far as the store has them.
    pub delivered: usize,
    /// Events that clients should have received by the end.
    pub due: usize,
    /// Sockets that were opened beyond the first of each client.
    pub reconnects: usize,
}

impl Verdict {
    /// How many defects of a kind there are.
    #[must_use]
    pub fn count(&self, kind: DefectKind) -> usize {
        self.found.iter().filter(|found| found.defect.kind() == kind).count()
    }

    fn add(&mut self, at: impl Into<Option<Moment>>, defect: Defect) {
        self.found.push(Found { at: at.into(), defect });
    }
}

/// Judges a run by the log of each room, in the order of [`History::rooms`].
#[must_use]
pub fn judge(history: &History, logs: &[Vec<Logged>]) -> Verdict {
    let mut verdict = Verdict::default();
    sent::judge(history, logs, &mut verdict);
    received::judge(history, logs, &mut verdict);
    verdict
}
