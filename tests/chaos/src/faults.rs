//! The scenario of faults: one after the other, each followed by completeness and a short calm.

use std::{path::PathBuf, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    check::{Latencies, Verdict, judge},
    complete::{Completeness, complete},
    crowd::{Cast, Crowd, Roll, Talk, Whispers},
    error::Result,
    fault::{End, Fault, Injection, Plan},
    history::{Attempt, Span},
    inject::{Injected, inject},
    log,
    screen::Screen,
    settings::{Length, PRESENT_WITHIN, Settings},
    site::Site,
    watch::{Moment, Watch},
};

/// How long something is said in quiet rooms before a fault.
const WHISPERS_BEFORE: Duration = Duration::from_millis(150);
/// How long after the beginning of a fault the cast acts.
const CAST_AFTER: Duration = Duration::from_millis(100);
/// Before the first fault: latencies of a system that nothing has happened to.
const CALM_BEFORE: Duration = Duration::from_secs(4);
/// Between completeness and the next fault.
const CALM_BETWEEN: Duration = Duration::from_millis(800);
/// After the last completeness: what was lost in Redis is registered again within a pulse (2 s) and a connection.
const CALM_AFTER: Duration = Duration::from_secs(5);
/// How long a user may count as present after the last socket: the lease of a gateway that died with it (10
/// s), the grace (5 s), and the time of the notification on a busy machine.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 + 5 + 2);
/// The same without a fault: the grace and the time of the notification.
const GONE_WITHIN: Duration = Duration::from_secs(5 + 2);
/// A change of presence reaches every gateway within it where nothing is broken: gathered for 250 ms, and told.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
/// How long the last whispers are counted as sent in a calm time.
const LAST_WHISPERS: Duration = Duration::from_secs(1);

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// Each fault, in order.
    pub injections: Vec<Injection>,
    /// What failed though nothing was broken.
    pub troubles: Vec<String>,
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

/// Runs the scenario and judges it.
///
/// # Errors
/// When something cannot be started, or not be started again.
pub async fn run(settings: Settings, logs: PathBuf, screen: &Screen) -> Result<Run> {
    let settings = settings.with_short_tokens();
    screen.step("starting PostgreSQL, Redis, and two of each service");
    let site = Site::start(&settings, logs.clone()).await?;
    let watch = Watch::start();
    screen.step("gathering the clients");
    let (crowd, cast) = Crowd::gather(&site, &settings, watch).await?;
    screen.follow(crowd.tally());
    let talk = Talk::start(&crowd, settings.seed, settings.messages_a_second, watch);
    let mut drill = Drill {
        settings: &settings,
        site: &site,
        crowd: &crowd,
        cast: Some(cast),
        watch,
        round: 0,
        sent: Vec::new(),
        calms: Vec::new(),
        troubles: Vec::new(),
    };

    screen.step("calm");
    let started = Instant::now();
    let mut injections = Vec::new();
    let first = drill.complete(None).await?;
    let mut whole = first.took.is_some();
    drill.troubles.extend(first.missing);
    drill.calm(CALM_BEFORE).await;
    if whole {
        let plan = Plan::new(settings.kinds.clone(), settings.seed);
        let count = match settings.length {
            Length::For(_) => usize::MAX,
            Length::Rounds(rounds) => rounds * settings.kinds.len(),
        };
        for fault in plan.take(count) {
            if matches!(settings.length, Length::For(time) if started.elapsed() + fault.hold >= time) {
                break;
            }
            screen.step(&fault.to_string());
            let injection = drill.injected(fault).await?;
            screen.injection(&injection, settings.complete_within);
            whole = !matches!(injection.end, End::Over { complete: None, .. });
            injections.push(injection);
            if !whole {
                break;
            }
            drill.calm(CALM_BETWEEN).await;
        }
    }
    screen.step("the last messages");
    drill.calm(CALM_AFTER).await;
    let last = drill.last_whispers().await?;
    // Where somebody misses something, the run has failed, and what follows from that is not told besides.
    if whole {
        screen.step("those who leave, and come back");
        let from = watch.now();
        drill.walk().await?;
        drill.calms.push(Span { from, until: watch.now() });
    }
    let mut sent = talk.stop().await?;
    drill.last_completeness().await?;
    let took = started.elapsed();

    screen.step("judging");
    let Drill { cast, calms, troubles, sent: others, .. } = drill;
    sent.extend(others);
    let mut history = crowd.disperse(sent).await?;
    if let Some(cast) = cast {
        let (memories, walks) = cast.disperse().await?;
        history.clients.extend(memories);
        history.walks = walks;
    }
    history.faults = injections.iter().filter_map(Injection::span).collect();
    let latencies = Latencies::of(&history, &calms, 0..settings.rooms);
    let fast_way = Latencies::of(&history, &[last], settings.rooms..history.rooms.len());
    let calm = calms.iter().map(|calm| calm.until.since(calm.from)).sum();
    history.calms = calms;
    let stored = log::read(site.store_database_url(), &history).await?;
    let verdict = judge(&history, &stored);
    screen.step("stopping");
    site.stop().await?;
    screen.done();
    Ok(Run { settings, injections, troubles, verdict, latencies, calm, fast_way, took, logs })
}

/// What each fault needs.
struct Drill<'a> {
    settings: &'a Settings,
    site: &'a Site,
    crowd: &'a Crowd,
    /// None only while it acts in a task of its own.
    cast: Option<Cast>,
    watch: Watch,
    /// Counts the completenesses.
    round: usize,
    /// Markers and whispers, with their senders.
    sent: Vec<(usize, Attempt)>,
    calms: Vec<Span>,
    /// What failed though nothing was broken.
    troubles: Vec<String>,
}

impl Drill<'_> {
    async fn injected(&mut self, fault: Fault) -> Result<Injection> {
        let round = self.round;
        let whispers = Whispers::start(self.crowd, round, !fault.kind.ends_processes(), self.watch);
        // So that something is under way when it begins.
        sleep(WHISPERS_BEFORE).await;
        let began = self.watch.now();
        let cast = self.cast.take();
        let acting = tokio::spawn(async move {
            let mut cast = cast?;
            // The fault is there.
            sleep(CAST_AFTER).await;
            let complaints = cast.act(round).await;
            Some((cast, complaints))
        });
        let lines = self.crowd.lines();
        let injected = inject(self.site, &lines, &fault).await?;
        let ended = self.watch.now();
        let ended_at = Instant::now();
        let mut complaints = match injected {
            Injected::Impossible(reason) => {
                self.complete(Some(whispers)).await?;
                if let Some((cast, complaints)) = acting.await? {
                    self.cast = Some(cast);
                    self.troubles.extend(complaints);
                }
                return Ok(Injection { fault, began, end: End::Impossible(reason) });
            }
            Injected::Over(complaints) => complaints,
        };
        // Nothing may end that the fault did not end; what did is needed again all the same.
        complaints.extend(self.site.revive().await?);
        let completeness = self.complete(Some(whispers)).await?;
        complaints.extend(completeness.missing);
        let complete = completeness.took.map(|_| self.watch.now().since(ended));
        if let Some((cast, missed)) = acting.await? {
            complaints.extend(missed);
            let forgotten = Moment::after(ended.since_start().saturating_sub(FORGOTTEN_AFTER));
            let roll = Roll::lenient(self.crowd, &cast, forgotten);
            let wrong = roll.call(self.crowd.gateways(), ended_at + PRESENT_WITHIN).await;
            complaints.extend(wrong);
            self.cast = Some(cast);
        }
        let present = self.watch.now().since(ended);
        let end = End::Over { ended, complete, marked: completeness.marked, present, complaints };
        Ok(Injection { fault, began, end })
    }

    async fn complete(&mut self, whispers: Option<Whispers>) -> Result<Completeness> {
        self.round += 1;
        let mut completeness = complete(self.crowd, &[], self.watch, self.round, whispers).await?;
        self.sent.append(&mut completeness.sent);
        Ok(completeness)
    }

    /// Waits for everybody, the cast included.
    async fn last_completeness(&mut self) -> Result<()> {
        self.round += 1;
        let others: Vec<_> =
            self.cast.iter().flat_map(Cast::listening).map(|(_, _, client)| client).collect();
        let mut completeness = complete(self.crowd, &others, self.watch, self.round, None).await?;
        self.sent.append(&mut completeness.sent);
        self.troubles.append(&mut completeness.missing);
        Ok(())
    }

    /// Says something in quiet rooms, for once with nothing broken, and waits until it is heard.
    async fn last_whispers(&mut self) -> Result<Span> {
        let from = self.watch.now();
        let whispers = Whispers::start(self.crowd, self.round, false, self.watch);
        sleep(LAST_WHISPERS).await;
        let until = self.watch.now();
        self.complete(Some(whispers)).await?;
        Ok(Span { from, until })
    }

    /// Some users leave and come back, with nothing broken. Each gateway has to know, and to tell it once.
    async fn walk(&mut self) -> Result<()> {
        let (Some(mut cast), gateways) = (self.cast.take(), self.crowd.gateways()) else { return Ok(()) };
        // Whoever is still away from the last faults comes back first, and whoever left then is forgotten.
        self.troubles.extend(cast.come_back().await);
        let roll = Roll::strict(self.crowd, &cast);
        self.troubles.extend(roll.call(gateways, Instant::now() + FORGOTTEN_AFTER).await);
        sleep(TOLD_WITHIN).await;
        cast.leave_in_calm().await?;
        let roll = Roll::strict(self.crowd, &cast);
        self.troubles.extend(roll.call(gateways, Instant::now() + GONE_WITHIN).await);
        // Whoever hears it later, or again, hears it within this.
        sleep(TOLD_WITHIN).await;
        self.troubles.extend(cast.come_back().await);
        let roll = Roll::strict(self.crowd, &cast);
        self.troubles.extend(roll.call(gateways, Instant::now() + TOLD_WITHIN).await);
        sleep(TOLD_WITHIN).await;
        self.cast = Some(cast);
        Ok(())
    }

    /// A time with nothing broken, in which the cast recovers and tokens are renewed.
    async fn calm(&mut self, time: Duration) {
        let from = self.watch.now();
        let (round, token_life, watch) = (self.round, self.settings.token_life, self.watch);
        let recovered = async {
            match &mut self.cast {
                Some(cast) => cast.recover(round).await,
                None => Vec::new(),
            }
        };
        let (_, recovered, renewed) =
            tokio::join!(sleep(time), recovered, self.crowd.renew(token_life, watch));
        self.troubles.extend(recovered.into_iter().chain(renewed));
        self.calms.push(Span { from, until: self.watch.now() });
    }
}
