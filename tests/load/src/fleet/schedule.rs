//! When which client sends: the open loop's timetable.
//!
//! Each send has a time of its own that does not depend on any answer, and latencies count from that time. A
//! generator that waits for the system under test leaves out the very moments in which it was slow: "coordinated
//! omission" (Gil Tene, "How NOT to Measure Latency"; wrk2, <https://github.com/giltene/wrk2>).

/// Sends spread evenly: each room has its own phase, and its clients take turns.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    start_us: u64,
    /// In all rooms together.
    sends_per_second: u64,
    /// The clients of each room.
    rooms: Vec<Vec<usize>>,
}

impl Schedule {
    pub(super) fn new(start_us: u64, per_room_hz: u32, rooms: Vec<Vec<usize>>) -> Self {
        let sends_per_second = (u64::from(per_room_hz) * rooms.len() as u64).max(1);
        Self { start_us, sends_per_second, rooms }
    }

    /// When the send with this number is due. Computed from the start each time: no rounding adds up.
    pub(super) const fn due_us(&self, number: u64) -> u64 {
        const US_PER_SECOND: u64 = 1_000_000;
        self.start_us + number * US_PER_SECOND / self.sends_per_second
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
        assert_eq!([1, 2, 3].map(|number| schedule.due_us(number)), [333_333, 666_666, 1_000_000]);
        assert_eq!(schedule.due_us(3_000_000), 1_000_000_000_000);
    }
}
