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
/// A case that is late must be so each of so many times before it counts.
const LATE_TRIES: u32 = 3;
/// The smaller histories that are tried, at most.
const SHRINK_MAX: u32 = 400;
/// How long smaller histories are looked for, in milliseconds: what is late takes its time at each try.
const SHRINK_MAX_MS: u32 = 60_000;

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
        let outcome = self.search(&case::case(settles), |case, late_tries| {
            self.runtime.block_on(self.attempt(case, late_tries))
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
        let outcome = self.search(&cases, |cases: &Vec<Case>, late_tries| {
            let together = cases.iter().map(|case| self.attempt(case, late_tries));
            let outcomes = self.runtime.block_on(futures_util::future::join_all(together));
            outcomes.into_iter().collect()
        });
        self.close();
        outcome
    }

    fn search<C: std::fmt::Debug>(
        &self,
        cases: &impl Strategy<Value = C>,
        attempt: impl Fn(&C, u32) -> Result<(), Violation>,
    ) -> Result<(), String> {
        let failed = Cell::new(false);
        let mut runner = TestRunner::new(self.config());
        let outcome = runner.run(cases, |case| {
            let (tries, late_tries) = if failed.get() { (SHRINK_TRIES, 1) } else { (1, LATE_TRIES) };
            for _ in 0..tries {
                if let Err(violation) = attempt(&case, late_tries) {
                    failed.set(true);
                    return Err(TestCaseError::fail(violation.to_string()));
                }
            }
            Ok(())
        });
        match outcome {
            Ok(()) => Ok(()),
            Err(TestError::Abort(reason)) => Err(reason.to_string()),
            Err(TestError::Fail(reason, case)) => Err(format!("{reason}\nthe smallest history: {case:?}")),
        }
    }

    async fn attempt(&self, case: &Case, late_tries: u32) -> Result<(), Violation> {
        let mut outcome = Ok(());
        for _ in 0..late_tries {
            outcome = play(&self.site, case).await;
            if !matches!(outcome, Err(Violation::Late(_))) {
                break;
            }
        }
        outcome
    }

    /// What proptest is told; each of its variables says otherwise.
    fn config(&self) -> Config {
        let mut config = Config::default();
        let is_unset = |variable| env::var_os(variable).is_none();
        if is_unset("PROPTEST_CASES") {
            config.cases = self.cases;
        }
        if is_unset("PROPTEST_RNG_SEED") {
            config.rng_seed = RngSeed::Fixed(SEED);
        }
        if is_unset("PROPTEST_MAX_SHRINK_ITERS") {
            config.max_shrink_iters = SHRINK_MAX;
        }
        if is_unset("PROPTEST_MAX_SHRINK_TIME") {
            config.max_shrink_time = SHRINK_MAX_MS;
        }
        config.failure_persistence = Some(Box::new(FileFailurePersistence::Direct(self.regressions)));
        config
    }

    fn close(self) {
        if let Some(site) = Arc::into_inner(self.site) {
            self.runtime.block_on(site.close());
        }
    }
}
