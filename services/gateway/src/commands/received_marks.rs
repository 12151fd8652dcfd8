//! What members' devices have received and nobody has noted yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use madang_domain::{RoomId, Seq, UserId};
use madang_rpc::store::DeliveredMark;

/// The marks that wait to be noted; further ones are dropped. A device's next acknowledgement says the same and more.
const WAITING_MAX: usize = 10_000;

/// The marks that wait to be noted.
#[derive(Debug, Default)]
pub(crate) struct ReceivedMarks(Mutex<HashMap<(RoomId, UserId), Seq>>);

impl ReceivedMarks {
    /// Adds a mark. Answers whether it is the first one, after which all are to be noted in a moment.
    pub(super) fn add(&self, room: RoomId, user: UserId, seq: Seq) -> bool {
        let mut waiting = self.waiting();
        let is_first = waiting.is_empty();
        if let Some(mark) = waiting.get_mut(&(room, user)) {
            *mark = (*mark).max(seq);
        } else if waiting.len() < WAITING_MAX {
            waiting.insert((room, user), seq);
        }
        is_first
    }

    pub(super) fn take(&self) -> Vec<DeliveredMark> {
        let taken = std::mem::take(&mut *self.waiting());
        taken.into_iter().map(|((room, user), seq)| DeliveredMark { room, user, seq }).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<(RoomId, UserId), Seq>> {
        // Each change is one insertion: a panic elsewhere cannot leave half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_furthest_mark_of_a_member_waits_and_marks_are_bounded() {
        let (marks, room) = (ReceivedMarks::default(), RoomId::new(Uuid::from_u128(1)));
        let user = |number: usize| UserId::new(Uuid::from_u128(number as u128));
        assert!(marks.add(room, user(0), Seq::new(3)));
        assert!(!marks.add(room, user(0), Seq::new(7)));
        assert!(!marks.add(room, user(0), Seq::new(5)));
        assert_eq!(marks.take(), [DeliveredMark { room, user: user(0), seq: Seq::new(7) }]);
        for number in 0..WAITING_MAX + 10 {
            assert_eq!(marks.add(room, user(number), Seq::new(1)), number == 0);
        }
        assert_eq!(marks.take().len(), WAITING_MAX);
        assert!(marks.take().is_empty());
    }
}
