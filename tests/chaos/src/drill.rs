//! What the scenarios with faults have in common: a crowd that talks, something that is done to the cluster, and then the
//! check that everybody has everything. It knows the cluster by the addresses of its gateways and the URL of its database.

use std::{net::SocketAddr, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    check::{Gaps, Latencies, Verdict, judge},
    complete::{Completeness, complete},
    crowd::{Cast, Crowd, Roll, Talk, Whispers},
    error::Result,
    fault::End,
    history::{Attempt, Span},
    inject::Injected,
    log,
    screen::Screen,
    settings::{PRESENT_WITHIN, Settings},
    watch::{Moment, Watch},
};

/// How long something is said in quiet rooms before a fault.
const WHISPERS_BEFORE: Duration = Duration::from_millis(150);
/// How long after the beginning of a fault the cast acts.
const CAST_AFTER: Duration = Duration::from_millis(100);
/// Before the first fault: latencies of a system that nothing has happened to.
const CALM_BEFORE: Duration = Duration::from_secs(4);
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

/// A run that is under way.
#[derive(Debug)]
pub struct Drill {
    settings: Settings,
    crowd: Crowd,
    /// None only while it acts in a task of its own.
    cast: Option<Cast>,
    talk: Talk,
    watch: Watch,
    started: Instant,
    /// Whether everybody had everything whenever it was checked. Where somebody missed something, the run has failed, and
    /// what follows from that is not told besides.
    whole: bool,
    /// Counts the completenesses.
    round: usize,
    /// Markers and whispers, with their senders.
    sent: Vec<(usize, Attempt)>,
    faults: Vec<Span>,
    leases_lost: Vec<Span>,
    calms: Vec<Span>,
    /// What failed though nothing was broken.
    troubles: Vec<String>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Judged {
    /// What failed though nothing was broken.
    pub troubles: Vec<String>,
    /// What the judge says.
    pub verdict: Verdict,
    /// Latencies of calm times.
    pub latencies: Latencies,
    /// Latencies of each of them, in order.
    pub each_calm: Vec<Latencies>,
    /// How long those were together.
    pub calm: Duration,
    /// Latencies of the last whispers, in quiet rooms, by way of the bus or not.
    pub fast_way: Latencies,
    /// The longest times without service.
    pub gaps: Gaps,
    /// From the first message to the last completeness.
    pub took: Duration,
}

impl Drill {
    /// Gathers the crowd at these gateways, lets it talk, and waits until everybody has everything; then a calm.
    ///
    /// # Errors
    /// When the set-up fails.
    pub async fn begin(gateways: &[SocketAddr], settings: Settings, screen: &Screen) -> Result<Self> {
        let watch = Watch::start();
        screen.step("gathering the clients");
        let (crowd, cast) = Crowd::gather(gateways, &settings, watch).await?;
        screen.follow(crowd.tally());
        let talk = Talk::start(&crowd, settings.seed, settings.messages_a_second, watch);
        let mut drill = Self {
            settings,
            crowd,
            cast: Some(cast),
            talk,
            watch,
            started: Instant::now(),
            whole: true,
            round: 0,
            sent: Vec::new(),
            faults: Vec::new(),
            leases_lost: Vec::new(),
            calms: Vec::new(),
            troubles: Vec::new(),
        };
        screen.step("calm");
        let first = drill.complete(None).await?;
        drill.whole = first.took.is_some();
        drill.troubles.extend(first.missing);
        drill.calm(CALM_BEFORE).await;
        Ok(drill)
    }

    /// The clients.
    #[must_use]
    pub const fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    /// Whether everybody had everything whenever it was checked.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// How long it has lasted.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Does something to the cluster while the crowd talks and the cast acts. When it is over, everybody has to have
    /// everything again, and every gateway to know who is where. `ends_processes` says that what is done ends processes of
    /// Madang and starts them again.
    ///
    /// # Errors
    /// When it cannot be done, or something does not come up again.
    pub async fn during(
        &mut self,
        ends_processes: bool,
        fault: impl AsyncFnOnce(&Crowd) -> Result<Injected>,
    ) -> Result<(Moment, End)> {
        let round = self.round;
        let whispers = Whispers::start(&self.crowd, round, !ends_processes, self.watch);
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
        let injected = fault(&self.crowd).await?;
        let ended = self.watch.now();
        let ended_at = Instant::now();
        let mut complaints = match injected {
            Injected::Impossible(reason) => {
                self.complete(Some(whispers)).await?;
                if let Some((cast, complaints)) = acting.await? {
                    self.cast = Some(cast);
                    self.troubles.extend(complaints);
                }
                return Ok((began, End::Impossible(reason)));
            }
            Injected::Over(complaints) => complaints,
        };
        self.faults.push(Span { from: began, until: ended });
        let completeness = self.complete(Some(whispers)).await?;
        complaints.extend(completeness.missing);
        let complete = completeness.took.map(|_| self.watch.now().since(ended));
        self.whole &= complete.is_some();
        if let Some((cast, missed)) = acting.await? {
            complaints.extend(missed);
            let forgotten = Moment::after(ended.since_start().saturating_sub(FORGOTTEN_AFTER));
            let roll = Roll::lenient(&self.crowd, &cast, forgotten);
            let wrong = roll.call(self.crowd.gateways(), ended_at + PRESENT_WITHIN).await;
            complaints.extend(wrong);
            self.cast = Some(cast);
        }
        let present = self.watch.now().since(ended);
        Ok((began, End::Over { ended, complete, marked: completeness.marked, present, complaints }))
    }

    /// In this time a gateway was away from Redis for longer than its lease.
    pub fn lease_was_lost(&mut self, time: Span) {
        self.leases_lost.push(time);
    }

    /// Something failed though nothing was broken.
    pub fn trouble(&mut self, what: String) {
        self.troubles.push(what);
    }

    /// A time with nothing broken, in which the cast recovers and tokens are renewed.
    pub async fn calm(&mut self, time: Duration) {
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

    /// The last messages, then the judge, who reads the log at this URL.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn conclude(mut self, database_url: &str, screen: &Screen) -> Result<Judged> {
        screen.step("the last messages");
        self.calm(CALM_AFTER).await;
        let last = self.last_whispers().await?;
        if self.whole {
            screen.step("those who leave, and come back");
            let from = self.watch.now();
            self.walk().await?;
            self.calms.push(Span { from, until: self.watch.now() });
        }
        let Self {
            settings,
            crowd,
            cast,
            talk,
            watch,
            started,
            round,
            mut sent,
            faults,
            leases_lost,
            calms,
            mut troubles,
            ..
        } = self;
        let talked = talk.stop().await?;
        let others: Vec<_> = cast.iter().flat_map(Cast::listening).map(|(_, _, client)| client).collect();
        let mut completeness = complete(&crowd, &others, watch, round + 1, None).await?;
        sent.append(&mut completeness.sent);
        troubles.append(&mut completeness.missing);
        sent.extend(talked);
        let took = started.elapsed();

        screen.step("judging");
        let mut history = crowd.disperse(sent).await?;
        if let Some(cast) = cast {
            let (memories, walks) = cast.disperse().await?;
            history.clients.extend(memories);
            history.walks = walks;
        }
        history.faults = faults;
        history.leases_lost = leases_lost;
        history.removed_within = settings.removed_within;
        let latencies = Latencies::of(&history, &calms, 0..settings.rooms);
        let each_calm =
            calms.iter().map(|calm| Latencies::of(&history, &[*calm], 0..settings.rooms)).collect();
        let fast_way = Latencies::of(&history, &[last], settings.rooms..history.rooms.len());
        let gaps = Gaps::of(&history);
        let calm = calms.iter().map(|calm| calm.until.since(calm.from)).sum();
        history.calms = calms;
        let stored = log::read(database_url, &history).await?;
        let verdict = judge(&history, &stored);
        Ok(Judged { troubles, verdict, latencies, each_calm, calm, fast_way, gaps, took })
    }

    async fn complete(&mut self, whispers: Option<Whispers>) -> Result<Completeness> {
        self.round += 1;
        let mut completeness = complete(&self.crowd, &[], self.watch, self.round, whispers).await?;
        self.sent.append(&mut completeness.sent);
        Ok(completeness)
    }

    /// Says something in quiet rooms, for once with nothing broken, and waits until it is heard.
    async fn last_whispers(&mut self) -> Result<Span> {
        let from = self.watch.now();
        let whispers = Whispers::start(&self.crowd, self.round, false, self.watch);
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
        let roll = Roll::strict(&self.crowd, &cast);
        self.troubles.extend(roll.call(gateways, Instant::now() + FORGOTTEN_AFTER).await);
        sleep(TOLD_WITHIN).await;
        cast.leave_in_calm().await?;
        let roll = Roll::strict(&self.crowd, &cast);
        self.troubles.extend(roll.call(gateways, Instant::now() + GONE_WITHIN).await);
        // Whoever hears it later, or again, hears it within this.
        sleep(TOLD_WITHIN).await;
        self.troubles.extend(cast.come_back().await);
        let roll = Roll::strict(&self.crowd, &cast);
        self.troubles.extend(roll.call(gateways, Instant::now() + TOLD_WITHIN).await);
        sleep(TOLD_WITHIN).await;
        self.cast = Some(cast);
        Ok(())
    }
}
