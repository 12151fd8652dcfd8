//! One call to a service: deadline, breaker, repetition.

use std::{sync::Arc, time::Duration};

use madang_domain::{Error, Result};
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};
use tracing::{Instrument as _, Span, field::Empty};

use super::{
    breaker::{Breaker, BreakerSettings},
    counters::{ClientCounters, Outcome},
    retry::{RetryBudget, RetrySettings},
};
use crate::{
    method::Method,
    wire::status::{Failed, classify},
};

/// How a client calls its service.
#[derive(Debug, Clone)]
pub struct CallSettings {
    /// No call takes longer, whatever [its method](Method) would allow.
    pub timeout_max: Duration,
    /// How idempotent calls are repeated.
    pub retry: RetrySettings,
    /// When calls fail at once.
    pub breaker: BreakerSettings,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            timeout_max: Duration::from_secs(10),
            retry: RetrySettings::default(),
            breaker: BreakerSettings::default(),
        }
    }
}

/// What all calls of one client share.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The full name of the service, as `madang.auth.v1.AuthService`.
    service: &'static str,
    settings: CallSettings,
    budget: RetryBudget,
    breaker: Breaker,
    counters: Arc<ClientCounters>,
}

impl Caller {
    pub(crate) fn new(service: &'static str, settings: CallSettings) -> Self {
        let counters = Arc::default();
        Self {
            service,
            budget: RetryBudget::new(&settings.retry),
            breaker: Breaker::new(settings.breaker.clone(), Arc::clone(&counters)),
            settings,
            counters,
        }
    }

    /// What is counted.
    pub(crate) const fn counters(&self) -> &Arc<ClientCounters> {
        &self.counters
    }

    /// By when a call of `method` that begins now must be done.
    pub(crate) fn deadline(&self, method: &Method) -> Instant {
        Instant::now() + method.timeout.min(self.settings.timeout_max)
    }

    /// Calls `method` within its deadline. The rest is as in [`Self::call_until`].
    pub(crate) async fn call<Req, Res, Sending>(
        &self,
        method: &Method,
        may_repeat: bool,
        request: impl Fn() -> Req + Send,
        send: impl Fn(Request<Req>) -> Sending + Send,
    ) -> Result<Res>
    where
        Req: Send,
        Res: Send,
        Sending: Future<Output = Result<Response<Res>, Status>> + Send,
    {
        self.call_until(self.deadline(method), method.rpc, may_repeat, request, send).await
    }

    /// Calls the RPC `rpc`. `request` is asked for the request, again at each try, which spares the common
    /// case, one try, the copy that could be sent again.
    pub(crate) async fn call_until<Req, Res, Sending>(
        &self,
        deadline: Instant,
        rpc: &'static str,
        may_repeat: bool,
        request: impl Fn() -> Req + Send,
        send: impl Fn(Request<Req>) -> Sending + Send,
    ) -> Result<Res>
    where
        Req: Send,
        Res: Send,
        Sending: Future<Output = Result<Response<Res>, Status>> + Send,
    {
        let mut repetition = 0;
        let mut earlier = None;
        loop {
            let admission = match self.breaker.admit() {
                Ok(admission) => admission,
                Err(after) => {
                    self.counters.tries.add(Outcome::BreakerOpen, 1);
                    return Err(earlier.unwrap_or_else(|| down(after)));
                }
            };
            let span = self.span(rpc, repetition);
            let began = Instant::now();
            let attempted = attempt(deadline, request(), &send, &span).instrument(span.clone()).await;
            self.counters.duration.observe_duration(began.elapsed());
            self.counters.tries.add(outcome(&attempted), 1);
            let (error, may_repeat) = match attempted {
                Ok(answer) => {
                    admission.answered();
                    self.budget.succeeded();
                    return Ok(answer);
                }
                Err(Failed::Answered(error)) => {
                    admission.answered();
                    return Err(error);
                }
                Err(Failed::TimedOut(error)) => {
                    admission.failed();
                    return Err(error);
                }
                // Every method may be repeated with which nobody has begun.
                Err(Failed::NotBegun(error)) => {
                    admission.failed();
                    (error, true)
                }
                Err(Failed::Transport(error)) => {
                    admission.failed();
                    (error, may_repeat)
                }
            };
            // The budget hears of every failure, also of those that nothing follows.
            let within_budget = self.budget.failed();
            let pause = self.settings.retry.pause(repetition);
            repetition += 1;
            if !may_repeat
                || !within_budget
                || repetition >= self.settings.retry.attempts_max
                || Instant::now() + pause >= deadline
            {
                return Err(error);
            }
            tracing::debug!(method = rpc, repetition, "the service was not reached; trying again");
            self.counters.retries.add(1);
            earlier = Some(error);
            tokio::time::sleep(pause).await;
        }
    }

    /// The span of one try, after the conventions for RPC. Each try has its own, which is the parent of the server's.
    fn span(&self, rpc: &'static str, repetition: u32) -> Span {
        let service = self.service;
        let span = tracing::trace_span!(
            target: madang_trace::TARGET,
            "rpc.client",
            otel.name = format_args!("{service}/{rpc}"),
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system.name = "grpc",
            rpc.method = format_args!("{service}/{rpc}"),
            rpc.response.status_code = Empty,
            error.type = Empty,
            madang.rpc.repetition = Empty,
        );
        if repetition > 0 {
            span.record("madang.rpc.repetition", i64::from(repetition));
        }
        span
    }
}

/// Notes how a call ended. To its client every status but one is an error.
fn note(span: &Span, code: Code) {
    if span.is_disabled() {
        return;
    }
    let name = madang_trace::grpc_code(code as i32);
    span.record("rpc.response.status_code", name);
    if code != Code::Ok {
        span.record("error.type", name);
        span.record("otel.status_code", "ERROR");
    }
}

fn outcome<T>(attempted: &Result<T, Failed>) -> Outcome {
    match attempted {
        Ok(_) => Outcome::Ok,
        Err(Failed::Answered(_)) => Outcome::Refused,
        Err(Failed::TimedOut(_)) => Outcome::TimedOut,
        Err(Failed::NotBegun(_) | Failed::Transport(_)) => Outcome::Unreachable,
    }
}

async fn attempt<Req, Res, Sending>(
    deadline: Instant,
    request: Req,
    send: &(impl Fn(Request<Req>) -> Sending + Send),
    span: &Span,
) -> Result<Res, Failed>
where
    Sending: Future<Output = Result<Response<Res>, Status>> + Send,
{
    let mut request = Request::new(request);
    // The service learns how long there is anybody to answer. This side does not rely on it.
    request.set_timeout(deadline.saturating_duration_since(Instant::now()));
    match tokio::time::timeout_at(deadline, send(request)).await {
        Ok(Ok(response)) => {
            note(span, Code::Ok);
            Ok(response.into_inner())
        }
        Ok(Err(status)) => {
            note(span, status.code());
            Err(classify(status))
        }
        Err(_elapsed) => {
            note(span, Code::DeadlineExceeded);
            Err(Failed::timed_out())
        }
    }
}

fn down(after: Duration) -> Error {
    Error::unavailable("a required service does not answer; try again").retry_after(after)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::method::Repeat;

    const READ: Method = Method {
        name: "read",
        rpc: "Read",
        timeout: Duration::from_secs(5),
        repeat: Repeat::Always,
        callers: &[],
        batched: false,
    };
    const WRITE: Method = Method { repeat: Repeat::Never, ..READ };

    fn caller() -> Caller {
        let retry = RetrySettings { random: || 1.0, ..RetrySettings::default() };
        Caller::new("madang.test.v1.Test", CallSettings { retry, ..CallSettings::default() })
    }

    /// Calls a service that answers the `n`-th try with `answer(n)`; returns with the count of tries.
    async fn call(
        caller: &Caller,
        method: &Method,
        answer: impl Fn(u32) -> Result<(), Status> + Sync,
    ) -> (Result<()>, u32) {
        let tries = AtomicU32::new(0);
        let send = |_: Request<()>| {
            let answer = answer(tries.fetch_add(1, Ordering::Relaxed)).map(Response::new);
            async move { answer }
        };
        let result = caller.call(method, method.repeat == Repeat::Always, || (), send).await;
        (result, tries.load(Ordering::Relaxed))
    }

    fn broken() -> Result<(), Status> {
        Err(Status::unavailable("connection refused"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeatable_call_survives_a_broken_connection() {
        let (result, tries) = call(&caller(), &READ, |n| if n < 2 { broken() } else { Ok(()) }).await;
        assert!(result.is_ok());
        assert_eq!(tries, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn others_are_tried_once() {
        let (result, tries) = call(&caller(), &WRITE, |_| broken()).await;
        assert_eq!(result.unwrap_err().code, madang_domain::Code::Unavailable);
        assert_eq!(tries, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_never_repeated() {
        let refusal = || Err(crate::wire::status::to_status(&Error::unavailable("no database")));
        let (result, tries) = call(&caller(), &READ, |_| refusal()).await;
        assert_eq!(result.unwrap_err().message, "no database");
        assert_eq!(tries, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn tries_have_an_end() {
        let (result, tries) = call(&caller(), &READ, |_| broken()).await;
        assert_eq!(result.unwrap_err().code, madang_domain::Code::Unavailable);
        assert_eq!(tries, RetrySettings::default().attempts_max);
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_reaches_past_the_deadline() {
        let method = Method { timeout: Duration::from_millis(60), ..READ };
        let began = Instant::now();
        let (result, tries) = call(&caller(), &method, |_| broken()).await;
        // 25 ms after the first, and the 50 ms after the second would be too late.
        assert_eq!(tries, 2);
        assert_eq!(result.unwrap_err().code, madang_domain::Code::Unavailable);
        assert_eq!(began.elapsed().as_millis(), 25);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_hangs_costs_the_deadline_and_no_more() {
        let caller = caller();
        let began = Instant::now();
        let hang = |_: Request<()>| std::future::pending::<Result<Response<()>, Status>>();
        let result = caller.call(&READ, true, || (), hang).await;
        assert_eq!(result.unwrap_err().code, madang_domain::Code::DeadlineExceeded);
        assert_eq!(began.elapsed(), READ.timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn repetitions_end_with_the_budget_and_calls_with_the_breaker() {
        let caller = caller();
        let mut tries = Vec::new();
        for _ in 0..60 {
            tries.push(call(&caller, &READ, |_| broken()).await.1);
        }
        let all: u32 = tries.iter().sum();
        assert_eq!(tries[0], 4, "{tries:?}");
        assert_eq!(tries[59], 0, "the breaker is open: {tries:?}");
        assert_eq!(caller.counters.breaker_open.get(), 1);
        let counted = |outcome| caller.counters.tries.get(outcome);
        assert_eq!(counted(Outcome::Unreachable), u64::from(tries.iter().sum::<u32>()));
        assert!(counted(Outcome::BreakerOpen) > 0 && caller.counters.retries.get() > 0);
        assert!(all < 60, "fewer tries than calls: {tries:?}");

        tokio::time::advance(BreakerSettings::default().open_for).await;
        assert!(call(&caller, &READ, |_| Ok(())).await.0.is_ok());
        assert_eq!(caller.counters.breaker_open.get(), 0);
        assert_eq!(caller.counters.tries.get(Outcome::Ok), 1);
    }
}
