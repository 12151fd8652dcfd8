//! Who is here: what the hubs say of their subscribers, and what they say to them.
//!
//! *Up*: all live subscribers of a user in a room share a [`PresenceGuard`]. Taking it says that the user is here; the last one to let go
//! of it, in whatever way it ended, says that the user is here no more.
//!
//! *Down*: what the bus tells is gathered for a moment and said to a room in one frame ([`Gathering`]). Above a number of
//! users only the count is said, and not often.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use madang_bus::{Presence, PresenceChange, Present};
use madang_contract::{self as frames, ServerFrame, WireFrame};
use madang_domain::{RoomId, TopicId, UserId};
use tokio::time::Instant;

use crate::formats::presence_profile;

/// What comes within so long is said in one frame; somebody who comes and goes within it is not said.
const GATHER: Duration = Duration::from_millis(250);
/// A count alone is said to a room at most once in so long.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// A user's place in a room, shared by the user's sockets here.
pub(crate) struct PresenceGuard {
    presence: Arc<dyn Presence>,
    topic: TopicId,
    user: UserId,
}

impl PresenceGuard {
    /// Says that the user is here.
    pub(super) fn take(
        presence: &Arc<dyn Presence>,
        topic: TopicId,
        user: UserId,
        profile: Bytes,
    ) -> Arc<Self> {
        presence.enter(topic, Present { user, card: profile });
        Arc::new(Self { presence: Arc::clone(presence), topic, user })
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.presence.leave(self.topic, self.user);
    }
}

impl std::fmt::Debug for PresenceGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresenceGuard")
            .field("topic", &self.topic)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What is to be said to the rooms of one shard.
#[derive(Debug)]
pub(super) struct Gathering {
    names_max: u64,
    rooms: HashMap<RoomId, Gathered>,
    due: BTreeSet<(Instant, RoomId)>,
}

/// What is to be said to one room.
#[derive(Debug, Default)]
struct Gathered {
    changes: HashMap<UserId, (Bytes, bool)>,
    count: u64,
    /// Something is to be said; else the room was told its count, and is not told another yet.
    is_fresh: bool,
}

impl Gathering {
    pub(super) fn new(names_max: usize) -> Self {
        Self { names_max: names_max as u64, rooms: HashMap::new(), due: BTreeSet::new() }
    }

    /// Takes a change in. A change and its opposite are none.
    pub(super) fn add(&mut self, change: PresenceChange, now: Instant) {
        let Some(room) = change.topic.room() else { return };
        let gathered = match self.rooms.entry(room) {
            Entry::Occupied(gathered) => gathered.into_mut(),
            Entry::Vacant(place) => {
                self.due.insert((now + GATHER, room));
                place.insert(Gathered::default())
            }
        };
        gathered.count = change.count;
        gathered.is_fresh = true;
        if change.count > self.names_max {
            gathered.changes.clear();
            return;
        }
        match gathered.changes.entry(change.user) {
            Entry::Occupied(other) if other.get().1 != change.on => {
                other.remove();
            }
            Entry::Occupied(mut same) => {
                same.insert((change.card, change.on));
            }
            Entry::Vacant(place) => {
                place.insert((change.card, change.on));
            }
        }
    }

    /// When there is something to say.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What is to be said now.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(RoomId, WireFrame)> {
        let mut frames = Vec::new();
        while let Some((at, room)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            let Some(gathered) = self.rooms.get_mut(&room) else { continue };
            let is_count = gathered.count > self.names_max;
            if gathered.is_fresh && (is_count || !gathered.changes.is_empty()) {
                frames.push((room, frame(room, gathered, is_count)));
            }
            if gathered.is_fresh && is_count {
                gathered.is_fresh = false;
                self.due.insert((now + COUNT_EVERY, room));
            } else {
                self.rooms.remove(&room);
            }
        }
        frames
    }
}

fn frame(room: RoomId, gathered: &Gathered, is_count: bool) -> WireFrame {
    let profiles: Vec<_> = gathered
        .changes
        .iter()
        .filter_map(|(user, (card, on))| presence_profile::decode(*user, card).map(|profile| (profile, *on)))
        .collect();
    let changes = profiles
        .iter()
        .map(|(profile, on)| frames::PresenceChange { user: profile.user(), on: *on })
        .collect();
    WireFrame::json(&ServerFrame::Presence(frames::Presence {
        room,
        changes: (!is_count).then_some(changes),
        count: gathered.count,
    }))
}

#[cfg(test)]
mod tests;
