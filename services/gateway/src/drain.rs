//! How a gateway leaves.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use madang_bus::Bus;
use madang_kit::{clock::Random, health::Readiness};
use tokio_util::sync::CancellationToken;

use crate::session::Sockets;

/// How long clients of a stopping gateway wait before they reconnect, at most.
const RECONNECT_PAUSE: Duration = Duration::from_secs(3);
/// How long the sockets may take to end after they were told to, beyond the spread.
const SESSIONS_PATIENCE: Duration = Duration::from_secs(8);
/// How often the end of the last session is looked for while draining.
const DRAIN_POLL: Duration = Duration::from_millis(50);

/// Leaves in order once the soft shutdown begins: sockets are told to reconnect elsewhere, the appends under way finish,
/// and then the gateway leaves the bus, so that what was committed last is published too.
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
        tracing::warn!(sessions = sockets.counters.sessions.get(), "sockets were left open");
    }
    bus.close().await;
    until_drained.cancel();
}
