//! Which users are in which topics, by which gateways. Nothing here knows a clock, a lock or a queue.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use bytes::Bytes;
use madang_domain::{GatewayId, TopicId, UserId};
use tokio::time::Instant;

use crate::presence::{Present, PresentPage};

/// The users in all topics.
#[derive(Debug, Default)]
pub(super) struct PresenceMap {
    topics: HashMap<TopicId, HashMap<UserId, PresentUser>>,
    /// The users whom no gateway has any more, by the end of their grace.
    leaving: BTreeSet<(Instant, TopicId, UserId)>,
}

/// A user in a topic.
#[derive(Debug)]
struct PresentUser {
    profile: Bytes,
    /// The gateways that have sockets of the user. With none, the user is leaving.
    gateways: Vec<GatewayId>,
    leaves_at: Option<Instant>,
}

/// What an arrival changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entered {
    /// The gateway did not have the user before.
    pub(super) is_new_here: bool,
    /// Nobody had the user before.
    pub(super) is_new_anywhere: bool,
}

impl PresenceMap {
    /// A gateway has a user.
    pub(super) fn enter(&mut self, gateway: GatewayId, topic: TopicId, present: Present) -> Entered {
        let Present { user, profile } = present;
        match self.topics.entry(topic).or_default().entry(user) {
            Entry::Occupied(mut entry) => {
                let entry = entry.get_mut();
                if let Some(leaves_at) = entry.leaves_at.take() {
                    self.leaving.remove(&(leaves_at, topic, user));
                }
                let is_new_here = !entry.gateways.contains(&gateway);
                if is_new_here {
                    entry.gateways.push(gateway);
                }
                entry.profile = profile;
                Entered { is_new_here, is_new_anywhere: false }
            }
            Entry::Vacant(place) => {
                place.insert(PresentUser { profile, gateways: vec![gateway], leaves_at: None });
                Entered { is_new_here: true, is_new_anywhere: true }
            }
        }
    }

    /// A gateway no longer has a user. Returns whether it had the user. Once no gateway has the user, the grace begins.
    pub(super) fn leave(
        &mut self,
        gateway: GatewayId,
        topic: TopicId,
        user: UserId,
        leaves_at: Instant,
    ) -> bool {
        let Some(present) = self.topics.get_mut(&topic).and_then(|users| users.get_mut(&user)) else {
            return false;
        };
        let Some(at) = present.gateways.iter().position(|other| *other == gateway) else { return false };
        present.gateways.swap_remove(at);
        if present.gateways.is_empty() {
            present.leaves_at = Some(leaves_at);
            self.leaving.insert((leaves_at, topic, user));
        }
        true
    }

    /// A gateway no longer has any user.
    pub(super) fn leave_all(&mut self, gateway: GatewayId, leaves_at: Instant) {
        let held: Vec<(TopicId, UserId)> = self
            .topics
            .iter()
            .flat_map(|(topic, users)| users.iter().map(move |(user, present)| (*topic, *user, present)))
            .filter(|(_, _, present)| present.gateways.contains(&gateway))
            .map(|(topic, user, _)| (topic, user))
            .collect();
        for (topic, user) in held {
            self.leave(gateway, topic, user, leaves_at);
        }
    }

    /// When the next user's grace ends.
    pub(super) fn next_leaves_at(&self) -> Option<Instant> {
        self.leaving.first().map(|(leaves_at, ..)| *leaves_at)
    }

    /// Removes the next user whose grace has ended, and returns the topic, the user and the profile.
    pub(super) fn remove_expired(&mut self, now: Instant) -> Option<(TopicId, UserId, Bytes)> {
        while self.next_leaves_at().is_some_and(|leaves_at| leaves_at <= now)
            && let Some((_, topic, user)) = self.leaving.pop_first()
        {
            let Some(users) = self.topics.get_mut(&topic) else { continue };
            let removed = users.remove(&user);
            if users.is_empty() {
                self.topics.remove(&topic);
            }
            if let Some(present) = removed {
                return Some((topic, user, present.profile));
            }
        }
        None
    }

    /// How many users are in a topic.
    pub(super) fn count(&self, topic: TopicId) -> u64 {
        self.topics.get(&topic).map_or(0, HashMap::len) as u64
    }

    /// The users in a topic, unless there are more than the limit.
    pub(super) fn page(&self, topic: TopicId, limit: usize) -> PresentPage {
        let Some(users) = self.topics.get(&topic) else { return PresentPage::default() };
        let present = |(user, present): (&UserId, &PresentUser)| Present {
            user: *user,
            profile: present.profile.clone(),
        };
        let shown = if users.len() <= limit { users.iter().map(present).collect() } else { Vec::new() };
        PresentPage { count: users.len() as u64, users: shown }
    }
}
