//! Clients that come and go: connect, authenticate, subscribe, close, and again.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    Clock, FleetError, Plan, WAIT_MAX,
    poller::{Poller, Ready},
    socket::{CLOSE_NORMAL, Ended, Shared, Signal, Socket},
};
use crate::measure::{histogram::Histogram, meter::Edge};

/// How to come and go. A closed loop: it asks how many a second the servers can take, not how long each waits at
/// a given rate.
#[derive(Debug, Clone, Copy)]
pub struct Churn {
    /// Clients at a time.
    pub concurrency: usize,
    /// Before the window.
    pub warm_up: Duration,
    /// What is measured.
    pub window: Duration,
}

/// What came of it, within the window.
#[derive(Debug, Clone, Default)]
pub struct ChurnOutcome {
    /// Clients that got through all steps.
    pub completed: u64,
    /// From the connect to the end of the subscription's catch-up.
    pub subscribed: Histogram,
    /// Clients that did not get through, by reason; warm-up included.
    pub failed: BTreeMap<String, u64>,
    /// The window's length as it was.
    pub window: Duration,
}

/// A client on its way.
struct Guest {
    socket: Socket,
    seat: usize,
    since_us: u64,
}

/// Keeps `concurrency` clients on their way until the window is over; they take the plan's seats in turn.
///
/// # Errors
/// When the generator's own system calls fail. What fails at the servers is in the outcome.
pub fn churn(plan: &Plan, churn: Churn, on_edge: &mut dyn FnMut(Edge)) -> Result<ChurnOutcome, FleetError> {
    let mut door = Door {
        plan,
        poller: Poller::new()?,
        shared: Shared::default(),
        clock: Clock(Instant::now()),
        next_seat: 0,
        counting: false,
        outcome: ChurnOutcome::default(),
    };
    let mut guests = (0..churn.concurrency).map(|slot| door.invite(slot)).collect::<Result<Vec<_>, _>>()?;
    let started = Instant::now();
    let mut window_started = None;
    loop {
        let elapsed = started.elapsed();
        if window_started.is_none() && elapsed >= churn.warm_up {
            on_edge(Edge::Start);
            window_started = Some(Instant::now());
            door.counting = true;
        }
        if elapsed >= churn.warm_up + churn.window {
            on_edge(Edge::End);
            door.outcome.window = window_started.map(|at| at.elapsed()).unwrap_or_default();
            return Ok(door.outcome);
        }
        for at in 0..door.poller.wait(WAIT_MAX)? {
            let Some(ready) = door.poller.ready(at) else { continue };
            let slot = ready.token as usize;
            let Some(guest) = guests.get_mut(slot) else { continue };
            if door.attend(guest, ready) {
                *guest = door.invite(slot)?;
            }
        }
    }
}

struct Door<'a> {
    plan: &'a Plan,
    poller: Poller,
    shared: Shared,
    clock: Clock,
    next_seat: usize,
    counting: bool,
    outcome: ChurnOutcome,
}

impl Door<'_> {
    fn invite(&mut self, slot: usize) -> Result<Guest, FleetError> {
        let seat = self.next_seat % self.plan.seats.len();
        self.next_seat += 1;
        let place = self.plan.seats[seat];
        let since_us = self.clock.now_us();
        let socket = Socket::connect(self.plan.servers[place.server], &self.plan.tokens[place.account])?;
        self.poller.add(socket.stream(), u32::try_from(slot).unwrap_or(u32::MAX))?;
        Ok(Guest { socket, seat, since_us })
    }

    /// Takes a client on by a step; true when it is gone and another may come.
    fn attend(&mut self, guest: &mut Guest, ready: Ready) -> bool {
        let room = &self.plan.rooms[self.plan.seats[guest.seat].room];
        let (mut live, mut refused) = (false, None);
        let step = guest.socket.on_ready(ready, room, &mut self.shared, &mut |signal| match signal {
            Signal::Live { .. } => live = true,
            Signal::Refused { code } => refused = Some(format!("refused: {code}")),
            Signal::Event { .. } | Signal::Ack { .. } => {}
        });
        let step = match step {
            Ok(()) if live => {
                if self.counting {
                    self.outcome.subscribed.record_us(self.clock.now_us() - guest.since_us);
                }
                guest.socket.begin_close(&mut self.shared)
            }
            step => step,
        };
        match (step, refused) {
            (Ok(()), None) => false,
            (Err(Ended::ByPeer(CLOSE_NORMAL) | Ended::EndOfStream), None) if guest.socket.is_closing() => {
                self.outcome.completed += u64::from(self.counting);
                true
            }
            (_, Some(why)) => self.turn_away(why),
            (Err(ended), None) => self.turn_away(ended.to_string()),
        }
    }

    fn turn_away(&mut self, why: String) -> bool {
        *self.outcome.failed.entry(why).or_default() += 1;
        true
    }
}
