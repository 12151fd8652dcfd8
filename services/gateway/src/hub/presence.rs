//! Presence: what the hubs tell the bus of their subscribers, and what they tell subscribers of presence.
//!
//! *To the bus*: all live subscriptions of a user to a room share a [`PresenceGuard`]. Taking it publishes that the user is
//! present; dropping the last share, in whatever way the subscription ended, publishes that the user has left.
//!
//! *From the bus*: changes are collected for a moment and sent to a room in one frame ([`PendingPresence`]). In a room of
//! more users than a limit, only their number is sent, and less often.

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

/// Changes of so long are sent in one frame; a user who comes and goes within it is not told.
const COLLECT: Duration = Duration::from_millis(250);
/// A number alone is sent to a room at most once in so long.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// A user's presence in a room, shared by the user's sockets here.
pub(crate) struct PresenceGuard {
    presence: Arc<dyn Presence>,
    topic: TopicId,
    user: UserId,
}

impl PresenceGuard {
    /// Publishes that the user is present.
    pub(super) fn take(
        presence: &Arc<dyn Presence>,
        topic: TopicId,
        user: UserId,
        profile: Bytes,
    ) -> Arc<Self> {
        presence.enter(topic, Present { user, profile });
        Arc::new(Self { presence: Arc::clone(presence), topic, user })
    }

    /// Publishes the profile with which the user is present from now on. Nobody is told of an arrival.
    pub(super) fn renew(&self, profile: Bytes) {
        self.presence.enter(self.topic, Present { user: self.user, profile });
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

/// The changes that are to be sent to the rooms of one shard.
#[derive(Debug)]
pub(super) struct PendingPresence {
    names_max: u64,
    rooms: HashMap<RoomId, PendingRoom>,
    due: BTreeSet<(Instant, RoomId)>,
}

/// The changes that are to be sent to one room.
#[derive(Debug, Default)]
struct PendingRoom {
    changes: HashMap<UserId, (Bytes, bool)>,
    count: u64,
    /// A change waits to be sent. Otherwise the room was told its number and is not told another yet.
    is_fresh: bool,
}

impl PendingPresence {
    pub(super) fn new(names_max: usize) -> Self {
        Self { names_max: names_max as u64, rooms: HashMap::new(), due: BTreeSet::new() }
    }

    /// Adds a change. A change and its opposite cancel out.
    pub(super) fn add(&mut self, change: PresenceChange, now: Instant) {
        let Some(room) = change.topic.room() else { return };
        let pending = match self.rooms.entry(room) {
            Entry::Occupied(pending) => pending.into_mut(),
            Entry::Vacant(place) => {
                self.due.insert((now + COLLECT, room));
                place.insert(PendingRoom::default())
            }
        };
        pending.count = change.count;
        pending.is_fresh = true;
        if change.count > self.names_max {
            pending.changes.clear();
            return;
        }
        match pending.changes.entry(change.user) {
            Entry::Occupied(other) if other.get().1 != change.on => {
                other.remove();
            }
            Entry::Occupied(mut same) => {
                same.insert((change.profile, change.on));
            }
            Entry::Vacant(place) => {
                place.insert((change.profile, change.on));
            }
        }
    }

    /// When the next frame is to be sent.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The frames that are to be sent now.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(RoomId, WireFrame)> {
        let mut frames = Vec::new();
        while let Some((at, room)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            let Some(pending) = self.rooms.get_mut(&room) else { continue };
            let is_count = pending.count > self.names_max;
            if pending.is_fresh && (is_count || !pending.changes.is_empty()) {
                frames.push((room, frame(room, pending, is_count)));
            }
            if pending.is_fresh && is_count {
                pending.is_fresh = false;
                self.due.insert((now + COUNT_EVERY, room));
            } else {
                self.rooms.remove(&room);
            }
        }
        frames
    }
}

fn frame(room: RoomId, pending: &PendingRoom, is_count: bool) -> WireFrame {
    let profiles: Vec<_> = pending
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
        count: pending.count,
    }))
}

#[cfg(test)]
mod tests;
