//! Taking and renewing the lease.

use std::sync::Arc;

use madang_domain::GatewayId;
use redis::{RedisError, aio::MultiplexedConnection};

use crate::{
    bus::ResetReason,
    metrics::BusMetrics,
    redis::{
        keys::ShardKeys,
        publisher::PublishState,
        scripts::{LeaseState, PulseCall, Scripts, StreamId},
        settings::RedisSettings,
    },
};

/// Holds the lease of one shard.
pub(in crate::redis) struct LeaseHolder {
    pub(super) gateway: GatewayId,
    pub(super) settings: Arc<RedisSettings>,
    pub(super) keys: ShardKeys,
    pub(super) scripts: Arc<Scripts>,
    pub(super) metrics: Arc<BusMetrics>,
    publishing: Arc<PublishState>,
    /// The value of the lease, as a reply confirmed it last; empty where none did.
    pub(super) confirmed_lease: String,
    epoch: String,
    nonce: u64,
}

/// The outcome of a pulse.
#[derive(Debug)]
pub(super) struct Pulsed {
    /// Why the lease had to be taken anew, where that is so.
    pub(super) lost: Option<ResetReason>,
    /// The number of the probe that was sent.
    pub(super) nonce: u64,
    probe: StreamId,
    /// The gateways that are alive, this one included.
    pub(super) gateways: u32,
}

/// Why a pulse failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PulseError {
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error("another process uses this gateway's id")]
    Fenced,
}

impl LeaseHolder {
    pub(in crate::redis) fn new(
        gateway: GatewayId,
        settings: Arc<RedisSettings>,
        keys: ShardKeys,
        scripts: Arc<Scripts>,
        publishing: Arc<PublishState>,
        metrics: Arc<BusMetrics>,
    ) -> Self {
        let (confirmed_lease, epoch) = (String::new(), String::new());
        Self { gateway, settings, keys, scripts, metrics, publishing, confirmed_lease, epoch, nonce: 0 }
    }

    /// Renews the lease, or takes it anew, and sends a probe. `cursor` is the last id that was read of the gateway stream.
    pub(super) async fn pulse(
        &mut self,
        connection: &mut MultiplexedConnection,
        fence: u64,
        cursor: StreamId,
    ) -> Result<Pulsed, PulseError> {
        let pulsed = self.pulse_once(connection, fence).await?;
        // The id of a new probe was given after the one that was read, so it is greater, unless the data is other data.
        if pulsed.lost.is_none() && pulsed.probe <= cursor {
            self.confirmed_lease.clear();
            let again = self.pulse_once(connection, fence).await?;
            return Ok(Pulsed { lost: Some(ResetReason::IdsWentBack), ..again });
        }
        Ok(pulsed)
    }

    async fn pulse_once(
        &mut self,
        connection: &mut MultiplexedConnection,
        fence: u64,
    ) -> Result<Pulsed, PulseError> {
        self.nonce += 1;
        let has_dropped = self.publishing.take_dropped();
        let call = PulseCall {
            gateway: self.gateway,
            fence,
            confirmed_lease: &self.confirmed_lease,
            lease_ttl_ms: self.settings.lease_ttl.as_millis(),
            // Unlike any other value, of this gateway or another.
            epoch_candidate: &format!("{}-{}", self.gateway, self.nonce),
            known_epoch: &self.epoch,
            stream_entries_max: self.settings.stream_entries,
            stream_kept_ms: self.settings.stream_kept.as_millis(),
            nonce: self.nonce,
            has_dropped,
        };
        let reply = self.scripts.pulse(connection, &self.keys, &call).await.inspect_err(|_| {
            if has_dropped {
                self.publishing.put_back_dropped();
            }
        })?;
        let lost = match reply.state {
            LeaseState::Held => None,
            LeaseState::New if self.epoch == reply.epoch => Some(ResetReason::LeaseLost),
            LeaseState::New => {
                if !self.epoch.is_empty() {
                    self.metrics.epoch_changes.add(1);
                }
                Some(ResetReason::EpochChanged)
            }
            LeaseState::Stale => return Err(PulseError::Fenced),
        };
        self.epoch = reply.epoch;
        self.confirmed_lease = reply.lease;
        Ok(Pulsed { lost, nonce: self.nonce, probe: reply.probe, gateways: reply.gateways })
    }
}
