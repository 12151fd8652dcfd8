//! The bus of gateways that live in one process: a map of listeners and a bounded channel for each gateway.

mod presence;

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{GatewayId, TopicId};
use tokio::sync::{mpsc, watch};

use self::presence::{Attendees, InProcessPresence};
use crate::{
    Bus, BusMetrics, BusStatus, Connected, Delivery, Inbox, Listening, Published, ResetReason, ShardFault,
    ShardStatus,
};

/// Deliveries that wait in one gateway's inbox. When it is full, entries for it are dropped and it is told
/// so by a [`Delivery::Reset`].
pub const IN_PROCESS_INBOX_DELIVERIES: usize = 4096;

/// What the gateways of one process share. Clones are the same exchange.
#[derive(Debug, Clone)]
pub struct InProcessExchange {
    directory: Arc<RwLock<Directory>>,
    presence_grace: Option<Duration>,
}

/// Who is there, and who listens where.
#[derive(Debug, Default)]
struct Directory {
    gateways: HashMap<GatewayId, Arc<Port>>,
    listeners: HashMap<TopicId, Vec<Arc<Port>>>,
    attendees: Attendees,
}

impl InProcessExchange {
    /// An exchange without gateways.
    #[must_use]
    pub fn new() -> Self {
        Self { directory: Arc::default(), presence_grace: Some(crate::PRESENCE_GRACE) }
    }

    /// The same with another grace for those who have gone, or without presence.
    #[must_use]
    pub fn with_presence(self, grace: Option<Duration>) -> Self {
        Self { presence_grace: grace, ..self }
    }

    /// Connects a gateway. An id stands for one run of a gateway and connects once.
    ///
    /// Dropping the bus without [`Bus::close`] counts as a death: the others receive
    /// [`Delivery::PeerGone`].
    #[must_use]
    pub fn connect(&self, gateway: GatewayId) -> Connected {
        let (port, inbox) = Port::new(gateway, IN_PROCESS_INBOX_DELIVERIES);
        let port = Arc::new(port);
        self.write().gateways.insert(gateway, Arc::clone(&port));
        let status = watch::Sender::new(BusStatus { shards: vec![ShardStatus::Healthy] });
        let presence = Arc::new(InProcessPresence::new(self.clone(), Arc::clone(&port)));
        Connected { bus: Arc::new(InProcessBus { exchange: self.clone(), port, status }), presence, inbox }
    }

    // A panic while the lock was held cannot leave the maps half changed in a way that matters: each change
    // is one insertion or removal.
    fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for InProcessExchange {
    fn default() -> Self {
        Self::new()
    }
}

/// One gateway's end.
struct InProcessBus {
    exchange: InProcessExchange,
    port: Arc<Port>,
    status: watch::Sender<BusStatus>,
}

impl InProcessBus {
    /// Takes the gateway out of the directory; tells whether it was there.
    fn leave(&self) -> bool {
        let mut directory = self.exchange.write();
        let was_there = directory.gateways.remove(&self.port.gateway).is_some();
        directory.listeners.retain(|_, ports| {
            let before = ports.len();
            ports.retain(|port| port.gateway != self.port.gateway);
            self.port.metrics.listeners.subtract_len(before - ports.len());
            !ports.is_empty()
        });
        drop(directory);
        self.exchange.release(self.port.gateway);
        was_there
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn listen(&self, topics: &[TopicId]) -> Listening {
        let mut directory = self.exchange.write();
        if !directory.gateways.contains_key(&self.port.gateway) {
            return Listening::Deferred;
        }
        for topic in topics {
            let ports = directory.listeners.entry(*topic).or_default();
            if ports.iter().all(|port| port.gateway != self.port.gateway) {
                ports.push(Arc::clone(&self.port));
                self.port.metrics.listeners.add(1);
            }
        }
        Listening::Registered
    }

    fn unlisten(&self, topics: &[TopicId]) {
        let mut directory = self.exchange.write();
        for topic in topics {
            if let Some(ports) = directory.listeners.get_mut(topic) {
                let before = ports.len();
                ports.retain(|port| port.gateway != self.port.gateway);
                self.port.metrics.listeners.subtract_len(before - ports.len());
                if ports.is_empty() {
                    directory.listeners.remove(topic);
                }
            }
        }
    }

    fn publish(&self, topic: TopicId, entry: Bytes) -> Published {
        let directory = self.exchange.read();
        let mut published = Published::Queued;
        if !directory.gateways.contains_key(&self.port.gateway) {
            published = Published::Dropped;
        } else if let Some(ports) = directory.listeners.get(&topic) {
            for port in ports.iter().filter(|port| port.gateway != self.port.gateway) {
                match port.offer(Delivery::Entries(vec![entry.clone()])) {
                    Offer::Taken => {
                        self.port.metrics.inbox_appends.add(1);
                        port.metrics.delivered.add(1);
                    }
                    Offer::Refused => published = Published::Dropped,
                }
            }
        }
        match published {
            Published::Queued => self.port.metrics.published.add(1),
            Published::Dropped => self.port.metrics.dropped.add(1),
        }
        published
    }

    fn status(&self) -> watch::Receiver<BusStatus> {
        self.status.subscribe()
    }

    fn metrics(&self) -> Arc<BusMetrics> {
        Arc::clone(&self.port.metrics)
    }

    async fn close(&self) {
        self.leave();
        self.port.hang_up();
        let closed = ShardStatus::Unhealthy(ShardFault::Closed);
        self.status.send_replace(BusStatus { shards: vec![closed] });
    }
}

impl Drop for InProcessBus {
    fn drop(&mut self) {
        if self.leave() {
            self.port.hang_up();
            for port in self.exchange.read().gateways.values() {
                // A port that refuses has a reset before it, which asks for the same work.
                port.offer(Delivery::PeerGone(self.port.gateway));
            }
        }
    }
}

/// The sending side of one gateway's inbox.
#[derive(Debug)]
struct Port {
    gateway: GatewayId,
    lane: Mutex<Lane>,
    metrics: Arc<BusMetrics>,
}

/// Whether a port took a delivery.
#[derive(Debug, PartialEq, Eq)]
enum Offer {
    Taken,
    Refused,
}

/// One slot of the channel is kept back, so that the reset which a full inbox owes always has a place.
#[derive(Debug)]
enum Lane {
    /// The slot is kept.
    Open { sender: mpsc::Sender<Delivery>, reserve: mpsc::OwnedPermit<Delivery> },
    /// The slot was used: a reset waits in the channel, or has just been read.
    Overflowed { sender: mpsc::Sender<Delivery> },
    /// The gateway left.
    Closed,
}

impl Port {
    fn new(gateway: GatewayId, capacity: usize) -> (Self, Inbox) {
        // One more, for the reserve.
        let (sender, inbox) = mpsc::channel(capacity + 1);
        let lane = Mutex::new(Lane::reopen(sender));
        (Self { gateway, lane, metrics: Arc::default() }, inbox)
    }

    fn offer(&self, delivery: Delivery) -> Offer {
        let mut lane = self.lane();
        // The reserve is taken back before anything else is sent. So a full channel without a reserve is
        // one from which nothing was read since the reset went in: the reset is still ahead of the reader.
        *lane = match mem::replace(&mut *lane, Lane::Closed) {
            Lane::Overflowed { sender } => Lane::reopen(sender),
            other => other,
        };
        match &*lane {
            Lane::Open { sender, .. } => {
                if sender.try_send(delivery).is_ok() {
                    return Offer::Taken;
                }
            }
            Lane::Overflowed { .. } | Lane::Closed => return Offer::Refused,
        }
        if let Lane::Open { sender, reserve } = mem::replace(&mut *lane, Lane::Closed) {
            reserve.send(Delivery::Reset(ResetReason::InboxFull));
            self.metrics.resets.add(1);
            *lane = Lane::Overflowed { sender };
        }
        Offer::Refused
    }

    /// Ends the inbox once what waits in it was read.
    fn hang_up(&self) {
        *self.lane() = Lane::Closed;
    }

    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn reopen(sender: mpsc::Sender<Delivery>) -> Self {
        match sender.clone().try_reserve_owned() {
            Ok(reserve) => Self::Open { sender, reserve },
            Err(mpsc::error::TrySendError::Full(_)) => Self::Overflowed { sender },
            Err(mpsc::error::TrySendError::Closed(_)) => Self::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8) -> Delivery {
        Delivery::Entries(vec![Bytes::from(vec![number])])
    }

    fn gateway() -> GatewayId {
        GatewayId::new(uuid::Uuid::from_u128(1))
    }

    #[test]
    fn a_full_inbox_is_told_by_a_reset_each_time_that_it_overflows() {
        let (port, mut inbox) = Port::new(gateway(), 2);
        assert_eq!(port.offer(entry(1)), Offer::Taken);
        assert_eq!(port.offer(entry(2)), Offer::Taken);
        assert_eq!(port.offer(entry(3)), Offer::Refused);
        assert_eq!(port.offer(entry(4)), Offer::Refused);
        for expected in [entry(1), entry(2), Delivery::Reset(ResetReason::InboxFull)] {
            assert_eq!(inbox.try_recv(), Ok(expected));
        }
        assert!(inbox.try_recv().is_err(), "one reset stands for all that was dropped before it is read");

        for number in 5..=6 {
            assert_eq!(port.offer(entry(number)), Offer::Taken);
        }
        assert_eq!(port.offer(entry(7)), Offer::Refused);
        for expected in [entry(5), entry(6), Delivery::Reset(ResetReason::InboxFull)] {
            assert_eq!(inbox.try_recv(), Ok(expected));
        }
    }

    #[test]
    fn a_port_that_hung_up_ends_the_inbox_after_what_waits() {
        let (port, mut inbox) = Port::new(gateway(), 2);
        assert_eq!(port.offer(entry(1)), Offer::Taken);
        port.hang_up();
        assert_eq!(port.offer(entry(2)), Offer::Refused);
        assert_eq!(inbox.blocking_recv(), Some(entry(1)));
        assert_eq!(inbox.blocking_recv(), None);
    }
}
