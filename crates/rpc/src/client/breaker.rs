//! A breaker: while a service is down, its callers are told so at once instead of waiting for it.
//!
//! Closed, calls pass. When for [`BreakerSettings::trip_after`] every one of at least
//! [`BreakerSettings::failures_min`] calls has failed on the way or in time, it opens: calls fail at once
//! for [`BreakerSettings::open_for`]. Then one call is let through on trial, and its fate decides. Any
//! answer, an error of the service included, closes it.
//!
//! The time matters as much as the count: when one connection of many breaks, a hundred calls may fail
//! in the same moment, and each may be repeated at once on another replica.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::counters::ClientCounters;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone)]
pub struct BreakerSettings {
    /// It opens after no fewer failures without a success between them.
    pub failures_min: u32,
    /// It opens when the first of those lies at least so far back.
    pub trip_after: Duration,
    /// A failure with none before it for so long begins a new run.
    pub forget_after: Duration,
    /// So long it stays open before a trial.
    pub open_for: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_min: 5,
            trip_after: Duration::from_secs(1),
            forget_after: Duration::from_secs(15),
            open_for: Duration::from_millis(500),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
    counters: Arc<ClientCounters>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Calls pass.
    Closed,
    /// Calls pass, and all lately have failed.
    Failing { failures: u32, first: Instant, last: Instant },
    /// Calls fail at once.
    Open { until: Instant },
    /// Calls fail at once, but for one that is under way.
    Trial,
}

impl Breaker {
    pub(crate) const fn new(settings: BreakerSettings, counters: Arc<ClientCounters>) -> Self {
        Self { settings, state: Mutex::new(State::Closed), counters }
    }

    /// Leave to call, or for how long there is none.
    pub(crate) fn admit(&self) -> Result<Admission<'_>, Duration> {
        let mut state = self.lock();
        let trial = match *state {
            State::Closed | State::Failing { .. } => false,
            State::Trial => return Err(self.settings.open_for),
            State::Open { until } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(left);
                }
                *state = State::Trial;
                true
            }
        };
        Ok(Admission { breaker: self, trial, decided: false })
    }

    fn answered(&self) {
        let mut state = self.lock();
        if !matches!(*state, State::Closed) {
            if !matches!(*state, State::Failing { .. }) {
                tracing::info!("a service answers again");
            }
            *state = State::Closed;
            self.counters.breaker_open.set(0);
        }
    }

    fn failed(&self, trial: bool) {
        let now = Instant::now();
        let mut state = self.lock();
        *state = match *state {
            State::Trial if trial => State::Open { until: now + self.settings.open_for },
            // A call from before the breaker opened says nothing new.
            State::Trial | State::Open { .. } => return,
            State::Failing { failures, first, last }
                if now.duration_since(last) <= self.settings.forget_after =>
            {
                let failures = failures.saturating_add(1);
                if failures >= self.settings.failures_min
                    && now.duration_since(first) >= self.settings.trip_after
                {
                    tracing::warn!(
                        failures,
                        "a service does not answer: for a moment, calls to it fail at once"
                    );
                    State::Open { until: now + self.settings.open_for }
                } else {
                    State::Failing { failures, first, last: now }
                }
            }
            State::Closed | State::Failing { .. } => State::Failing { failures: 1, first: now, last: now },
        };
        if matches!(*state, State::Open { .. }) {
            self.counters.breaker_open.set(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave for one call. Dropped without a word, as when the caller is, it says nothing about the
/// service; a trial is then left to the next caller.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    breaker: &'a Breaker,
    trial: bool,
    decided: bool,
}

impl Admission<'_> {
    /// The service answered, whatever it said.
    pub(crate) fn answered(mut self) {
        self.decided = true;
        self.breaker.answered();
    }

    /// It did not, or not in time.
    pub(crate) fn failed(mut self) {
        self.decided = true;
        self.breaker.failed(self.trial);
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.trial && !self.decided {
            let mut state = self.breaker.lock();
            if matches!(*state, State::Trial) {
                *state = State::Open { until: Instant::now() };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings::default(), Arc::default())
    }

    fn fail(breaker: &Breaker) {
        breaker.admit().unwrap().failed();
    }

    async fn open() -> Breaker {
        let breaker = breaker();
        for _ in 0..4 {
            fail(&breaker);
        }
        advance(Duration::from_secs(1)).await;
        fail(&breaker);
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_one_moment_do_not_open_it() {
        let breaker = breaker();
        for _ in 0..100 {
            fail(&breaker);
        }
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_but_failures_for_a_while_opens_it() {
        let breaker = open().await;
        assert_eq!(breaker.admit().unwrap_err(), Duration::from_millis(500));
        advance(Duration::from_millis(499)).await;
        assert_eq!(breaker.admit().unwrap_err(), Duration::from_millis(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_between_them_keeps_it_closed() {
        let breaker = breaker();
        for _ in 0..20 {
            fail(&breaker);
            fail(&breaker);
            breaker.admit().unwrap().answered();
            advance(Duration::from_secs(1)).await;
        }
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_of_long_ago_is_forgotten() {
        let breaker = breaker();
        fail(&breaker);
        advance(Duration::from_secs(3_600)).await;
        for _ in 0..5 {
            fail(&breaker);
        }
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_trial_decides() {
        let breaker = open().await;
        advance(Duration::from_millis(500)).await;
        let trial = breaker.admit().unwrap();
        assert!(breaker.admit().is_err(), "one at a time");
        trial.failed();
        assert!(breaker.admit().is_err());
        advance(Duration::from_millis(500)).await;
        breaker.admit().unwrap().answered();
        let _first = breaker.admit().unwrap();
        let _second = breaker.admit().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_whose_caller_is_gone_passes_to_the_next() {
        let breaker = open().await;
        advance(Duration::from_millis(500)).await;
        drop(breaker.admit().unwrap());
        let next = breaker.admit().unwrap();
        assert!(next.trial);
    }
}
