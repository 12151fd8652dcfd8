//! The task that fills the index.
//!
//! A message is indexed after its commit, by whoever has committed it. The log itself says what is to be done: each room
//! has a position up to which its log is indexed, and the events behind it name the messages that are new, edited or
//! deleted. The tokens of those messages and the new position are one transaction. So it does not matter who indexes, nor
//! how often: what a process that has died left undone lies behind the position, and is found by comparing heads with
//! positions, at the start and at intervals.

use std::{sync::Arc, time::Duration};

use madang_database::{DatabaseError, DatabaseResult, Transactions};
use madang_domain::RoomId;
use madang_flow_control::Backoff;
use madang_kit::{
    Lifecycle, Metrics,
    clock::Random,
    metrics::{Described, instruments},
};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::hints::Hints;
use crate::{
    analysis::tokens,
    settings::{
        CALL_DEADLINE, INDEX_CHUNK_ROOMS, INDEX_PACE, INDEX_REST_FACTOR, INDEX_REST_MAX, INDEX_RETRY,
        INDEX_RETRY_MAX, INDEX_SWEEP_INTERVAL, INDEX_SWEEP_PACE, INDEX_SWEEP_ROOMS, INDEX_YIELD_BYTES,
    },
    store::{Database, IndexedMessage, IndexedPiece, LogPiece},
};

instruments! {
    /// What the indexer has done since it was made.
    pub(crate) struct IndexCounters {
        messages: Counter = "madang.store.search.indexed", "{message}", "Messages written to the index of search, again after each change.";
        found: Counter = "madang.store.search.found_behind", "{room}", "Rooms whose log was found to be ahead of the index by the comparison of heads with positions.";
        failures: Counter = "madang.store.search.failures", "{attempt}", "Attempts to write to the index of search that failed; each is made again.";
    }
}

const WAITING: Described =
    Described::gauge("madang.store.search.rooms", "{room}", "Rooms that wait to be indexed.");

/// Fills the index.
pub(crate) struct Indexer {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) transactions: Arc<Transactions>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) hints: Arc<Hints>,
}

impl Indexer {
    /// Starts the task, which ends after the soft stop. What waits then is found by the next process.
    pub(crate) fn start(self, life: &Lifecycle, metrics: &Metrics) {
        let counters = Arc::new(IndexCounters::default());
        metrics.export(&counters);
        let hints = Arc::clone(&self.hints);
        metrics.observe(WAITING, move |observer| observer.observe(hints.len() as f64, &[]));
        let (soft, task) = (life.soft().clone(), Task { indexer: self, counters });
        // What is under way is rolled back, and is done by the next process.
        life.tasks().spawn("search", async move {
            let _stopped = soft.run_until_cancelled(task.work()).await;
        });
    }
}

struct Task {
    indexer: Indexer,
    counters: Arc<IndexCounters>,
}

impl Task {
    async fn work(self) {
        let mut pauses = Backoff::equal_jitter(INDEX_RETRY, INDEX_RETRY_MAX).pauses();
        let (mut swept_to, mut next_sweep) = (None, Instant::now());
        let (mut is_backlog, mut rest) = (false, Duration::ZERO);
        loop {
            // A sweep that is due comes first, since it is one statement; but not before there is space for what it finds.
            let done = tokio::select! {
                biased;
                () = sleep_until(next_sweep), if self.indexer.hints.has_space() => {
                    let swept = timeout(CALL_DEADLINE, self.sweep(swept_to)).await;
                    swept.unwrap_or(Err(DatabaseError::Deadline)).map(|last| {
                        let pause = if last.is_some() { INDEX_SWEEP_PACE } else { INDEX_SWEEP_INTERVAL };
                        (swept_to, next_sweep) = (last, Instant::now() + pause);
                    })
                }
                () = self.indexer.hints.any() => {
                    // Together with what comes meanwhile: a transaction costs the same for one message and for many.
                    let pause = if is_backlog { Duration::ZERO } else { INDEX_PACE };
                    sleep(pause.max(rest)).await;
                    let began = Instant::now();
                    let indexed = self.index_waiting().await.map(|is_full| is_backlog = is_full);
                    rest = (INDEX_REST_FACTOR * began.elapsed()).min(INDEX_REST_MAX);
                    indexed
                }
            };
            match done {
                Ok(()) => pauses.reset(),
                Err(error) => {
                    self.counters.failures.add(1);
                    tracing::warn!(cause = %error.cause(), "messages could not be indexed for search; trying again");
                    sleep(pauses.after_failure(self.fraction())).await;
                }
            }
        }
    }

    /// Compares a page of rooms' heads with their positions, and answers where the next page begins.
    async fn sweep(&self, after: Option<RoomId>) -> DatabaseResult<Option<RoomId>> {
        let mut connection = self.indexer.database.reader().await?;
        let swept = connection.sweep_index(after, INDEX_SWEEP_ROOMS).await?;
        connection.commit().await?;
        self.counters.found.add_len(swept.behind.len());
        self.indexer.hints.add(swept.behind);
        Ok(swept.last)
    }

    /// Indexes what is new in some of the rooms that wait, and answers whether it was as much as one transaction takes.
    /// The rooms of which more waits, or that somebody else has changed meanwhile, wait again.
    async fn index_waiting(&self) -> DatabaseResult<bool> {
        let rooms = self.indexer.hints.take(INDEX_CHUNK_ROOMS);
        match self.index(&rooms).await {
            Err(error) if error.is_transient() => {
                self.indexer.hints.add(rooms);
                Err(error)
            }
            // A room of which the database takes nothing waits for the next sweep, and no other room waits for it.
            Err(error) if rooms.len() > 1 => {
                let mut refused = Ok(false);
                for room in rooms {
                    if let Err(error) = self.index(&[room]).await {
                        refused = Err(error);
                    }
                }
                tracing::debug!(cause = %error.cause(), "rooms are indexed one by one");
                refused
            }
            done => done,
        }
    }

    /// The same of rooms that were taken.
    async fn index(&self, rooms: &[RoomId]) -> DatabaseResult<bool> {
        let done = timeout(CALL_DEADLINE, self.index_once(rooms)).await;
        let (left, is_full) = done.unwrap_or(Err(DatabaseError::Deadline))?;
        self.indexer.hints.add(left);
        Ok(is_full)
    }

    /// Indexes of rooms as many events as one transaction takes, and answers those of which more may wait, and whether it
    /// was as many.
    async fn index_once(&self, rooms: &[RoomId]) -> DatabaseResult<(Vec<RoomId>, bool)> {
        let limit = self.indexer.database.index_chunk_events();
        let mut connection = self.indexer.database.reader().await?;
        let pieces = connection.unindexed(rooms, limit).await?;
        connection.commit().await?;
        if pieces.is_empty() {
            return Ok((Vec::new(), false));
        }
        let events: u64 = pieces.iter().map(|piece| piece.up_to.since(piece.position.seq)).sum();
        let is_full = events >= u64::from(limit);
        let indexed = analyse(pieces).await;
        let written = self.indexer.transactions.run("index", || self.write(&indexed)).await?;
        for piece in indexed.iter().filter(|piece| written.contains(&piece.room)) {
            self.counters.messages.add_len(piece.messages.len());
        }
        if is_full {
            return Ok((rooms.to_vec(), true));
        }
        let rooms = indexed.into_iter().map(|piece| piece.room);
        Ok((rooms.filter(|room| !written.contains(room)).collect(), false))
    }

    async fn write(&self, indexed: &[IndexedPiece]) -> DatabaseResult<Vec<RoomId>> {
        let mut transaction = self.indexer.database.begin().await?;
        let written = transaction.index(indexed).await?;
        transaction.commit().await?;
        Ok(written)
    }

    /// A number from 0 to 1.
    fn fraction(&self) -> f64 {
        let mut byte = [0];
        self.indexer.random.fill(&mut byte);
        f64::from(byte[0]) / f64::from(u8::MAX)
    }
}

/// The tokens of messages. Long texts take a while: others run in between.
async fn analyse(pieces: Vec<LogPiece>) -> Vec<IndexedPiece> {
    let mut indexed = Vec::with_capacity(pieces.len());
    let mut bytes = 0;
    for LogPiece { room, position, up_to, messages } in pieces {
        let mut of_piece = Vec::with_capacity(messages.len());
        for said in messages {
            let tokens = tokens(room, said.sender, &said.text);
            of_piece.push(IndexedMessage { message: said.message, at: said.at, tokens });
            bytes += said.text.len();
            if bytes >= INDEX_YIELD_BYTES {
                bytes = 0;
                tokio::task::yield_now().await;
            }
        }
        indexed.push(IndexedPiece { room, position, up_to, messages: of_piece });
    }
    indexed
}
