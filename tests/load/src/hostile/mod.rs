//! Hostile clients beside a normal load.
//!
//! Each attack goes on at a fixed rate or with a fixed number of connections, so that two versions of the servers are
//! under the same one, and comes from an address of its own: what is bounded per address then bounds the attacker alone.
//! Everything stays on the loopback interface, is bounded in number, and ends when the [`Attacker`] does.

mod connections;
mod newcomer;
mod requests;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub use newcomer::{Newcomers, NewcomersOutcome};
use tokio::{
    net::{TcpSocket, TcpStream},
    runtime::Builder,
    sync::oneshot,
    time::{Interval, MissedTickBehavior, interval},
};

/// Where attacks come from. The whole of 127.0.0.0/8 is the loopback interface.
const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));
/// How often a paced attack acts.
const TICK: Duration = Duration::from_millis(10);
const TICKS_PER_SECOND: u32 = 100;

/// What hostile clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    /// 500 connections announce a body and send none of it.
    UnfinishedBodies,
    /// 8 sockets send 2 MB of pings a second each and read nothing.
    UnreadPongs,
    /// 40 connections ask for answers of 100 kB again and again and read nothing.
    UnreadAnswers,
    /// 2,000 requests a second with API keys that never existed.
    MadeUpKeys,
    /// One socket subscribes to 2,000 rooms a second that do not exist.
    UnknownRooms,
    /// One user joins and leaves a public room, 200 times a second.
    JoinsAndLeaves,
    /// One member tells of typing 2,000 times a second.
    Typing,
    /// 1,000 sockets a second open without a credential and stay for as long as they may.
    Handshakes,
}

impl Attack {
    /// All, in the order in which they are run.
    pub const ALL: [Self; 8] = [
        Self::UnfinishedBodies,
        Self::UnreadPongs,
        Self::UnreadAnswers,
        Self::MadeUpKeys,
        Self::UnknownRooms,
        Self::JoinsAndLeaves,
        Self::Typing,
        Self::Handshakes,
    ];

    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnfinishedBodies => "beside 500 unfinished bodies",
            Self::UnreadPongs => "beside 8 sockets of unread pongs",
            Self::UnreadAnswers => "beside 40 unread answers",
            Self::MadeUpKeys => "beside 2,000/s made-up API keys",
            Self::UnknownRooms => "beside 2,000/s unknown rooms",
            Self::JoinsAndLeaves => "beside 200/s joins and leaves",
            Self::Typing => "beside 2,000/s typing signals",
            Self::Handshakes => "beside 1,000/s anonymous sockets",
        }
    }
}

/// What an attack is aimed at.
#[derive(Debug, Clone)]
pub struct Aim {
    /// The gateways; connections take them in turn.
    pub gateways: Vec<SocketAddr>,
    /// The access token of the attacker.
    pub token: Arc<str>,
    /// A room of the load, of which the attacker is a member.
    pub room: Arc<str>,
    /// A public room that the attacker may join.
    pub public_room: Arc<str>,
}

impl Aim {
    fn gateway(&self, number: usize) -> SocketAddr {
        self.gateways[number % self.gateways.len()]
    }
}

/// What the attacker got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spoils {
    /// Requests, frames or connections that the servers took.
    pub done: u64,
    /// Of those, what the servers refused.
    pub refused: u64,
    /// Connections that were open at the end.
    pub held: i64,
    /// How long it went on.
    pub lasted: Duration,
}

/// What an attack counts while it goes on.
#[derive(Debug, Default)]
struct Counts {
    done: AtomicU64,
    refused: AtomicU64,
    held: AtomicI64,
}

impl Counts {
    fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection for as long as the answer lives.
    fn hold(self: &Arc<Self>) -> Held {
        self.held.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(self))
    }
}

/// A connection that is counted.
struct Held(Arc<Counts>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An attack that goes on, on a thread of its own.
#[derive(Debug)]
pub struct Attacker {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
    counts: Arc<Counts>,
    since: Instant,
}

impl Attacker {
    /// Begins.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(attack: Attack, aim: Aim) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let counts = Arc::new(Counts::default());
        let theirs = Arc::clone(&counts);
        let thread = std::thread::Builder::new().name("attacker".to_owned()).spawn(move || {
            Builder::new_current_thread().enable_all().build()?.block_on(async move {
                tokio::select! {
                    ended = run(attack, Arc::new(aim), theirs) => ended,
                    _ = stopped => Ok(()),
                }
            })
        })?;
        Ok(Self { stop, thread, counts, since: Instant::now() })
    }

    /// Ends the attack.
    ///
    /// # Errors
    /// When it could not be carried out.
    pub fn finish(self) -> io::Result<Spoils> {
        let Counts { done, refused, held } = &*self.counts;
        let spoils = Spoils {
            done: done.load(Ordering::Relaxed),
            refused: refused.load(Ordering::Relaxed),
            held: held.load(Ordering::Relaxed),
            lasted: self.since.elapsed(),
        };
        // One that has failed is not there to be told.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| io::Error::other("the attacker panicked"))??;
        Ok(spoils)
    }
}

/// Attacks until it is dropped; answers only when it cannot.
async fn run(attack: Attack, aim: Arc<Aim>, counts: Arc<Counts>) -> io::Result<()> {
    match attack {
        Attack::UnfinishedBodies => connections::unfinished_bodies(&aim, &counts).await,
        Attack::UnreadPongs => connections::unread_pongs(&aim, &counts).await,
        Attack::UnreadAnswers => connections::unread_answers(&aim, &counts).await,
        Attack::Handshakes => connections::handshakes(&aim, &counts).await,
        Attack::UnknownRooms => connections::unknown_rooms(&aim, &counts).await,
        Attack::Typing => connections::typing(&aim, &counts).await,
        Attack::MadeUpKeys => requests::made_up_keys(&aim, &counts).await,
        Attack::JoinsAndLeaves => requests::joins_and_leaves(&aim, &counts).await,
    }
}

/// A connection from the attacker's address.
async fn connect(gateway: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(ATTACKER, 0))?;
    socket.connect(gateway).await
}

/// The beat of a paced attack.
fn ticks() -> Interval {
    let mut ticks = interval(TICK);
    // An attack that could not keep up does not make up for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
