//! How many sends failed, in calm times and around faults, and how many may.

/// Of the sends around faults that are repeated until their outcome is known, at most this share may be refused or unknown.
pub const FAILED_MAX: f64 = 0.001;

/// Of the sends around faults that are tried once, at most this share may be refused or unknown: while all stores, or
/// PostgreSQL, are away nothing can be sent, and that is a part of the faults.
pub const FAILED_ONCE_MAX: f64 = 0.35;

/// How many sends there were, and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// All of them.
    pub sends: usize,
    /// Those that were refused, or whose outcome is not known.
    pub failed: usize,
}

/// The sends of calm times, and the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Availability {
    /// In calm times, repeated or not.
    pub calm: Share,
    /// Around faults, repeated until their outcome is known.
    pub repeated: Share,
    /// Around faults, tried once.
    pub once: Share,
}

impl Share {
    /// The failed ones as a share of all.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 sends")]
    pub fn failed_share(self) -> f64 {
        self.failed as f64 / self.sends.max(1) as f64
    }

    pub(super) const fn count(&mut self, failed: bool) {
        self.sends += 1;
        self.failed += failed as usize;
    }
}

impl Availability {
    /// Whether the bounds are kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.calm.failed == 0
            && self.repeated.failed_share() <= FAILED_MAX
            && self.once.failed_share() <= FAILED_ONCE_MAX
    }
}
