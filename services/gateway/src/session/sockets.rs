//! What every session of this gateway works with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use madang_domain::{Error, Result};
use madang_kit::clock::Clock;
use madang_rpc::MessageStore;

use crate::{
    admission::{ReadBudgets, UserLimits},
    connections::Connections,
    credentials::Revocations,
    hub::Hubs,
    metrics::{Counters, HandshakeRefusal, Recorders},
};

/// What every session of this gateway works with.
pub(crate) struct Sockets {
    pub(crate) settings: SocketSettings,
    /// The registry of sockets.
    pub(crate) connections: Arc<Connections>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) hubs: Hubs,
    /// For opening subscriptions.
    pub(crate) store: Arc<dyn MessageStore>,
    pub(crate) user_limits: Arc<UserLimits>,
    /// From which what users read is paid.
    pub(crate) reads: Arc<ReadBudgets>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) recorders: Recorders,
    pub(crate) clock: Arc<dyn Clock>,
    /// The gateway is stopping and accepts no new sockets.
    pub(crate) draining: AtomicBool,
}

/// The limits of one socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketSettings {
    /// The bytes that may wait for one socket.
    pub(crate) queue_max_bytes: usize,
    /// The rooms that one socket may subscribe to.
    pub(crate) max_socket_rooms: usize,
    /// The events replayed to one subscription.
    pub(crate) replay_max_events: u32,
    /// The time between pings to a silent client.
    pub(crate) heartbeat: Duration,
}

impl Sockets {
    /// Refuses new sockets while the gateway stops.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.draining.load(Ordering::Acquire) {
            self.counters.refused_handshakes.add(HandshakeRefusal::Draining, 1);
            return Err(Error::unavailable("this server is stopping: try again"));
        }
        Ok(())
    }
}
