//! The scenario of faults: one after the other, each followed by completeness and a short calm.

use std::{path::PathBuf, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    check::{Calm, Latencies, Verdict, judge},
    complete::{Completeness, complete},
    crowd::{Crowd, Talk, Whispers},
    error::Result,
    fault::{Fault, Injected, Plan, inject},
    history::Attempt,
    log,
    report::Screen,
    settings::Settings,
    site::Site,
    watch::{Moment, Watch},
};

/// How long something is said in quiet rooms before a fault.
const WHISPERS_BEFORE: Duration = Duration::from_millis(150);
/// Before the first fault: latencies of a system that nothing has happened to.
const CALM_BEFORE: Duration = Duration::from_secs(4);
/// Between completeness and the next fault.
const CALM_BETWEEN: Duration = Duration::from_millis(800);
/// After the last completeness: what was lost in Redis is registered again within a pulse (2 s) and a connection.
const CALM_AFTER: Duration = Duration::from_secs(5);
/// How long the last whispers are counted as sent in a calm time.
const LAST_WHISPERS: Duration = Duration::from_secs(1);

/// A fault that was injected, and what came of it.
#[derive(Debug)]
pub struct Injection {
    /// Which.
    pub fault: Fault,
    /// When.
    pub began: Moment,
    /// What came of it.
    pub end: End,
}

/// What came of a fault.
#[derive(Debug)]
pub enum End {
    /// This machine cannot inject it.
    Impossible(String),
    /// It is over.
    Over {
        /// When it ended.
        ended: Moment,
        /// From its end until everybody had everything; none when that did not happen in time.
        complete: Option<Duration>,
        /// From its end until the markers of all rooms were acknowledged.
        marked: Duration,
        /// What happened that should not have; who missed what.
        complaints: Vec<String>,
    },
}

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// Each fault, in order.
    pub injections: Vec<Injection>,
    /// What the judge says.
    pub verdict: Verdict,
    /// Latencies of calm times.
    pub latencies: Latencies,
    /// How long those were together.
    pub calm: Duration,
    /// Latencies of the last whispers, in quiet rooms, by way of the bus or not.
    pub fast_way: Latencies,
    /// From the first fault to the last completeness.
    pub took: Duration,
    /// The directory of the logs.
    pub logs: PathBuf,
}

impl Injection {
    /// Whether everybody was complete again, in time; `None` where nothing was injected.
    #[must_use]
    pub fn in_time(&self, within: Duration) -> Option<bool> {
        match &self.end {
            End::Impossible(_) => None,
            End::Over { complete, .. } => Some(complete.is_some_and(|took| took <= within)),
        }
    }
}

/// Runs the scenario and judges it.
///
/// # Errors
/// When something cannot be started, or not be started again.
pub async fn run(settings: Settings, logs: PathBuf, screen: &Screen) -> Result<Run> {
    screen.step("starting PostgreSQL, Redis, and two of each service");
    let site = Site::start(&settings, logs.clone()).await?;
    let watch = Watch::start();
    screen.step("gathering the clients");
    let crowd = Crowd::gather(&site, &settings, watch).await?;
    screen.follow(crowd.tally());
    let talk = Talk::start(&crowd, settings.seed, settings.messages_a_second, watch);
    let mut drill =
        Drill { settings: &settings, site: &site, crowd: &crowd, watch, round: 0, sent: Vec::new() };

    screen.step("calm");
    let mut calms = Vec::new();
    let started = Instant::now();
    let mut injections = Vec::new();
    let whole = drill.complete(None).await?.took.is_some();
    calms.push(drill.calm(CALM_BEFORE).await);
    if whole {
        for fault in Plan::new(settings.kinds.clone(), settings.seed) {
            if started.elapsed() + fault.hold >= settings.duration {
                break;
            }
            screen.step(&fault.to_string());
            let injection = drill.injected(fault).await?;
            screen.injection(&injection, settings.complete_within);
            let failed = matches!(injection.end, End::Over { complete: None, .. });
            injections.push(injection);
            if failed {
                break;
            }
            calms.push(drill.calm(CALM_BETWEEN).await);
        }
    }
    screen.step("the last messages");
    calms.push(drill.calm(CALM_AFTER).await);
    let last = drill.last_whispers().await?;
    let mut sent = talk.stop().await?;
    drill.complete(None).await?;
    let took = started.elapsed();
    sent.append(&mut drill.sent);

    screen.step("judging");
    let history = crowd.disperse(sent).await?;
    let stored = log::read(site.store_database_url(), &history.rooms).await?;
    let verdict = judge(&history, &stored);
    let latencies = Latencies::of(&history, &calms, 0..settings.rooms);
    let fast_way = Latencies::of(&history, &[last], settings.rooms..history.rooms.len());
    let calm = calms.iter().map(|calm| calm.until.since(calm.from)).sum();
    screen.step("stopping");
    site.stop().await?;
    screen.done();
    Ok(Run { settings, injections, verdict, latencies, calm, fast_way, took, logs })
}

/// What each fault needs.
struct Drill<'a> {
    settings: &'a Settings,
    site: &'a Site,
    crowd: &'a Crowd,
    watch: Watch,
    /// Counts the completenesses.
    round: usize,
    /// Markers and whispers, with their senders.
    sent: Vec<(usize, Attempt)>,
}

impl Drill<'_> {
    async fn injected(&mut self, fault: Fault) -> Result<Injection> {
        let whispers = Whispers::start(self.crowd, self.round, !fault.kind.ends_processes(), self.watch);
        // So that something is under way when it begins.
        sleep(WHISPERS_BEFORE).await;
        let began = self.watch.now();
        let lines = self.crowd.lines();
        let end = match inject(self.site, &lines, &fault).await? {
            Injected::Impossible(reason) => {
                self.complete(Some(whispers)).await?;
                End::Impossible(reason)
            }
            Injected::Over(mut complaints) => {
                let ended = self.watch.now();
                // Nothing may end that the fault did not end; what did is needed again all the same.
                complaints.extend(self.site.revive().await?);
                let completeness = self.complete(Some(whispers)).await?;
                complaints.extend(completeness.missing);
                let complete = completeness.took.map(|_| self.watch.now().since(ended));
                End::Over { ended, complete, marked: completeness.marked, complaints }
            }
        };
        Ok(Injection { fault, began, end })
    }

    async fn complete(&mut self, whispers: Option<Whispers>) -> Result<Completeness> {
        self.round += 1;
        let mut completeness = complete(self.crowd, self.watch, self.round, whispers).await?;
        self.sent.append(&mut completeness.sent);
        Ok(completeness)
    }

    /// Says something in quiet rooms, for once with nothing broken, and waits until it is heard.
    async fn last_whispers(&mut self) -> Result<Calm> {
        let from = self.watch.now();
        let whispers = Whispers::start(self.crowd, self.round, false, self.watch);
        sleep(LAST_WHISPERS).await;
        let until = self.watch.now();
        self.complete(Some(whispers)).await?;
        Ok(Calm { from, until })
    }

    async fn calm(&self, time: Duration) -> Calm {
        let from = self.watch.now();
        sleep(time.min(self.settings.duration)).await;
        Calm { from, until: self.watch.now() }
    }
}
