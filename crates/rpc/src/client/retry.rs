//! When to repeat a call: a budget shared by all calls to a service, and pauses with full jitter.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use madang_flow_control::Backoff;

/// How idempotent calls are repeated.
#[derive(Debug, Clone)]
pub struct RetrySettings {
    /// A call is tried at most so many times, the first one included.
    pub attempts_max: u32,
    /// The longest pause before the first repetition. It doubles with each.
    pub pause_base: Duration,
    /// No pause is longer.
    pub pause_max: Duration,
    /// The budget when full. Repetitions stop while it is half empty or less, so that at most half of
    /// it is spent on a service that has just died.
    pub budget_tokens: u32,
    /// What a call that succeeds gives back, in thousandths of a token: with 100, repetitions can add a
    /// tenth to the load at most.
    pub refund_millitokens: u32,
    /// Where a pause is drawn from, uniformly in 0 to 1. The tests replace it.
    pub random: fn() -> f64,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts_max: 4,
            pause_base: Duration::from_millis(25),
            pause_max: Duration::from_millis(500),
            budget_tokens: 100,
            refund_millitokens: 100,
            random: system_random,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the default; it is given by the settings wherever it matters")]
fn system_random() -> f64 {
    rand::random()
}

impl RetrySettings {
    /// The pause before repetition `repetition`, counted from 0, with full jitter, so that callers who failed together do not
    /// come back together.
    #[must_use]
    pub fn pause(&self, repetition: u32) -> Duration {
        Backoff::full_jitter(self.pause_base, self.pause_max).pause(repetition, (self.random)())
    }
}

/// The token bucket of gRPC's retry throttling (gRFC A6): each failure of the transport takes a token, and
/// each success returns a fraction of one. Calls are repeated only while more than half of the tokens are
/// left. One dead service thus cannot draw several times its load in repetitions.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    millitokens: AtomicU32,
    full: u32,
    refund: u32,
}

const MILLITOKENS_PER_TOKEN: u32 = 1_000;

impl RetryBudget {
    pub(crate) fn new(settings: &RetrySettings) -> Self {
        let full = settings.budget_tokens.saturating_mul(MILLITOKENS_PER_TOKEN);
        Self { millitokens: AtomicU32::new(full), full, refund: settings.refund_millitokens }
    }

    /// A call succeeded.
    pub(crate) fn succeeded(&self) {
        let refunded = |tokens: u32| {
            // A full bucket, the usual case, is not written: its cache line stays shared.
            (tokens < self.full).then(|| tokens.saturating_add(self.refund).min(self.full))
        };
        // The error is "nothing to do".
        let _ = self.millitokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, refunded);
    }

    /// A call failed on the way. Whether the budget allows to repeat one.
    pub(crate) fn failed(&self) -> bool {
        let taken = |tokens: u32| Some(tokens.saturating_sub(MILLITOKENS_PER_TOKEN));
        let before = self.millitokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).unwrap_or(0);
        before.saturating_sub(MILLITOKENS_PER_TOKEN) > self.full / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> RetrySettings {
        RetrySettings { budget_tokens: 10, refund_millitokens: 500, ..RetrySettings::default() }
    }

    #[test]
    fn the_budget_ends_at_half_and_comes_back_with_successes() {
        let budget = RetryBudget::new(&settings());
        let allowed = (0..100).take_while(|_| budget.failed()).count();
        assert_eq!(allowed, 4, "10 tokens: repeated while more than 5 are left");
        assert!(!budget.failed());

        // 4 tokens are left; 5 successes return 2.5, the next failure takes 1.
        for _ in 0..5 {
            budget.succeeded();
        }
        assert!(budget.failed());
        assert!(!budget.failed());
    }

    #[test]
    fn the_budget_is_never_more_than_full_nor_less_than_empty() {
        let budget = RetryBudget::new(&settings());
        budget.succeeded();
        assert_eq!(budget.millitokens.load(Ordering::Relaxed), 10_000);
        for _ in 0..50 {
            budget.failed();
        }
        assert_eq!(budget.millitokens.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_pause_doubles_up_to_its_limit_and_is_jittered_over_all_of_it() {
        let longest = RetrySettings { random: || 1.0, ..settings() };
        let pauses: Vec<_> = (0..6).map(|n| longest.pause(n).as_millis()).collect();
        assert_eq!(pauses, [25, 50, 100, 200, 400, 500]);
        assert_eq!(longest.pause(u32::MAX), Duration::from_millis(500));
        let shortest = RetrySettings { random: || 0.0, ..settings() };
        assert_eq!(shortest.pause(3), Duration::ZERO);
    }
}
