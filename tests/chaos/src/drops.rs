//! The scenario of drops: the network of every client is cut for two seconds, again and again, and everything that was
//! sent meanwhile arrives.

use std::{path::PathBuf, time::Duration};

use futures_util::future::try_join_all;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    check::{Verdict, judge},
    complete::complete,
    crowd::{ClientLine, Crowd, Talk},
    error::Result,
    log,
    screen::Screen,
    settings::Settings,
    site::Site,
    watch::Watch,
};

/// How long a network is away.
const DROP: Duration = Duration::from_secs(2);

/// How long it is there between two drops, in milliseconds.
const BETWEEN_MS: std::ops::Range<u64> = 1_000..5_000;

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// For how long networks were cut.
    pub duration: Duration,
    /// Drops of all clients together.
    pub drops: usize,
    /// From the last drop's end until everybody had everything.
    pub complete: Option<Duration>,
    /// What the judge says.
    pub verdict: Verdict,
    /// The directory of the logs.
    pub logs: PathBuf,
}

impl Run {
    /// Of a hundred events that were due at clients, so many were received.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 deliveries")]
    pub fn per_cent(&self) -> f64 {
        let counts = &self.verdict.counts;
        100.0 * counts.delivered as f64 / counts.due.max(1) as f64
    }
}

/// Runs the scenario and judges it.
///
/// # Errors
/// When something cannot be started.
pub async fn run(settings: Settings, duration: Duration, logs: PathBuf, screen: &Screen) -> Result<Run> {
    screen.step("starting PostgreSQL, Redis, and two of each service");
    let site = Site::start(&Settings { kinds: Vec::new(), ..settings.clone() }, logs.clone()).await?;
    let watch = Watch::start();
    screen.step("gathering the clients");
    let (crowd, cast) = Crowd::gather(&site.gateway_addresses(), &settings, watch).await?;
    screen.follow(crowd.tally());
    let talk = Talk::start(&crowd, settings.seed, settings.messages_a_second, watch);
    screen.step("dropping the network of every client, again and again");
    let until = Instant::now() + duration;
    let mut random = StdRng::seed_from_u64(settings.seed);
    let drops = crowd.lines().into_iter().map(|line| dropped(line, random.random(), until));
    let drops: usize = try_join_all(drops).await?.into_iter().sum();
    let completeness = complete(&crowd, &[], watch, 0, None).await?;
    screen.step("the last messages");
    let mut sent = talk.stop().await?;
    sent.extend(completeness.sent);
    // What was acknowledged last is not behind a marker: another one follows it.
    let others: Vec<_> = cast.listening().map(|(_, _, client)| client).collect();
    let end = complete(&crowd, &others, watch, 1, None).await?;
    sent.extend(end.sent);

    screen.step("judging");
    let mut history = crowd.disperse(sent).await?;
    let (memories, _) = cast.disperse().await?;
    history.clients.extend(memories);
    let stored = log::read(site.store_database_url(), &history).await?;
    let verdict = judge(&history, &stored);
    screen.step("stopping");
    site.stop().await?;
    screen.done();
    Ok(Run { settings, duration, drops, complete: completeness.took, verdict, logs })
}

/// Drops the network of one client until the time is over; returns how often.
async fn dropped(line: &ClientLine, seed: u64, until: Instant) -> Result<usize> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut drops = 0;
    loop {
        let pause = Duration::from_millis(random.random_range(BETWEEN_MS));
        if Instant::now() + pause + DROP > until {
            return Ok(drops);
        }
        sleep(pause).await;
        line.drop_for(DROP, random.random()).await?;
        drops += 1;
    }
}
