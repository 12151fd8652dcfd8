//! What rooms' names mean: slugs, and the site's own names. A name that was looked up a moment ago costs no call, so that a
//! thousand clients that come back to one room at once ask for it once.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use madang_domain::{Result, RoomId, RoomRef, UserId};
use madang_flow_control::{LruMap, lru_map};
use madang_rpc::{
    MessageStore,
    store::{Resolve, Resolved},
};
use tokio::time::Instant;

/// The most names that are kept. Each takes about 200 bytes, so that all take at most 4 MB.
const NAMES_MAX: usize = 20_000;
/// How long a name is kept. A change by way of this gateway ends it at once. A slug that a room lost at another gateway leads
/// to that room for so long.
const FRESH: Duration = Duration::from_secs(2);

/// The rooms whose names were looked up.
pub(crate) struct RoomNames {
    store: Arc<dyn MessageStore>,
    known: Mutex<LruMap<RoomRef, (RoomId, Instant)>>,
}

impl RoomNames {
    pub(crate) fn new(store: Arc<dyn MessageStore>) -> Self {
        Self { store, known: Mutex::new(lru_map(NAMES_MAX)) }
    }

    /// The rooms of these names, each at the place of its name; and the user's rooms, where `memberships` says so.
    pub(crate) async fn resolve(
        &self,
        user: UserId,
        names: Vec<RoomRef>,
        memberships: bool,
    ) -> Result<Resolved> {
        let mut rooms: Vec<Option<RoomId>> = {
            let mut known = self.known();
            names.iter().map(|name| known_room(&mut known, name)).collect()
        };
        let unknown: Vec<usize> = (0..names.len()).filter(|at| rooms[*at].is_none()).collect();
        if unknown.is_empty() && !memberships {
            return Ok(Resolved { rooms, ..Resolved::default() });
        }
        let asked: Vec<RoomRef> = unknown.iter().map(|at| names[*at].clone()).collect();
        let looked_up = self.store.resolve(Resolve { user, rooms: asked, memberships }).await?;
        let now = Instant::now();
        let mut known = self.known();
        for (at, room) in unknown.into_iter().zip(looked_up.rooms) {
            rooms[at] = room;
            // A room that is not there may be made in the next moment.
            if let Some(room) = room
                && !matches!(names[at], RoomRef::Id(_))
            {
                known.insert(names[at].clone(), (room, now));
            }
        }
        Ok(Resolved { rooms, ..looked_up })
    }

    /// Forgets what a name meant.
    pub(crate) fn forget_name(&self, name: &RoomRef) {
        self.known().remove(name);
    }

    /// Forgets the names of a room that changes.
    pub(crate) fn forget(&self, room: RoomId) {
        self.known().retain(|_, (known, _)| *known != room);
    }

    fn known(&self) -> MutexGuard<'_, LruMap<RoomRef, (RoomId, Instant)>> {
        // A poisoned lock is used on, since no code under it can panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known_room(known: &mut LruMap<RoomRef, (RoomId, Instant)>, name: &RoomRef) -> Option<RoomId> {
    match name {
        // The store is asked whether it is there, if anybody wants to know.
        RoomRef::Id(_) => None,
        RoomRef::Slug(_) | RoomRef::External(_) => {
            known.get(name).filter(|(_, at)| at.elapsed() < FRESH).map(|(room, _)| *room)
        }
    }
}
