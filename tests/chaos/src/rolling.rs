//! The scenario of a rolling restart under load: thousands of sockets, each gateway stopped and started again, one
//! after the other, while people talk. Every socket comes back by way of the admission at the gateway that stays.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use madang_client::{Credential, Fault, Session, SessionEvent, SessionEvents, SessionOptions};
use madang_domain::{Cursor, RoomId, Seq};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    crowd::people, error::Result, screen::Screen, settings::Settings, site::Site, tally, watch::Watch,
};

/// Sockets of each account.
const SOCKETS_EACH: usize = 20;
/// Accounts of each room: a hundred sockets.
const ACCOUNTS_EACH: usize = 5;
/// Between two messages of a room.
const PACE: Duration = Duration::from_secs(1);
/// What a gateway is set to let in, in any second: well under what two thousand sockets would ask for.
pub const ADMISSIONS_A_SECOND: u32 = 300;
/// Handshakes that are begun at a time.
const OPENING: usize = 256;
/// More than the worst that is promised: when it has passed, the run goes on and the report says so.
const BACK_WITHIN_MAX: Duration = Duration::from_secs(60);
/// Talk before, between and after the restarts.
const CALM: Duration = Duration::from_secs(3);

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// Sockets.
    pub sockets: usize,
    /// Messages that were acknowledged.
    pub acknowledged: usize,
    /// Messages that were not, within half a minute and all tries.
    pub failed: usize,
    /// Deliveries.
    pub delivered: usize,
    /// Deliveries that did not come, came again, or out of order.
    pub wrong: usize,
    /// What sockets' own checks found.
    pub faults: Vec<Fault>,
    /// From the loss of each socket until it was caught up again, shortest first.
    pub away: Vec<Duration>,
    /// The most sockets that a gateway let in within any second of the restarts.
    pub peak: usize,
    /// The directory of the logs.
    pub logs: PathBuf,
}

/// What one socket has seen.
#[derive(Debug, Default)]
struct Seen {
    last: u64,
    delivered: usize,
    wrong: usize,
    faults: Vec<Fault>,
    away: Vec<Duration>,
}

/// What is going on, for those who wait.
#[derive(Debug, Clone, Copy, Default)]
struct Now {
    /// Sockets that are caught up.
    here: usize,
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
    let crowd = Crowd::gather(&site, &settings, watch, screen).await?;
    let done = CancellationToken::new();
    let talking = crowd.talk(&done);
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
        crowd.all_here().await;
        gateway.service().restart().await?;
        sleep(CALM).await;
    }
    counted.cancel();
    let mut peak = 0;
    for tally in tallies {
        peak = peak.max(tally.await?);
    }

    screen.step("the last messages");
    done.cancel();
    let (mut acknowledged, mut failed, mut heads) = (0, 0, vec![0; crowd.rooms.len()]);
    for (room, talked) in talking.into_iter().enumerate() {
        let talked = talked.await?;
        acknowledged += talked.acknowledged;
        failed += talked.failed;
        heads[room] = talked.head;
    }
    let (sockets, seen) = (crowd.sockets.len(), crowd.disperse(&heads).await?);
    screen.step("stopping");
    site.stop().await?;
    screen.done();
    let mut run = Run {
        sockets,
        acknowledged,
        failed,
        delivered: seen.iter().map(|(_, seen)| seen.delivered).sum(),
        wrong: 0,
        faults: Vec::new(),
        away: Vec::new(),
        peak,
        logs,
        settings,
    };
    for (room, seen) in seen {
        let missing = heads[room].saturating_sub(seen.last);
        run.wrong += seen.wrong + usize::try_from(missing).unwrap_or(usize::MAX);
        run.faults.extend(seen.faults);
        run.away.extend(seen.away);
    }
    run.away.sort_unstable();
    Ok(run)
}

struct Socket {
    room: usize,
    session: Session,
    remembering: JoinHandle<Seen>,
}

struct Crowd {
    rooms: Vec<RoomId>,
    sockets: Vec<Socket>,
    now: watch::Receiver<Now>,
}

/// What came of one room's talk.
struct Talked {
    acknowledged: usize,
    failed: usize,
    head: u64,
}

impl Crowd {
    async fn gather(site: &Site, settings: &Settings, watch: Watch, screen: &Screen) -> Result<Self> {
        let accounts = settings.clients.div_ceil(SOCKETS_EACH).max(ACCOUNTS_EACH);
        screen.step(&format!("registering {accounts} accounts"));
        let addresses = site.gateway_addresses();
        let people = people::register(&addresses, accounts).await?;
        let members: Vec<Vec<usize>> = (0..accounts / ACCOUNTS_EACH)
            .map(|room| (room * ACCOUNTS_EACH..(room + 1) * ACCOUNTS_EACH).collect())
            .collect();
        let rooms = people::make_rooms(&addresses, &people, &members).await?;
        screen.step(&format!("opening {} sockets", members.len() * ACCOUNTS_EACH * SOCKETS_EACH));
        let (tell, now) = watch::channel(Now::default());
        let tell = Arc::new(tell);
        let seats = (0..members.len() * ACCOUNTS_EACH * SOCKETS_EACH).map(|seat| {
            let account = seat / SOCKETS_EACH;
            let room = account / ACCOUNTS_EACH;
            // Half of them begin at each gateway.
            let bases = (0..addresses.len()).map(|turn| addresses[(seat + turn) % addresses.len()]);
            let bases = bases.map(|address| format!("http://{address}")).collect();
            let credential = Credential::Bearer(people[account].token());
            let options = SessionOptions { seed: Some(settings.seed ^ seat as u64), ..Default::default() };
            let (topic, tell) = (rooms[room], Arc::clone(&tell));
            async move {
                let (session, events) = Session::start(bases, credential, options);
                let remembering = tokio::spawn(remember(events, watch, tell));
                session.subscribe(topic, Some(Cursor { seq: Seq::START, epoch: None })).await?;
                Ok::<_, crate::Error>(Socket { room, session, remembering })
            }
        });
        let sockets = stream::iter(seats).buffered(OPENING).try_collect().await?;
        let crowd = Self { rooms, sockets, now };
        crowd.all_here().await;
        Ok(crowd)
    }

    /// Waits until every socket is caught up.
    async fn all_here(&self) {
        let everybody = self.sockets.len();
        let mut now = self.now.clone();
        // Whoever is not here in time is found among those who have not received everything.
        let _ = timeout(BACK_WITHIN_MAX, now.wait_for(|now| now.here == everybody)).await;
    }

    /// Somebody talks in each room, in time whatever happens.
    fn talk(&self, done: &CancellationToken) -> Vec<JoinHandle<Talked>> {
        let speaker = |room: usize| {
            let socket = self.sockets.iter().find(|socket| socket.room == room);
            (self.rooms[room], socket.map(|socket| socket.session.clone()), done.clone())
        };
        (0..self.rooms.len()).map(|room| tokio::spawn(speak(speaker(room)))).collect()
    }

    /// Waits until everybody has received everything, for a bounded time, and asks what they have seen.
    async fn disperse(self, heads: &[u64]) -> Result<Vec<(usize, Seen)>> {
        let until = Instant::now() + BACK_WITHIN_MAX;
        for socket in &self.sockets {
            while Instant::now() < until {
                let cursor = socket.session.cursor(self.rooms[socket.room]).await;
                if cursor.is_some_and(|cursor| cursor.seq.get() >= heads[socket.room]) {
                    break;
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
        let mut seen = Vec::with_capacity(self.sockets.len());
        for Socket { room, session, remembering } in self.sockets {
            session.close().await;
            drop(session);
            seen.push((room, remembering.await?));
        }
        Ok(seen)
    }
}

async fn speak((room, session, done): (RoomId, Option<Session>, CancellationToken)) -> Talked {
    let mut talked = Talked { acknowledged: 0, failed: 0, head: 0 };
    let Some(session) = session else { return talked };
    let mut turn = interval(PACE);
    turn.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tokio::select! {
            () = done.cancelled() => return talked,
            _ = turn.tick() => {}
        }
        match session.send(room, "the courtyard stays open").await {
            Ok(sent) => {
                talked.acknowledged += 1;
                talked.head = talked.head.max(sent.seq.get());
            }
            Err(_) => talked.failed += 1,
        }
    }
}

/// Remembers what one socket sees, and says when it goes and comes.
async fn remember(mut events: SessionEvents, watch: Watch, tell: Arc<watch::Sender<Now>>) -> Seen {
    let mut seen = Seen::default();
    let (mut lost_at, mut here) = (None, false);
    loop {
        match events.next().await {
            Ok(None) => return seen,
            Err(fault) => seen.faults.push(fault),
            Ok(Some(SessionEvent::Disconnected { .. })) => {
                lost_at.get_or_insert_with(|| watch.now());
                if std::mem::replace(&mut here, false) {
                    tell.send_modify(|now| now.here -= 1);
                }
            }
            Ok(Some(SessionEvent::CaughtUp { .. })) => {
                seen.away.extend(lost_at.take().map(|at| watch.now().since(at)));
                if !std::mem::replace(&mut here, true) {
                    tell.send_modify(|now| now.here += 1);
                }
            }
            Ok(Some(SessionEvent::Event(event))) => {
                seen.delivered += 1;
                let expected = seen.last + 1;
                seen.wrong += usize::from(event.seq.get() != expected);
                seen.last = seen.last.max(event.seq.get());
            }
            Ok(Some(
                SessionEvent::Connected(_)
                | SessionEvent::Reset { .. }
                | SessionEvent::RoomClosed { .. }
                | SessionEvent::Inbox { .. }
                | SessionEvent::Notice(_)
                | SessionEvent::Ephemeral(_),
            )) => {}
        }
    }
}
