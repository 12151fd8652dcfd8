//! Gateways end, most of them without a word, and start again.

use std::{sync::Arc, time::Duration};

use madang_chaos::error::Result;
use madang_test_kit::Cluster;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

/// Between the start of a gateway and the next death.
const CALM_MS: std::ops::Range<u64> = 1_500..4_000;
/// How long a gateway is away.
const AWAY_MS: std::ops::Range<u64> = 100..1_500;
/// Of so many deaths one is an orderly shutdown.
const ORDERLY_ONE_IN: u32 = 4;

/// Kills, until it is stopped.
pub struct Kills {
    stop: watch::Sender<bool>,
    killing: JoinHandle<Result<Vec<String>>>,
}

impl Kills {
    /// Begins to kill.
    #[must_use]
    pub fn start(cluster: Arc<Cluster>, seed: u64) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, killing: tokio::spawn(kill(cluster, StdRng::seed_from_u64(seed), stopped)) }
    }

    /// Kills no more; all gateways run when this returns. Says what happened.
    ///
    /// # Errors
    /// When a gateway did not end, or did not start again.
    pub async fn stop(self) -> Result<Vec<String>> {
        self.stop.send_replace(true);
        self.killing.await?
    }
}

async fn kill(
    cluster: Arc<Cluster>,
    mut random: StdRng,
    mut stopped: watch::Receiver<bool>,
) -> Result<Vec<String>> {
    let began = Instant::now();
    let mut told = Vec::new();
    loop {
        let calm = Duration::from_millis(random.random_range(CALM_MS));
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(told),
            () = sleep(calm) => {}
        }
        let gateways = cluster.gateways();
        let gateway = &gateways[random.random_range(0..gateways.len())];
        let orderly = random.random_ratio(1, ORDERLY_ONE_IN);
        let away = Duration::from_millis(random.random_range(AWAY_MS));
        let at = began.elapsed().as_secs_f64();
        if orderly {
            gateway.stop().await?;
        } else {
            gateway.kill9().await?;
        }
        sleep(away).await;
        gateway.restart().await?;
        let how = if orderly { "stopped" } else { "killed" };
        told.push(format!("{at:.1} s: {} {how}, away for {} ms", gateway.name(), away.as_millis()));
    }
}
