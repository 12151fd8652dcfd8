//! Whether a socket received each event of its room once and in order.

/// What went wrong in one or more sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct SequenceFaults {
    /// Times that an event came whose predecessor had not come.
    pub gaps: u64,
    /// Events that came again.
    pub repeats: u64,
    /// Events that came after a later one.
    pub inversions: u64,
    /// Events that never came.
    pub missing: u64,
}

impl SequenceFaults {
    /// Nothing went wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for SequenceFaults {
    fn add_assign(&mut self, other: Self) {
        self.gaps += other.gaps;
        self.repeats += other.repeats;
        self.inversions += other.inversions;
        self.missing += other.missing;
    }
}

/// The places of one log as one socket saw them.
#[derive(Debug, Clone)]
pub struct SequenceCheck {
    next: u64,
    /// Boxed: a socket that misses nothing, which is each of thousands, pays a pointer for it.
    trouble: Option<Box<Trouble>>,
}

#[derive(Debug, Clone, Default)]
struct Trouble {
    faults: SequenceFaults,
    /// Places skipped and not seen since, ascending.
    skipped: std::collections::BTreeSet<u64>,
    /// Skipped places beyond [`SKIPPED_MAX`]: missing for good.
    untracked: u64,
}

/// A socket that skips more stays broken; its late events then count as repeats.
const SKIPPED_MAX: usize = 10_000;

impl SequenceCheck {
    /// Expects the events after `head`.
    #[must_use]
    pub const fn after(head: u64) -> Self {
        Self { next: head + 1, trouble: None }
    }

    /// Takes note of an event; true when it had not been seen before.
    pub fn observe(&mut self, seq: u64) -> bool {
        if seq == self.next {
            self.next += 1;
            return true;
        }
        self.observe_trouble(seq)
    }

    #[cold]
    fn observe_trouble(&mut self, seq: u64) -> bool {
        let trouble = self.trouble.get_or_insert_default();
        if seq > self.next {
            trouble.faults.gaps += 1;
            for skipped in self.next..seq {
                if trouble.skipped.len() == SKIPPED_MAX {
                    trouble.untracked += seq - skipped;
                    break;
                }
                trouble.skipped.insert(skipped);
            }
            self.next = seq + 1;
            true
        } else if trouble.skipped.remove(&seq) {
            trouble.faults.inversions += 1;
            true
        } else {
            trouble.faults.repeats += 1;
            false
        }
    }

    /// What went wrong, where the log has come to `head`.
    #[must_use]
    pub fn faults(&self, head: u64) -> SequenceFaults {
        let tail = (head + 1).saturating_sub(self.next);
        self.trouble.as_deref().map_or(
            SequenceFaults { missing: tail, ..SequenceFaults::default() },
            |trouble| SequenceFaults {
                missing: trouble.skipped.len() as u64 + trouble.untracked + tail,
                ..trouble.faults
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_seeing(head: u64, seen: &[u64]) -> SequenceCheck {
        let mut check = SequenceCheck::after(head);
        for seq in seen {
            check.observe(*seq);
        }
        check
    }

    #[test]
    fn each_once_in_order_is_clean() {
        assert!(after_seeing(5, &[6, 7, 8]).faults(8).is_clean());
        assert!(after_seeing(0, &[]).faults(0).is_clean());
    }

    #[test]
    fn a_gap_is_noticed_and_what_fell_into_it_is_missing() {
        let faults = after_seeing(0, &[1, 2, 5, 6]).faults(6);
        assert_eq!(faults, SequenceFaults { gaps: 1, missing: 2, ..SequenceFaults::default() });
    }

    #[test]
    fn a_repeat_is_noticed_and_not_counted_as_received() {
        let mut check = after_seeing(0, &[1, 2]);
        assert!(!check.observe(2));
        assert!(check.observe(3));
        assert_eq!(check.faults(3), SequenceFaults { repeats: 1, ..SequenceFaults::default() });
    }

    #[test]
    fn an_inversion_is_noticed_and_nothing_is_missing() {
        let faults = after_seeing(0, &[1, 3, 2, 4]).faults(4);
        assert_eq!(faults, SequenceFaults { gaps: 1, inversions: 1, ..SequenceFaults::default() });
    }

    #[test]
    fn the_lost_tail_is_missing_though_no_gap_shows_it() {
        assert_eq!(
            after_seeing(0, &[1]).faults(4),
            SequenceFaults { missing: 3, ..SequenceFaults::default() }
        );
    }

    #[test]
    fn a_huge_gap_costs_bounded_memory_and_is_counted_whole() {
        let check = after_seeing(0, &[1_000_000_000]);
        assert_eq!(check.faults(1_000_000_000).missing, 999_999_999);
        assert_eq!(check.trouble.unwrap().skipped.len(), SKIPPED_MAX);
    }

    #[test]
    fn faults_add_up() {
        let mut sum = after_seeing(0, &[2]).faults(2);
        sum += after_seeing(0, &[1, 1]).faults(3);
        assert_eq!(sum, SequenceFaults { gaps: 1, repeats: 1, inversions: 0, missing: 3 });
    }
}
