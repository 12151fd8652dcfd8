//! Requests that leave together.
//!
//! A caller's request goes into a bounded queue. A task takes what has queued and sends it as one call,
//! with a bounded number of such calls under way. A lone request thus leaves at once, without a timer;
//! under load, requests gather while an earlier call is under way and leave with the next, so that the
//! cost of a call is shared the more, the more there is to do. Only a call that takes long is overlapped
//! by another: one slow batch does not hold up what comes after it.

use std::{mem, time::Duration};

use madang_vocabulary::{Code, Error, Result};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    task::JoinSet,
    time::Instant,
};

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
    /// So many requests wait at most. When as many do, another is refused at once.
    pub queue_max: usize,
}

/// After which time a request that found the queue full may try again: enough for the queue to empty
/// at an ordinary pace.
const OVERLOAD_RETRY_AFTER: Duration = Duration::from_millis(250);

/// Sends requests together and gives each its own outcome.
#[derive(Debug)]
pub(super) struct Batcher<Req, Out> {
    queue: mpsc::Sender<Waiting<Req, Out>>,
}

#[derive(Debug)]
struct Waiting<Req, Out> {
    request: Req,
    deadline: Instant,
    outcome: oneshot::Sender<Result<Out>>,
}

impl<Req, Out> Waiting<Req, Out> {
    /// Nobody waits any more: the caller was dropped, or the deadline passed in the queue.
    fn is_given_up(&self) -> bool {
        self.outcome.is_closed() || self.deadline <= Instant::now()
    }
}

impl<Req: Send + 'static, Out: Send + 'static> Batcher<Req, Out> {
    /// A batcher whose calls are made by `send`, by the given deadline, and which gives the outcomes at
    /// the places of the requests. An error of `send` is the outcome of all of them.
    ///
    /// The task behind it ends when the batcher is dropped and what had queued is done. Must be called
    /// within a Tokio runtime.
    pub(super) fn spawn<Sending>(
        settings: BatchSettings,
        weigh: fn(&Req) -> usize,
        send: impl Fn(Vec<Req>, Instant) -> Sending + Send + 'static,
    ) -> Self
    where
        Sending: Future<Output = Result<Vec<Result<Out>>>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(settings.queue_max.max(1));
        tokio::spawn(dispatch(settings, weigh, send, waiting));
        Self { queue }
    }

    /// Sends a request with others, and waits for its outcome until the deadline.
    pub(super) async fn call(&self, request: Req, deadline: Instant) -> Result<Out> {
        let (outcome, answer) = oneshot::channel();
        match self.queue.try_send(Waiting { request, deadline, outcome }) {
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
    Error::new(Code::DeadlineExceeded, "a service that is needed did not answer in time")
}

async fn dispatch<Req, Out, Sending>(
    settings: BatchSettings,
    weigh: fn(&Req) -> usize,
    send: impl Fn(Vec<Req>, Instant) -> Sending,
    mut queue: mpsc::Receiver<Waiting<Req, Out>>,
) where
    Req: Send + 'static,
    Out: Send + 'static,
    Sending: Future<Output = Result<Vec<Result<Out>>>> + Send + 'static,
{
    let mut in_flight = JoinSet::new();
    // The request that was too heavy for the batch before.
    let mut carried = None;
    loop {
        while in_flight.len() >= settings.in_flight_max.max(1) {
            in_flight.join_next().await;
        }
        let first = match mem::take(&mut carried) {
            Some(first) => first,
            None => match queue.recv().await {
                Some(first) => first,
                None => break,
            },
        };
        if !in_flight.is_empty() {
            // Either way what has gathered leaves now.
            let _ = tokio::time::timeout(settings.overlap_after, in_flight.join_next()).await;
        }
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
            let sending = send(batch.requests, deadline);
            let outcomes = batch.outcomes;
            in_flight.spawn(async move { answer(outcomes, sending.await) });
        }
        // Those that are done make room. A panic in one was its own, and its callers have heard of it.
        while in_flight.try_join_next().is_some() {}
    }
    while in_flight.join_next().await.is_some() {}
}

/// Requests that leave together.
struct Batch<Req, Out> {
    requests: Vec<Req>,
    outcomes: Vec<oneshot::Sender<Result<Out>>>,
    weight: usize,
    /// The latest of the requests' deadlines: those who have less time stop waiting by themselves.
    deadline: Option<Instant>,
}

impl<Req, Out> Default for Batch<Req, Out> {
    fn default() -> Self {
        Self { requests: Vec::new(), outcomes: Vec::new(), weight: 0, deadline: None }
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
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;
    use tokio::sync::{Semaphore, mpsc::UnboundedReceiver};

    use super::*;

    const SETTINGS: BatchSettings = BatchSettings {
        items_max: 10,
        weight_max: 1_000,
        in_flight_max: 2,
        overlap_after: Duration::from_millis(10),
        queue_max: 50,
    };

    /// A batcher that doubles numbers, a weighed by themselves, once `gate` lets it. It tells of the
    /// batches that it sends.
    struct Doubler {
        batcher: Batcher<u32, u32>,
        gate: Arc<Semaphore>,
        sent: UnboundedReceiver<Vec<u32>>,
    }

    fn doubler(settings: BatchSettings) -> Doubler {
        let gate = Arc::new(Semaphore::new(0));
        let (tell, sent) = mpsc::unbounded_channel();
        let held = Arc::clone(&gate);
        let send = move |numbers: Vec<u32>, _deadline| {
            tell.send(numbers.clone()).unwrap();
            let gate = Arc::clone(&held);
            async move {
                gate.acquire().await.unwrap().forget();
                if numbers.contains(&13) {
                    return Err(Error::unavailable("unlucky").caused_by("the cause"));
                }
                let double = |number| {
                    if number == 404 { Err(Error::new(Code::NotFound, "none")) } else { Ok(number * 2) }
                };
                Ok(numbers.into_iter().map(double).collect())
            }
        };
        Doubler { batcher: Batcher::spawn(settings, |number| *number as usize, send), gate, sent }
    }

    impl Doubler {
        async fn call(&self, number: u32) -> Result<u32> {
            self.batcher.call(number, Instant::now() + Duration::from_secs(5)).await
        }

        /// Sends `numbers` at once and lets everything pass.
        async fn call_all(&self, numbers: impl IntoIterator<Item = u32>) -> Vec<Result<u32>> {
            self.gate.add_permits(1_000);
            join_all(numbers.into_iter().map(|number| self.call(number))).await
        }

        fn batches(&mut self) -> Vec<Vec<u32>> {
            std::iter::from_fn(|| self.sent.try_recv().ok()).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lone_request_leaves_at_once_and_alone() {
        let mut doubler = doubler(SETTINGS);
        doubler.gate.add_permits(1);
        let began = Instant::now();
        assert_eq!(doubler.call(21).await.unwrap(), 42);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(doubler.batches(), [[21]]);
    }

    #[tokio::test]
    async fn each_caller_gets_its_own_outcome() {
        let mut doubler = doubler(SETTINGS);
        let outcomes = doubler.call_all([1, 2, 404, 4]).await;
        let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.map_err(|e| e.code)).collect();
        assert_eq!(outcomes, [Ok(2), Ok(4), Err(Code::NotFound), Ok(8)]);
        assert_eq!(doubler.batches().len(), 1);
    }

    #[tokio::test]
    async fn a_batch_is_bounded_by_items_and_by_weight() {
        let mut doubler = doubler(SETTINGS);
        doubler.call_all(0..25).await;
        let sizes: Vec<_> = doubler.batches().iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 5]);

        doubler.call_all([600, 300, 200, 5_000, 1]).await;
        assert_eq!(doubler.batches(), [vec![600, 300], vec![200], vec![5_000], vec![1]]);
    }

    #[tokio::test]
    async fn while_calls_are_under_way_requests_gather() {
        let Doubler { batcher, gate, mut sent } = doubler(SETTINGS);
        let deadline = Instant::now() + Duration::from_secs(5);
        // Two leave alone, as many as may be under way.
        let first = batcher.call(1, deadline);
        let second = batcher.call(2, deadline);
        tokio::pin!(first, second);
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        assert_eq!(sent.recv().await.unwrap(), [1]);
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        assert_eq!(sent.recv().await.unwrap(), [2]);

        // The others wait, and leave together.
        let others = join_all((3..8).map(|number| batcher.call(number, deadline)));
        tokio::pin!(others);
        assert!(futures_util::poll!(others.as_mut()).is_pending());
        tokio::task::yield_now().await;
        assert!(sent.try_recv().is_err());
        gate.add_permits(3);
        let outcomes: Vec<_> = others.await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes, [6, 8, 10, 12, 14]);
        assert_eq!(sent.recv().await.unwrap(), [3, 4, 5, 6, 7]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_refuses_at_once() {
        let doubler = doubler(SETTINGS);
        // One more than can be under way, be carried and queue at any moment.
        let calls = join_all((0..200).map(|_| doubler.call(1)));
        let outcomes = calls.await;
        let refused: Vec<_> = outcomes
            .iter()
            .filter_map(|o| o.as_ref().err())
            .filter(|e| e.code == Code::Unavailable)
            .collect();
        assert_eq!(refused.len(), 150, "50 queue before the task runs");
        assert!(refused.iter().all(|error| error.retry_after == Some(OVERLOAD_RETRY_AFTER)));
    }

    #[tokio::test]
    async fn the_failure_of_a_call_is_that_of_all_its_requests() {
        let mut doubler = doubler(SETTINGS);
        let outcomes = doubler.call_all([1, 13, 3]).await;
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap_err().code == Code::Unavailable));
        let causes = outcomes.iter().filter(|outcome| outcome.as_ref().unwrap_err().source.is_some());
        assert_eq!(causes.count(), 1, "the cause is told once");
        assert_eq!(doubler.call_all([4]).await.remove(0).unwrap(), 8, "and the next are served");
        assert_eq!(doubler.batches().len(), 2);
    }

    #[tokio::test]
    async fn a_caller_that_is_gone_disturbs_nobody() {
        let mut doubler = doubler(SETTINGS);
        {
            let gone = doubler.call(1);
            tokio::pin!(gone);
            assert!(futures_util::poll!(gone).is_pending());
        }
        assert_eq!(doubler.call_all([2]).await.remove(0).unwrap(), 4);
        assert_eq!(doubler.batches(), [[2]], "it was not even sent");

        let late = doubler.call(3);
        tokio::pin!(late);
        doubler.gate.forget_permits(1_000);
        assert!(futures_util::poll!(late.as_mut()).is_pending());
        tokio::task::yield_now().await;
        assert_eq!(doubler.call_all([5]).await.remove(0).unwrap(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_kept() {
        let mut doubler = doubler(SETTINGS);
        let began = Instant::now();
        let error = doubler.call(1).await.unwrap_err();
        assert_eq!(error.code, Code::DeadlineExceeded);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        doubler.batches();

        // One whose deadline passes in the queue is not sent at all.
        let late = doubler.batcher.call(2, Instant::now());
        assert_eq!(late.await.unwrap_err().code, Code::DeadlineExceeded);
        doubler.call_all([3]).await;
        assert_eq!(doubler.batches(), [[3]]);
    }

    #[tokio::test]
    async fn a_panic_in_one_batch_leaves_the_others() {
        let send = |numbers: Vec<u32>, _deadline| async move {
            assert_ne!(numbers, [13]);
            Ok(numbers.into_iter().map(Ok).collect())
        };
        let batcher = Batcher::spawn(SETTINGS, |_| 1, send);
        let deadline = Instant::now() + Duration::from_secs(5);
        assert_eq!(batcher.call(13, deadline).await.unwrap_err().code, Code::Internal);
        assert_eq!(batcher.call(1, deadline).await.unwrap(), 1);
    }
}
