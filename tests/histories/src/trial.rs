//! Many cases, shrunk where one fails.

#![expect(
    clippy::print_stdout,
    reason = "a test that fails shows what it printed: the seed, and how many were late"
)]

use std::{
    cell::{Cell, RefCell},
    env,
    future::Future,
    sync::Arc,
};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestError, TestRunner},
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::{Case, Services, Violation, case, case::Settle, play::play};

/// Plays so many times as many histories: what a run plays that has hours.
const TIMES_VARIABLE: &str = "HISTORIES_TIMES";
/// The seed of a run, to be had again; each run says its own.
const SEED_VARIABLE: &str = "PROPTEST_RNG_SEED";
/// Threads decide some races: while a failure is shrunk, each smaller history gets so many tries to fail.
const SHRINK_TRIES: u32 = 4;
/// One in so many histories may be late, and any run may have one: a machine that stands still for more than a second makes
/// them so. A mechanism that does not work makes them all so.
const LATE_ONE_IN: u32 = 50;
/// The smaller histories that are tried, at most.
const SHRINK_MAX: u32 = 400;
/// How long smaller histories are looked for, in milliseconds: what is late takes its time at each try.
const SHRINK_MAX_MS: u32 = 60_000;

/// How many histories were played, and how many of them were late.
#[derive(Debug, Default)]
struct Played {
    all: Cell<u32>,
    late: Cell<u32>,
    /// The first that was, and how.
    first_late: RefCell<Option<String>>,
}

/// A stage, and how many cases are played on it.
pub struct Trial {
    runtime: Runtime,
    services: Arc<Services>,
    cases: u32,
    regressions: &'static str,
}

impl Trial {
    /// SQLite, one store, a bus in this process: many cases in little time. Failing seeds are kept in
    /// the file `regressions`.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub fn small(regressions: &'static str, cases: u32) -> Result<Self, Violation> {
        Self::new(regressions, cases, Services::small)
    }

    /// PostgreSQL, a replica of the store for each gateway, Redis.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub fn large(regressions: &'static str, cases: u32) -> Result<Self, Violation> {
        Self::new(regressions, cases, Services::large)
    }

    fn new<F>(regressions: &'static str, cases: u32, services: impl FnOnce() -> F) -> Result<Self, Violation>
    where
        F: Future<Output = Result<Services, Violation>>,
    {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Violation::stage)?;
        let services = Arc::new(runtime.block_on(services())?);
        Ok(Self { runtime, services, cases, regressions })
    }

    /// Plays cases one after another.
    ///
    /// # Errors
    /// The smallest history that was found to fail, and how it does; or that too many were late.
    pub fn run(self, settles: &'static [Settle]) -> Result<(), String> {
        let outcome = self.search(&case::case(settles), |case| {
            self.runtime.block_on(async { Ok(vec![self.attempt(case).await?]) })
        });
        self.close();
        outcome
    }

    /// Plays cases `at_once`, for those that mostly wait.
    ///
    /// # Errors
    /// As [`Trial::run`].
    pub fn run_together(self, settles: &'static [Settle], at_once: usize) -> Result<(), String> {
        let cases = proptest::collection::vec(case::case(settles), 1..=at_once);
        let outcome = self.search(&cases, |cases: &Vec<Case>| {
            let together = cases.iter().map(|case| self.attempt(case));
            let outcomes = self.runtime.block_on(futures_util::future::join_all(together));
            outcomes.into_iter().collect()
        });
        self.close();
        outcome
    }

    /// Plays one case. Answers how it was late, where it was: it has been judged all the same.
    async fn attempt(&self, case: &Case) -> Result<Option<String>, Violation> {
        let late = play(&self.services, case).await?;
        Ok(late.map(|late| format!("{late}\nits history: {case:?}")))
    }

    fn search<C: std::fmt::Debug>(
        &self,
        cases: &impl Strategy<Value = C>,
        attempt: impl Fn(&C) -> Result<Vec<Option<String>>, Violation>,
    ) -> Result<(), String> {
        let failed = Cell::new(false);
        let played = Played::default();
        let (config, seed) = self.config();
        let seed = format!("{SEED_VARIABLE}={seed} has the same histories again");
        // On standard output, which a test that fails shows.
        println!("{seed}");
        let mut runner = TestRunner::new(config);
        let outcome = runner.run(cases, |case| {
            let tries = if failed.get() { SHRINK_TRIES } else { 1 };
            for _ in 0..tries {
                match attempt(&case) {
                    Ok(late) if !failed.get() => played.count(late),
                    Ok(_) => {}
                    Err(violation) => {
                        failed.set(true);
                        return Err(TestCaseError::fail(violation.to_string()));
                    }
                }
            }
            Ok(())
        });
        println!("{} histories were played, {} of them late", played.all.get(), played.late.get());
        match outcome {
            Ok(()) => played.judge().map_err(|reason| format!("{reason}\n{seed}")),
            Err(TestError::Abort(reason)) => Err(reason.to_string()),
            Err(TestError::Fail(reason, case)) => {
                Err(format!("{reason}\nthe smallest history: {case:?}\n{seed}"))
            }
        }
    }

    /// What proptest is told, and the seed; each of its variables says otherwise.
    fn config(&self) -> (Config, u64) {
        let mut config = Config::default();
        let is_unset = |variable| env::var_os(variable).is_none();
        if is_unset("PROPTEST_CASES") {
            let times = env::var(TIMES_VARIABLE).ok().and_then(|times| times.parse().ok()).unwrap_or(1);
            config.cases = self.cases.saturating_mul(times);
        }
        let seed = match config.rng_seed {
            RngSeed::Fixed(seed) => seed,
            RngSeed::Random => fresh_seed(),
        };
        config.rng_seed = RngSeed::Fixed(seed);
        if is_unset("PROPTEST_MAX_SHRINK_ITERS") {
            config.max_shrink_iters = SHRINK_MAX;
        }
        if is_unset("PROPTEST_MAX_SHRINK_TIME") {
            config.max_shrink_time = SHRINK_MAX_MS;
        }
        config.failure_persistence = Some(Box::new(FileFailurePersistence::Direct(self.regressions)));
        (config, seed)
    }

    fn close(self) {
        if let Some(services) = Arc::into_inner(self.services) {
            self.runtime.block_on(services.close());
        }
    }
}

impl Played {
    fn count(&self, late: Vec<Option<String>>) {
        for late in late {
            self.all.set(self.all.get() + 1);
            if let Some(late) = late {
                self.late.set(self.late.get() + 1);
                self.first_late.borrow_mut().get_or_insert(late);
            }
        }
    }

    /// Whether no more were late than may be.
    fn judge(&self) -> Result<(), String> {
        let (all, late) = (self.all.get(), self.late.get());
        let may_be_late = all.div_ceil(LATE_ONE_IN);
        if late <= may_be_late {
            return Ok(());
        }
        let first = self.first_late.borrow_mut().take().unwrap_or_default();
        Err(format!("{late} of {all} histories were late, where {may_be_late} may be; the first: {first}"))
    }
}

/// One that was never used, and is short enough to be typed.
#[expect(clippy::disallowed_methods, reason = "a run without a seed is to be another one each time")]
fn fresh_seed() -> u64 {
    u64::from(Uuid::new_v4().as_fields().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_history_in_fifty_may_be_late() {
        let played = |all: u32, late: u32| {
            let played = Played::default();
            played.count((0..all).map(|number| (number < late).then(String::new)).collect());
            played.judge().is_ok()
        };
        assert!(played(10, 1) && !played(10, 2));
        assert!(played(100, 2) && !played(100, 3));
        assert!(played(3_000, 60) && !played(3_000, 61));
    }
}
