//! The keeper of a shard: it holds the connection, the lease and the registrations, and judges the reader.
//!
//! One connection is one *session*: connect, pulse (take or renew the lease), register what is unconfirmed, then
//! serve until something fails. Any failure ends the session, and the next begins in the same way, so that
//! there is one path to a sound state, whatever happened.
//!
//! A Redis that hung runs the commands of abandoned sessions late, in any order with those of the present one. So
//! each session has a *fence*, a number that grows, and the lease's value is the fence under which it
//! was taken or last passed on, and a part that no other taking has. The value that a reply confirmed proves that
//! the lease was never lost since, also not to a late pulse of this gateway itself; a pulse under an older
//! fence than the lease's does nothing; a registration under another value is refused.

use std::{convert::Infallible, sync::Arc};

use madang_domain::GatewayId;
use redis::{RedisError, aio::MultiplexedConnection};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    RedisSettings,
    connection::{Backoff, Link, Linked},
    health::{Resets, ShardHealth},
    keys::ShardKeys,
    presence::{Round, Usher},
    publisher::Gauge,
    reader::{Order, Progress},
    registrar::Wishes,
    scripts::{LeaseState, PulseCall, Scripts, StreamId},
    server::{Locator, Server},
};
use crate::{BusMetrics, ResetReason, ShardFault};

/// Topics registered by one call: it holds up the other commands of the shard for some milliseconds at most.
const CHANGES_PER_CALL: usize = 4096;

/// What the keeper works with.
pub(super) struct KeeperParts {
    pub(super) gateway: GatewayId,
    pub(super) settings: Arc<RedisSettings>,
    pub(super) keys: ShardKeys,
    pub(super) scripts: Arc<Scripts>,
    pub(super) locator: Locator,
    pub(super) link: Arc<Link>,
    pub(super) wishes: Arc<Wishes>,
    pub(super) usher: Usher,
    pub(super) orders: watch::Sender<Order>,
    pub(super) progress: Arc<Progress>,
    pub(super) publishing: Arc<Gauge>,
    pub(super) resets: Arc<Resets>,
    pub(super) health: ShardHealth,
    pub(super) metrics: Arc<BusMetrics>,
    pub(super) backoff: Backoff,
}

/// The task that keeps one shard.
pub(super) struct Keeper {
    parts: KeeperParts,
    /// Of the present session, or of the last.
    server: Option<Server>,
    fence: u64,
    /// The value of the lease, as last confirmed; empty where nothing is.
    confirmed_lease: String,
    epoch: String,
    nonce: u64,
    /// Whether a session has been attached before: then a further one is a reconnection.
    was_attached: bool,
    /// Whether the present session was attached.
    is_attached: bool,
    trial: Trial,
}

/// What is held against the reader.
#[derive(Debug)]
struct Trial {
    /// The oldest probe that has not come back.
    awaited_nonce: Option<u64>,
    since: Instant,
    /// What the reader had read then. A reader that reads is late, not deaf.
    read: u64,
    /// It was found deaf and has not come back since.
    is_deaf: bool,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum SessionEnd {
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error("a command failed on the shared connection")]
    LinkLost,
    #[error("the lease is gone")]
    LeaseLost,
    #[error("another process uses this gateway's id")]
    Fenced,
}

impl Keeper {
    pub(super) fn new(parts: KeeperParts) -> Self {
        let trial = Trial { awaited_nonce: None, since: Instant::now(), read: 0, is_deaf: false };
        Self {
            parts,
            server: None,
            fence: 0,
            confirmed_lease: String::new(),
            epoch: String::new(),
            nonce: 0,
            was_attached: false,
            is_attached: false,
            trial,
        }
    }

    /// Keeps the shard until `closing`; then, once the publisher has finished, leaves it.
    pub(super) async fn run(mut self, closing: CancellationToken, published: CancellationToken) {
        tokio::select! {
            biased;
            () = closing.cancelled() => {}
            () = self.keep() => {}
        }
        published.cancelled().await;
        self.leave().await;
    }

    async fn keep(&mut self) {
        loop {
            let Err(end) = self.session().await;
            self.parts.link.broke(self.fence);
            self.parts.health.unhealthy(ShardFault::Unreachable, Some(&end));
            if !self.is_attached {
                self.parts.wishes.go_down();
            }
            sleep(self.parts.backoff.next_delay()).await;
        }
    }

    /// One session; it only ends by failing.
    async fn session(&mut self) -> Result<Infallible, SessionEnd> {
        self.is_attached = false;
        let server = self.parts.locator.locate().await?;
        let mut connection = server.commands(&self.parts.scripts).await?;
        self.server = Some(server);
        self.fence += 1;
        // A reset follows in any case, and the reader has to prove itself anew.
        (self.trial.awaited_nonce, self.trial.is_deaf) = (None, false);
        let lost = self.pulse(&mut connection).await?;
        // From here on entries can be published. Not before the epoch is known: what this server acknowledged and lost
        // could not be told by the next one.
        self.parts.link.set(Linked { fence: self.fence, connection: connection.clone() });
        self.parts.health.unhealthy(ShardFault::Unregistered, None);
        self.parts.wishes.come_up();
        let was_deferred = self.register(&mut connection).await?;
        // Who takes part is told of others; that is known before anybody is said to be registered.
        self.attend(&mut connection).await?;
        let reconnected = self.was_attached.then_some(ResetReason::Reconnected);
        let deferred = was_deferred.then_some(ResetReason::Registered);
        if let Some(reason) = lost.or(reconnected).or(deferred) {
            self.parts.resets.owe(reason);
        }
        if self.was_attached {
            self.parts.metrics.reconnects.add(1);
        }
        self.is_attached = true;
        self.was_attached = true;
        self.parts.backoff.reset();
        self.parts.health.unhealthy(ShardFault::ReaderDeaf, None);
        self.serve(&mut connection).await
    }

    async fn serve(&mut self, connection: &mut MultiplexedConnection) -> Result<Infallible, SessionEnd> {
        let period = self.parts.settings.pulse_interval;
        let mut pulses = interval_at(Instant::now() + period, period);
        pulses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let link = Arc::clone(&self.parts.link);
        let wishes = Arc::clone(&self.parts.wishes);
        let progress = Arc::clone(&self.parts.progress);
        let mut heard = self.parts.progress.heard();
        loop {
            tokio::select! {
                biased;
                () = link.lost(self.fence) => return Err(SessionEnd::LinkLost),
                () = comes_back(&mut heard, self.trial.awaited_nonce) => self.acquit(),
                _ = pulses.tick() => {
                    self.judge();
                    self.pulse_and_register(connection).await?;
                }
                // Finds at once what the next pulse would find.
                () = progress.faltered() => self.pulse_and_register(connection).await?,
                // After the pulses: registrations that never end must not let the lease expire.
                () = wishes.changed() => {
                    if self.register(connection).await? {
                        self.parts.resets.owe(ResetReason::Registered);
                    }
                }
                // Last: who comes is told by what is registered.
                () = self.parts.usher.due() => self.attend(connection).await?,
            }
        }
    }

    /// A pulse, and what follows when it finds that the registrations are lost.
    async fn pulse_and_register(&mut self, connection: &mut MultiplexedConnection) -> Result<(), SessionEnd> {
        if let Some(reason) = self.pulse(connection).await? {
            self.register(connection).await?;
            self.parts.resets.owe(reason);
        }
        Ok(())
    }

    /// Renews the lease and sends a probe. Tells why nothing is registered any more, where that is so;
    /// of the very first lease it is not.
    async fn pulse(
        &mut self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Option<ResetReason>, SessionEnd> {
        let incarnation = self.parts.orders.borrow().incarnation;
        let cursor = self.parts.progress.cursor(incarnation);
        let (lease, probe) = self.pulse_once(connection).await?;
        // A new probe's id was given after the one that was read, so it is greater, unless the data is another.
        let reason = if lease.is_none() && probe <= cursor {
            self.confirmed_lease.clear();
            self.pulse_once(connection).await?;
            Some(ResetReason::IdsWentBack)
        } else {
            lease
        };
        if let Some(reason) = reason {
            self.parts.wishes.forget_confirmations();
            // Of the very first lease nothing was lost.
            if incarnation > 0 {
                self.parts.usher.forget_confirmations(reason);
            }
        }
        // The reader reads where this session writes, and never the inbox of one incarnation at two servers' hands.
        self.parts.orders.send_if_modified(|order| {
            let is_new = reason.is_some() || order.server != self.server;
            order.server.clone_from(&self.server);
            order.incarnation += u64::from(reason.is_some());
            is_new
        });
        Ok(reason.filter(|_| incarnation > 0))
    }

    /// One pulse: the probe's id, and the reason if the lease had to be taken anew.
    async fn pulse_once(
        &mut self,
        connection: &mut MultiplexedConnection,
    ) -> Result<(Option<ResetReason>, StreamId), SessionEnd> {
        self.nonce += 1;
        let parts = &self.parts;
        let dropped = parts.publishing.take_dropped();
        let call = PulseCall {
            gateway: parts.gateway,
            fence: self.fence,
            confirmed_lease: &self.confirmed_lease,
            lease_ttl_ms: parts.settings.lease_ttl.as_millis(),
            // Unlike any other value, of this gateway or another.
            epoch_candidate: &format!("{}-{}", parts.gateway, self.nonce),
            known_epoch: &self.epoch,
            longest_inbox: parts.settings.inbox_entries,
            nonce: self.nonce,
            dropped,
        };
        let reply = parts.scripts.pulse(connection, &parts.keys, &call).await.inspect_err(|_| {
            if dropped {
                parts.publishing.put_back_dropped();
            }
        })?;
        let reason = match reply.state {
            LeaseState::Held => None,
            LeaseState::New if self.epoch == reply.epoch => Some(ResetReason::LeaseLost),
            LeaseState::New => {
                if !self.epoch.is_empty() {
                    parts.metrics.epoch_changes.add(1);
                }
                Some(ResetReason::EpochChanged)
            }
            LeaseState::Stale => return Err(SessionEnd::Fenced),
        };
        self.epoch = reply.epoch;
        self.confirmed_lease = reply.lease;
        if self.trial.awaited_nonce.is_none() {
            self.trial.awaited_nonce = Some(self.nonce);
            self.trial.since = Instant::now();
            self.trial.read = self.parts.progress.read();
        }
        Ok((reason, reply.probe))
    }

    /// Brings Redis in line with the wishes. Tells whether a reset is owed for deferred ones.
    async fn register(&self, connection: &mut MultiplexedConnection) -> Result<bool, SessionEnd> {
        let parts = &self.parts;
        let work = parts.wishes.take();
        for changes in work.changes.chunks(CHANGES_PER_CALL) {
            let lease = &self.confirmed_lease;
            let done = parts.scripts.register(connection, &parts.keys, parts.gateway, lease, changes).await;
            let end = match done {
                Ok(true) => continue,
                Ok(false) => SessionEnd::LeaseLost,
                Err(error) => SessionEnd::Redis(error),
            };
            parts.wishes.put_back(work);
            return Err(end);
        }
        Ok(parts.wishes.confirm(work))
    }

    /// Carries out wishes of presence; nothing where it is off.
    async fn attend(&self, connection: &mut MultiplexedConnection) -> Result<(), SessionEnd> {
        if self.parts.settings.presence_grace.is_none() {
            return Ok(());
        }
        match self.parts.usher.round(connection, &self.confirmed_lease).await? {
            Round::Over => Ok(()),
            Round::LeaseLost => Err(SessionEnd::LeaseLost),
        }
    }

    /// A probe came back.
    fn acquit(&mut self) {
        self.trial.awaited_nonce = None;
        if self.trial.is_deaf {
            self.trial.is_deaf = false;
            self.parts.resets.owe(ResetReason::ReaderRebuilt);
        }
        self.parts.health.healthy();
    }

    /// Rebuilds a reader whose probe is overdue, unless it is seen to work.
    fn judge(&mut self) {
        let (progress, trial) = (&self.parts.progress, &mut self.trial);
        if trial.awaited_nonce.is_none() || trial.since.elapsed() < self.parts.settings.probe_timeout {
            return;
        }
        let is_at_work = progress.is_handing_over() || progress.read() != trial.read;
        trial.since = Instant::now();
        trial.read = progress.read();
        if !is_at_work {
            trial.is_deaf = true;
            self.parts.metrics.reader_rebuilds.add(1);
            self.parts.health.unhealthy(ShardFault::ReaderDeaf, None);
            self.parts.orders.send_modify(|order| order.rebuild += 1);
        }
    }

    /// Removes what this gateway has in Redis. What cannot be removed now expires, or is removed by others.
    async fn leave(&self) {
        let Some(mut linked) = self.parts.link.current() else { return };
        let parts = &self.parts;
        parts.wishes.want_nothing();
        if parts.settings.presence_grace.is_some()
            && let Err(error) = parts.usher.leave(&mut linked.connection, &self.confirmed_lease).await
        {
            debug!(%error, "could not take all users off; others will");
        }
        let left = match self.register(&mut linked.connection).await {
            Ok(_) => parts
                .scripts
                .leave(&mut linked.connection, &parts.keys, parts.gateway, &self.confirmed_lease)
                .await
                .map_err(SessionEnd::from),
            Err(end) => Err(end),
        };
        if let Err(error) = left {
            debug!(%error, "could not leave the bus");
        }
    }
}

/// Waits until the awaited probe has come back.
async fn comes_back(heard: &mut watch::Receiver<u64>, awaited: Option<u64>) {
    let is_back = match awaited {
        Some(nonce) => heard.wait_for(|heard| *heard >= nonce).await.is_ok(),
        None => false,
    };
    if !is_back {
        std::future::pending::<()>().await;
    }
}
