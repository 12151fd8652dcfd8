//! When which client sends: the open loop's timetable.
//!
//! Each send has a time of its own that does not depend on any answer, and latencies count from that time. A
//! generator that waits for the system under test leaves out the very moments in which it was slow: "coordinated
//! omission" (Gil Tene, "How NOT to Measure Latency"; wrk2, <https://github.com/giltene/wrk2>).

/// Sends spread evenly: each room has its own phase, and its clients take turns.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    start_us: u64,
    /// From one send to the next, of any room.
    interval_ns: u64,
    /// The clients of each room.
    rooms: Vec<Vec<usize>>,
}

impl Schedule {
    pub(super) fn new(start_us: u64, per_room_hz: u32, rooms: Vec<Vec<usize>>) -> Self {
        const NS_PER_SECOND: u64 = 1_000_000_000;
        let sends_per_second = u64::from(per_room_hz) * rooms.len() as u64;
        Self { start_us, interval_ns: NS_PER_SECOND / sends_per_second.max(1), rooms }
    }

    /// When the send with this number is due.
    pub(super) const fn due_us(&self, number: u64) -> u64 {
        const NS_PER_US: u64 = 1_000;
        self.start_us + number * self.interval_ns / NS_PER_US
    }

    /// The room and the client of the send with this number.
    #[expect(clippy::cast_possible_truncation, reason = "remainders of lengths")]
    pub(super) fn sender(&self, number: u64) -> (usize, usize) {
        let rooms = self.rooms.len() as u64;
        let room = (number % rooms) as usize;
        let clients = &self.rooms[room];
        (room, clients[((number / rooms) % clients.len() as u64) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_are_evenly_spread_over_time_rooms_and_clients() {
        let schedule = Schedule::new(1_000_000, 5, vec![vec![10, 11], vec![20, 21, 22]]);
        let due: Vec<_> = (0..11).map(|number| schedule.due_us(number)).collect();
        assert_eq!(due, (0..11).map(|number| 1_000_000 + number * 100_000).collect::<Vec<_>>());
        let senders: Vec<_> = (0..8).map(|number| schedule.sender(number)).collect();
        assert_eq!(senders, [(0, 10), (1, 20), (0, 11), (1, 21), (0, 10), (1, 22), (0, 11), (1, 20)]);
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_does_not_drift() {
        let schedule = Schedule::new(0, 3, vec![vec![0]]);
        assert_eq!(schedule.due_us(3), 999_999);
        assert_eq!(schedule.due_us(3_000_000), 999_999_999_000 / 1_000 * 1_000);
    }
}
