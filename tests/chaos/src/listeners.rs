//! Thousands of sockets, and somebody who talks in each of their rooms: what scenarios measure in which gateways stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

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
    crowd::people,
    error::Result,
    screen::Screen,
    settings::Settings,
    watch::{Moment, Watch},
};

/// Sockets of each account.
pub const SOCKETS_EACH: usize = 20;
/// Accounts of each room: a hundred sockets.
const ACCOUNTS_EACH: usize = 5;
/// Between two messages of a room.
const PACE: Duration = Duration::from_secs(1);
/// Handshakes that are begun at a time.
const OPENING: usize = 256;
/// More than the worst that is promised: when it has passed, the run goes on and the report says so.
const BACK_WITHIN_MAX: Duration = Duration::from_secs(60);

/// Where sockets are opened first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// As many at each gateway.
    Each,
    /// All at the first one.
    One,
}

/// What one socket has seen.
#[derive(Debug, Default)]
struct Seen {
    last: u64,
    delivered: usize,
    wrong: usize,
    faults: Vec<Fault>,
    away: Vec<Duration>,
    /// When it was lost, as often as it was.
    lost: Vec<Moment>,
}

/// What is going on, for those who wait.
#[derive(Debug, Clone, Copy, Default)]
struct Now {
    /// Sockets that are caught up.
    here: usize,
}

/// What all sockets have seen, and what became of the talk.
#[derive(Debug, Default)]
pub struct Outcome {
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
    /// When sockets were lost, in order.
    pub lost: Vec<Moment>,
}

#[derive(Debug)]
struct Socket {
    room: usize,
    session: Session,
    remembering: JoinHandle<Seen>,
}

/// The sockets.
#[derive(Debug)]
pub struct Listeners {
    rooms: Vec<RoomId>,
    sockets: Vec<Socket>,
    now: watch::Receiver<Now>,
}

/// The talk in their rooms.
#[derive(Debug)]
pub struct Talking {
    rooms: Vec<JoinHandle<Talked>>,
    done: CancellationToken,
}

/// What came of one room's talk.
#[derive(Debug)]
struct Talked {
    acknowledged: usize,
    failed: usize,
    head: u64,
}

impl Listeners {
    /// Makes accounts and rooms, opens the sockets, and waits until all of them listen.
    ///
    /// # Errors
    /// When the set-up fails.
    pub async fn gather(
        addresses: &[SocketAddr],
        first: First,
        settings: &Settings,
        watch: Watch,
        screen: &Screen,
    ) -> Result<Self> {
        let accounts = settings.clients.div_ceil(SOCKETS_EACH).max(ACCOUNTS_EACH);
        screen.step(&format!("registering {accounts} accounts"));
        let people = people::register(addresses, accounts).await?;
        let members: Vec<Vec<usize>> = (0..accounts / ACCOUNTS_EACH)
            .map(|room| (room * ACCOUNTS_EACH..(room + 1) * ACCOUNTS_EACH).collect())
            .collect();
        let rooms = people::make_rooms(addresses, &people, &members).await?;
        screen.step(&format!("opening {} sockets", members.len() * ACCOUNTS_EACH * SOCKETS_EACH));
        let (tell, now) = watch::channel(Now::default());
        let tell = Arc::new(tell);
        let seats = (0..members.len() * ACCOUNTS_EACH * SOCKETS_EACH).map(|seat| {
            let account = seat / SOCKETS_EACH;
            let room = account / ACCOUNTS_EACH;
            let place = if first == First::Each { seat } else { 0 };
            let bases = (0..addresses.len()).map(|turn| addresses[(place + turn) % addresses.len()]);
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
        let listeners = Self { rooms, sockets, now };
        listeners.all_here().await;
        Ok(listeners)
    }

    /// Waits until every socket is caught up, for a bounded time.
    pub async fn all_here(&self) {
        let everybody = self.sockets.len();
        let mut now = self.now.clone();
        // Whoever is not here in time is found among those who have not received everything.
        let _ = timeout(BACK_WITHIN_MAX, now.wait_for(|now| now.here == everybody)).await;
    }

    /// Somebody talks in each room, in time whatever happens.
    #[must_use]
    pub fn talk(&self) -> Talking {
        let done = CancellationToken::new();
        let speaker = |room: usize| {
            let socket = self.sockets.iter().find(|socket| socket.room == room);
            (self.rooms[room], socket.map(|socket| socket.session.clone()), done.clone())
        };
        let rooms = (0..self.rooms.len()).map(|room| tokio::spawn(speak(speaker(room)))).collect();
        Talking { rooms, done }
    }

    /// Ends the talk, waits until everybody has received everything, for a bounded time, and asks what they have seen.
    ///
    /// # Errors
    /// When a task panicked.
    pub async fn disperse(self, talking: Talking) -> Result<Outcome> {
        talking.done.cancel();
        let mut outcome = Outcome { sockets: self.sockets.len(), ..Outcome::default() };
        let mut heads = vec![0; self.rooms.len()];
        for (room, talked) in talking.rooms.into_iter().enumerate() {
            let talked = talked.await?;
            outcome.acknowledged += talked.acknowledged;
            outcome.failed += talked.failed;
            heads[room] = talked.head;
        }
        for (room, seen) in self.seen(&heads).await? {
            let missing = heads[room].saturating_sub(seen.last);
            outcome.delivered += seen.delivered;
            outcome.wrong += seen.wrong + usize::try_from(missing).unwrap_or(usize::MAX);
            outcome.faults.extend(seen.faults);
            outcome.away.extend(seen.away);
            outcome.lost.extend(seen.lost);
        }
        outcome.away.sort_unstable();
        outcome.lost.sort_unstable();
        Ok(outcome)
    }

    async fn seen(self, heads: &[u64]) -> Result<Vec<(usize, Seen)>> {
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
                if lost_at.is_none() {
                    let now = watch.now();
                    lost_at = Some(now);
                    seen.lost.push(now);
                }
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
