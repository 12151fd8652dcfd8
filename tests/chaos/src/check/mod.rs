//! The judge: a pure function over what clients remember and what the store has.

mod availability;
mod defect;
mod inbox;
mod latency;
mod presence;
mod received;
mod sent;
#[cfg(test)]
mod tests;

pub use availability::{Availability, FAILED_MAX, FAILED_ONCE_MAX, Share};
pub use defect::{Class, ClientIndex, Defect, DefectKind};
pub use inbox::InboxDefect;
pub use latency::Latencies;
pub use presence::PresenceDefect;

use crate::{
    history::{History, Stored},
    watch::Moment,
};

/// What the judge found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Everything that is wrong.
    pub found: Vec<Found>,
    /// How much was judged.
    pub counts: Counts,
    /// How many sends failed, in calm times and around faults.
    pub availability: Availability,
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
    /// Notices that clients received, each as the store has it.
    pub notices: usize,
    /// Notices of mentions that were due.
    pub mentions: usize,
    /// Changes of presence that clients were told.
    pub presence: usize,
    /// Departures and returns of which each observer had to be told exactly once.
    pub walks: usize,
    /// Members who were removed and added again.
    pub removals: usize,
    /// Sessions that were revoked and ended.
    pub revoked: usize,
    /// Clients whose first token expired while they lived on with another one.
    pub outlived: usize,
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

/// Judges a run by what the store has.
#[must_use]
pub fn judge(history: &History, stored: &Stored) -> Verdict {
    let mut verdict = Verdict::default();
    sent::judge(history, &stored.rooms, &mut verdict);
    received::judge(history, &stored.rooms, &mut verdict);
    inbox::judge(history, stored, &mut verdict);
    presence::judge(history, &mut verdict);
    availability::judge(history, &mut verdict);
    verdict
}
