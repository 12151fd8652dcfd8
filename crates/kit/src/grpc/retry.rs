//! Deadlines, and retries for what may be repeated.
//!
//! A call that is not idempotent has a deadline and no retry ([`call_once`]); one that is ([`call_idempotent`])
//! is repeated when nothing was answered: `unavailable`, a broken connection, an attempt that took too long.
//! Any other status is an answer. Delays grow twofold with full jitter, the whole stays within the deadline,
//! and a [`RetryBudget`] shared by all the calls of one client keeps retries from storming a backend that is down.

use std::{
    error::Error,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tonic::{Code, Request, Status};

use super::inject_trace_context;
use crate::clock::{Random, SystemRandom, jitter};

/// The point in time after which an answer is of no use. It is passed down, not begun anew at each layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// `timeout` from now.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    /// What is left; zero when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// The earlier of this one and `timeout` from now.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        self.min(Self::after(timeout))
    }

    /// The point itself, for `tokio::time::timeout_at`.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// A request that tells the server how long its answer is awaited (`grpc-timeout`) and which trace it
    /// belongs to.
    #[must_use]
    pub fn request<T>(self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.remaining());
        inject_trace_context(request.metadata_mut());
        request
    }
}

/// How an idempotent call is repeated. Clones share the budget.
#[derive(Clone)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// Bound of the first delay; it doubles with each further one.
    pub base: Duration,
    /// Bound of any delay.
    pub max: Duration,
    /// Longest time for one attempt, so that a replica that hangs does not take the whole deadline.
    pub attempt_timeout: Duration,
    /// Shared by the calls to one backend.
    pub budget: RetryBudget,
    /// Draws the delays.
    pub random: Arc<dyn Random>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(20),
            max: Duration::from_millis(500),
            attempt_timeout: Duration::from_secs(2),
            budget: RetryBudget::default(),
            random: Arc::new(SystemRandom),
        }
    }
}

impl std::fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { attempts, base, max, attempt_timeout, budget, random: _ } = self;
        f.debug_struct("RetryPolicy")
            .field("attempts", attempts)
            .field("base", base)
            .field("max", max)
            .field("attempt_timeout", attempt_timeout)
            .field("budget", budget)
            .finish_non_exhaustive()
    }
}

impl RetryPolicy {
    /// The delay before attempt `attempt + 1`, where `attempt` counts from one.
    fn delay(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        jitter(&*self.random, self.base.saturating_mul(factor).min(self.max))
    }
}

/// A bucket of tokens that failures empty and successes fill: while it is at most half full, nothing is
/// retried. The algorithm and its numbers are those of gRPC's retry throttling,
/// <https://github.com/grpc/proposal/blob/master/A6-client-retries.md#throttling-retry-attempts-and-hedged-rpcs>:
/// a failure takes one token, a success gives back a tenth, the bucket holds `max_tokens`. A backend that
/// fails throughout is thus asked once per call; with 9 of 10 calls succeeding, retries go on for ever.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    /// In tenths of a token.
    tenths: Arc<AtomicU32>,
    max_tenths: u32,
}

/// What a failure takes and a success gives, in tenths of a token.
const FAILURE_TENTHS: u32 = 10;
const SUCCESS_TENTHS: u32 = 1;

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(100)
    }
}

impl RetryBudget {
    /// A full bucket of `max_tokens`.
    #[must_use]
    pub fn new(max_tokens: u32) -> Self {
        let max_tenths = max_tokens.saturating_mul(FAILURE_TENTHS);
        Self { tenths: Arc::new(AtomicU32::new(max_tenths)), max_tenths }
    }

    /// Counts a success.
    fn succeeded(&self) {
        // Mostly it is full, and then nothing needs to be written.
        if self.tenths.load(Ordering::Relaxed) < self.max_tenths {
            let refill = |tenths: u32| Some((tenths + SUCCESS_TENTHS).min(self.max_tenths));
            let _ = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, refill);
        }
    }

    /// Counts a failure, and answers whether a retry is affordable.
    fn failed(&self) -> bool {
        let take = |tenths: u32| Some(tenths.saturating_sub(FAILURE_TENTHS));
        let before = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).unwrap_or(0);
        before.saturating_sub(FAILURE_TENTHS) > self.max_tenths / 2
    }
}

/// Calls once, within the deadline: for what must not be repeated.
///
/// # Errors
///
/// The call's status: `unavailable` also for a broken connection, `deadline_exceeded` for any limit that
/// passed. After either it may have been done all the same.
pub async fn call_once<T>(
    deadline: Deadline,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout_at(deadline.0, call).await {
        Ok(answer) => answer.map_err(plain),
        Err(_elapsed) => Err(late()),
    }
}

/// Calls, and calls again where nothing was answered, within the deadline: for what may be repeated, by
/// its nature or by its key. `call` is given the deadline of the attempt (see [`Deadline::request`]).
///
/// # Errors
///
/// The status of the last attempt, as [`call_once`] words it.
pub async fn call_idempotent<T, F, A>(
    policy: &RetryPolicy,
    deadline: Deadline,
    mut call: F,
) -> Result<T, Status>
where
    F: FnMut(Deadline) -> A,
    A: Future<Output = Result<T, Status>>,
{
    let mut attempt = 1;
    loop {
        let limit = deadline.within(policy.attempt_timeout);
        let failure = match call_once(limit, call(limit)).await {
            Ok(answer) => {
                policy.budget.succeeded();
                return Ok(answer);
            }
            Err(status) if !is_unanswered(status.code()) => {
                // A refusal is an answer: the backend works.
                policy.budget.succeeded();
                return Err(status);
            }
            Err(status) => status,
        };
        let affordable = policy.budget.failed();
        if attempt >= policy.attempts || !affordable {
            return Err(failure);
        }
        let delay = policy.delay(attempt);
        if deadline.remaining() <= delay {
            return Err(failure);
        }
        tracing::debug!(attempt, code = ?failure.code(), ?delay, "no answer; trying again");
        tokio::time::sleep(delay).await;
        attempt += 1;
    }
}

/// Whether a status, worded by [`plain`], says that the backend did not answer.
const fn is_unanswered(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::DeadlineExceeded)
}

fn late() -> Status {
    Status::deadline_exceeded("no answer in time")
}

/// The text by which tonic, on either side, says that a call's `grpc-timeout` has passed.
const TONIC_TIMEOUT: &str = "Timeout expired";

/// Rewords what tonic words by mechanism: a connection that broke under a call (`unknown`, `internal` or
/// `cancelled`, with its cause) is `unavailable`, a passed `grpc-timeout` (`cancelled`) `deadline_exceeded`.
fn plain(status: Status) -> Status {
    match status.code() {
        Code::Cancelled if status.message() == TONIC_TIMEOUT => late(),
        Code::Unknown | Code::Internal | Code::Cancelled if is_of_connection(&status) => {
            let mut plain = Status::unavailable("the connection broke");
            plain.set_source(Arc::new(status));
            plain
        }
        _ => status,
    }
}

/// Whether a status was made here, of a broken connection. (One that came over the wire has no cause.)
fn is_of_connection(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::transport::Error>() || error.is::<hyper::Error>() || error.is::<std::io::Error>()
        {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::ready};

    use super::*;
    use crate::clock::SeededRandom;

    const LONG: Duration = Duration::from_secs(60);

    fn policy(tokens: u32) -> RetryPolicy {
        let random = Arc::new(SeededRandom::new(1));
        RetryPolicy { budget: RetryBudget::new(tokens), random, ..RetryPolicy::default() }
    }

    async fn failing(policy: &RetryPolicy, deadline: Deadline, status: Status) -> (Result<(), Status>, u32) {
        let calls = Cell::new(0);
        let answer = call_idempotent(policy, deadline, |_| {
            calls.set(calls.get() + 1);
            ready(Err(status.clone()))
        });
        (answer.await, calls.get())
    }

    #[tokio::test(start_paused = true)]
    async fn an_unavailable_backend_is_asked_again_until_it_answers() {
        let calls = Cell::new(0);
        let policy = policy(100);
        let answer = call_idempotent(&policy, Deadline::after(LONG), |_| {
            calls.set(calls.get() + 1);
            ready(if calls.get() < 3 { Err(Status::unavailable("no")) } else { Ok(7) })
        });
        assert_eq!(answer.await.unwrap(), 7);
        assert_eq!(calls.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_counted_and_answers_are_not_retried() {
        let policy = policy(100);
        let (answer, calls) = failing(&policy, Deadline::after(LONG), Status::unavailable("no")).await;
        assert_eq!((answer.unwrap_err().code(), calls), (Code::Unavailable, policy.attempts));
        for status in [Status::not_found("no"), Status::internal("no"), Status::resource_exhausted("no")] {
            let (answer, calls) = failing(&policy, Deadline::after(LONG), status.clone()).await;
            assert_eq!((answer.unwrap_err().code(), calls), (status.code(), 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_bounds_the_whole() {
        let begun = Instant::now();
        let timeout = Duration::from_secs(3);
        let policy = policy(100);
        let answer = call_idempotent(&policy, Deadline::after(timeout), |_| {
            std::future::pending::<Result<(), Status>>()
        });
        assert_eq!(answer.await.unwrap_err().code(), Code::DeadlineExceeded);
        assert!(begun.elapsed() <= timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_hangs_leaves_time_for_another() {
        let calls = Cell::new(0);
        let policy = policy(100);
        let answer = call_idempotent(&policy, Deadline::after(Duration::from_secs(5)), |_| {
            calls.set(calls.get() + 1);
            let hangs = calls.get() == 1;
            async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
        });
        answer.await.unwrap();
        assert_eq!(calls.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_backend_is_not_stormed() {
        let policy = policy(10);
        let mut calls = 0;
        for _ in 0..100 {
            calls += failing(&policy, Deadline::after(LONG), Status::unavailable("no")).await.1;
        }
        // The first call's four failures leave six of ten tokens; the next failure leaves the bucket half
        // full, and from then on each call asks once.
        assert_eq!(calls, 100 + 3);
    }

    #[tokio::test(start_paused = true)]
    async fn successes_earn_retries_back_slowly() {
        let policy = policy(10);
        for _ in 0..20 {
            let _ = failing(&policy, Deadline::after(LONG), Status::unavailable("no")).await;
        }
        let succeed = async |times: u32| {
            for _ in 0..times {
                call_idempotent(&policy, Deadline::after(LONG), |_| ready(Ok(()))).await.unwrap();
            }
        };
        succeed(59).await;
        assert_eq!(failing(&policy, Deadline::after(LONG), Status::unavailable("no")).await.1, 1);
        succeed(20).await;
        assert_eq!(failing(&policy, Deadline::after(LONG), Status::unavailable("no")).await.1, 2);
    }

    #[test]
    fn delays_double_up_to_their_bound() {
        let policy = policy(1);
        for attempt in 1..40 {
            let bound = (policy.base * 2_u32.pow((attempt - 1).min(20))).min(policy.max);
            assert!((0..50).all(|_| policy.delay(attempt) <= bound));
        }
    }
}
