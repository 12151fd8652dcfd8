//! The orderly shutdown of a gateway.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use madang_bus::Bus;
use madang_kit::{clock::Random, health::Readiness};
use tokio_util::sync::CancellationToken;

use crate::session::Sockets;

/// The longest time that clients of a stopping gateway are told to wait before they reconnect.
const RECONNECT_PAUSE: Duration = Duration::from_secs(3);
/// How long sockets may take to close after the spread has ended.
const SESSIONS_PATIENCE: Duration = Duration::from_secs(8);
/// How often the drain checks whether the last session has ended.
const DRAIN_POLL: Duration = Duration::from_millis(50);

/// Drains the gateway once the soft shutdown begins. It tells sockets to reconnect elsewhere and waits for
/// appends in progress. Then it leaves the bus, so that the last commits are published too.
pub(crate) async fn drain(
    sockets: Arc<Sockets>,
    bus: Arc<dyn Bus>,
    reconnect_spread: Duration,
    random: Arc<dyn Random>,
    readiness: Readiness,
    until_drained: CancellationToken,
    soft: CancellationToken,
) {
    soft.cancelled().await;
    readiness.drain();
    sockets.draining.store(true, Ordering::Release);
    sockets.connections.drain(reconnect_spread, RECONNECT_PAUSE, &*random).await;
    let sessions_gone = async {
        while sockets.counters.sessions.get() > 0 {
            tokio::time::sleep(DRAIN_POLL).await;
        }
    };
    if tokio::time::timeout(SESSIONS_PATIENCE, sessions_gone).await.is_err() {
        tracing::warn!(
            sessions = sockets.counters.sessions.get(),
            "some sockets were still open at the end of the drain"
        );
    }
    bus.close().await;
    until_drained.cancel();
}
