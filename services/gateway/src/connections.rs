//! The registry of this gateway's sockets. It closes, pings, retires and drains them.

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
use tokio::time::{Instant, MissedTickBehavior};

use crate::{
    credentials::Ended,
    formats::Format,
    outbox::{Close, Outbox},
    retirement::Retirement,
};

/// The number of parts of the registry. The heartbeat visits one part per tick. So pings are spread over the
/// interval, and one timer serves every socket.
const PARTS: usize = 32;
/// A client that has sent nothing for this many intervals counts as disconnected.
const SILENT_INTERVALS: u32 = 2;
/// How often the expiry of credentials is checked. A check is one comparison per socket, about a millisecond
/// for many thousands.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);
/// How often the registry looks for sockets that are old.
const RETIRE_EVERY: Duration = Duration::from_secs(1);
/// The interval between groups of sockets that are told to reconnect while the gateway drains.
const DRAIN_STEP: Duration = Duration::from_millis(50);

/// The registry of sockets.
#[derive(Debug)]
pub(crate) struct Connections {
    parts: [Mutex<HashMap<ConnectionId, Entry>>; PARTS],
    next: AtomicU64,
    tick: AtomicU32,
    retirement: Option<Retirement>,
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

/// A socket in the registry.
#[derive(Debug)]
struct Entry {
    socket: Registered,
    /// When it is old; none where sockets may become as old as they like.
    old_at: Option<Instant>,
}

/// A socket's entry in the registry; dropping it removes the entry.
#[derive(Debug)]
pub(crate) struct Registration {
    connections: Arc<Connections>,
    connection: ConnectionId,
}

impl Connections {
    /// A registry whose sockets are retired, where there is a bound on their age.
    pub(crate) fn new(retirement: Option<Retirement>) -> Self {
        Self { parts: Default::default(), next: AtomicU64::new(1), tick: AtomicU32::new(0), retirement }
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
        let old_at = self.retirement.as_ref().map(Retirement::due);
        self.part(connection).insert(connection, Entry { socket, old_at });
        Registration { connections: Arc::clone(self), connection }
    }

    /// The bytes that wait for all sockets, and the most that wait for one.
    pub(crate) fn queued_bytes(&self) -> (usize, usize) {
        self.parts.iter().fold((0, 0), |(all, largest), part| {
            lock(part).values().fold((all, largest), |(all, largest), socket| {
                let bytes = socket.socket.outbox.waiting_bytes();
                (all + bytes, largest.max(bytes))
            })
        })
    }

    /// Closes the sockets of sessions that ended and of users who were disconnected.
    pub(crate) fn close_ended(&self, ended: &Ended, close: Close) {
        for part in &self.parts {
            for socket in lock(part)
                .values()
                .map(|entry| &entry.socket)
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
                for entry in lock(part).values().filter(|entry| entry.socket.outbox.is_expired(now)) {
                    entry.socket.outbox.close(Close::Expired);
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
                match tick.wrapping_sub(entry.socket.outbox.heard_at()) / PARTS as u32 {
                    // The client has sent something within the interval.
                    0 => {}
                    silent if silent >= SILENT_INTERVALS => {
                        entry.socket.outbox.close(Close::HeartbeatTimeout);
                    }
                    _ => {
                        entry.socket.outbox.push(PING);
                    }
                }
            }
        }
    }

    /// Tells sockets that are old to reconnect, one after another, without end; nothing where there is no bound on their age.
    pub(crate) async fn retire(self: Arc<Self>) {
        let Some(retirement) = &self.retirement else { return };
        let mut timer = tokio::time::interval(RETIRE_EVERY);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            for (format, outbox) in self.old() {
                retirement.turn().await;
                // Its client may have gone meanwhile. Then nobody is told, and the next waits for its turn all the same.
                send_away(format, &outbox, Duration::ZERO, Close::Old);
            }
        }
    }

    /// The sockets that are old now, the oldest first.
    fn old(&self) -> Vec<(Format, Arc<Outbox>)> {
        let now = Instant::now();
        let mut old = Vec::new();
        for part in &self.parts {
            let due =
                |entry: &Entry| entry.old_at.filter(|at| *at <= now && !entry.socket.outbox.is_closing());
            let part = lock(part);
            old.extend(part.values().filter_map(|entry| Some((due(entry)?, entry.socket.way_out()))));
        }
        old.sort_unstable_by_key(|(at, _)| *at);
        old.into_iter().map(|(_, way_out)| way_out).collect()
    }

    /// Tells every socket to reconnect, spread over `window`. Clients of the native dialect are told to wait
    /// a random part of `pause`. So they do not all reach the other gateways at once.
    pub(crate) async fn drain(&self, window: Duration, pause: Duration, random: &dyn Random) {
        let mut outboxes: Vec<(Format, Arc<Outbox>)> = Vec::new();
        for part in &self.parts {
            outboxes.extend(lock(part).values().map(|entry| entry.socket.way_out()));
        }
        let steps = (window.as_millis() / DRAIN_STEP.as_millis()).max(1) as usize;
        // A step that is late, on a busy machine, does not delay those after it: the window is kept.
        let mut timer = tokio::time::interval(DRAIN_STEP);
        for step in outboxes.chunks(outboxes.len().div_ceil(steps).max(1)) {
            timer.tick().await;
            for (format, outbox) in step {
                send_away(*format, outbox, jitter(random, pause), Close::Restart);
            }
        }
    }

    fn part(&self, connection: ConnectionId) -> MutexGuard<'_, HashMap<ConnectionId, Entry>> {
        lock(&self.parts[(connection.get() % PARTS as u64) as usize])
    }
}

impl Registered {
    fn way_out(&self) -> (Format, Arc<Outbox>) {
        (self.format, Arc::clone(&self.outbox))
    }
}

/// Closes a socket whose client is to reconnect. A client of the native dialect is told after which time.
fn send_away(format: Format, outbox: &Outbox, after: Duration, close: Close) {
    if format == Format::Native {
        outbox.push(WireFrame::json(&ServerFrame::Reconnect(madang_contract::Reconnect {
            after_ms: after.as_millis() as u64,
            reason: close.as_str().into(),
        })));
    }
    outbox.close(close);
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
