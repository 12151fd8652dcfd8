//! Every transaction has a name, is measured by it, and is repeated when it conflicts with another one.
//!
//! A database rolls back one of two transactions that wait for each other (a deadlock), and one that cannot be ordered
//! with others (a serialization failure). Nothing is wrong with the request: done again, it passes. SQLSTATE class 40
//! says so, and that nothing of the transaction remains, so the repetition does nothing twice.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use madang_flow_control::Backoff;
use madang_kit::{
    clock::{Random, fraction},
    metrics::{DURATION_BOUNDS_SECONDS, Metrics, Recorder},
};

use crate::DatabaseError;

/// How often a transaction that conflicts is tried, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Repetition {
    /// The attempts, the first included.
    pub attempts: u32,
    /// The pauses before repetitions.
    pub pauses: Backoff,
    /// How long after the first attempt began another one may begin: the deadline of the call.
    pub within: Duration,
}

impl Repetition {
    /// Five attempts within the deadline of a call. A deadlock costs a second each time, since PostgreSQL looks for one
    /// only after `deadlock_timeout`; the pauses merely keep the same two from meeting again.
    #[must_use]
    pub const fn within(deadline: Duration) -> Self {
        Self {
            attempts: 5,
            pauses: Backoff::full_jitter(Duration::from_millis(10), Duration::from_millis(200)),
            within: deadline,
        }
    }
}

/// An error of an attempt, which may be the database's.
pub trait HasDatabaseError {
    /// The database's error. `None` where the attempt was refused for a reason of the service's own.
    fn database_error(&self) -> Option<&DatabaseError>;
}

impl HasDatabaseError for DatabaseError {
    fn database_error(&self) -> Option<&DatabaseError> {
        Some(self)
    }
}

/// Runs transactions.
pub struct Transactions {
    durations: Recorder<2>,
    random: Arc<dyn Random>,
    repetition: Repetition,
}

impl Transactions {
    /// Transactions that are measured in `metrics`.
    #[must_use]
    pub fn new(metrics: &Metrics, random: Arc<dyn Random>, repetition: Repetition) -> Self {
        let durations = metrics.recorder(
            "madang.database.transaction.duration",
            "s",
            "Attempts of transactions by name and outcome; a conflict is repeated.",
            ["transaction", "outcome"],
            &DURATION_BOUNDS_SECONDS,
        );
        Self { durations, random, repetition }
    }

    /// Runs an attempt, which begins a transaction, does its work and commits; again where it conflicts with another
    /// transaction. `name` is what metrics call it: a word of the code, never a value.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn run<T, E, A>(&self, name: &'static str, attempt: impl Fn() -> A) -> Result<T, E>
    where
        E: HasDatabaseError,
        A: Future<Output = Result<T, E>>,
    {
        let began = Instant::now();
        let mut pauses = self.repetition.pauses.pauses();
        let mut number = 1;
        loop {
            let measurement = Measurement::begin(&self.durations, name);
            let result = attempt().await;
            measurement.end(&result);
            let is_conflict = result.as_ref().is_err_and(is_conflict);
            let pause = pauses.after_failure(fraction(&*self.random));
            let is_last = number >= self.repetition.attempts;
            if !is_conflict || is_last || began.elapsed() + pause >= self.repetition.within {
                return result;
            }
            tracing::debug!(
                transaction = name,
                number,
                "a transaction conflicts with another one; trying again"
            );
            tokio::time::sleep(pause).await;
            number += 1;
        }
    }
}

impl std::fmt::Debug for Transactions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transactions").field("repetition", &self.repetition).finish_non_exhaustive()
    }
}

fn is_conflict(error: &impl HasDatabaseError) -> bool {
    matches!(error.database_error(), Some(DatabaseError::Conflict(_)))
}

/// One attempt being measured. One that is dropped before its end was cancelled, as by the deadline of its call.
struct Measurement<'a> {
    durations: &'a Recorder<2>,
    name: &'static str,
    began: Instant,
    outcome: &'static str,
}

impl<'a> Measurement<'a> {
    fn begin(durations: &'a Recorder<2>, name: &'static str) -> Self {
        Self { durations, name, began: Instant::now(), outcome: "cancelled" }
    }

    fn end<T, E: HasDatabaseError>(mut self, result: &Result<T, E>) {
        self.outcome = match result {
            Ok(_) => "ok",
            Err(error) => error.database_error().map_or("refused", DatabaseError::outcome),
        };
    }
}

impl Drop for Measurement<'_> {
    fn drop(&mut self) {
        self.durations.record(self.began.elapsed().as_secs_f64(), [self.name, self.outcome]);
    }
}
