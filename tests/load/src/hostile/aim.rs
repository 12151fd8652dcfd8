//! What attacks share: their aim, their counts, and connections from an address of their own.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Interval, MissedTickBehavior, interval},
};

/// Where attacks come from. The whole of 127.0.0.0/8 is the loopback interface.
pub(super) const ATTACKER: IpAddr = from(66);
/// The addresses of an attack from several.
pub(super) const ATTACKERS: [IpAddr; 4] = [from(66), from(67), from(68), from(69)];

const fn from(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

/// The buffer of a client that reads nothing.
const NARROW_BYTES: u32 = 8 * 1024;
/// How often a paced attack acts.
const TICK: Duration = Duration::from_millis(10);
pub(super) const TICKS_PER_SECOND: u32 = 100;

/// What an attack is aimed at.
#[derive(Debug, Clone)]
pub struct Aim {
    /// Distinguishes the names that an attack takes from those of other runs.
    pub run: Arc<str>,
    /// The gateways; connections take them in turn.
    pub gateways: Vec<SocketAddr>,
    /// The access token of the attacker.
    pub token: Arc<str>,
    /// The usernames of accounts whose password the attacker knows.
    pub usernames: Vec<String>,
    /// That password.
    pub password: &'static str,
    /// A room of the load, of which the attacker is a member.
    pub room: Arc<str>,
    /// A public room that the attacker may join.
    pub public_room: Arc<str>,
    /// A room of many long messages, of which the attacker is a member.
    pub archive: Arc<str>,
    /// A room that the attacker owns, and where the newcomers are.
    pub own_room: Arc<str>,
    /// The newcomers' user, who is a member of that room.
    pub newcomer: Arc<str>,
    /// Somebody who may be added to it.
    pub bystander: Arc<str>,
}

impl Aim {
    pub(super) fn gateway(&self, number: usize) -> SocketAddr {
        self.gateways[number % self.gateways.len()]
    }
}

/// What an attack counts while it goes on.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) done: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) held: AtomicI64,
}

impl Counts {
    pub(super) fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection for as long as the answer lives.
    pub(super) fn hold(self: &Arc<Self>) -> Held {
        self.held.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(self))
    }
}

/// A connection that is counted.
pub(super) struct Held(Arc<Counts>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection from the attacker's address.
pub(super) async fn connect(gateway: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(ATTACKER, 0))?;
    socket.connect(gateway).await
}

/// The same, of a client whose system keeps little of what it does not read.
pub(super) async fn connect_narrow(gateway: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // Before the connection, or the system offers a larger window first.
    socket.set_recv_buffer_size(NARROW_BYTES)?;
    socket.bind(SocketAddr::new(ATTACKER, 0))?;
    socket.connect(gateway).await
}

/// The beat of a paced attack.
pub(super) fn ticks() -> Interval {
    let mut ticks = interval(TICK);
    // An attack that could not keep up does not make up for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
