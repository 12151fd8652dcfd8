//! The scenario of partitions and frozen hosts, one after the other.

use std::{path::Path, time::Duration};

use madang_chaos::{
    Result, Settings,
    crowd::Crowd,
    drill::{Drill, Judged},
    fault::End,
    history::Span,
    screen::Screen,
};

use crate::{fault::Fault, place::Place};

/// Between completeness and the next fault.
const CALM_BETWEEN: Duration = Duration::from_millis(800);

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// What happened, and what came of each.
    pub faults: Vec<(String, End)>,
    /// What came of all.
    pub judged: Judged,
}

/// Runs the scenario and judges it.
///
/// # Errors
/// When something cannot be started, or the network not be changed.
pub async fn run(settings: Settings, faults: &[Fault], logs: &Path, screen: &Screen) -> Result<Run> {
    screen.step("making hosts, and starting a process on each");
    let place = Place::start(logs, &[]).await?;
    let mut drill = Drill::begin(&place.gateway_addresses(), settings.clone(), screen).await?;
    let mut done = Vec::new();
    for fault in faults {
        let name = fault.to_string();
        screen.step(&name);
        let (began, end) = drill.during(false, async |_: &Crowd| fault.inject(&place).await).await?;
        screen.line(&format!("{:7.1} s  {name:54} {}", drill.elapsed().as_secs_f64(), end.outcome()));
        if let (true, End::Over { ended, .. }) = (fault.ends_a_lease(), &end) {
            drill.lease_was_lost(Span { from: began, until: *ended });
        }
        done.push((name, end));
        if !drill.is_whole() {
            break;
        }
        drill.calm(CALM_BETWEEN).await;
    }
    let judged = drill.conclude(place.store_database_url(), screen).await?;
    screen.step("stopping");
    place.stop().await?;
    screen.done();
    Ok(Run { settings, faults: done, judged })
}
