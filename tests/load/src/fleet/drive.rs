//! The open loop: sends on time, whatever comes back, and accounts for every delivery.

use std::{collections::BTreeMap, io::Write as _, time::Duration};

use super::{Clock, Fleet, FleetError, WAIT_MAX, schedule::Schedule, socket::Signal};
use crate::{
    measure::{histogram::Histogram, meter::Edge, sequence::SequenceFaults},
    wire::scan::write_stamped_text,
};

/// Above this many deliveries a second, the fleet lets some gather before it reads them.
const GATHER_ABOVE_HZ: u64 = 20_000;
/// The time for that. Woken for each, the generator would spend more on waking than on reading, at the expense of
/// the servers that share its cores; latencies are longer by at most this.
const GATHER: Duration = Duration::from_micros(250);

/// What a fleet is to send.
#[derive(Debug, Clone)]
pub struct Load {
    /// Messages a second in each room.
    pub per_room_hz: u32,
    /// The length of each text.
    pub text_bytes: usize,
    /// Sends before the window: connections, caches and compilers of statements come to their steady state.
    pub warm_up: Duration,
    /// What is measured.
    pub window: Duration,
    /// How long late deliveries are waited for after the last send.
    pub drain: Duration,
    /// The start of the messages' idempotency keys. Two runs in the same rooms need different ones: the second's
    /// messages would be repeats of the first's.
    pub run: String,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Sends in all, warm-up included.
    pub sent: u64,
    /// Sends that were acknowledged.
    pub acked: u64,
    /// Acknowledgements that came between the window's edges, as `on_edge` saw them.
    pub acked_in_window: u64,
    /// Sends that were refused, by code.
    pub refused: BTreeMap<String, u64>,
    /// Sends without any answer.
    pub unanswered: u64,
    /// Deliveries that came between the window's edges, of whatever age.
    pub delivered_in_window: u64,
    /// Distinct deliveries in all.
    pub delivered: u64,
    /// From the scheduled time of a send in the window to each of its deliveries.
    pub delivery: Histogram,
    /// From the scheduled time of a send in the window to its acknowledgement.
    pub ack: Histogram,
    /// From the scheduled time of a send in the window until the generator sent it: its own share of the above.
    pub lateness: Histogram,
    /// What each socket's sequence lacked, up to the last acknowledged message of its room.
    pub faults: SequenceFaults,
    /// Clients that were lost, by reason. What they did not receive counts as missing.
    pub ended: BTreeMap<String, u64>,
    /// The window's length as it was.
    pub window: Duration,
}

impl Outcome {
    /// Everything that was sent was acknowledged, and everything acknowledged arrived once and in order.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.acked == self.sent && self.faults.is_clean() && self.ended.is_empty()
    }
}

/// The times of a run, in the fleet's clock.
#[derive(Clone, Copy)]
struct Times {
    window_start_us: u64,
    window_end_us: u64,
    give_up_us: u64,
}

impl Times {
    const fn in_window(self, at_us: u64) -> bool {
        self.window_start_us <= at_us && at_us < self.window_end_us
    }
}

impl Fleet {
    /// Sends the load and receives what it causes. `on_edge` is called as the window begins and ends.
    ///
    /// # Errors
    /// When the generator's own system calls fail. What fails at the servers is in the outcome.
    pub fn drive(&mut self, load: &Load, on_edge: &mut dyn FnMut(Edge)) -> Result<Outcome, FleetError> {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let start_us = self.clock.now_us();
        let window_start_us = start_us + micros(load.warm_up);
        let window_end_us = window_start_us + micros(load.window);
        let give_up_us = window_end_us + micros(load.drain);
        let times = Times { window_start_us, window_end_us, give_up_us };
        let schedule = Schedule::new(start_us, load.per_room_hz, self.clients_of_rooms());
        let heads_before = self.heads.clone();
        let gather = if self.deliveries_hz(load) > GATHER_ABOVE_HZ { GATHER } else { Duration::ZERO };

        let mut outcome = Outcome::default();
        let mut frame = Vec::new();
        let (mut started_us, mut ended_us) = (None, None);
        loop {
            let now_us = self.clock.now_us();
            if started_us.is_none() && now_us >= times.window_start_us {
                on_edge(Edge::Start);
                started_us = Some(now_us);
            }
            if ended_us.is_none() && now_us >= times.window_end_us {
                on_edge(Edge::End);
                ended_us = Some(now_us);
            }
            let mut due_us = schedule.due_us(outcome.sent);
            while due_us <= now_us && due_us < times.window_end_us {
                self.send(outcome.sent, &schedule, load, &mut frame);
                if times.in_window(due_us) {
                    outcome.lateness.record_us(self.clock.now_us() - due_us);
                }
                outcome.sent += 1;
                due_us = schedule.due_us(outcome.sent);
            }
            let all_sent = due_us >= times.window_end_us && ended_us.is_some();
            let complete =
                all_sent && self.answered(&outcome) && outcome.delivered >= self.expected(&heads_before);
            if complete || now_us >= times.give_up_us {
                break;
            }
            let wake_us = if all_sent { times.give_up_us } else { due_us.min(times.window_end_us) };
            let left = Duration::from_micros(wake_us.saturating_sub(self.clock.now_us()));
            if !gather.is_zero() {
                std::thread::sleep(gather.min(left));
            }
            let wait = left.saturating_sub(gather).min(WAIT_MAX);
            let measuring = started_us.is_some() && ended_us.is_none();
            self.receive(wait, measuring, times, &schedule, &mut outcome)?;
        }
        outcome.window =
            Duration::from_micros(ended_us.unwrap_or(times.window_end_us) - started_us.unwrap_or_default());
        outcome.unanswered =
            outcome.sent - (outcome.acked + outcome.refused.values().sum::<u64>()).min(outcome.sent);
        outcome.faults = self.faults(&heads_before);
        outcome.ended.clone_from(&self.ended);
        Ok(outcome)
    }

    fn receive(
        &mut self,
        wait: Duration,
        measuring: bool,
        times: Times,
        schedule: &Schedule,
        outcome: &mut Outcome,
    ) -> Result<(), FleetError> {
        let clock: Clock = self.clock;
        self.poll(wait, &mut |_, _, signal| match signal {
            Signal::Event { scheduled_us, fresh } => {
                let now_us = clock.now_us();
                outcome.delivered += u64::from(fresh);
                outcome.delivered_in_window += u64::from(measuring);
                if let Some(scheduled_us) = scheduled_us.filter(|at| times.in_window(*at)) {
                    outcome.delivery.record_us(now_us.saturating_sub(scheduled_us));
                }
            }
            Signal::Ack { re, .. } => {
                let (now_us, due_us) = (clock.now_us(), schedule.due_us(re));
                outcome.acked += 1;
                outcome.acked_in_window += u64::from(measuring);
                if times.in_window(due_us) {
                    outcome.ack.record_us(now_us.saturating_sub(due_us));
                }
            }
            Signal::Refused { code } => *outcome.refused.entry(code.to_owned()).or_default() += 1,
            Signal::Live { .. } => {}
        })
    }

    /// Sends one message. A client that is lost sends nothing; its send stays unanswered.
    fn send(&mut self, number: u64, schedule: &Schedule, load: &Load, frame: &mut Vec<u8>) {
        let (room, client) = schedule.sender(number);
        let Some(slot) = self.sockets.get_mut(client) else { return };
        let Some(socket) = slot else { return };
        frame.clear();
        // Writing to a vector cannot fail.
        let _ = write!(
            frame,
            r#"{{"type":"send","id":"{number}","room":"{}","key":"{}-{number}","text":""#,
            self.plan.rooms[room], load.run
        );
        write_stamped_text(schedule.due_us(number), load.text_bytes, frame);
        frame.extend_from_slice(b"\"}");
        if let Err(ended) = socket.send(frame, &mut self.shared) {
            *self.ended.entry(ended.to_string()).or_default() += 1;
            *slot = None;
        }
    }

    fn answered(&self, outcome: &Outcome) -> bool {
        outcome.acked + outcome.refused.values().sum::<u64>() >= outcome.sent
    }

    /// Each message goes to all clients of its room.
    fn deliveries_hz(&self, load: &Load) -> u64 {
        u64::from(load.per_room_hz) * self.sockets.len() as u64
    }

    fn clients_of_rooms(&self) -> Vec<Vec<usize>> {
        let mut rooms = vec![Vec::new(); self.plan.rooms.len()];
        for (client, seat) in self.plan.seats.iter().enumerate() {
            rooms[seat.room].push(client);
        }
        rooms
    }

    /// The deliveries that the acknowledged messages make: each to every client of its room.
    fn expected(&self, heads_before: &[u64]) -> u64 {
        self.plan.seats.iter().map(|seat| self.heads[seat.room] - heads_before[seat.room]).sum()
    }

    fn faults(&self, heads_before: &[u64]) -> SequenceFaults {
        let mut sum = SequenceFaults::default();
        for (slot, seat) in self.sockets.iter().zip(&self.plan.seats) {
            let head = self.heads[seat.room];
            sum += match slot.as_ref().and_then(|socket| socket.sequence()) {
                Some(sequence) => sequence.faults(head),
                // What a lost client had received is not known any more: all of it counts as missing.
                None => {
                    SequenceFaults { missing: head - heads_before[seat.room], ..SequenceFaults::default() }
                }
            };
        }
        sum
    }
}
