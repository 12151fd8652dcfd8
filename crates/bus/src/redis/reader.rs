//! Reading a shard's inbox, on a connection of its own.

use std::{
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{Cmd, RedisResult, Value, aio::MultiplexedConnection};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::sleep,
};
use tracing::debug;

use super::{
    RedisSettings,
    connection::Backoff,
    entries::{Item, decode},
    keys::ShardKeys,
    scripts::StreamId,
    server::Server,
};
use crate::{BusMetrics, Delivery, ResetReason};

/// What the keeper wants of the reader. A change makes it leave its connection for a new one.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    /// Where to read: the keeper's own server. A reader that looked for one by itself could read the same inbox as another
    /// server has it.
    pub(super) server: Option<Server>,
    /// The inbox to read: each time the lease is taken anew the inbox is another one. 0: there is none yet.
    pub(super) incarnation: u64,
    /// Counts the rebuilds of a deaf reader.
    pub(super) rebuild: u64,
}

/// How far the reader is, for the keeper.
#[derive(Debug, Default)]
pub(super) struct Progress {
    position: Mutex<Position>,
    /// Entries read, of all incarnations.
    read: AtomicU64,
    /// Waiting for the gateway to take what was read: slow, but not deaf.
    is_handing_over: AtomicBool,
    /// The newest probe that came back.
    heard: watch::Sender<u64>,
    /// The reader's connection failed: so may the keeper's have, which it would not notice before its next command.
    faltered: Notify,
}

/// Where in which inbox.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    incarnation: u64,
    cursor: StreamId,
    /// Entries read of this inbox, to be compared with what its probes say.
    read: u64,
}

impl Progress {
    /// The last id that was read of an incarnation's inbox.
    pub(super) fn cursor(&self, incarnation: u64) -> StreamId {
        let position = *self.position.lock().unwrap_or_else(PoisonError::into_inner);
        if position.incarnation == incarnation { position.cursor } else { StreamId::default() }
    }

    pub(super) fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    pub(super) fn is_handing_over(&self) -> bool {
        self.is_handing_over.load(Relaxed)
    }

    pub(super) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// Waits until the reader's connection has failed.
    pub(super) async fn faltered(&self) {
        self.faltered.notified().await;
    }
}

/// The task that reads one shard's inbox.
pub(super) struct Reader {
    pub(super) settings: Arc<RedisSettings>,
    pub(super) keys: ShardKeys,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) progress: Arc<Progress>,
    pub(super) inbox: mpsc::Sender<Delivery>,
    pub(super) metrics: Arc<BusMetrics>,
    pub(super) backoff: Backoff,
}

/// The gateway dropped its inbox.
struct InboxDropped;

impl Reader {
    /// Reads until the gateway has dropped its inbox; the caller cancels it by dropping. Once its keeper has left, it only
    /// waits for that: its end is the end of the bus, whose other shards may still be leaving.
    pub(super) async fn run(mut self) {
        let mut position = Position::default();
        loop {
            let order = self.orders.borrow_and_update().clone();
            let Some(server) = order.server else {
                if self.orders.changed().await.is_err() {
                    return pending().await;
                }
                continue;
            };
            if position.incarnation != order.incarnation {
                position = Position { incarnation: order.incarnation, ..Position::default() };
            }
            self.note(position);
            // A hand-over that was cancelled by an order has not said so.
            self.progress.is_handing_over.store(false, Relaxed);
            let mut orders = self.orders.clone();
            let read = tokio::select! {
                biased;
                // Nothing is lost with a reply that is on its way: reading does not consume.
                changed = orders.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return pending().await,
                },
                read = self.read_from(&server, &mut position) => read,
            };
            match read {
                Err(InboxDropped) => return,
                Ok(error) => {
                    debug!(%error, "an inbox reader lost its connection");
                    self.metrics.reconnects.add(1);
                    self.progress.faltered.notify_one();
                    sleep(self.backoff.next_delay()).await;
                }
            }
        }
    }

    /// Reads on one connection from the position on, until it fails.
    async fn read_from(
        &mut self,
        server: &Server,
        position: &mut Position,
    ) -> Result<redis::RedisError, InboxDropped> {
        let mut connection = match server.reader(self.settings.read_block).await {
            Ok(connection) => connection,
            Err(error) => return Ok(error),
        };
        loop {
            let reply = match self.read_once(&mut connection, position.cursor).await {
                Ok(reply) => reply,
                Err(error) => return Ok(error),
            };
            self.backoff.reset();
            let Ok(items) = decode(reply) else {
                return Ok((redis::ErrorKind::Parse, "an inbox holds what the bus did not write").into());
            };
            self.take(items, position).await?;
        }
    }

    async fn read_once(&self, connection: &mut MultiplexedConnection, after: StreamId) -> RedisResult<Value> {
        let mut command = Cmd::with_capacity(8, 192);
        command.arg("XREAD").arg("BLOCK").arg(millis(self.settings.read_block));
        command.arg("COUNT").arg(self.settings.read_batch).arg("STREAMS").arg(&self.keys.inbox);
        // Never `$`: what is appended between two calls must be read by the second.
        command.arg(after.to_string());
        command.query_async(connection).await
    }

    /// Hands over what was read, in order. The position moves with what was handed over, so that a reader
    /// that is cancelled here reads the rest again.
    async fn take(&self, items: Vec<(StreamId, Item)>, position: &mut Position) -> Result<(), InboxDropped> {
        self.progress.read.fetch_add(items.len() as u64, Relaxed);
        let mut entries = Vec::with_capacity(items.len());
        let mut reached = *position;
        let mut heard = None;
        // After a failover every gateway says so: one reset for all that have come.
        let last_dropped = items.iter().rposition(|(_, item)| *item == Item::PeerDropped);
        for (place, (id, item)) in items.into_iter().enumerate() {
            reached.cursor = id;
            reached.read += 1;
            let notice = match item {
                Item::Entry(entry) => {
                    entries.push(entry);
                    continue;
                }
                Item::Presence(changes) => {
                    self.metrics.presence_changes.add_len(changes.len());
                    Some(Delivery::Presence(changes))
                }
                Item::PeerGone(gateway) => Some(Delivery::PeerGone(gateway)),
                Item::PeerDropped => {
                    (Some(place) == last_dropped).then_some(Delivery::Reset(ResetReason::PeerDropped))
                }
                Item::Probe { nonce, added } => {
                    heard = Some(nonce);
                    let is_whole = added == reached.read;
                    reached.read = added;
                    (!is_whole).then_some(Delivery::Reset(ResetReason::InboxTrimmed))
                }
            };
            if let Some(notice) = notice {
                self.hand_over_entries(&mut entries).await?;
                self.hand_over(notice).await?;
                self.move_to(position, reached);
            }
        }
        self.hand_over_entries(&mut entries).await?;
        self.move_to(position, reached);
        // Only now: what came before the probe has been handed over.
        if let Some(nonce) = heard {
            self.progress.heard.send_replace(nonce);
        }
        Ok(())
    }

    async fn hand_over_entries(&self, entries: &mut Vec<bytes::Bytes>) -> Result<(), InboxDropped> {
        if entries.is_empty() {
            return Ok(());
        }
        let count = entries.len();
        self.hand_over(Delivery::Entries(std::mem::take(entries))).await?;
        self.metrics.delivered.add_len(count);
        Ok(())
    }

    /// Overflow policy of the inbox channel: the reader waits, and the stream in Redis, which is bounded too,
    /// keeps what comes. What that drops, the next probe tells.
    async fn hand_over(&self, delivery: Delivery) -> Result<(), InboxDropped> {
        if matches!(delivery, Delivery::Reset(_)) {
            self.metrics.resets.add(1);
        }
        self.progress.is_handing_over.store(true, Relaxed);
        let sent = self.inbox.send(delivery).await;
        self.progress.is_handing_over.store(false, Relaxed);
        sent.map_err(|_| InboxDropped)
    }

    fn move_to(&self, position: &mut Position, reached: Position) {
        *position = reached;
        self.note(reached);
    }

    fn note(&self, position: Position) {
        *self.progress.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
