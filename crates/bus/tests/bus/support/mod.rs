//! A private Redis for one test, gateways on it, and a proxy that stalls readers.

pub(crate) mod cluster;
pub(crate) mod proxy;
pub(crate) mod server;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use madang_bus::{
    Bus, BusStatus, Connected, Deliveries, Delivery, InProcessExchange, Presence, PresenceChange, Present,
    PresentPage, ResetReason, SharedBudgets,
    redis::{RedisSettings, connect},
};
use madang_domain::{GatewayId, RoomId, TopicId, UserId};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// What a test waits for must happen within this; it is far longer than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long a user who has left counts as present in these tests.
pub(crate) const GRACE: Duration = Duration::from_millis(600);

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

/// The profile of a user by number; any bytes.
pub(crate) fn profile(user: u128) -> Bytes {
    Bytes::from([b"|\0 \xff".as_slice(), &user.to_be_bytes()].concat())
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
        presence_grace: Some(GRACE),
        ..RedisSettings::new(url)
    }
}

/// One gateway on the bus.
pub(crate) struct Gateway {
    pub(crate) id: GatewayId,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) presence: Arc<dyn Presence>,
    pub(crate) budgets: Arc<dyn SharedBudgets>,
    pub(crate) deliveries: Deliveries,
    /// Changes of presence that were delivered and not asked for yet.
    early: Vec<(u128, bool, u64)>,
    token: CancellationToken,
    tracker: TaskTracker,
}

impl Gateway {
    pub(crate) fn in_process(exchange: &InProcessExchange, id: u128) -> Self {
        let id = GatewayId::new(Uuid::from_u128(id));
        Self::of(id, exchange.connect(id), CancellationToken::new(), TaskTracker::new())
    }

    /// Connects, and does not wait for Redis.
    pub(crate) fn redis(settings: RedisSettings, id: u128) -> Self {
        let id = GatewayId::new(Uuid::from_u128(id));
        let (token, tracker) = (CancellationToken::new(), TaskTracker::new());
        let connected = connect(settings, id, &tracker, &token).unwrap();
        Self::of(id, connected, token, tracker)
    }

    fn of(id: GatewayId, connected: Connected, token: CancellationToken, tracker: TaskTracker) -> Self {
        let Connected { bus, presence, budgets, deliveries } = connected;
        Self { id, bus, presence, budgets, deliveries, early: Vec::new(), token, tracker }
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
        timeout(PATIENCE, self.deliveries.recv()).await.expect("a delivery in time")
    }

    /// The numbers of the next entries, at least `count`; other deliveries are passed over.
    pub(crate) async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            match self.next().await.expect("an open queue") {
                Delivery::Entries(entries) => numbers.extend(entries.iter().map(|entry| number(entry))),
                Delivery::Reset(_) | Delivery::PeerGone(_) | Delivery::Presence(_) => {}
            }
        }
        numbers
    }

    /// A user comes.
    pub(crate) fn enter(&self, of: u128, user: u128) {
        self.presence
            .enter(topic(of), Present { user: UserId::new(Uuid::from_u128(user)), profile: profile(user) });
    }

    /// A user goes.
    pub(crate) fn leave(&self, of: u128, user: u128) {
        self.presence.leave(topic(of), UserId::new(Uuid::from_u128(user)));
    }

    /// The next `count` changes of presence: the user, whether the user entered, and how many users are there then.
    pub(crate) async fn changes(&mut self, count: usize) -> Vec<(u128, bool, u64)> {
        let mut changes = Vec::new();
        while changes.len() < count {
            changes.extend(self.some_changes().await);
        }
        self.early.extend(changes.split_off(count));
        changes
    }

    /// The next changes of presence that came together; other deliveries are passed over.
    pub(crate) async fn some_changes(&mut self) -> Vec<(u128, bool, u64)> {
        if !self.early.is_empty() {
            return std::mem::take(&mut self.early);
        }
        loop {
            if let Delivery::Presence(changes) = self.next().await.expect("an open queue") {
                return changes.iter().map(read).collect();
            }
        }
    }

    /// Who is in a topic: how many, and who.
    pub(crate) async fn present(&self, of: u128, limit: usize) -> (u64, Vec<u128>) {
        let PresentPage { count, users } = self.presence.present(topic(of), limit).await.unwrap();
        let mut numbers: Vec<u128> = users
            .iter()
            .map(|present| {
                let user = present.user.uuid().as_u128();
                assert_eq!(present.profile, profile(user));
                user
            })
            .collect();
        numbers.sort_unstable();
        (count, numbers)
    }

    /// Waits for a reset for one of these reasons; passes over what comes before.
    pub(crate) async fn reset(&mut self, reasons: &[ResetReason]) -> ResetReason {
        loop {
            if let Delivery::Reset(reason) = self.next().await.expect("an open queue")
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
            match self.next().await.expect("an open queue") {
                Delivery::Entries(entries) => numbers.extend(entries.iter().map(|entry| number(entry))),
                Delivery::Reset(other) => is_reset |= other == reason,
                Delivery::PeerGone(_) | Delivery::Presence(_) => {}
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

/// A change by numbers.
fn read(change: &PresenceChange) -> (u128, bool, u64) {
    let user = change.user.uuid().as_u128();
    assert_eq!(change.profile, profile(user));
    (user, change.on, change.count)
}
