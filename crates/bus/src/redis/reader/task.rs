//! The task that reads a gateway stream.

use std::{future::pending, sync::Arc, time::Duration};

use redis::{Cmd, RedisResult, Value, aio::MultiplexedConnection};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use tracing::debug;

use super::progress::{Position, ReaderProgress, ReaderTarget};
use crate::{
    bus::{Delivery, ResetReason},
    metrics::BusMetrics,
    redis::{
        entries::{StreamEntry, decode},
        keys::ShardKeys,
        reconnect::ReconnectPauses,
        scripts::StreamId,
        server::Server,
        settings::RedisSettings,
    },
};

/// The task that reads one shard's gateway stream.
pub(in crate::redis) struct Reader {
    pub(in crate::redis) settings: Arc<RedisSettings>,
    pub(in crate::redis) keys: ShardKeys,
    pub(in crate::redis) target: watch::Receiver<ReaderTarget>,
    pub(in crate::redis) progress: Arc<ReaderProgress>,
    pub(in crate::redis) deliveries: mpsc::Sender<Delivery>,
    pub(in crate::redis) metrics: Arc<BusMetrics>,
    pub(in crate::redis) pauses: ReconnectPauses,
}

/// The gateway dropped its end of the queue of deliveries.
struct QueueDropped;

impl Reader {
    /// Reads until the gateway has dropped its end of the queue; the caller cancels it by dropping. Once the lease task has left,
    /// it only waits for that: its end is the end of the bus, whose other shards may still be leaving.
    pub(in crate::redis) async fn run(mut self) {
        let mut position = Position::default();
        loop {
            let target = self.target.borrow_and_update().clone();
            let Some(server) = target.server else {
                if self.target.changed().await.is_err() {
                    return pending().await;
                }
                continue;
            };
            if position.incarnation != target.incarnation {
                position = Position { incarnation: target.incarnation, ..Position::default() };
            }
            self.progress.set_position(position);
            // A delivery that a change of the target cancelled has not reset this.
            self.progress.set_delivering(false);
            let mut target = self.target.clone();
            let read = tokio::select! {
                biased;
                // Nothing is lost with a reply that is on its way: reading does not consume.
                changed = target.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return pending().await,
                },
                read = self.read_from(&server, &mut position) => read,
            };
            match read {
                Err(QueueDropped) => return,
                Ok(error) => {
                    debug!(%error, "the reader of a gateway stream lost its connection");
                    self.metrics.reconnects.add(1);
                    self.progress.report_connection_failed();
                    sleep(self.pauses.after_failure()).await;
                }
            }
        }
    }

    /// Reads on one connection from the position on, until it fails.
    async fn read_from(
        &mut self,
        server: &Server,
        position: &mut Position,
    ) -> Result<redis::RedisError, QueueDropped> {
        let mut connection = match server.reading_connection(self.settings.read_block).await {
            Ok(connection) => connection,
            Err(error) => return Ok(error),
        };
        loop {
            let reply = match self.read_once(&mut connection, position.cursor).await {
                Ok(reply) => reply,
                Err(error) => return Ok(error),
            };
            self.pauses.reset();
            let Ok(entries) = decode(reply) else {
                return Ok((redis::ErrorKind::Parse, "the bus did not write all of a gateway stream").into());
            };
            self.deliver_all(entries, position).await?;
        }
    }

    async fn read_once(&self, connection: &mut MultiplexedConnection, after: StreamId) -> RedisResult<Value> {
        let mut command = Cmd::with_capacity(8, 192);
        command.arg("XREAD").arg("BLOCK").arg(millis(self.settings.read_block));
        command.arg("COUNT").arg(self.settings.read_batch).arg("STREAMS").arg(&self.keys.stream);
        // Never `$`: what is appended between two calls must be read by the second.
        command.arg(after.to_string());
        command.query_async(connection).await
    }

    /// Delivers the entries that were read, in order. The position moves with what was delivered, so that a reader that is
    /// cancelled here reads the rest again.
    async fn deliver_all(
        &self,
        stream_entries: Vec<(StreamId, StreamEntry)>,
        position: &mut Position,
    ) -> Result<(), QueueDropped> {
        self.progress.add_read(stream_entries.len());
        let mut entries = Vec::with_capacity(stream_entries.len());
        let mut reached = *position;
        let mut returned_probe = None;
        // After a failover every gateway reports it: one reset stands for all that have come.
        let last_dropped = stream_entries.iter().rposition(|(_, entry)| *entry == StreamEntry::PeerDropped);
        for (place, (id, stream_entry)) in stream_entries.into_iter().enumerate() {
            reached.cursor = id;
            reached.read += 1;
            let notification = match stream_entry {
                StreamEntry::Published(entry) => {
                    entries.push(entry);
                    continue;
                }
                StreamEntry::Presence(changes) => {
                    self.metrics.presence_changes.add_len(changes.len());
                    Some(Delivery::Presence(changes))
                }
                StreamEntry::PeerGone(gateway) => Some(Delivery::PeerGone(gateway)),
                StreamEntry::PeerDropped => {
                    (Some(place) == last_dropped).then_some(Delivery::Reset(ResetReason::PeerDropped))
                }
                StreamEntry::Probe { nonce, added } => {
                    returned_probe = Some(nonce);
                    let is_whole = added == reached.read;
                    reached.read = added;
                    (!is_whole).then_some(Delivery::Reset(ResetReason::StreamTrimmed))
                }
            };
            if let Some(notification) = notification {
                self.deliver_entries(&mut entries).await?;
                self.deliver(notification).await?;
                self.move_to(position, reached);
            }
        }
        self.deliver_entries(&mut entries).await?;
        self.move_to(position, reached);
        // Only now: what came before the probe has been delivered.
        if let Some(nonce) = returned_probe {
            self.progress.set_returned_probe(nonce);
        }
        Ok(())
    }

    async fn deliver_entries(&self, entries: &mut Vec<bytes::Bytes>) -> Result<(), QueueDropped> {
        if entries.is_empty() {
            return Ok(());
        }
        let count = entries.len();
        self.deliver(Delivery::Entries(std::mem::take(entries))).await?;
        self.metrics.delivered.add_len(count);
        Ok(())
    }

    /// Overflow policy of the queue of deliveries: the reader waits, and the gateway stream in Redis, which is bounded too, keeps
    /// the entries. The next probe reports what that drops.
    async fn deliver(&self, delivery: Delivery) -> Result<(), QueueDropped> {
        if matches!(delivery, Delivery::Reset(_)) {
            self.metrics.resets.add(1);
        }
        self.progress.set_delivering(true);
        let sent = self.deliveries.send(delivery).await;
        self.progress.set_delivering(false);
        sent.map_err(|_| QueueDropped)
    }

    fn move_to(&self, position: &mut Position, reached: Position) {
        *position = reached;
        self.progress.set_position(reached);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
