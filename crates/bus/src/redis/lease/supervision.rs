//! The supervision of the reader by its probes.

use std::{future::pending, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::redis::reader::ReaderProgress;

/// What the lease task knows of the reader.
#[derive(Debug)]
pub(super) struct ReaderSupervision {
    /// The oldest probe that has not come back.
    pub(super) awaited_nonce: Option<u64>,
    awaited_since: Instant,
    /// How many entries the reader had read then. A reader that reads is late, not stalled.
    read: u64,
    /// The reader was found stalled and no probe has come back since.
    is_stalled: bool,
}

impl ReaderSupervision {
    pub(super) fn new() -> Self {
        Self { awaited_nonce: None, awaited_since: Instant::now(), read: 0, is_stalled: false }
    }

    /// The connection is a new one: the reader has to prove itself anew. A reset follows in any case.
    pub(super) fn start_over(&mut self) {
        (self.awaited_nonce, self.is_stalled) = (None, false);
    }

    /// A probe was sent.
    pub(super) fn probe_sent(&mut self, nonce: u64, progress: &ReaderProgress) {
        if self.awaited_nonce.is_none() {
            self.awaited_nonce = Some(nonce);
            self.awaited_since = Instant::now();
            self.read = progress.read();
        }
    }

    /// The awaited probe came back. Returns whether the reader had been rebuilt for want of it.
    pub(super) fn probe_returned(&mut self) -> bool {
        self.awaited_nonce = None;
        std::mem::take(&mut self.is_stalled)
    }

    /// Whether the reader has to be rebuilt: its probe is overdue, and it is not seen to work.
    pub(super) fn finds_stalled(&mut self, progress: &ReaderProgress, probe_timeout: Duration) -> bool {
        if self.awaited_nonce.is_none() || self.awaited_since.elapsed() < probe_timeout {
            return false;
        }
        let is_working = progress.is_delivering() || progress.read() != self.read;
        self.awaited_since = Instant::now();
        self.read = progress.read();
        self.is_stalled |= !is_working;
        !is_working
    }
}

/// Waits until the awaited probe has come back.
pub(super) async fn comes_back(returned: &mut watch::Receiver<u64>, awaited: Option<u64>) {
    let is_back = match awaited {
        Some(nonce) => returned.wait_for(|returned| *returned >= nonce).await.is_ok(),
        None => false,
    };
    if !is_back {
        pending::<()>().await;
    }
}
