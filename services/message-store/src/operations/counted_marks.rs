//! The read marks of large rooms, as they were counted lately.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use madang_domain::{RoomId, Timestamp};
use madang_flow_control::{LruMap, lru_map};

use crate::store::MarkCounts;

/// The large rooms whose counted marks are kept.
const COUNTED_ROOMS_MAX: usize = 1_000;
/// How long they are, for each member of the room. To count them is a look at each member, some microseconds; so a
/// room costs the database no more than a small part of its time, however many ask.
const COUNTED_FOR_A_MEMBER: Duration = Duration::from_millis(1);

/// The read marks of large rooms, as they were counted lately. Past the bound the room that was asked for least recently is
/// forgotten.
#[derive(Debug)]
pub(crate) struct CountedMarks(Mutex<LruMap<RoomId, (Timestamp, MarkCounts)>>);

impl Default for CountedMarks {
    fn default() -> Self {
        Self(Mutex::new(lru_map(COUNTED_ROOMS_MAX)))
    }
}

impl CountedMarks {
    pub(super) fn of(&self, room: RoomId, now: Timestamp) -> Option<MarkCounts> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, marks) = counted.get(&room)?;
        let members = u32::try_from(marks.members).unwrap_or(u32::MAX);
        (now.since(*at) < COUNTED_FOR_A_MEMBER.saturating_mul(members)).then(|| marks.clone())
    }

    pub(super) fn keep(&self, room: RoomId, now: Timestamp, marks: &MarkCounts) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(room, (now, marks.clone()));
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::Seq;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn counted_marks_are_kept_as_long_as_the_room_is_large() {
        let (counted, room) = (CountedMarks::default(), RoomId::new(Uuid::from_u128(1)));
        let at = |milliseconds: i64| Timestamp::from_micros(milliseconds * 1_000);
        let marks = MarkCounts { latest: vec![(Seq::new(9), 500)], members: 500 };
        counted.keep(room, at(0), &marks);
        assert_eq!(counted.of(room, at(499)), Some(marks));
        assert_eq!(counted.of(room, at(500)), None);
        assert_eq!(counted.of(RoomId::new(Uuid::from_u128(2)), at(0)), None);
    }
}
