//! The loop of the lease task: connect, serve, and leave.

use std::{convert::Infallible, sync::Arc};

use redis::{RedisError, aio::MultiplexedConnection};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    pulse::{LeaseHolder, PulseError},
    supervision::{ReaderSupervision, comes_back},
};
use crate::{
    bus::ResetReason,
    redis::{
        connection::{FencedConnection, SharedConnection},
        locator::Locator,
        presence::{PresenceSync, SyncOutcome},
        reader::{ReaderProgress, ReaderTarget},
        reconnect::ReconnectPauses,
        server::Server,
        status::{PendingResets, ShardStatusReport},
        subscriptions::WantedSubscriptions,
    },
    status::ShardFault,
};

/// Subscriptions registered by one call: it delays the other commands of the shard for some milliseconds at most.
const CHANGES_PER_CALL: usize = 4096;

/// The parts that the lease task works with.
pub(in crate::redis) struct LeaseTaskParts {
    pub(in crate::redis) holder: LeaseHolder,
    pub(in crate::redis) locator: Locator,
    pub(in crate::redis) connection: Arc<SharedConnection>,
    pub(in crate::redis) subscriptions: Arc<WantedSubscriptions>,
    pub(in crate::redis) presence: PresenceSync,
    pub(in crate::redis) reader_target: watch::Sender<ReaderTarget>,
    pub(in crate::redis) reader_progress: Arc<ReaderProgress>,
    pub(in crate::redis) resets: Arc<PendingResets>,
    pub(in crate::redis) status: ShardStatusReport,
    pub(in crate::redis) pauses: ReconnectPauses,
}

/// The task that keeps one shard connected and its lease alive.
pub(in crate::redis) struct LeaseTask {
    parts: LeaseTaskParts,
    /// The server of the present connection, or of the last one.
    server: Option<Server>,
    fence: u64,
    /// An earlier connection was attached: a further one is a reconnection.
    was_attached: bool,
    /// The present connection was attached.
    is_attached: bool,
    reader: ReaderSupervision,
}

/// Why the work on a connection ended.
#[derive(Debug, thiserror::Error)]
enum ConnectionEnd {
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error("{0}")]
    Pulse(#[from] PulseError),
    #[error("a command failed on the shared connection")]
    ConnectionLost,
    #[error("the lease is gone")]
    LeaseLost,
}

impl LeaseTask {
    pub(in crate::redis) fn new(parts: LeaseTaskParts) -> Self {
        Self {
            parts,
            server: None,
            fence: 0,
            was_attached: false,
            is_attached: false,
            reader: ReaderSupervision::new(),
        }
    }

    /// Serves the shard until `closing`; then, once the publisher has finished, leaves it.
    pub(in crate::redis) async fn run(mut self, closing: CancellationToken, published: CancellationToken) {
        tokio::select! {
            biased;
            () = closing.cancelled() => {}
            () = self.reconnect_for_ever() => {}
        }
        published.cancelled().await;
        self.leave().await;
    }

    async fn reconnect_for_ever(&mut self) {
        loop {
            let Err(end) = self.connect_and_serve().await;
            self.parts.connection.report_failure(self.fence);
            self.parts.status.unhealthy(ShardFault::Unreachable, Some(&end));
            if !self.is_attached {
                self.parts.holder.metrics.failed_connections.add(1);
                self.parts.subscriptions.mark_unreachable();
            }
            sleep(self.parts.pauses.after_failure()).await;
        }
    }

    /// Works on one connection. It only ends by failing.
    async fn connect_and_serve(&mut self) -> Result<Infallible, ConnectionEnd> {
        self.is_attached = false;
        let server = self.parts.locator.locate().await?;
        let mut connection = server.command_connection().await?;
        self.parts.holder.scripts.load(&mut connection).await?;
        self.server = Some(server);
        self.fence += 1;
        self.reader.start_over();
        let lost = self.pulse(&mut connection).await?;
        // From here on entries can be published. Not before the epoch is known: the next server could not report what this one
        // acknowledged and lost.
        self.parts.connection.set(FencedConnection { fence: self.fence, connection: connection.clone() });
        self.parts.status.unhealthy(ShardFault::Unregistered, None);
        self.parts.subscriptions.mark_reachable();
        let was_deferred = self.register(&mut connection).await?;
        // The notifications go to the gateways that take part in presence. This one does so from now on, before any caller is told
        // that it is registered.
        self.sync_presence(&mut connection).await?;
        let reconnected = self.was_attached.then_some(ResetReason::Reconnected);
        let deferred = was_deferred.then_some(ResetReason::Registered);
        if let Some(reason) = lost.or(reconnected).or(deferred) {
            self.parts.resets.owe(reason);
        }
        if self.was_attached {
            self.parts.holder.metrics.reconnects.add(1);
        }
        self.is_attached = true;
        self.was_attached = true;
        self.parts.pauses.reset();
        self.parts.status.unhealthy(ShardFault::ReaderStalled, None);
        self.serve(&mut connection).await
    }

    async fn serve(&mut self, connection: &mut MultiplexedConnection) -> Result<Infallible, ConnectionEnd> {
        let period = self.parts.holder.settings.pulse_interval;
        let mut pulses = interval_at(Instant::now() + period, period);
        pulses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shared_connection = Arc::clone(&self.parts.connection);
        let subscriptions = Arc::clone(&self.parts.subscriptions);
        let reader_progress = Arc::clone(&self.parts.reader_progress);
        let mut returned_probe = self.parts.reader_progress.returned_probe();
        loop {
            tokio::select! {
                biased;
                () = shared_connection.lost(self.fence) => return Err(ConnectionEnd::ConnectionLost),
                () = comes_back(&mut returned_probe, self.reader.awaited_nonce) => self.probe_returned(),
                _ = pulses.tick() => {
                    self.rebuild_stalled_reader();
                    self.pulse_and_register(connection).await?;
                }
                // Finds at once what the next pulse would find.
                () = reader_progress.connection_failed() => self.pulse_and_register(connection).await?,
                // After the pulses: registrations that never end must not let the lease expire.
                () = subscriptions.changed() => {
                    if self.register(connection).await? {
                        self.parts.resets.owe(ResetReason::Registered);
                    }
                }
                // Last: the subscriptions decide which gateways are notified of an arrival.
                () = self.parts.presence.due() => self.sync_presence(connection).await?,
            }
        }
    }

    /// Pulses, and registers everything again when the pulse finds that the registrations are lost.
    async fn pulse_and_register(
        &mut self,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), ConnectionEnd> {
        if let Some(reason) = self.pulse(connection).await? {
            self.register(connection).await?;
            self.parts.resets.owe(reason);
        }
        Ok(())
    }

    /// Renews the lease and sends a probe. Returns why nothing is registered any more, where that is so; with the very first
    /// lease nothing was lost.
    async fn pulse(
        &mut self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Option<ResetReason>, ConnectionEnd> {
        let parts = &mut self.parts;
        let incarnation = parts.reader_target.borrow().incarnation;
        let cursor = parts.reader_progress.cursor(incarnation);
        let pulsed = parts.holder.pulse(connection, self.fence, cursor).await?;
        parts.connection.note_gateways(pulsed.gateways);
        self.reader.probe_sent(pulsed.nonce, &parts.reader_progress);
        if let Some(reason) = pulsed.lost {
            parts.subscriptions.forget_confirmations();
            if incarnation > 0 {
                parts.presence.forget_confirmations(reason);
            }
        }
        // The reader reads where this connection writes. It never reads one incarnation's stream from two servers.
        parts.reader_target.send_if_modified(|target| {
            let is_new = pulsed.lost.is_some() || target.server != self.server;
            target.server.clone_from(&self.server);
            target.incarnation += u64::from(pulsed.lost.is_some());
            is_new
        });
        Ok(pulsed.lost.filter(|_| incarnation > 0))
    }

    /// Brings Redis in line with the wanted subscriptions. Returns whether a reset is owed for deferred ones.
    async fn register(&self, connection: &mut MultiplexedConnection) -> Result<bool, ConnectionEnd> {
        let (subscriptions, holder) = (&self.parts.subscriptions, &self.parts.holder);
        let batch = subscriptions.take();
        for changes in batch.changes.chunks(CHANGES_PER_CALL) {
            let lease = &holder.confirmed_lease;
            let registered =
                holder.scripts.register(connection, &holder.keys, holder.gateway, lease, changes).await;
            let end = match registered {
                Ok(true) => continue,
                Ok(false) => ConnectionEnd::LeaseLost,
                Err(error) => ConnectionEnd::Redis(error),
            };
            subscriptions.put_back(batch);
            return Err(end);
        }
        Ok(subscriptions.confirm(batch))
    }

    /// Sends changes of presence to Redis; does nothing where presence is off.
    async fn sync_presence(&self, connection: &mut MultiplexedConnection) -> Result<(), ConnectionEnd> {
        match self.parts.presence.sync(connection, &self.parts.holder.confirmed_lease).await? {
            SyncOutcome::Done => Ok(()),
            SyncOutcome::LeaseLost => Err(ConnectionEnd::LeaseLost),
        }
    }

    fn probe_returned(&mut self) {
        if self.reader.probe_returned() {
            self.parts.resets.owe(ResetReason::ReaderRebuilt);
        }
        self.parts.status.healthy();
    }

    fn rebuild_stalled_reader(&mut self) {
        let parts = &self.parts;
        if self.reader.finds_stalled(&parts.reader_progress, parts.holder.settings.probe_timeout) {
            parts.holder.metrics.reader_rebuilds.add(1);
            parts.status.unhealthy(ShardFault::ReaderStalled, None);
            parts.reader_target.send_modify(|target| target.rebuilds += 1);
        }
    }

    /// Removes what this gateway has in Redis. What it cannot remove now expires, or other gateways remove it.
    async fn leave(&self) {
        let Some(mut current) = self.parts.connection.current() else { return };
        let connection = &mut current.connection;
        let (holder, lease) = (&self.parts.holder, &self.parts.holder.confirmed_lease);
        self.parts.subscriptions.unsubscribe_all();
        if let Err(error) = self.parts.presence.leave_all(connection, lease).await {
            debug!(%error, "not all users could be removed; other gateways will remove them");
        }
        let left = match self.register(connection).await {
            Ok(_) => holder
                .scripts
                .leave(connection, &holder.keys, holder.gateway, lease)
                .await
                .map_err(ConnectionEnd::from),
            Err(end) => Err(end),
        };
        if let Err(error) = left {
            debug!(%error, "the bus could not be left");
        }
    }
}
