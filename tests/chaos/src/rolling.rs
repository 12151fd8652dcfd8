//! The scenario of a rolling restart under load: thousands of sockets, each gateway stopped and started again, one
//! after the other, while people talk. Every socket comes back by way of the admission at the gateway that stays.

use std::{path::PathBuf, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    error::Result,
    listeners::{First, Listeners, Outcome, SOCKETS_EACH},
    screen::Screen,
    settings::Settings,
    site::Site,
    tally,
    watch::Watch,
};

/// What a gateway is set to let in, in any second: well under what two thousand sockets would ask for.
pub const ADMISSIONS_A_SECOND: u32 = 300;
/// Talk before, between and after the restarts.
const CALM: Duration = Duration::from_secs(3);

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// What the sockets have seen.
    pub outcome: Outcome,
    /// The most sockets that a gateway let in within any second of the restarts.
    pub peak: usize,
    /// The directory of the logs.
    pub logs: PathBuf,
}

/// Runs the scenario and judges it.
///
/// # Errors
/// When something cannot be started, or a gateway does not stop in good order.
pub async fn run(settings: Settings, logs: PathBuf, screen: &Screen) -> Result<Run> {
    let settings = Settings {
        kinds: Vec::new(),
        gateway_settings: vec![
            ("MADANG_ADMISSIONS_PER_SECOND".to_owned(), ADMISSIONS_A_SECOND.to_string()),
            ("MADANG_MAX_USER_SOCKETS".to_owned(), (2 * SOCKETS_EACH).to_string()),
        ],
        ..settings
    };
    screen.step("starting PostgreSQL, Redis, and two of each service");
    let site = Site::start(&settings, logs.clone()).await?;
    let watch = Watch::start();
    let addresses = site.gateway_addresses();
    let listeners = Listeners::gather(&addresses, First::Each, &settings, watch, screen).await?;
    let talking = listeners.talk();
    sleep(CALM).await;

    let counted = CancellationToken::new();
    let tallies: Vec<_> = site
        .gateways()
        .iter()
        .map(|gateway| {
            tokio::spawn(tally::busiest_second(gateway.service().ops_url(), watch, counted.clone()))
        })
        .collect();
    for (index, gateway) in site.gateways().iter().enumerate() {
        screen.step(&format!("restarting gateway {}", index + 1));
        gateway.service().stop().await?;
        listeners.all_here().await;
        gateway.service().restart().await?;
        sleep(CALM).await;
    }
    counted.cancel();
    let mut peak = 0;
    for tally in tallies {
        peak = peak.max(tally.await?);
    }

    screen.step("the last messages");
    let outcome = listeners.disperse(talking).await?;
    screen.step("stopping");
    site.stop().await?;
    screen.done();
    Ok(Run { settings, outcome, peak, logs })
}
