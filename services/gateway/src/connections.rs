//! The registry of this gateway's sockets. It closes, pings and drains them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use madang_contract::{PING, ServerFrame, WireFrame};
use madang_domain::{ConnectionId, SessionId, Timestamp, UserId};
use madang_kit::clock::{Clock, Random, jitter};
use tokio::time::MissedTickBehavior;

use crate::{
    credentials::Ended,
    formats::Format,
    outbox::{Close, Outbox},
};

/// The number of parts of the registry. The heartbeat visits one part per tick. So pings are spread over the
/// interval, and one timer serves every socket.
const PARTS: usize = 32;
/// A client that has sent nothing for this many intervals counts as disconnected.
const SILENT_INTERVALS: u32 = 2;
/// How often the expiry of credentials is checked. A check is one comparison per socket, about a millisecond
/// for many thousands.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);
/// The interval between groups of sockets that are told to reconnect while the gateway drains.
const DRAIN_STEP: Duration = Duration::from_millis(50);

/// The registry of sockets.
#[derive(Debug)]
pub(crate) struct Connections {
    parts: [Mutex<HashMap<ConnectionId, Registered>>; PARTS],
    next: AtomicU64,
    tick: AtomicU32,
}

/// What the registry keeps of a socket.
#[derive(Debug)]
pub(crate) struct Registered {
    /// The signed-in device.
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    /// When the credential was issued with which the socket was opened.
    pub(crate) issued_at: Timestamp,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) format: Format,
}

/// A socket's entry in the registry; dropping it removes the entry.
#[derive(Debug)]
pub(crate) struct Registration {
    connections: Arc<Connections>,
    connection: ConnectionId,
}

impl Connections {
    pub(crate) fn new() -> Self {
        Self { parts: Default::default(), next: AtomicU64::new(1), tick: AtomicU32::new(0) }
    }

    /// Returns the number of a new socket.
    pub(crate) fn next_id(&self) -> ConnectionId {
        ConnectionId::new(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The current tick of the heartbeat, for [`Outbox::heard`].
    pub(crate) fn tick(&self) -> u32 {
        self.tick.load(Ordering::Relaxed)
    }

    /// Adds a socket.
    pub(crate) fn register(self: &Arc<Self>, connection: ConnectionId, socket: Registered) -> Registration {
        self.part(connection).insert(connection, socket);
        Registration { connections: Arc::clone(self), connection }
    }

    /// Closes the sockets of sessions that ended and of users who were disconnected.
    pub(crate) fn close_ended(&self, ended: &Ended, close: Close) {
        for part in &self.parts {
            for socket in lock(part)
                .values()
                .filter(|socket| ended.contains(socket.session, socket.user, socket.issued_at))
            {
                socket.outbox.close(close);
            }
        }
    }

    /// Closes the sockets whose credential has expired, about once a second, without end.
    pub(crate) async fn expire(self: Arc<Self>, clock: Arc<dyn Clock>) {
        let mut timer = tokio::time::interval(EXPIRE_EVERY);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            let now = clock.now();
            for part in &self.parts {
                for entry in lock(part).values().filter(|entry| entry.outbox.is_expired(now)) {
                    entry.outbox.close(Close::Expired);
                }
            }
        }
    }

    /// Pings every silent socket once per interval and closes those that stay silent, without end.
    pub(crate) async fn heartbeat(self: Arc<Self>, interval: Duration) {
        let mut timer = tokio::time::interval(interval / PARTS as u32);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            let tick = self.tick.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            for entry in lock(&self.parts[tick as usize % PARTS]).values() {
                match tick.wrapping_sub(entry.outbox.heard_at()) / PARTS as u32 {
                    // The client has sent something within the interval.
                    0 => {}
                    silent if silent >= SILENT_INTERVALS => entry.outbox.close(Close::HeartbeatTimeout),
                    _ => {
                        entry.outbox.push(PING);
                    }
                }
            }
        }
    }

    /// Tells every socket to reconnect, spread over `window`. Clients of the native dialect are told to wait
    /// a random part of `pause`. So they do not all reach the other gateways at once.
    pub(crate) async fn drain(&self, window: Duration, pause: Duration, random: &dyn Random) {
        let mut outboxes: Vec<(Format, Arc<Outbox>)> = Vec::new();
        for part in &self.parts {
            outboxes.extend(lock(part).values().map(|entry| (entry.format, Arc::clone(&entry.outbox))));
        }
        let steps = (window.as_millis() / DRAIN_STEP.as_millis()).max(1) as usize;
        for step in outboxes.chunks(outboxes.len().div_ceil(steps).max(1)) {
            for (format, outbox) in step {
                if *format == Format::Native {
                    let after_ms = jitter(random, pause).as_millis() as u64;
                    outbox.push(WireFrame::json(&ServerFrame::Reconnect(madang_contract::Reconnect {
                        after_ms,
                        reason: "restart".into(),
                    })));
                }
                outbox.close(Close::Restart);
            }
            tokio::time::sleep(DRAIN_STEP).await;
        }
    }

    fn part(&self, connection: ConnectionId) -> MutexGuard<'_, HashMap<ConnectionId, Registered>> {
        lock(&self.parts[(connection.get() % PARTS as u64) as usize])
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.connections.part(self.connection).remove(&self.connection);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned lock is used on, since no code under it can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
