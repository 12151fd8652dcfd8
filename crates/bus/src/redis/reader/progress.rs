//! What the lease task and the reader of a shard tell each other.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use tokio::sync::{Notify, watch};

use crate::redis::{scripts::StreamId, server::Server};

/// What the reader is to read. On a change it leaves its connection for a new one.
#[derive(Debug, Clone, Default)]
pub(in crate::redis) struct ReaderTarget {
    /// The server of the lease task. A reader that located a server by itself could read the same gateway stream as another
    /// server has it.
    pub(in crate::redis) server: Option<Server>,
    /// The number of the gateway stream: each time the lease is taken anew, the stream is another one. 0: there is none yet.
    pub(in crate::redis) incarnation: u64,
    /// How often a stalled reader was rebuilt.
    pub(in crate::redis) rebuilds: u64,
}

/// How far the reader has come, for the lease task.
#[derive(Debug, Default)]
pub(in crate::redis) struct ReaderProgress {
    position: Mutex<Position>,
    /// Entries read, of all incarnations.
    read: AtomicU64,
    /// The reader waits for the gateway to take what was read: it is slow, but not stalled.
    is_delivering: AtomicBool,
    /// The newest probe that came back.
    returned_probe: watch::Sender<u64>,
    /// The reader's connection failed. The connection of the lease task may have failed too, which that task would not notice
    /// before its next command.
    connection_failed: Notify,
}

/// A place in a gateway stream.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Position {
    pub(super) incarnation: u64,
    pub(super) cursor: StreamId,
    /// Entries read of this stream. The reader compares them with the number in each probe.
    pub(super) read: u64,
}

impl ReaderProgress {
    /// The last id that was read of an incarnation's stream.
    pub(in crate::redis) fn cursor(&self, incarnation: u64) -> StreamId {
        let position = *self.position.lock().unwrap_or_else(PoisonError::into_inner);
        if position.incarnation == incarnation { position.cursor } else { StreamId::default() }
    }

    pub(in crate::redis) fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    pub(in crate::redis) fn is_delivering(&self) -> bool {
        self.is_delivering.load(Relaxed)
    }

    pub(in crate::redis) fn returned_probe(&self) -> watch::Receiver<u64> {
        self.returned_probe.subscribe()
    }

    /// Waits until the reader's connection has failed.
    pub(in crate::redis) async fn connection_failed(&self) {
        self.connection_failed.notified().await;
    }

    pub(super) fn set_position(&self, position: Position) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }

    pub(super) fn add_read(&self, entries: usize) {
        self.read.fetch_add(entries as u64, Relaxed);
    }

    pub(super) fn set_delivering(&self, is_delivering: bool) {
        self.is_delivering.store(is_delivering, Relaxed);
    }

    pub(super) fn set_returned_probe(&self, nonce: u64) {
        self.returned_probe.send_replace(nonce);
    }

    pub(super) fn report_connection_failed(&self) {
        self.connection_failed.notify_one();
    }
}
