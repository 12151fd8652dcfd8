//! What the judge found.

use super::{Availability, Defect, DefectKind};
use crate::watch::Moment;

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

    pub(super) fn add(&mut self, at: impl Into<Option<Moment>>, defect: Defect) {
        self.found.push(Found { at: at.into(), defect });
    }
}
