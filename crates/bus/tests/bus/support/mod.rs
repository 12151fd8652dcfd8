//! A private Redis for one test, gateways on it, and a proxy that makes readers deaf.

pub(crate) mod cluster;
pub(crate) mod proxy;
pub(crate) mod server;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use madang_bus::{
    Bus, BusStatus, Delivery, InProcessExchange, Inbox, ResetReason,
    redis::{RedisSettings, connect},
};
use madang_vocabulary::{GatewayId, RoomId, TopicId};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// What a test waits for must happen within this; it is far longer than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A topic by number.
pub(crate) fn topic(number: u128) -> TopicId {
    TopicId::Room(RoomId::new(Uuid::from_u128(number)))
}

/// An entry by number.
pub(crate) fn entry(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// The number of an entry.
pub(crate) fn number(entry: &[u8]) -> u64 {
    u64::from_be_bytes(entry.try_into().unwrap())
}

/// Settings with which what takes seconds by default takes less.
pub(crate) fn fast(url: &str) -> RedisSettings {
    RedisSettings {
        prefix: "test".to_owned(),
        lease_ttl: Duration::from_millis(1_500),
        pulse_interval: Duration::from_millis(200),
        probe_timeout: Duration::from_millis(600),
        response_timeout: Duration::from_millis(1_000),
        connect_timeout: Duration::from_millis(1_000),
        backoff_cap: Duration::from_millis(200),
        ..RedisSettings::new(url)
    }
}

/// One gateway on the bus.
pub(crate) struct Gateway {
    pub(crate) id: GatewayId,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) inbox: Inbox,
    token: CancellationToken,
    tracker: TaskTracker,
}

impl Gateway {
    pub(crate) fn in_process(exchange: &InProcessExchange, id: u128) -> Self {
        let id = GatewayId::new(Uuid::from_u128(id));
        let (bus, inbox) = exchange.connect(id);
        Self { id, bus, inbox, token: CancellationToken::new(), tracker: TaskTracker::new() }
    }

    /// Connects, and does not wait for Redis.
    pub(crate) fn redis(settings: RedisSettings, id: u128) -> Self {
        let id = GatewayId::new(Uuid::from_u128(id));
        let (token, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (bus, inbox) = connect(settings, id, &tracker, &token).unwrap();
        Self { id, bus, inbox, token, tracker }
    }

    /// Connects, and waits until the bus is healthy.
    pub(crate) async fn healthy(settings: RedisSettings, id: u128) -> Self {
        let gateway = Self::redis(settings, id);
        gateway.status(BusStatus::is_healthy).await;
        gateway
    }

    /// Waits for a status.
    pub(crate) async fn status(&self, is_it: impl Fn(&BusStatus) -> bool) {
        let mut status = self.bus.status();
        timeout(PATIENCE, status.wait_for(|status| is_it(status)))
            .await
            .expect("the status in time")
            .unwrap();
    }

    /// The next delivery.
    pub(crate) async fn next(&mut self) -> Option<Delivery> {
        timeout(PATIENCE, self.inbox.recv()).await.expect("a delivery in time")
    }

    /// The numbers of the next entries, at least `count`; other deliveries are passed over.
    pub(crate) async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            match self.next().await.expect("an open inbox") {
                Delivery::Entries(entries) => numbers.extend(entries.iter().map(|entry| number(entry))),
                Delivery::Reset(_) | Delivery::PeerGone(_) => {}
            }
        }
        numbers
    }

    /// Waits for a reset for one of these reasons; passes over what comes before.
    pub(crate) async fn reset(&mut self, reasons: &[ResetReason]) -> ResetReason {
        loop {
            if let Delivery::Reset(reason) = self.next().await.expect("an open inbox")
                && reasons.contains(&reason)
            {
                return reason;
            }
        }
    }

    /// The numbers of the next entries, at least `count`, until the reset has come too; in which order they come
    /// is open.
    pub(crate) async fn numbers_and_reset(&mut self, count: usize, reason: ResetReason) -> Vec<u64> {
        let (mut numbers, mut is_reset) = (Vec::new(), false);
        while numbers.len() < count || !is_reset {
            match self.next().await.expect("an open inbox") {
                Delivery::Entries(entries) => numbers.extend(entries.iter().map(|entry| number(entry))),
                Delivery::Reset(other) => is_reset |= other == reason,
                Delivery::PeerGone(_) => {}
            }
        }
        numbers
    }

    /// Ends without a word, as by SIGKILL.
    pub(crate) async fn abandon(self) -> GatewayId {
        self.token.cancel();
        drop(self.bus);
        self.tracker.close();
        self.tracker.wait().await;
        self.id
    }
}
