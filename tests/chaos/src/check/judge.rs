//! The whole judgement: each part of it adds to one verdict.

use super::{Verdict, availability, inbox, presence, received, sent};
use crate::history::{History, Stored};

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
