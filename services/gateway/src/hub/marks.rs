//! When the subscribers of a room are told how far its members have read.
//!
//! A move of a mark is not told by itself: the room is noted, and after a moment its marks are read from the store and told
//! to all, whole. So a burst of moves is one read and one frame, a frame that is lost is made good by the next one, and no
//! frame says who has moved. In a larger room the next read waits longer, as it costs the store more.
//!
//! A state machine without a clock, tasks or I/O.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    time::Duration,
};

use madang_domain::RoomId;
use tokio::time::Instant;

/// Moves of so long are told together.
pub(super) const COLLECT: Duration = Duration::from_millis(250);
/// How much longer a room rests after a read, for each of its members: the store looks at each.
const REST_FOR_A_MEMBER: Duration = Duration::from_millis(1);
/// The pause before a read that failed is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// So often it is: what moves later is read all the same.
const FAILURES_MAX: u32 = 5;
/// The rooms that a shard reads at once.
const READS_AT_ONCE: usize = 4;

/// The rooms of one shard in which marks have moved. There are no more than hubs.
#[derive(Debug, Default)]
pub(super) struct MovedMarks {
    rooms: HashMap<RoomId, Room>,
    due: BTreeSet<(Instant, RoomId)>,
    reading: usize,
}

#[derive(Debug)]
struct Room {
    /// Marks have moved since they were last read.
    moved: bool,
    /// The reads that failed one after another.
    failures: u32,
}

impl MovedMarks {
    /// Notes that marks of a room have moved.
    pub(super) fn note(&mut self, room: RoomId, now: Instant) {
        match self.rooms.entry(room) {
            Entry::Occupied(mut noted) => noted.get_mut().moved = true,
            Entry::Vacant(place) => {
                place.insert(Room { moved: true, failures: 0 });
                self.due.insert((now + COLLECT, room));
            }
        }
    }

    /// When a room is next to be read, or is forgotten; none while as many are being read as may be.
    pub(super) fn next_due(&self) -> Option<Instant> {
        if self.reading >= READS_AT_ONCE {
            return None;
        }
        self.due.first().map(|(at, _)| *at)
    }

    /// A room whose marks are to be read now. [`read`](Self::read) or [`failed`](Self::failed) must follow.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<RoomId> {
        while self.reading < READS_AT_ONCE
            && let Some((at, room)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            match self.rooms.get_mut(&room) {
                Some(noted) if noted.moved => {
                    noted.moved = false;
                    self.reading += 1;
                    return Some(room);
                }
                // It has rested, and nothing has moved since.
                _ => drop(self.rooms.remove(&room)),
            }
        }
        None
    }

    /// The marks of a room of so many members were read.
    pub(super) fn read(&mut self, room: RoomId, members: u64, now: Instant) {
        self.reading -= 1;
        if let Some(noted) = self.rooms.get_mut(&room) {
            noted.failures = 0;
        }
        let rest = REST_FOR_A_MEMBER.saturating_mul(u32::try_from(members).unwrap_or(u32::MAX)).max(COLLECT);
        self.due.insert((now + rest, room));
    }

    /// They could not be read now.
    pub(super) fn failed(&mut self, room: RoomId, now: Instant) {
        self.reading -= 1;
        if let Some(noted) = self.rooms.get_mut(&room) {
            noted.failures += 1;
            noted.moved |= noted.failures < FAILURES_MAX;
        }
        self.due.insert((now + AFTER_FAILURE, room));
    }

    /// The room has no subscriber here any more, or shows no marks.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.reading -= 1;
        self.rooms.remove(&room);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn room(number: u128) -> RoomId {
        RoomId::new(Uuid::from_u128(number))
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn moves_of_a_moment_are_one_read() {
        let (mut moved, start) = (MovedMarks::default(), Instant::now());
        for number in 0..1_000 {
            moved.note(room(1), start + ms(number % 250));
        }
        assert_eq!(moved.take_due(start + ms(249)), None);
        assert_eq!(moved.take_due(start + COLLECT), Some(room(1)));
        assert_eq!(moved.take_due(start + COLLECT), None);
        moved.read(room(1), 3, start + COLLECT);
        // Nothing has moved since: it is forgotten when its rest is over.
        assert_eq!(moved.next_due(), Some(start + 2 * COLLECT));
        assert_eq!(moved.take_due(start + 2 * COLLECT), None);
        assert_eq!((moved.rooms.len(), moved.due.len(), moved.reading), (0, 0, 0));
    }

    #[test]
    fn what_moves_while_the_marks_are_read_is_read_again() {
        let (mut moved, start) = (MovedMarks::default(), Instant::now());
        moved.note(room(1), start);
        let at = start + COLLECT;
        assert_eq!(moved.take_due(at), Some(room(1)));
        moved.note(room(1), at + ms(1));
        moved.read(room(1), 100, at + ms(5));
        assert_eq!(moved.take_due(at + ms(5) + COLLECT - ms(1)), None);
        assert_eq!(moved.take_due(at + ms(5) + COLLECT), Some(room(1)));
    }

    #[test]
    fn a_larger_room_rests_longer() {
        let (mut moved, start) = (MovedMarks::default(), Instant::now());
        moved.note(room(1), start);
        let at = start + COLLECT;
        assert_eq!(moved.take_due(at), Some(room(1)));
        moved.note(room(1), at);
        moved.read(room(1), 5_000, at);
        assert_eq!(moved.take_due(at + ms(4_999)), None);
        assert_eq!(moved.take_due(at + ms(5_000)), Some(room(1)));
    }

    #[test]
    fn few_rooms_are_read_at_once_and_a_failure_is_tried_again() {
        let (mut moved, start) = (MovedMarks::default(), Instant::now());
        for number in 0..10 {
            moved.note(room(number), start);
        }
        let at = start + COLLECT;
        let taken: Vec<RoomId> = std::iter::from_fn(|| moved.take_due(at)).collect();
        assert_eq!((taken.len(), moved.next_due()), (READS_AT_ONCE, None));
        moved.failed(taken[0], at);
        moved.forget(taken[1]);
        assert_eq!(std::iter::from_fn(|| moved.take_due(at)).count(), 2);
        for room in &taken[2..] {
            moved.read(*room, 1, at);
        }
        let later = std::iter::from_fn(|| moved.take_due(at + AFTER_FAILURE)).collect::<Vec<_>>();
        assert_eq!(later.len(), 2, "two slots are free");
    }
}
