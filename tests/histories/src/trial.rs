//! Many cases, shrunk where one fails.

use std::{cell::Cell, env, future::Future, sync::Arc};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestError, TestRunner},
};
use tokio::runtime::{Builder, Runtime};

use crate::{Case, Site, Violation, case, case::Settle, play::play};

/// The seed of every run that is not told another by `PROPTEST_RNG_SEED`: what a test finds it finds each time, as
/// far as the threads allow.
const SEED: u64 = 20_261_122;
/// Threads decide some races: while a failure is shrunk, each smaller history gets so many tries to fail.
const SHRINK_TRIES: u32 = 4;
/// A case that is late must be so each of so many times.
const LATE_TRIES: u32 = 3;
/// The smaller histories that are tried, at most.
const SHRINK_MAX: u32 = 400;
/// Names how many cases are run, in place of a test's own number.
const CASES_VARIABLE: &str = "PROPTEST_CASES";
/// Names another seed.
const SEED_VARIABLE: &str = "PROPTEST_RNG_SEED";

/// A stage, and how many cases are played on it.
pub struct Trial {
    runtime: Runtime,
    site: Arc<Site>,
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
        Self::new(regressions, cases, Site::small)
    }

    /// PostgreSQL, a replica of the store for each gateway, Redis.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub fn large(regressions: &'static str, cases: u32) -> Result<Self, Violation> {
        Self::new(regressions, cases, Site::large)
    }

    fn new<F>(regressions: &'static str, cases: u32, site: impl FnOnce() -> F) -> Result<Self, Violation>
    where
        F: Future<Output = Result<Site, Violation>>,
    {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Violation::stage)?;
        let site = Arc::new(runtime.block_on(site())?);
        Ok(Self { runtime, site, cases, regressions })
    }

    /// Plays cases one after another.
    ///
    /// # Errors
    /// The smallest history that was found to fail, and how it does.
    pub fn run(self, settles: &'static [Settle]) -> Result<(), String> {
        let outcome = self.search(&case::case(settles), |case| self.runtime.block_on(self.attempt(case)));
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

    fn search<C: std::fmt::Debug>(
        &self,
        cases: &impl Strategy<Value = C>,
        attempt: impl Fn(&C) -> Result<(), Violation>,
    ) -> Result<(), String> {
        let failed = Cell::new(false);
        let mut runner = TestRunner::new(self.config());
        let outcome = runner.run(cases, |case| {
            let tries = if failed.get() { SHRINK_TRIES } else { 1 };
            for _ in 0..tries {
                if let Err(violation) = attempt(&case) {
                    failed.set(true);
                    return Err(TestCaseError::fail(violation.to_string()));
                }
            }
            Ok(())
        });
        match outcome {
            Ok(()) => Ok(()),
            Err(TestError::Abort(reason)) => Err(reason.to_string()),
            Err(TestError::Fail(reason, case)) => Err(format!("{reason}\nthe smallest history: {case:#?}")),
        }
    }

    async fn attempt(&self, case: &Case) -> Result<(), Violation> {
        let mut outcome = Ok(());
        for _ in 0..LATE_TRIES {
            outcome = play(&self.site, case).await;
            if !matches!(outcome, Err(Violation::Late(_))) {
                break;
            }
        }
        outcome
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        if env::var_os(CASES_VARIABLE).is_none() {
            config.cases = self.cases;
        }
        if env::var_os(SEED_VARIABLE).is_none() {
            config.rng_seed = RngSeed::Fixed(SEED);
        }
        config.max_shrink_iters = SHRINK_MAX;
        config.failure_persistence = Some(Box::new(FileFailurePersistence::Direct(self.regressions)));
        config
    }

    fn close(self) {
        if let Some(site) = Arc::into_inner(self.site) {
            self.runtime.block_on(site.close());
        }
    }
}
