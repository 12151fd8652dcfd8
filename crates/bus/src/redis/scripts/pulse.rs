//! The call of `pulse.lua`: it renews the lease and sends a probe.

use madang_domain::GatewayId;
use redis::{RedisResult, aio::MultiplexedConnection};

use super::{
    command::{Text, call, query},
    loaded::Scripts,
    stream_id::StreamId,
};
use crate::redis::keys::ShardKeys;

/// The arguments of a pulse, besides the keys.
#[derive(Debug)]
pub(in crate::redis) struct PulseCall<'a> {
    pub(in crate::redis) gateway: GatewayId,
    pub(in crate::redis) fence: u64,
    pub(in crate::redis) confirmed_lease: &'a str,
    pub(in crate::redis) lease_ttl_ms: u128,
    pub(in crate::redis) epoch_candidate: &'a str,
    pub(in crate::redis) known_epoch: &'a str,
    pub(in crate::redis) stream_entries_max: usize,
    pub(in crate::redis) stream_kept_ms: u128,
    pub(in crate::redis) nonce: u64,
    pub(in crate::redis) has_dropped: bool,
}

/// The reply to a pulse.
#[derive(Debug)]
pub(in crate::redis) struct PulseReply {
    pub(in crate::redis) state: LeaseState,
    /// The value of the lease now.
    pub(in crate::redis) lease: String,
    pub(in crate::redis) epoch: String,
    pub(in crate::redis) probe: StreamId,
    /// The gateways that are alive, this one included.
    pub(in crate::redis) gateways: u32,
}

/// The state in which a pulse found the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redis) enum LeaseState {
    /// The lease was there and is renewed.
    Held,
    /// The lease was gone, or the epoch is another: lease and gateway stream are new, and no subscription is known to be
    /// registered.
    New,
    /// A newer connection of this gateway holds the lease.
    Stale,
}

impl Scripts {
    /// Renews the lease and sends a probe.
    pub(in crate::redis) async fn pulse(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        pulse: &PulseCall<'_>,
    ) -> RedisResult<PulseReply> {
        let mut command = call(&self.pulse, 20, 512);
        command.arg(4).arg(&keys.lease).arg(&keys.stream).arg(&keys.epoch).arg(&keys.gateways);
        command.arg(Text(pulse.gateway)).arg(pulse.fence).arg(pulse.confirmed_lease);
        command.arg(Text(pulse.lease_ttl_ms)).arg(pulse.epoch_candidate).arg(pulse.known_epoch);
        command.arg(&keys.lease_prefix).arg(&keys.stream_prefix).arg(pulse.stream_entries_max);
        command.arg(pulse.nonce).arg(u8::from(pulse.has_dropped));
        command.arg(Text(format_args!("{}.{}", pulse.fence, pulse.nonce)));
        command.arg(Text(pulse.stream_kept_ms));
        let (state, epoch, probe, lease, gateways): (String, String, Vec<u8>, String, u32) =
            query(&command, connection).await?;
        let state = match state.as_str() {
            "held" => LeaseState::Held,
            "new" => LeaseState::New,
            _ => LeaseState::Stale,
        };
        let probe = StreamId::parse(&probe).unwrap_or_default();
        Ok(PulseReply { state, lease, epoch, probe, gateways })
    }
}
