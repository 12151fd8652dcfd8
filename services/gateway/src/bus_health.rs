//! Derives this gateway's readiness from the health of the bus.

use std::time::Duration;

use madang_bus::{BusStatus, ShardFault, ShardStatus};
use madang_kit::health::Check;
use tokio::{sync::watch, time::timeout};

/// How long the bus may be faulty before the readiness check fails.
const BUS_PATIENCE: Duration = Duration::from_secs(5);

/// Reports the health of the bus in the readiness. An ingress should not choose a gateway that has not joined
/// the bus yet, or whose own reader receives nothing. But an unreachable Redis is unreachable for all
/// gateways. That costs latency but no message, and to remove every gateway from service would be worse.
pub(crate) async fn watch(mut status: watch::Receiver<BusStatus>, check: Check) {
    let mut joined = false;
    loop {
        let fault = worst(&status.borrow_and_update());
        let changed = match fault {
            None => {
                joined = true;
                check.ready();
                status.changed().await
            }
            Some(ShardFault::Unreachable) if joined => {
                check.ready();
                status.changed().await
            }
            // Every recovery of Redis passes through these states. Only a state that lasts is this gateway's
            // own fault.
            Some(fault) if joined => match timeout(BUS_PATIENCE, status.changed()).await {
                Ok(changed) => changed,
                Err(_) => {
                    check.failing(fault.to_string());
                    status.changed().await
                }
            },
            Some(fault) => {
                check.failing(fault.to_string());
                status.changed().await
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

/// The most relevant fault of this gateway. Its own fault in any shard comes before a Redis that is
/// unreachable for all gateways.
fn worst(status: &BusStatus) -> Option<ShardFault> {
    let faults = status.shards.iter().filter_map(|shard| match shard {
        ShardStatus::Healthy => None,
        ShardStatus::Unhealthy(fault) => Some(*fault),
    });
    faults.clone().find(|fault| *fault != ShardFault::Unreachable).or_else(|| faults.clone().next())
}

#[cfg(test)]
mod tests {
    use madang_kit::health::Readiness;

    use super::*;

    const HEALTHY: ShardStatus = ShardStatus::Healthy;
    const UNREACHABLE: ShardStatus = ShardStatus::Unhealthy(ShardFault::Unreachable);
    const STALLED: ShardStatus = ShardStatus::Unhealthy(ShardFault::ReaderStalled);

    fn status(shards: [ShardStatus; 2]) -> BusStatus {
        BusStatus { shards: shards.to_vec() }
    }

    #[test]
    fn an_absent_shard_does_not_hide_a_deaf_reader_in_another() {
        assert_eq!(worst(&status([HEALTHY, HEALTHY])), None);
        assert_eq!(worst(&status([HEALTHY, UNREACHABLE])), Some(ShardFault::Unreachable));
        assert_eq!(worst(&status([UNREACHABLE, STALLED])), Some(ShardFault::ReaderStalled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_is_ready_without_redis_but_not_while_it_is_deaf() {
        let readiness = Readiness::default();
        let (sender, receiver) = watch::channel(status([HEALTHY, HEALTHY]));
        tokio::spawn(watch(receiver, readiness.check("bus")));
        let after = async |shards| {
            sender.send_replace(status(shards));
            // Paused time: this passes as soon as nobody else has anything to do.
            tokio::time::sleep(2 * BUS_PATIENCE).await;
            readiness.is_ready()
        };
        assert!(after([HEALTHY, HEALTHY]).await);
        assert!(after([UNREACHABLE, UNREACHABLE]).await);
        assert!(!after([UNREACHABLE, STALLED]).await);
        assert!(after([HEALTHY, HEALTHY]).await);
    }
}
