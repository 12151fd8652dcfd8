//! Requests that leave together.
//!
//! A caller's request goes into a bounded queue. A task takes what has queued and sends it as one call,
//! with a bounded number of such calls under way. A lone request thus leaves at once, without a timer;
//! under load, requests wait while an earlier call is in progress and leave with the next one. So the more
//! load there is, the more requests share the cost of a call. Only a call that takes long is overlapped by
//! another: one slow batch does not hold up what comes after it.
//!
//! While what answers is busy, a pace bounds how many calls begin in a second, as network cards moderate their
//! interrupts: what comes within it of the last call's beginning gathers, and only that. See [`pace`].

mod pace;

use std::{mem, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use madang_domain::{Code, Error, Result};
use madang_trace::Causes;
use tokio::{
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::Instant,
};
use tracing::{Instrument as _, Span};

use self::pace::Pace;

/// The bounds of a batcher.
#[derive(Debug, Clone, Copy)]
pub struct BatchSettings {
    /// At most so many requests leave together.
    pub items_max: usize,
    /// Requests leave together up to so much weight; a heavier one leaves alone. What a request weighs
    /// is the batcher's own measure.
    pub weight_max: usize,
    /// So many calls are under way at most.
    pub in_flight_max: usize,
    /// While a call is under way that began less than so long ago, requests gather for the next.
    pub overlap_after: Duration,
    /// Calls of few requests begin at most so far apart, while what answers is busy. A request that comes after a longer
    /// pause leaves at once. Zero: no pace.
    pub pace_max: Duration,
    /// So many requests wait at most. When as many do, another is refused at once.
    pub queue_max: usize,
}

/// A batch of so many does not wait for the pace: its requests share the cost of the call well enough.
const PACED_MAX_ITEMS: usize = 8;

/// After which time a request that found the queue full may try again: enough for the queue to empty
/// at an ordinary pace.
const OVERLOAD_RETRY_AFTER: Duration = Duration::from_millis(250);

/// Sends requests together and gives each its own outcome.
#[derive(Debug)]
pub(crate) struct Batcher<Req, Out> {
    queue: mpsc::Sender<Waiting<Req, Out>>,
    /// Says that so many wait that they need not wait for the pace.
    many: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting<Req, Out> {
    request: Req,
    deadline: Instant,
    outcome: oneshot::Sender<Result<Out>>,
    /// The caller's span, where it is sampled.
    span: Span,
}

impl<Req, Out> Waiting<Req, Out> {
    /// Nobody waits any more: the caller was dropped, or the deadline passed in the queue.
    fn is_given_up(&self) -> bool {
        self.outcome.is_closed() || self.deadline <= Instant::now()
    }
}

impl<Req: Send + 'static, Out: Send + 'static> Batcher<Req, Out> {
    /// A batcher whose calls are made by `send`, by the given deadline, and which gives the outcomes at
    /// the places of the requests. An error of `send` is the outcome of all of them. Its spans have `name`.
    ///
    /// The task behind it ends when the batcher is dropped and what had queued is done. Must be called
    /// within a Tokio runtime.
    pub(crate) fn spawn<Sending>(
        name: &'static str,
        settings: BatchSettings,
        weigh: fn(&Req) -> usize,
        send: impl Fn(Vec<Req>, Instant) -> Sending + Send + 'static,
    ) -> Self
    where
        Sending: Future<Output = Result<Vec<Result<Out>>>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(settings.queue_max.max(1));
        let many = Arc::new(Notify::new());
        tokio::spawn(dispatch(name, settings, weigh, send, waiting, Arc::clone(&many)));
        Self { queue, many }
    }

    /// Sends a request with others, and waits for its outcome until the deadline.
    pub(crate) async fn call(&self, request: Req, deadline: Instant) -> Result<Out> {
        let (outcome, answer) = oneshot::channel();
        match self.queue.try_send(Waiting { request, deadline, outcome, span: madang_trace::sampled_span() })
        {
            Ok(()) if self.queue.max_capacity() - self.queue.capacity() >= PACED_MAX_ITEMS => {
                self.many.notify_one();
            }
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(Error::unavailable("too many requests are waiting already; try again")
                    .retry_after(OVERLOAD_RETRY_AFTER));
            }
            Err(TrySendError::Closed(_)) => return Err(Error::internal("the batcher's task has ended")),
        }
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_dropped)) if deadline <= Instant::now() => Err(late()),
            Ok(Err(_dropped)) => Err(Error::internal("a batch's task has ended without its outcomes")),
            Err(_elapsed) => Err(late()),
        }
    }
}

fn late() -> Error {
    Error::new(Code::DeadlineExceeded, "a required service did not answer in time")
}

async fn dispatch<Req, Out, Sending>(
    name: &'static str,
    settings: BatchSettings,
    weigh: fn(&Req) -> usize,
    send: impl Fn(Vec<Req>, Instant) -> Sending,
    mut queue: mpsc::Receiver<Waiting<Req, Out>>,
    many: Arc<Notify>,
) where
    Req: Send + 'static,
    Out: Send + 'static,
    Sending: Future<Output = Result<Vec<Result<Out>>>> + Send + 'static,
{
    // Polled by this task: to be woken for a call's answer and then to wake its callers is one hop. With a task for each
    // call there are more of them in a row than a worker thread runs by itself, and each answer wakes another thread.
    let mut in_flight = FuturesUnordered::new();
    let mut pace = Pace::new(settings.pace_max);
    // The request that was too heavy for the batch before.
    let mut carried = None;
    let mut last_call_at = None;
    loop {
        while in_flight.len() >= settings.in_flight_max.max(1) {
            note(&mut pace, in_flight.next().await.flatten());
        }
        let first = match mem::take(&mut carried) {
            Some(first) => Some(first),
            None => loop {
                tokio::select! {
                    biased;
                    Some(took) = in_flight.next() => note(&mut pace, took),
                    first = queue.recv() => break first,
                }
            },
        };
        let Some(first) = first else { break };
        if !in_flight.is_empty() {
            // Either way what has gathered leaves now.
            let ended = tokio::time::timeout(settings.overlap_after, in_flight.next()).await;
            note(&mut pace, ended.ok().flatten().flatten());
        }
        let next_call_at = last_call_at.map_or_else(Instant::now, |at| at + pace.now());
        while queue.len() < PACED_MAX_ITEMS && Instant::now() < next_call_at {
            tokio::select! {
                biased;
                Some(took) = in_flight.next() => note(&mut pace, took),
                // Not woken for each request: only the one that makes them many matters.
                _ = tokio::time::timeout_at(next_call_at, many.notified()) => {}
            }
        }
        last_call_at = Some(Instant::now());
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(waiting) = next {
            if !waiting.is_given_up() {
                let weight = weigh(&waiting.request);
                if !batch.fits(weight, &settings) {
                    carried = Some(waiting);
                    break;
                }
                batch.push(waiting, weight);
            }
            next = queue.try_recv().ok();
        }
        if let Some(deadline) = batch.deadline {
            let span = span(name, batch.requests.len(), &batch.causes);
            let sending = send(batch.requests, deadline).instrument(span);
            let callers = batch.outcomes;
            let call = async move {
                let began = Instant::now();
                // The span ends before the callers' do.
                let outcomes = sending.await;
                answer(callers, outcomes);
                began.elapsed()
            };
            // A panic in one is its own, and its callers hear of it.
            in_flight.push(AssertUnwindSafe(call).catch_unwind().map(std::result::Result::ok));
        }
    }
    while in_flight.next().await.is_some() {}
}

/// Notes what a call took that has ended.
fn note(pace: &mut Pace, took: Option<Duration>) {
    if let Some(took) = took {
        pace.note(took);
    }
}

/// The span of a batch.
fn span(name: &'static str, requests: usize, causes: &Causes) -> Span {
    causes.span(|parent| {
        tracing::trace_span!(
            target: madang_trace::TARGET,
            parent: parent,
            "batch",
            otel.name = name,
            madang.batch.requests = i64::try_from(requests).unwrap_or(i64::MAX),
        )
    })
}

/// Requests that leave together.
struct Batch<Req, Out> {
    requests: Vec<Req>,
    outcomes: Vec<oneshot::Sender<Result<Out>>>,
    causes: Causes,
    weight: usize,
    /// The latest of the requests' deadlines: those who have less time stop waiting by themselves.
    deadline: Option<Instant>,
}

impl<Req, Out> Default for Batch<Req, Out> {
    fn default() -> Self {
        Self {
            requests: Vec::new(),
            outcomes: Vec::new(),
            causes: Causes::default(),
            weight: 0,
            deadline: None,
        }
    }
}

impl<Req, Out> Batch<Req, Out> {
    fn fits(&self, weight: usize, settings: &BatchSettings) -> bool {
        self.requests.is_empty()
            || (self.requests.len() < settings.items_max
                && self.weight.saturating_add(weight) <= settings.weight_max)
    }

    fn push(&mut self, waiting: Waiting<Req, Out>, weight: usize) {
        self.requests.push(waiting.request);
        self.outcomes.push(waiting.outcome);
        self.causes.add(waiting.span);
        self.weight = self.weight.saturating_add(weight);
        self.deadline = self.deadline.max(Some(waiting.deadline));
    }
}

/// Gives each caller its outcome. A caller that is gone does not hear it.
fn answer<Out>(callers: Vec<oneshot::Sender<Result<Out>>>, outcomes: Result<Vec<Result<Out>>>) {
    match outcomes {
        Ok(outcomes) if outcomes.len() == callers.len() => {
            for (caller, outcome) in callers.into_iter().zip(outcomes) {
                let _ = caller.send(outcome);
            }
        }
        Ok(outcomes) => {
            let (wanted, given) = (callers.len(), outcomes.len());
            fail(callers, Error::internal(format!("{given} outcomes for {wanted} requests")));
        }
        Err(error) => fail(callers, error),
    }
}

/// One failure for all. The cause goes to the first, so that it is logged once.
fn fail<Out>(callers: Vec<oneshot::Sender<Result<Out>>>, error: Error) {
    let mut cause = error.source;
    let told = Error { source: None, ..error };
    for caller in callers {
        let _ = caller.send(Err(Error { source: cause.take(), ..told.clone() }));
    }
}

#[cfg(test)]
mod tests;
