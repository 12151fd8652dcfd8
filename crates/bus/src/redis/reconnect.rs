//! The pauses between a task's attempts to connect.

use std::time::Duration;

use madang_domain::GatewayId;
use madang_flow_control::{Backoff, Pauses};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// The bound of the first pause; it doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The pauses between the attempts of one task of one shard.
#[derive(Debug)]
pub(super) struct ReconnectPauses {
    pauses: Pauses,
    random: StdRng,
}

impl ReconnectPauses {
    /// The gateway's id is random: as a part of the seed it keeps gateways from reconnecting at the same moments.
    pub(super) fn new(pause_max: Duration, gateway: GatewayId, shard: u16, task: u64) -> Self {
        let (high, low) = gateway.uuid().as_u64_pair();
        let seed = high ^ low ^ (u64::from(shard) << 8) ^ task;
        let pauses = Backoff::full_jitter(FIRST_PAUSE, pause_max).pauses();
        Self { pauses, random: StdRng::seed_from_u64(seed) }
    }

    /// The pause after one more failure.
    pub(super) fn after_failure(&mut self) -> Duration {
        self.pauses.after_failure(self.random.random())
    }

    /// After a success the next pause is short again.
    pub(super) fn reset(&mut self) {
        self.pauses.reset();
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn gateways_shards_and_tasks_pause_differently() {
        let pause = |gateway, shard, task| {
            let gateway = GatewayId::new(Uuid::from_u128(gateway));
            let mut pauses = ReconnectPauses::new(Duration::from_secs(1), gateway, shard, task);
            (0..10).map(|_| pauses.after_failure()).max().unwrap_or_default()
        };
        let pauses = [pause(1, 0, 0), pause(2, 0, 0), pause(1, 1, 0), pause(1, 0, 1)];
        for (place, one) in pauses.iter().enumerate() {
            assert!(*one <= Duration::from_secs(1));
            assert!(!pauses[..place].contains(one), "{pauses:?}");
        }
        assert_eq!(pause(1, 0, 0), pauses[0], "a seed repeats");
    }
}
