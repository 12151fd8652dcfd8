//! Thousands of clients on one thread.
//!
//! One epoll, one scratch buffer, no allocation and one system call for a delivery: what the generator takes
//! from the machine is not there for the servers that it measures.

mod churn;
mod drive;
mod poller;
mod schedule;
mod socket;
mod walk;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

pub use churn::{Churn, ChurnOutcome, churn};
pub use drive::{Load, Outcome};
use poller::Poller;
pub use socket::Ended;
use socket::{Shared, Signal, Socket};
pub use walk::Step;

/// Handshakes in progress at a time while a fleet opens: below the accept queues of the servers under test.
const OPENING_MAX: usize = 128;
/// How long the clients of a fleet that closes wait for the servers' answers.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);
/// The longest wait in one system call, so that deadlines are seen.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Where a client sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// An index into [`Plan::servers`].
    pub server: usize,
    /// An index into [`Plan::tokens`].
    pub account: usize,
    /// An index into [`Plan::rooms`].
    pub room: usize,
}

/// The clients of a fleet.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Where to connect to.
    pub servers: Vec<SocketAddr>,
    /// The accounts' access tokens.
    pub tokens: Vec<Arc<str>>,
    /// The rooms' ids.
    pub rooms: Vec<Arc<str>>,
    /// The clients, in the order in which they connect.
    pub seats: Vec<Seat>,
}

/// A fleet that cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The generator itself failed.
    #[error("the load generator's own sockets failed")]
    Io(#[from] io::Error),
    /// A client did not get as far as its subscription.
    #[error("client {client} of {clients}: {why}")]
    Client {
        /// Which one.
        client: usize,
        /// Of how many.
        clients: usize,
        /// What happened to it.
        why: String,
    },
    /// The clients are not subscribed in time.
    #[error("{live} of {clients} clients were subscribed after {waited:?}")]
    OpenDeadline {
        /// So many are.
        live: usize,
        /// So many should be.
        clients: usize,
        /// The time that they had.
        waited: Duration,
    },
}

/// Microseconds since a fleet began: the time that sends are scheduled in and stamped with.
#[derive(Debug, Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn now_us(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Clients that are subscribed, each to its room.
pub struct Fleet {
    plan: Plan,
    poller: Poller,
    shared: Shared,
    clock: Clock,
    sockets: Vec<Option<Socket>>,
    /// The last place of each room's log that is known to be taken.
    heads: Vec<u64>,
    /// Why clients were lost, and how many.
    ended: BTreeMap<String, u64>,
}

impl Fleet {
    /// Connects and subscribes all clients of the plan, a bounded number at a time.
    ///
    /// # Errors
    /// When any client cannot be connected and subscribed, or all of them not within `deadline`.
    pub fn open(plan: Plan, deadline: Duration) -> Result<Self, FleetError> {
        let mut fleet = Self {
            poller: Poller::new()?,
            shared: Shared::default(),
            clock: Clock(Instant::now()),
            sockets: Vec::with_capacity(plan.seats.len()),
            heads: vec![0; plan.rooms.len()],
            ended: BTreeMap::new(),
            plan,
        };
        fleet.open_all(deadline)?;
        Ok(fleet)
    }

    /// How many clients there are.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.sockets.len()
    }

    /// Receives what comes and answers pings, for a time.
    ///
    /// # Errors
    /// When the generator's own system calls fail.
    pub fn idle(&mut self, duration: Duration) -> Result<(), FleetError> {
        let until = Instant::now() + duration;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.poll(left.min(WAIT_MAX), &mut |_, _, _| {})?;
        }
        Ok(())
    }

    /// Why clients were lost, and how many for each reason.
    #[must_use]
    pub const fn ended(&self) -> &BTreeMap<String, u64> {
        &self.ended
    }

    /// Closes all connections as the protocol asks, and waits a bounded time for the servers' answers.
    ///
    /// # Errors
    /// When the generator's own system calls fail.
    pub fn close(mut self) -> Result<(), FleetError> {
        for slot in &mut self.sockets {
            if slot.as_mut().is_some_and(|socket| socket.begin_close(&mut self.shared).is_err()) {
                *slot = None;
            }
        }
        let until = Instant::now() + CLOSE_DEADLINE;
        while Instant::now() < until && self.sockets.iter().any(Option::is_some) {
            self.poll(WAIT_MAX, &mut |_, _, _| {})?;
        }
        Ok(())
    }

    fn open_all(&mut self, deadline: Duration) -> Result<(), FleetError> {
        let clients = self.plan.seats.len();
        let until = Instant::now() + deadline;
        let mut live = 0;
        while live < clients {
            while self.sockets.len() < clients && self.sockets.len() - live < OPENING_MAX {
                self.connect_next()?;
            }
            let mut refused = None;
            self.poll(WAIT_MAX, &mut |client, _, signal| match signal {
                Signal::Live { .. } => live += 1,
                Signal::Refused { code } => refused = Some((client, code.to_owned())),
                Signal::Event { .. } | Signal::Ack { .. } => {}
            })?;
            if let Some((client, code)) = refused {
                return Err(FleetError::Client { client, clients, why: format!("refused: {code}") });
            }
            if let Some(why) = self.ended.keys().next().cloned() {
                let client = self.sockets.iter().position(Option::is_none).unwrap_or_default();
                return Err(FleetError::Client { client, clients, why });
            }
            if Instant::now() > until {
                return Err(FleetError::OpenDeadline { live, clients, waited: deadline });
            }
        }
        Ok(())
    }

    fn connect_next(&mut self) -> Result<(), FleetError> {
        let client = self.sockets.len();
        let seat = self.plan.seats[client];
        let socket = Socket::connect(self.plan.servers[seat.server], &self.plan.tokens[seat.account])?;
        self.poller.add(socket.stream(), u32::try_from(client).unwrap_or(u32::MAX))?;
        self.sockets.push(Some(socket));
        Ok(())
    }

    /// Waits for readiness once and handles what there is: `on_signal` gets the client, its room and the signal.
    fn poll(
        &mut self,
        timeout: Duration,
        on_signal: &mut impl FnMut(usize, usize, Signal<'_>),
    ) -> Result<(), FleetError> {
        for at in 0..self.poller.wait(timeout)? {
            let Some(ready) = self.poller.ready(at) else { continue };
            let client = ready.token as usize;
            let Some(slot) = self.sockets.get_mut(client) else { continue };
            let Some(socket) = slot else { continue };
            let room = self.plan.seats[client].room;
            let head = &mut self.heads[room];
            let outcome = socket.on_ready(ready, &self.plan.rooms[room], &mut self.shared, &mut |signal| {
                if let Signal::Live { head: seq } | Signal::Ack { seq, .. } = signal {
                    *head = seq.max(*head);
                }
                on_signal(client, room, signal);
            });
            if let Err(ended) = outcome {
                if !socket.is_closing() {
                    *self.ended.entry(ended.to_string()).or_default() += 1;
                }
                *slot = None;
            }
        }
        Ok(())
    }
}
