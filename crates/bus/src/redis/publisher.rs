//! Publishing: a bounded queue for each shard, and a task that drains it into few, large script calls.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    future::{BoxFuture, MaybeDone, maybe_done},
    poll,
};
use madang_domain::{GatewayId, TopicId};
use redis::RedisResult;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    RedisSettings,
    connection::{Link, Linked, breaks_connection},
    keys::ShardKeys,
    scripts::Scripts,
};
use crate::{BusMetrics, Published};

/// A call is tried on this many connections: an entry that itself breaks the connection must not do so for ever.
const MAX_TRIES: u8 = 2;

type Publication = (TopicId, Bytes);

/// The sending side of a shard's publish queue. Overflow policy: the newest entry is dropped and counted.
#[derive(Debug)]
pub(super) struct PublishQueue {
    sender: mpsc::Sender<Publication>,
    gauge: Arc<Gauge>,
    longest_bytes: usize,
    metrics: Arc<BusMetrics>,
}

/// What the two sides of the queue share.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// Bytes of the entries that wait or are on their way.
    bytes: AtomicUsize,
    /// Redis has been away for longer than an entry is worth keeping, or the bus closes.
    is_shut: AtomicBool,
    /// Entries were dropped, and the other gateways have not been told.
    has_dropped: AtomicBool,
}

impl Gauge {
    /// Whether entries were dropped since the last call.
    pub(super) fn take_dropped(&self) -> bool {
        self.has_dropped.swap(false, Relaxed)
    }

    /// The others could not be told.
    pub(super) fn put_back_dropped(&self) {
        self.has_dropped.store(true, Relaxed);
    }
}

impl PublishQueue {
    pub(super) fn offer(&self, topic: TopicId, entry: Bytes) -> Published {
        let bytes = entry.len();
        let waiting = self.gauge.bytes.fetch_add(bytes, Relaxed);
        let fits = waiting + bytes <= self.longest_bytes && !self.gauge.is_shut.load(Relaxed);
        if fits && self.sender.try_send((topic, entry)).is_ok() {
            self.metrics.published.add(1);
            return Published::Queued;
        }
        self.gauge.bytes.fetch_sub(bytes, Relaxed);
        self.gauge.has_dropped.store(true, Relaxed);
        self.metrics.dropped.add(1);
        Published::Dropped
    }
}

/// The task that publishes for one shard.
pub(super) struct Publisher {
    gateway: GatewayId,
    settings: Arc<RedisSettings>,
    keys: ShardKeys,
    scripts: Arc<Scripts>,
    link: Arc<Link>,
    metrics: Arc<BusMetrics>,
    gauge: Arc<Gauge>,
    queue: mpsc::Receiver<Publication>,
    /// Taken from the queue and not sent, or not known to have arrived, in order.
    unsent: VecDeque<Batch>,
    /// Sent, in order. Redis answers in order too: only the first needs to be awaited.
    in_flight: VecDeque<Call>,
}

/// The entries of one call.
struct Batch {
    entries: Vec<Publication>,
    bytes: usize,
    tries: u8,
}

/// A call on its way.
struct Call {
    batch: Batch,
    answer: Pin<Box<MaybeDone<BoxFuture<'static, RedisResult<u64>>>>>,
}

impl Publisher {
    pub(super) fn new(
        gateway: GatewayId,
        settings: Arc<RedisSettings>,
        keys: ShardKeys,
        scripts: Arc<Scripts>,
        link: Arc<Link>,
        metrics: Arc<BusMetrics>,
    ) -> (Self, PublishQueue, Arc<Gauge>) {
        let (sender, queue) = mpsc::channel(settings.publish_queue_entries);
        let gauge = Arc::new(Gauge::default());
        let offers = PublishQueue {
            sender,
            gauge: Arc::clone(&gauge),
            longest_bytes: settings.publish_queue_bytes,
            metrics: Arc::clone(&metrics),
        };
        let publisher = Self {
            gateway,
            settings,
            keys,
            scripts,
            link,
            metrics,
            gauge: Arc::clone(&gauge),
            queue,
            unsent: VecDeque::new(),
            in_flight: VecDeque::new(),
        };
        (publisher, offers, gauge)
    }

    /// Publishes until `closing`, then sends what still waits.
    pub(super) async fn run(mut self, closing: CancellationToken) {
        let mut fence = 0;
        let mut patience = self.settings.publish_patience;
        while !closing.is_cancelled() {
            // An entry that waited longer is better found in the store: the queue is emptied, and entries
            // are refused until there is a connection.
            let linked = tokio::select! {
                biased;
                () = closing.cancelled() => break,
                linked = timeout(patience, self.link.newer_than(fence)) => linked,
            };
            if let Ok(linked) = linked {
                fence = linked.fence;
                self.gauge.is_shut.store(false, Relaxed);
                self.publish_on(&linked, &closing).await;
                patience = self.settings.publish_patience;
            } else {
                self.gauge.is_shut.store(true, Relaxed);
                self.discard_all();
                patience = Duration::MAX;
            }
        }
        self.gauge.is_shut.store(true, Relaxed);
        self.finish().await;
    }

    /// Publishes on one connection, until it breaks or the bus closes.
    async fn publish_on(&mut self, linked: &Linked, closing: &CancellationToken) {
        let mut entries = Vec::new();
        loop {
            while self.in_flight.len() < self.settings.calls_in_flight
                && let Some(batch) = self.unsent.pop_front()
            {
                self.send(linked, batch).await;
            }
            let has_room = self.unsent.is_empty() && self.in_flight.len() < self.settings.calls_in_flight;
            tokio::select! {
                biased;
                () = closing.cancelled() => return,
                () = self.link.lost(linked.fence) => {
                    self.take_back();
                    return;
                }
                answer = first_answer(&mut self.in_flight), if !self.in_flight.is_empty() => {
                    if !self.settle(answer, linked) {
                        return;
                    }
                }
                // Whatever came while the calls before were on their way leaves in one.
                count = self.queue.recv_many(&mut entries, self.settings.call_entries), if has_room => {
                    if count == 0 {
                        return;
                    }
                    self.cut(&mut entries);
                }
            }
        }
    }

    /// Cuts entries into batches of bounded bytes.
    fn cut(&mut self, entries: &mut Vec<Publication>) {
        let mut batch = Batch { entries: Vec::with_capacity(entries.len()), bytes: 0, tries: 0 };
        for publication in entries.drain(..) {
            let bytes = publication.1.len();
            if !batch.entries.is_empty() && batch.bytes + bytes > self.settings.call_bytes {
                let full = std::mem::replace(&mut batch, Batch { entries: Vec::new(), bytes: 0, tries: 0 });
                self.unsent.push_back(full);
            }
            batch.bytes += bytes;
            batch.entries.push(publication);
        }
        self.unsent.push_back(batch);
    }

    async fn send(&mut self, linked: &Linked, mut batch: Batch) {
        batch.tries += 1;
        let longest = self.settings.inbox_entries;
        let command = self.scripts.publish(&self.keys, self.gateway, longest, batch.entries.iter());
        let mut connection = linked.connection.clone();
        let call: BoxFuture<'static, RedisResult<u64>> =
            Box::pin(async move { command.query_async(&mut connection).await });
        let mut answer = Box::pin(maybe_done(call));
        // The first poll hands the command to the connection: calls leave in the order of this function's.
        let _ = poll!(&mut answer);
        self.metrics.script_calls.add(1);
        self.in_flight.push_back(Call { batch, answer });
    }

    /// Deals with the answer to the first call in flight; `false` when the connection is of no more use.
    fn settle(&mut self, answer: RedisResult<u64>, linked: &Linked) -> bool {
        match answer {
            Err(error) if breaks_connection(&error) => {
                self.link.broke(linked.fence);
                self.take_back();
                return false;
            }
            Ok(appends) => {
                self.metrics.inbox_appends.add(appends);
                if let Some(call) = self.in_flight.pop_front() {
                    self.gauge.bytes.fetch_sub(call.batch.bytes, Relaxed);
                }
            }
            Err(error) => {
                warn!(%error, "Redis refused to publish; the entries are dropped");
                if let Some(call) = self.in_flight.pop_front() {
                    self.discard(&call.batch);
                }
            }
        }
        true
    }

    /// Takes the calls in flight back, in order, to send them again. Those that did run arrive twice.
    fn take_back(&mut self) {
        while let Some(call) = self.in_flight.pop_back() {
            if call.batch.tries < MAX_TRIES {
                self.unsent.push_front(call.batch);
            } else {
                self.discard(&call.batch);
            }
        }
    }

    fn discard_all(&mut self) {
        while let Some(batch) = self.unsent.pop_front() {
            self.discard(&batch);
        }
        while let Ok((_, entry)) = self.queue.try_recv() {
            self.count_dropped(1, entry.len());
        }
    }

    fn discard(&self, batch: &Batch) {
        self.count_dropped(batch.entries.len(), batch.bytes);
    }

    fn count_dropped(&self, entries: usize, bytes: usize) {
        self.metrics.dropped.add_len(entries);
        self.gauge.bytes.fetch_sub(bytes, Relaxed);
        self.gauge.has_dropped.store(true, Relaxed);
    }

    /// Sends what waits, as the last thing; the caller has a deadline.
    async fn finish(mut self) {
        self.queue.close();
        let Some(linked) = self.link.current() else {
            self.take_back();
            return self.discard_all();
        };
        let mut entries = Vec::new();
        while self.queue.recv_many(&mut entries, self.settings.call_entries).await > 0 {
            self.cut(&mut entries);
        }
        loop {
            while self.in_flight.len() < self.settings.calls_in_flight
                && let Some(batch) = self.unsent.pop_front()
            {
                self.send(&linked, batch).await;
            }
            if self.in_flight.is_empty() {
                return;
            }
            let answer = first_answer(&mut self.in_flight).await;
            if !self.settle(answer, &linked) {
                return self.discard_all();
            }
        }
    }
}

/// The answer to the first call. Cancel-safe: it stays in its place until it is there.
async fn first_answer(in_flight: &mut VecDeque<Call>) -> RedisResult<u64> {
    let Some(call) = in_flight.front_mut() else { return std::future::pending().await };
    call.answer.as_mut().await;
    // Taken in the same poll in which it became ready, hence taken once.
    call.answer.as_mut().take_output().unwrap_or(Ok(0))
}
