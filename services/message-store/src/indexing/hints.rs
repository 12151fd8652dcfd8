//! Which rooms have something new for the index, as those who have committed it say.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use madang_domain::RoomId;
use tokio::sync::Notify;

use crate::settings::INDEX_SWEEP_ROOMS;

/// How many rooms wait. A room more is left to the comparison of heads with positions, which finds it later.
const ROOMS_MAX: usize = 10_000;

// A page of a comparison fits into the half that is kept free for it.
const _: () = assert!(INDEX_SWEEP_ROOMS as usize <= ROOMS_MAX / 2);

/// The rooms that wait for the indexer, each once.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    rooms: Mutex<HashSet<RoomId>>,
    news: Notify,
}

impl Hints {
    /// Says that something was committed in rooms. It never waits.
    pub(crate) fn add(&self, rooms: impl IntoIterator<Item = RoomId>) {
        let mut waiting = self.rooms();
        let before = waiting.len();
        for room in rooms {
            if waiting.len() < ROOMS_MAX {
                waiting.insert(room);
            }
        }
        if waiting.len() > before {
            self.news.notify_one();
        }
    }

    /// Some of the rooms, in the order of their ids.
    pub(super) fn take(&self, limit: usize) -> Vec<RoomId> {
        let mut waiting = self.rooms();
        let mut taken: Vec<RoomId> = waiting.iter().take(limit).copied().collect();
        for room in &taken {
            waiting.remove(room);
        }
        taken.sort_unstable();
        taken
    }

    /// Whether there is space for a page of a comparison.
    pub(super) fn has_space(&self) -> bool {
        self.len() <= ROOMS_MAX / 2
    }

    /// How many rooms wait.
    pub(crate) fn len(&self) -> usize {
        self.rooms().len()
    }

    /// Waits until a room waits.
    pub(super) async fn any(&self) {
        while self.len() == 0 {
            self.news.notified().await;
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashSet<RoomId>> {
        // Each change is one insertion or removal: a panic elsewhere cannot leave half of one.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn room(number: u128) -> RoomId {
        RoomId::new(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn a_room_waits_once_and_is_taken_once() {
        let hints = Hints::default();
        hints.add([room(2), room(1), room(2)]);
        hints.any().await;
        assert_eq!((hints.len(), hints.take(10)), (2, vec![room(1), room(2)]));
        assert!(hints.take(10).is_empty());
    }

    #[test]
    fn they_are_bounded() {
        let hints = Hints::default();
        hints.add((0..=ROOMS_MAX as u128).map(room));
        assert_eq!(hints.len(), ROOMS_MAX);
    }
}
