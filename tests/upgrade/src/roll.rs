//! The scenario: from one release to another and back, one process after another.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use madang_chaos::{
    Result, Settings,
    crowd::Crowd,
    drill::{Drill, Judged},
    fault::End,
    inject::Injected,
    screen::Screen,
    site::{Replica, Site},
};

use crate::newcomer;

/// Between a step and the next: old and new run side by side with nothing else happening.
const CALM_BETWEEN: Duration = Duration::from_secs(2);

/// The two releases.
#[derive(Debug, Clone)]
pub struct Releases {
    /// The directory of the previous one's binaries.
    pub previous: PathBuf,
    /// The directory of the next one's.
    pub next: PathBuf,
}

/// One process that was replaced.
#[derive(Debug)]
pub struct Step {
    /// Which, and by what.
    pub name: String,
    /// What came of it.
    pub end: End,
}

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// The processes that were replaced, in order.
    pub steps: Vec<Step>,
    /// What came of it.
    pub judged: Judged,
}

/// Runs the scenario and judges it.
///
/// # Errors
/// When something cannot be started. A process of either release that does not start beside the other is no error, but a
/// broken promise.
pub async fn run(settings: Settings, releases: &Releases, logs: PathBuf, screen: &Screen) -> Result<Run> {
    let settings = Settings { kinds: Vec::new(), binaries: Some(releases.previous.clone()), ..settings };
    // Renewals and expiries meet every mixture of releases, too.
    let settings = settings.with_short_tokens();
    screen.step("starting PostgreSQL, Redis, and two of each service of the previous release");
    let site = Site::start(&settings, logs).await?;
    let mut drill = Drill::begin(&site.gateway_addresses(), settings.clone(), screen).await?;
    // Gateways may use what only new stores and auths know: those go first, and come back last.
    let forth = site.replicas().map(|replica| (replica, "next", releases.next.as_path()));
    let back = site.gateways().iter().chain(site.stores()).chain(site.auths());
    let back = back.map(|replica| (replica, "previous", releases.previous.as_path()));
    let mut steps = Vec::new();
    for (replica, release, binaries) in forth.chain(back) {
        let name = format!("{} to the {release} release", replica.service().name());
        screen.step(&name);
        let (_, end) = drill.during(true, async |_: &Crowd| replace(replica, binaries).await).await?;
        screen.line(&format!("{:7.1} s  {name:44} {}", drill.elapsed().as_secs_f64(), end.outcome()));
        steps.push(Step { name, end });
        if !drill.is_whole() {
            break;
        }
        for trouble in newcomer::come(&site.gateway_addresses(), steps.len()).await? {
            drill.trouble(format!("after {}: {trouble}", steps.last().map_or("", |step| step.name.as_str())));
        }
        drill.calm(CALM_BETWEEN).await;
    }
    let judged = drill.conclude(site.store_database_url(), screen).await?;
    screen.step("stopping");
    site.stop().await?;
    screen.done();
    Ok(Run { settings, steps, judged })
}

/// Stops a process in good order and starts the other release's in its place.
async fn replace(replica: &Replica, binaries: &Path) -> Result<Injected> {
    let service = replica.service();
    let mut complaints = Vec::new();
    let status = service.stop().await?;
    if !status.success() {
        complaints.push(format!("it was asked to stop and ended with {status}"));
    }
    if let Err(error) = service.replace(binaries).await {
        complaints.push(format!("it does not start: {error}"));
    }
    Ok(Injected::Over(complaints))
}
