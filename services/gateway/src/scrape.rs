//! What is looked at when the metrics are read: nothing on a hot path counts it.

use std::sync::Arc;

use madang_bus::{Bus, BusStatus, ShardFault, ShardStatus};
use madang_kit::{
    Metrics,
    metrics::{Described, Observer},
};

use crate::state::GatewayState;

const OUTBOX: Described =
    Described::gauge("madang.gateway.outbox", "By", "Bytes that are queued for sockets and not written yet.");
const LARGEST_OUTBOX: Described =
    Described::gauge("madang.gateway.outbox.largest", "By", "The most of these bytes that one socket has.");
const KEYS_AGE: Described = Described::gauge(
    "madang.gateway.verification_keys.age",
    "s",
    "Time since the keys that verify tokens were last fetched.",
);
const REVOCATIONS_LAG: Described = Described::gauge(
    "madang.gateway.revocations.lag",
    "s",
    "Time since the auth service last answered which sessions have ended.",
);
const SHARDS: Described =
    Described::gauge("madang.bus.shards", "{shard}", "Shards of the bus, by their status.").by(&["status"]);

/// Shows what is looked at.
pub(crate) fn observe(metrics: &Metrics, state: &GatewayState, bus: &Arc<dyn Bus>) {
    let outbox = |described, read: fn((usize, usize)) -> usize| {
        let connections = Arc::clone(&state.sockets.connections);
        metrics.observe(described, move |observer| {
            observer.observe(read(connections.queued_bytes()) as f64, &[]);
        });
    };
    outbox(OUTBOX, |(all, _)| all);
    outbox(LARGEST_OUTBOX, |(_, largest)| largest);

    let verifier = Arc::clone(&state.entrance.verifier);
    metrics.observe(KEYS_AGE, move |observer| seconds(observer, verifier.keys_age()));
    let revocations = Arc::clone(&state.sockets.revocations);
    metrics.observe(REVOCATIONS_LAG, move |observer| seconds(observer, revocations.lag()));

    let status = bus.status();
    metrics.observe(SHARDS, move |observer| shards(observer, &status.borrow()));
}

/// A time; nothing where there is none yet.
fn seconds(observer: &mut Observer<'_>, time: Option<std::time::Duration>) {
    if let Some(time) = time {
        observer.observe(time.as_secs_f64(), &[]);
    }
}

fn shards(observer: &mut Observer<'_>, status: &BusStatus) {
    for (name, shown) in [
        ("healthy", ShardStatus::Healthy),
        ("starting", ShardStatus::Unhealthy(ShardFault::Starting)),
        ("unreachable", ShardStatus::Unhealthy(ShardFault::Unreachable)),
        ("unregistered", ShardStatus::Unhealthy(ShardFault::Unregistered)),
        ("reader_stalled", ShardStatus::Unhealthy(ShardFault::ReaderStalled)),
        ("closed", ShardStatus::Unhealthy(ShardFault::Closed)),
    ] {
        let count = status.shards.iter().filter(|shard| **shard == shown).count();
        observer.observe(count as f64, &[name]);
    }
}
