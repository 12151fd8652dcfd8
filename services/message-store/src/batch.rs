//! Group commit: callers wait in a bounded queue, and a few workers take all that has queued while the last
//! batch ran.
//!
//! There is no timer. A lone caller is taken at once by a worker that is idle; under load the batches grow by
//! themselves, since the database's round trip is the time in which the next batch collects.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use madang_kit::{
    Lifecycle, Metrics,
    metrics::{Described, Durations, Sizes, instruments},
};
use madang_trace::Causes;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use crate::error::{OperationError, OperationResult};

/// A batch takes a few milliseconds. After so many it has met a lock, and the next one does not wait for it.
const OVERLAP_AFTER: Duration = Duration::from_millis(10);

/// After the soft stop a queue is still served until nobody has asked for this long: callers over gRPC go on for a
/// moment, until they have heard of it.
pub(crate) const STOP_LINGER: Duration = Duration::from_secs(1);

/// Does the work of a batch.
#[async_trait]
pub(crate) trait Job: Send + Sync + 'static {
    /// What callers ask for.
    type Request: Send + 'static;
    /// What each of them is answered.
    type Answer: Send + 'static;

    /// What the queue is called in metrics.
    const NAME: &'static str;

    /// About how many bytes a request holds.
    fn bytes(request: &Self::Request) -> usize;

    /// Answers each request, in order; or fails for all of them.
    async fn run(&self, requests: &[Self::Request]) -> OperationResult<Vec<OperationResult<Self::Answer>>>;
}

/// The bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How many batches run at once.
    pub(crate) workers: usize,
    /// How many requests one batch takes.
    pub(crate) batch_requests: usize,
    /// After how many bytes a batch takes no further request.
    pub(crate) batch_bytes: usize,
    /// How many requests wait. One more is refused.
    pub(crate) queue_requests: usize,
    /// How many bytes wait or are being worked on. A request that would exceed them is refused.
    pub(crate) queue_bytes: usize,
    /// How long a caller waits, and how long a batch may run.
    pub(crate) deadline: Duration,
}

/// A queue and its workers.
pub(crate) struct Queue<J: Job> {
    sender: mpsc::Sender<Waiting<J>>,
    bytes: Arc<Semaphore>,
    deadline: Duration,
    counters: Arc<QueueCounters>,
}

instruments! {
    /// What a queue has done since it was made.
    pub(crate) struct QueueCounters {
        duration: Histogram<Durations> = "madang.store.batch.duration", "s", "Time that batches ran.";
        sizes: Histogram<Sizes> = "madang.store.batch.requests", "{request}", "Requests of a batch.";
        answers: Histogram<Durations> = "madang.store.request.duration", "s", "Time from a request's arrival in the queue to its answer.";
        refused: Counter = "madang.store.queue.refused", "{request}", "Requests refused because the queue was full.";
        abandoned: Counter = "madang.store.queue.abandoned", "{request}", "Requests whose caller had gone.";
    }
}

const WAITING: Described =
    Described::gauge("madang.store.queue.requests", "{request}", "Requests that wait for a batch.")
        .by(&["queue"]);

struct Waiting<J: Job> {
    request: J::Request,
    reply: oneshot::Sender<OperationResult<J::Answer>>,
    bytes: OwnedSemaphorePermit,
    /// The caller's span, where it is sampled.
    span: Span,
}

struct Worker<J: Job> {
    job: Arc<J>,
    receiver: Arc<Mutex<mpsc::Receiver<Waiting<J>>>>,
    /// Whose batch runs alone.
    turn: Arc<Semaphore>,
    bounds: Bounds,
    counters: Arc<QueueCounters>,
    soft: CancellationToken,
}

impl<J: Job> Queue<J> {
    /// Starts the workers. They end after the soft shutdown, when all that was queued is done.
    pub(crate) fn start(job: J, bounds: Bounds, life: &Lifecycle) -> Self {
        let (sender, receiver) = mpsc::channel(bounds.queue_requests);
        let (job, receiver, counters) =
            (Arc::new(job), Arc::new(Mutex::new(receiver)), Arc::new(QueueCounters::default()));
        let turn = Arc::new(Semaphore::new(1));
        for _ in 0..bounds.workers {
            let worker = Worker {
                turn: Arc::clone(&turn),
                job: Arc::clone(&job),
                receiver: Arc::clone(&receiver),
                bounds,
                counters: Arc::clone(&counters),
                soft: life.soft().clone(),
            };
            life.tasks().spawn(J::NAME, worker.work());
        }
        let bytes = Arc::new(Semaphore::new(bounds.queue_bytes.min(Semaphore::MAX_PERMITS)));
        Self { sender, bytes, deadline: bounds.deadline, counters }
    }

    /// Waits for the answer, up to the deadline. A full queue refuses at once.
    pub(crate) async fn ask(&self, request: J::Request) -> OperationResult<J::Answer> {
        let size = u32::try_from(J::bytes(&request)).unwrap_or(u32::MAX);
        let Ok(bytes) = Arc::clone(&self.bytes).try_acquire_many_owned(size) else {
            return Err(self.refuse());
        };
        let (reply, answer) = oneshot::channel();
        match self.sender.try_send(Waiting { request, reply, bytes, span: madang_trace::sampled_span() }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(self.refuse()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(OperationError::Stopping),
        }
        let began = Instant::now();
        let answer = match timeout(self.deadline, answer).await {
            Ok(Ok(answer)) => answer,
            // The worker was cut off by the hard shutdown.
            Ok(Err(_)) => Err(OperationError::Stopping),
            Err(_) => Err(OperationError::Deadline),
        };
        self.counters.answers.observe_duration(began.elapsed());
        answer
    }

    /// Shows what it does, under its name.
    pub(crate) fn observe(&self, metrics: &Metrics) {
        metrics.export_by_label("queue", &[(J::NAME, Arc::clone(&self.counters))]);
        let sender = self.sender.downgrade();
        metrics.observe(WAITING, move |observer| {
            // Once the queue has ended, nothing waits.
            let waiting = sender.upgrade().map_or(0, |sender| sender.max_capacity() - sender.capacity());
            observer.observe(waiting as f64, &[J::NAME]);
        });
    }

    fn refuse(&self) -> OperationError {
        self.counters.refused.add(1);
        OperationError::Overloaded
    }
}

impl<J: Job> Worker<J> {
    async fn work(self) {
        while let Some((batch, _turn)) = self.take().await {
            self.run(batch).await;
        }
    }

    /// The next batch: at least one request, and what else has queued. None when the queue has ended.
    ///
    /// While another batch runs, requests gather: a commit costs the same for one and for many. Only a batch
    /// that takes long, because it waits for a lock, is overlapped by another worker's.
    async fn take(&self) -> Option<(Vec<Waiting<J>>, Option<OwnedSemaphorePermit>)> {
        let mut receiver = self.receiver.lock().await;
        let first = tokio::select! {
            biased;
            first = receiver.recv() => first,
            () = self.stopped_and_idle() => {
                // What came in this moment is still done; nothing comes after it.
                receiver.close();
                receiver.recv().await
            }
        }?;
        let turn = timeout(OVERLAP_AFTER, Arc::clone(&self.turn).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok);
        let mut bytes = J::bytes(&first.request);
        let mut batch = vec![first];
        while batch.len() < self.bounds.batch_requests && bytes < self.bounds.batch_bytes {
            let Ok(next) = receiver.try_recv() else { break };
            bytes += J::bytes(&next.request);
            batch.push(next);
        }
        Some((batch, turn))
    }

    async fn stopped_and_idle(&self) {
        self.soft.cancelled().await;
        tokio::time::sleep(STOP_LINGER).await;
    }

    async fn run(&self, mut batch: Vec<Waiting<J>>) {
        // A caller past its deadline has been told so and repeats; under overload its work would be waste.
        let taken = batch.len();
        batch.retain(|waiting| !waiting.reply.is_closed());
        self.counters.abandoned.add_len(taken - batch.len());
        if batch.is_empty() {
            return;
        }
        self.counters.sizes.observe(batch.len() as u64);

        let (mut requests, mut replies) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        let mut causes = Causes::default();
        for Waiting { request, reply, bytes, span } in batch {
            causes.add(span);
            requests.push(request);
            replies.push((reply, bytes));
        }
        let began = Instant::now();
        let span = span::<J>(requests.len(), &causes);
        // The callers' spans end with their callers.
        drop(causes);
        let done = timeout(self.bounds.deadline, self.job.run(&requests)).instrument(span).await;
        self.counters.duration.observe_duration(began.elapsed());
        match done.unwrap_or(Err(OperationError::Deadline)) {
            Ok(answers) => {
                debug_assert_eq!(answers.len(), replies.len(), "an answer for each request");
                for ((reply, _bytes), answer) in replies.into_iter().zip(answers) {
                    // The caller may have gone; what was done is done.
                    let _ = reply.send(answer);
                }
            }
            Err(error) => fail_all(error, replies),
        }
    }
}

/// The span of a batch, which has one commit for requests of several calls.
fn span<J: Job>(requests: usize, causes: &Causes) -> Span {
    causes.span(|parent| {
        tracing::trace_span!(
            target: madang_trace::TARGET,
            parent: parent,
            "batch",
            otel.name = format_args!("{} batch", J::NAME),
            madang.batch.requests = i64::try_from(requests).unwrap_or(i64::MAX),
        )
    })
}

/// Tells every caller of a batch that it failed. The first one's error carries the cause, so that it is logged
/// once.
fn fail_all<A>(
    error: OperationError,
    replies: Vec<(oneshot::Sender<OperationResult<A>>, OwnedSemaphorePermit)>,
) {
    let mut error = madang_domain::Error::from(error);
    for (reply, _bytes) in replies {
        let next = error.clone();
        let _ = reply.send(Err(OperationError::Shared(error)));
        error = next;
    }
}

#[cfg(test)]
mod tests {
    use madang_kit::Lifecycle;
    use tokio::sync::{Notify, Semaphore as Gate};

    use super::*;

    /// Doubles numbers, when the gate lets it; refuses 13 and fails a batch with 99 in it.
    struct Doubling {
        gate: Arc<Gate>,
        started: Arc<Notify>,
        sizes: Arc<std::sync::Mutex<Vec<usize>>>,
    }

    #[async_trait]
    impl Job for Doubling {
        type Request = u64;
        type Answer = u64;
        const NAME: &'static str = "doubling";

        fn bytes(_: &u64) -> usize {
            8
        }

        async fn run(&self, requests: &[u64]) -> OperationResult<Vec<OperationResult<u64>>> {
            self.started.notify_one();
            self.gate.acquire().await.unwrap().forget();
            self.sizes.lock().unwrap().push(requests.len());
            if requests.contains(&99) {
                return Err(OperationError::Deadline);
            }
            let double = |n: &u64| if *n == 13 { Err(OperationError::NotMember) } else { Ok(n * 2) };
            Ok(requests.iter().map(double).collect())
        }
    }

    struct Fixture {
        queue: Arc<Queue<Doubling>>,
        gate: Arc<Gate>,
        started: Arc<Notify>,
        sizes: Arc<std::sync::Mutex<Vec<usize>>>,
        life: Lifecycle,
    }

    fn fixture(queue_requests: usize, queue_bytes: usize) -> Fixture {
        let (gate, started, sizes) = (Arc::new(Gate::new(0)), Arc::default(), Arc::default());
        let job =
            Doubling { gate: Arc::clone(&gate), started: Arc::clone(&started), sizes: Arc::clone(&sizes) };
        let bounds = Bounds {
            workers: 1,
            batch_requests: 4,
            batch_bytes: 1_000,
            queue_requests,
            queue_bytes,
            deadline: Duration::from_secs(5),
        };
        let life = Lifecycle::default();
        Fixture { queue: Arc::new(Queue::start(job, bounds, &life)), gate, started, sizes, life }
    }

    /// Asks in a task, and returns when the request is queued.
    async fn ask(fixture: &Fixture, number: u64) -> tokio::task::JoinHandle<OperationResult<u64>> {
        let queue = Arc::clone(&fixture.queue);
        let asked = tokio::spawn(async move { queue.ask(number).await });
        tokio::task::yield_now().await;
        asked
    }

    #[tokio::test]
    async fn what_queues_while_a_batch_runs_is_the_next_batch_and_one_refusal_is_alone() {
        let fixture = fixture(100, 10_000);
        let first = ask(&fixture, 1).await;
        fixture.started.notified().await;
        let mut rest = Vec::new();
        for number in [2, 13, 4, 5, 6] {
            rest.push(ask(&fixture, number).await);
        }
        fixture.gate.add_permits(3);
        assert_eq!(first.await.unwrap().unwrap(), 2);
        let answers = futures_util::future::join_all(rest).await;
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().ok()).collect();
        assert_eq!(answers, [Some(4), None, Some(8), Some(10), Some(12)]);
        assert_eq!(*fixture.sizes.lock().unwrap(), [1, 4, 1]);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let fixture = fixture(1, 10_000);
        let _first = ask(&fixture, 1).await;
        fixture.started.notified().await;
        let _second = ask(&fixture, 2).await;
        assert!(matches!(fixture.queue.ask(3).await, Err(OperationError::Overloaded)));
        assert_eq!(fixture.queue.counters.refused.get(), 1);
    }

    #[tokio::test]
    async fn bytes_bound_the_queue_and_come_back() {
        let fixture = fixture(100, 16);
        let first = ask(&fixture, 1).await;
        let second = ask(&fixture, 2).await;
        assert!(matches!(fixture.queue.ask(3).await, Err(OperationError::Overloaded)));
        fixture.gate.add_permits(3);
        assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
        assert_eq!(fixture.queue.ask(3).await.unwrap(), 6);
    }

    #[tokio::test]
    async fn a_failed_batch_fails_each_of_its_callers() {
        let fixture = fixture(100, 10_000);
        let first = ask(&fixture, 1).await;
        fixture.started.notified().await;
        let (second, third) = (ask(&fixture, 99).await, ask(&fixture, 3).await);
        fixture.gate.add_permits(2);
        assert!(first.await.unwrap().is_ok());
        assert!(second.await.unwrap().is_err() && third.await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_caller_who_has_gone_is_not_worked_for() {
        let fixture = fixture(100, 10_000);
        let first = ask(&fixture, 1).await;
        fixture.started.notified().await;
        let gone = ask(&fixture, 2).await;
        gone.abort();
        let _ = gone.await;
        let third = ask(&fixture, 3).await;
        fixture.gate.add_permits(2);
        assert!(first.await.unwrap().is_ok() && third.await.unwrap().is_ok());
        assert_eq!(fixture.queue.counters.abandoned.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_soft_stop_finishes_what_waits_and_takes_no_more() {
        let fixture = fixture(100, 10_000);
        let first = ask(&fixture, 1).await;
        fixture.started.notified().await;
        let second = ask(&fixture, 2).await;
        fixture.life.stop();
        fixture.gate.add_permits(2);
        assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
        fixture.life.finished().await;
        assert!(matches!(fixture.queue.ask(3).await, Err(OperationError::Stopping)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_waits_no_longer_than_the_deadline() {
        let fixture = fixture(100, 10_000);
        assert!(matches!(fixture.queue.ask(1).await, Err(OperationError::Deadline)));
    }
}
