//! The task that publishes for one shard.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use futures_util::{
    future::{BoxFuture, MaybeDone, maybe_done},
    poll,
};
use madang_domain::GatewayId;
use redis::RedisResult;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::queue::{Publication, PublishQueue, PublishState};
use crate::{
    metrics::BusMetrics,
    redis::{
        connection::{FencedConnection, SharedConnection, breaks_connection},
        keys::ShardKeys,
        scripts::Scripts,
        settings::RedisSettings,
    },
};

/// A call is tried on this many connections: an entry that breaks the connection must not do so for ever.
const MAX_TRIES: u8 = 2;

/// The task that publishes for one shard.
pub(in crate::redis) struct Publisher {
    gateway: GatewayId,
    settings: Arc<RedisSettings>,
    keys: ShardKeys,
    scripts: Arc<Scripts>,
    connection: Arc<SharedConnection>,
    metrics: Arc<BusMetrics>,
    state: Arc<PublishState>,
    queue: mpsc::Receiver<Publication>,
    /// Batches taken from the queue that were not sent, or may not have arrived, in order.
    unsent: VecDeque<Batch>,
    /// Calls that were sent, in order. Redis answers in order too: only the first needs to be awaited.
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
    sent_at: Instant,
    answer: Pin<Box<MaybeDone<BoxFuture<'static, RedisResult<u64>>>>>,
}

impl Publisher {
    pub(in crate::redis) fn new(
        gateway: GatewayId,
        settings: Arc<RedisSettings>,
        keys: ShardKeys,
        scripts: Arc<Scripts>,
        connection: Arc<SharedConnection>,
        metrics: Arc<BusMetrics>,
    ) -> (Self, PublishQueue, Arc<PublishState>) {
        let state = Arc::new(PublishState::default());
        let (sender, queue) = PublishQueue::new(&settings, Arc::clone(&state), Arc::clone(&metrics));
        let publisher = Self {
            gateway,
            settings,
            keys,
            scripts,
            connection,
            metrics,
            state: Arc::clone(&state),
            queue,
            unsent: VecDeque::new(),
            in_flight: VecDeque::new(),
        };
        (publisher, sender, state)
    }

    /// Publishes until `closing`, then sends what still waits.
    pub(in crate::redis) async fn run(mut self, closing: CancellationToken) {
        let mut fence = 0;
        let mut patience = self.settings.publish_patience;
        while !closing.is_cancelled() {
            // The store is the better source of an entry that waited longer: the queue is emptied, and entries are refused until
            // there is a connection.
            let current = tokio::select! {
                biased;
                () = closing.cancelled() => break,
                current = timeout(patience, self.connection.newer_than(fence)) => current,
            };
            if let Ok(current) = current {
                fence = current.fence;
                self.state.set_shut(false);
                self.publish_on(&current, &closing).await;
                patience = self.settings.publish_patience;
            } else {
                self.state.set_shut(true);
                self.discard_all();
                patience = Duration::MAX;
            }
        }
        self.state.set_shut(true);
        self.finish().await;
    }

    /// Publishes on one connection, until it breaks or the bus closes.
    async fn publish_on(&mut self, current: &FencedConnection, closing: &CancellationToken) {
        let mut entries = Vec::new();
        loop {
            while self.in_flight.len() < self.settings.calls_in_flight
                && let Some(batch) = self.unsent.pop_front()
            {
                self.send(current, batch).await;
            }
            let has_room = self.unsent.is_empty() && self.in_flight.len() < self.settings.calls_in_flight;
            tokio::select! {
                biased;
                () = closing.cancelled() => return,
                () = self.connection.lost(current.fence) => {
                    self.take_back();
                    return;
                }
                answer = first_answer(&mut self.in_flight), if !self.in_flight.is_empty() => {
                    if !self.settle(answer, current) {
                        return;
                    }
                }
                // All entries that came while earlier calls were on their way leave in one call.
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
            let bytes = publication.entry.len();
            if !batch.entries.is_empty() && batch.bytes + bytes > self.settings.call_bytes {
                let full = std::mem::replace(&mut batch, Batch { entries: Vec::new(), bytes: 0, tries: 0 });
                self.unsent.push_back(full);
            }
            batch.bytes += bytes;
            batch.entries.push(publication);
        }
        self.unsent.push_back(batch);
    }

    async fn send(&mut self, current: &FencedConnection, mut batch: Batch) {
        batch.tries += 1;
        let entries_max = self.settings.stream_entries;
        let entries = batch.entries.iter().map(|publication| (publication.topic, &publication.entry));
        let command = self.scripts.publish(&self.keys, self.gateway, entries_max, entries);
        let mut connection = current.connection.clone();
        let call: BoxFuture<'static, RedisResult<u64>> =
            Box::pin(async move { command.query_async(&mut connection).await });
        let mut answer = Box::pin(maybe_done(call));
        // The first poll hands the command to the connection: calls leave in the order in which this function runs.
        let _ = poll!(&mut answer);
        self.metrics.script_calls.add(1);
        self.in_flight.push_back(Call { batch, sent_at: Instant::now(), answer });
    }

    /// Handles the answer to the first call in flight; `false` when the connection is broken.
    fn settle(&mut self, answer: RedisResult<u64>, current: &FencedConnection) -> bool {
        match answer {
            Err(error) if breaks_connection(&error) => {
                self.connection.report_failure(current.fence);
                self.take_back();
                return false;
            }
            Ok(appends) => {
                self.metrics.stream_appends.add(appends);
                if let Some(call) = self.in_flight.pop_front() {
                    self.metrics.publish.observe_duration(call.sent_at.elapsed());
                    self.metrics.waiting_bytes.subtract_len(call.batch.bytes);
                    self.state.subtract_bytes(call.batch.bytes);
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

    /// Takes the calls in flight back, in order, to send them again. The entries of those that did run arrive twice.
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
        while let Ok(publication) = self.queue.try_recv() {
            publication.note_dropped();
            self.count_dropped(1, publication.entry.len());
        }
    }

    fn discard(&self, batch: &Batch) {
        batch.entries.iter().for_each(Publication::note_dropped);
        self.count_dropped(batch.entries.len(), batch.bytes);
    }

    fn count_dropped(&self, entries: usize, bytes: usize) {
        self.metrics.dropped.add_len(entries);
        self.metrics.waiting_bytes.subtract_len(bytes);
        self.state.drop_bytes(bytes);
    }

    /// Sends the entries that wait, as the last thing; the caller has a deadline.
    async fn finish(mut self) {
        self.queue.close();
        let Some(current) = self.connection.current() else {
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
                self.send(&current, batch).await;
            }
            if self.in_flight.is_empty() {
                return;
            }
            let answer = first_answer(&mut self.in_flight).await;
            if !self.settle(answer, &current) {
                return self.discard_all();
            }
        }
    }
}

/// The answer to the first call. Cancel-safe: a call stays in its place until its answer is there.
async fn first_answer(in_flight: &mut VecDeque<Call>) -> RedisResult<u64> {
    let Some(call) = in_flight.front_mut() else { return std::future::pending().await };
    call.answer.as_mut().await;
    // The answer is taken in the same poll in which it became ready, hence once.
    call.answer.as_mut().take_output().unwrap_or(Ok(0))
}
