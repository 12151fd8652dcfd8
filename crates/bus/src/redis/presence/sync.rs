//! Bringing Redis in line with the registry; the lease task of a shard does it.
//!
//! The lease task makes the calls on its connection and under its lease: a call that an abandoned connection runs late does
//! nothing. The script changes which users are present and notifies the subscribed gateways in one step. So
//! neither happens without the other, and a repeated call notifies nobody twice.

use std::sync::Arc;

use madang_domain::GatewayId;
use redis::{RedisError, aio::MultiplexedConnection};
use tracing::warn;

use super::{
    registry::{PresenceRegistry, Times},
    shards::ShardPresence,
};
use crate::{
    bus::ResetReason,
    metrics::BusMetrics,
    redis::{
        connection::{SharedConnection, breaks_connection},
        keys::ShardKeys,
        scripts::{PresenceCall, Scripts},
        settings::RedisSettings,
    },
};

/// How many pairs one call releases from dead gateways at most, and how many it removes at most: some milliseconds of
/// Redis.
const PAIRS_PER_CALL: usize = 256;

/// Synchronizes the registry of one shard with Redis.
pub(in crate::redis) struct PresenceSync {
    gateway: GatewayId,
    settings: Arc<RedisSettings>,
    keys: ShardKeys,
    scripts: Arc<Scripts>,
    metrics: Arc<BusMetrics>,
    registry: Arc<PresenceRegistry>,
}

/// The outcome of one call.
pub(in crate::redis) enum SyncOutcome {
    /// The changes were made, or are put off.
    Done,
    /// The lease has another value.
    LeaseLost,
}

impl PresenceSync {
    pub(in crate::redis) fn new(
        gateway: GatewayId,
        settings: Arc<RedisSettings>,
        keys: ShardKeys,
        scripts: Arc<Scripts>,
        metrics: Arc<BusMetrics>,
    ) -> Self {
        // All gateways have noticed a loss of data after a pulse or a reconnection. Until then new arrivals wait.
        let times = Times {
            grace: settings.presence_grace.unwrap_or_default(),
            sweep: settings.pulse_interval,
            settle: settings.pulse_interval + settings.backoff_cap + settings.response_timeout / 2,
        };
        let registry = Arc::new(PresenceRegistry::new(times, settings.presence_pairs, Arc::clone(&metrics)));
        Self { gateway, settings, keys, scripts, metrics, registry }
    }

    /// The callers' side of the same registry.
    pub(in crate::redis) fn callers_side(&self, connection: Arc<SharedConnection>) -> ShardPresence {
        ShardPresence { registry: Arc::clone(&self.registry), connection, keys: self.keys.clone() }
    }

    pub(in crate::redis) fn is_on(&self) -> bool {
        self.settings.presence_grace.is_some()
    }

    /// Waits until there is something to do; for ever where presence is off. Cancel-safe.
    pub(in crate::redis) async fn due(&self) {
        if !self.is_on() {
            std::future::pending::<()>().await;
        }
        self.registry.due().await;
    }

    /// Redis may have lost registrations for this reason.
    pub(in crate::redis) fn forget_confirmations(&self, reason: ResetReason) {
        if reason == ResetReason::LeaseLost {
            self.registry.lease_lost();
        } else {
            self.registry.data_lost();
        }
    }

    /// Makes one call: it carries a bounded number of changes and removes the pairs whose grace has ended. It does nothing
    /// where presence is off.
    pub(in crate::redis) async fn sync(
        &self,
        connection: &mut MultiplexedConnection,
        lease: &str,
    ) -> Result<SyncOutcome, RedisError> {
        if !self.is_on() {
            return Ok(SyncOutcome::Done);
        }
        let batch = self.registry.take();
        let call = PresenceCall {
            gateway: self.gateway,
            lease,
            grace: batch.grace,
            // A Redis that was away for longer than the leases finds all gateways dead at once: they get the time to come
            // back.
            dead_grace: batch.grace.max(self.settings.pulse_interval + self.settings.backoff_cap),
            pairs_max: PAIRS_PER_CALL,
            stream_entries_max: self.settings.stream_entries,
        };
        self.metrics.presence_calls.add(1);
        match self.scripts.presence(connection, &self.keys, &call, &batch.changes).await {
            Ok(Some(next)) => {
                self.registry.confirm(batch, next);
                Ok(SyncOutcome::Done)
            }
            Ok(None) => {
                self.registry.put_back(batch);
                Ok(SyncOutcome::LeaseLost)
            }
            Err(error) if breaks_connection(&error) => {
                self.registry.put_back(batch);
                Err(error)
            }
            Err(error) => {
                warn!(%error, "Redis refused changes of presence; they are tried again");
                self.registry.put_off(batch);
                Ok(SyncOutcome::Done)
            }
        }
    }

    /// Removes all users of this gateway.
    pub(in crate::redis) async fn leave_all(
        &self,
        connection: &mut MultiplexedConnection,
        lease: &str,
    ) -> Result<(), RedisError> {
        self.registry.leave_all();
        let mut calls_left = self.settings.presence_pairs / PAIRS_PER_CALL;
        while self.is_on() && !self.registry.is_synchronized() && calls_left > 0 {
            calls_left -= 1;
            if matches!(self.sync(connection, lease).await?, SyncOutcome::LeaseLost) {
                break;
            }
        }
        Ok(())
    }
}
