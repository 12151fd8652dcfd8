//! Exponential back-off with jitter.
//!
//! The bound of a pause doubles with each failure in a row, up to a maximum. The pause itself is drawn at random under
//! that bound, so that clients that lost their server together do not return together
//! (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).

use std::time::Duration;

/// 2^20 times any sensible first bound is past any sensible maximum.
const DOUBLINGS_MAX: u32 = 20;

/// How long to pause between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    jitter: Jitter,
}

/// Which part of the bound is drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jitter {
    Full,
    Equal,
}

impl Backoff {
    /// Each pause is drawn from zero to the bound. It spreads a crowd best.
    #[must_use]
    pub const fn full_jitter(first: Duration, max: Duration) -> Self {
        Self { first, max, jitter: Jitter::Full }
    }

    /// Each pause is drawn from half of the bound to the bound. It never retries at once.
    #[must_use]
    pub const fn equal_jitter(first: Duration, max: Duration) -> Self {
        Self { first, max, jitter: Jitter::Equal }
    }

    /// The bound of the pause after the given number of earlier failures in a row.
    #[must_use]
    pub fn bound(&self, earlier_failures: u32) -> Duration {
        self.first.saturating_mul(1 << earlier_failures.min(DOUBLINGS_MAX)).min(self.max)
    }

    /// The pause after the given number of earlier failures in a row.
    ///
    /// The caller draws `fraction` evenly from 0 to 1. A value outside of that range counts as its nearer end, and one
    /// that is no number as 1.
    #[must_use]
    pub fn pause(&self, earlier_failures: u32, fraction: f64) -> Duration {
        let fraction = if fraction.is_nan() { 1.0 } else { fraction.clamp(0.0, 1.0) };
        let bound = self.bound(earlier_failures);
        match self.jitter {
            Jitter::Full => bound.mul_f64(fraction),
            Jitter::Equal => bound / 2 + (bound / 2).mul_f64(fraction),
        }
    }

    /// The pauses of one loop of attempts.
    #[must_use]
    pub const fn pauses(self) -> Pauses {
        Pauses { backoff: self, failures: 0 }
    }
}

/// The pauses of one loop of attempts: a [`Backoff`] that counts the failures in a row.
#[derive(Debug, Clone)]
pub struct Pauses {
    backoff: Backoff,
    failures: u32,
}

impl Pauses {
    /// Counts a failure and returns the pause before the next attempt. [`Backoff::pause`] explains `fraction`.
    pub fn after_failure(&mut self, fraction: f64) -> Duration {
        let pause = self.backoff.pause(self.failures, fraction);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// Counts a success: the next pause is as short as the first.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_secs(1);

    #[test]
    fn the_bound_doubles_up_to_the_maximum() {
        let backoff = Backoff::full_jitter(FIRST, MAX);
        let bounds = [0, 1, 2, 3, 4, u32::MAX].map(|failures| backoff.bound(failures).as_millis());
        assert_eq!(bounds, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(Backoff::full_jitter(Duration::MAX, Duration::MAX).bound(3), Duration::MAX);
    }

    #[test]
    fn full_jitter_spans_all_of_the_bound_and_equal_jitter_its_upper_half() {
        let pauses =
            |backoff: Backoff| [0.0, 0.5, 1.0].map(|fraction| backoff.pause(1, fraction).as_millis());
        assert_eq!(pauses(Backoff::full_jitter(FIRST, MAX)), [0, 100, 200]);
        assert_eq!(pauses(Backoff::equal_jitter(FIRST, MAX)), [100, 150, 200]);
    }

    #[test]
    fn a_fraction_that_is_none_cannot_pass_the_bound() {
        let backoff = Backoff::full_jitter(FIRST, MAX);
        let pauses = [-1.0, 7.0, f64::NAN, f64::INFINITY].map(|fraction| backoff.pause(0, fraction));
        assert_eq!(pauses, [Duration::ZERO, FIRST, FIRST, FIRST]);
    }

    #[test]
    fn pauses_grow_with_failures_in_a_row_and_a_success_resets_them() {
        let mut pauses = Backoff::full_jitter(FIRST, MAX).pauses();
        let grown: Vec<_> = (0..5).map(|_| pauses.after_failure(1.0).as_millis()).collect();
        assert_eq!(grown, [100, 200, 400, 800, 1_000]);
        pauses.reset();
        assert_eq!(pauses.after_failure(1.0), FIRST);
    }
}
