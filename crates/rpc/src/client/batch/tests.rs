use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc::UnboundedReceiver};

use super::*;

const SETTINGS: BatchSettings = BatchSettings {
    items_max: 10,
    weight_max: 1_000,
    in_flight_max: 2,
    overlap_after: Duration::from_millis(10),
    pace_max: Duration::ZERO,
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
    Doubler { batcher: Batcher::spawn("batch", settings, |number| *number as usize, send), gate, sent }
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

/// A batcher whose calls, one at a time, take what they are told, with a pace of at most this.
fn paced(pace_max: Duration) -> (Batcher<u32, u32>, Arc<AtomicU64>, UnboundedReceiver<Vec<u32>>) {
    let took_ms = Arc::new(AtomicU64::new(1));
    let (tell, sent) = mpsc::unbounded_channel();
    let told = Arc::clone(&took_ms);
    let send = move |numbers: Vec<u32>, _deadline| {
        tell.send(numbers.clone()).unwrap();
        let took = Duration::from_millis(told.load(Ordering::Relaxed));
        async move {
            tokio::time::sleep(took).await;
            Ok(numbers.into_iter().map(Ok).collect())
        }
    };
    (Batcher::spawn("batch", BatchSettings { pace_max, ..SETTINGS }, |_| 1, send), took_ms, sent)
}

#[tokio::test(start_paused = true)]
async fn at_rest_there_is_no_pace_and_while_calls_are_slow_requests_gather() {
    const PACE: Duration = Duration::from_millis(200);
    let (batcher, took_ms, mut sent) = paced(PACE);
    let call = |number| batcher.call(number, Instant::now() + Duration::from_secs(5));
    for number in 0..20 {
        let began = Instant::now();
        call(number).await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_millis(1), "the call alone");
    }
    took_ms.store(100, Ordering::Relaxed);
    for number in 20..60 {
        call(number).await.unwrap();
    }
    // Now each call takes 98 ms more than twice the least, and the next one begins so much after its end.
    let began = Instant::now();
    tokio::join!(call(60), call(61)).0.unwrap();
    let waited = began.elapsed() - Duration::from_millis(100);
    assert!(waited >= Duration::from_millis(80) && waited <= PACE - Duration::from_millis(100), "{waited:?}");
    tokio::time::advance(PACE).await;
    let began = Instant::now();
    call(62).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_millis(100), "after a pause it leaves at once");
    let batches: Vec<_> = std::iter::from_fn(|| sent.try_recv().ok()).collect();
    assert_eq!(batches[60..], [vec![60, 61], vec![62]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_many_does_not_wait_for_the_pace() {
    let pace_max = Duration::from_secs(1);
    let mut doubler = doubler(BatchSettings { pace_max, ..SETTINGS });
    let began = Instant::now();
    doubler.call_all(0..30).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(doubler.batches().len(), 3);
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
    let refused: Vec<_> =
        outcomes.iter().filter_map(|o| o.as_ref().err()).filter(|e| e.code == Code::Unavailable).collect();
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
    let batcher = Batcher::spawn("batch", SETTINGS, |_| 1, send);
    let deadline = Instant::now() + Duration::from_secs(5);
    assert_eq!(batcher.call(13, deadline).await.unwrap_err().code, Code::Internal);
    assert_eq!(batcher.call(1, deadline).await.unwrap(), 1);
}
