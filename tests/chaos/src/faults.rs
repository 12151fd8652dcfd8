//! The scenario of faults: one after the other, each followed by completeness and a short calm.

use std::{path::PathBuf, time::Duration};

use crate::{
    crowd::Crowd,
    drill::{Drill, Judged},
    error::Result,
    fault::{Injection, Plan},
    inject::{Injected, inject},
    screen::Screen,
    settings::{Length, Settings},
    site::Site,
};

/// Between completeness and the next fault.
const CALM_BETWEEN: Duration = Duration::from_millis(800);

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// Each fault, in order.
    pub injections: Vec<Injection>,
    /// What came of it.
    pub judged: Judged,
    /// The directory of the logs.
    pub logs: PathBuf,
}

/// Runs the scenario and judges it.
///
/// # Errors
/// When something cannot be started, or not be started again.
pub async fn run(settings: Settings, logs: PathBuf, screen: &Screen) -> Result<Run> {
    let settings = settings.with_short_tokens();
    screen.step("starting PostgreSQL, Redis, and two of each service");
    let site = Site::start(&settings, logs.clone()).await?;
    let mut drill = Drill::begin(&site.gateway_addresses(), settings.clone(), screen).await?;
    let mut injections = Vec::new();
    let count = match settings.length {
        Length::For(_) => usize::MAX,
        Length::Rounds(rounds) => rounds * settings.kinds.len(),
    };
    for fault in Plan::new(settings.kinds.clone(), settings.seed).take(count) {
        let is_over = matches!(settings.length, Length::For(time) if drill.elapsed() + fault.hold >= time);
        if is_over || !drill.is_whole() {
            break;
        }
        screen.step(&fault.to_string());
        let injecting = async |crowd: &Crowd| {
            let mut injected = inject(&site, &crowd.lines(), &fault).await?;
            // Nothing may end that the fault did not end; what did is needed again all the same.
            if let Injected::Over(complaints) = &mut injected {
                complaints.extend(site.revive().await?);
            }
            Ok(injected)
        };
        let (began, end) = drill.during(fault.kind.ends_processes(), injecting).await?;
        let injection = Injection { fault, began, end };
        screen.injection(&injection, settings.complete_within);
        injections.push(injection);
        if drill.is_whole() {
            drill.calm(CALM_BETWEEN).await;
        }
    }
    let judged = drill.conclude(site.store_database_url(), screen).await?;
    screen.step("stopping");
    site.stop().await?;
    screen.done();
    Ok(Run { settings, injections, judged, logs })
}
