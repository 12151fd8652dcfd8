//! Presence within one process: a map under the exchange's lock.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    sync::{Arc, PoisonError, RwLock, Weak},
};

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{GatewayId, TopicId, UserId};
use tokio::{runtime::Handle, time::Instant};

use super::{Directory, InProcessExchange, Offer, Port};
use crate::{Delivery, Presence, PresenceChange, PresenceError, Present, PresentPage};

/// One gateway's part.
pub(super) struct InProcessPresence {
    exchange: InProcessExchange,
    port: Arc<Port>,
}

/// Who is where.
#[derive(Debug, Default)]
pub(super) struct Attendees {
    topics: HashMap<TopicId, HashMap<UserId, Attendee>>,
    /// Those without a gateway, by the end of their grace.
    leaving: BTreeSet<(Instant, TopicId, UserId)>,
    /// A task waits for the first of them.
    is_awaited: bool,
}

/// A user in a topic.
#[derive(Debug)]
struct Attendee {
    card: Bytes,
    /// Those that have sockets of the user; with none, the user leaves.
    gateways: Vec<GatewayId>,
    due: Option<Instant>,
}

impl InProcessPresence {
    pub(super) fn new(exchange: InProcessExchange, port: Arc<Port>) -> Self {
        Self { exchange, port }
    }
}

#[async_trait]
impl Presence for InProcessPresence {
    fn enter(&self, topic: TopicId, present: Present) {
        if self.exchange.presence_grace.is_none() {
            return;
        }
        let mut directory = self.exchange.write();
        // A gateway that left the bus has nobody.
        if !directory.gateways.contains_key(&self.port.gateway) {
            return;
        }
        let Attendees { topics, leaving, .. } = &mut directory.attendees;
        let (user, card) = (present.user, present.card);
        let is_new = match topics.entry(topic).or_default().entry(user) {
            Entry::Occupied(mut attendee) => {
                let attendee = attendee.get_mut();
                if let Some(due) = attendee.due.take() {
                    leaving.remove(&(due, topic, user));
                }
                if !attendee.gateways.contains(&self.port.gateway) {
                    attendee.gateways.push(self.port.gateway);
                    self.port.metrics.presence_pairs.add(1);
                }
                attendee.card = card.clone();
                false
            }
            Entry::Vacant(place) => {
                place.insert(Attendee { card: card.clone(), gateways: vec![self.port.gateway], due: None });
                self.port.metrics.presence_pairs.add(1);
                true
            }
        };
        if is_new {
            directory.tell(topic, user, &card, true);
        }
    }

    fn leave(&self, topic: TopicId, user: UserId) {
        let Some(grace) = self.exchange.presence_grace else { return };
        let mut directory = self.exchange.write();
        if directory.attendees.release(self.port.gateway, topic, user, Instant::now() + grace) {
            self.port.metrics.presence_pairs.subtract_len(1);
        }
        self.exchange.await_due(&mut directory);
    }

    async fn present(&self, topic: TopicId, limit: usize) -> Result<PresentPage, PresenceError> {
        if self.exchange.presence_grace.is_none() {
            return Err(PresenceError::Off);
        }
        let directory = self.exchange.read();
        let Some(attendees) = directory.attendees.topics.get(&topic) else {
            return Ok(PresentPage::default());
        };
        let users = if attendees.len() <= limit {
            let present =
                |(user, attendee): (&UserId, &Attendee)| Present { user: *user, card: attendee.card.clone() };
            attendees.iter().map(present).collect()
        } else {
            Vec::new()
        };
        Ok(PresentPage { count: attendees.len() as u64, users })
    }
}

impl InProcessExchange {
    /// A gateway has gone, with all whom it had.
    pub(super) fn release(&self, gateway: GatewayId) {
        let Some(grace) = self.presence_grace else { return };
        let mut directory = self.write();
        let attendees = &mut directory.attendees;
        let held: Vec<(TopicId, UserId)> = attendees
            .topics
            .iter()
            .flat_map(|(topic, users)| users.iter().map(move |(user, attendee)| (*topic, *user, attendee)))
            .filter(|(_, _, attendee)| attendee.gateways.contains(&gateway))
            .map(|(topic, user, _)| (topic, user))
            .collect();
        for (topic, user) in held {
            attendees.release(gateway, topic, user, Instant::now() + grace);
        }
        self.await_due(&mut directory);
    }

    /// Sees to it that who is due is given up; without a runtime, by whoever comes next.
    fn await_due(&self, directory: &mut Directory) {
        directory.give_up_due(Instant::now());
        let Some((due, ..)) = directory.attendees.leaving.first() else { return };
        if let Ok(runtime) = Handle::try_current()
            && !directory.attendees.is_awaited
        {
            directory.attendees.is_awaited = true;
            runtime.spawn(give_up(Arc::downgrade(&self.directory), *due));
        }
    }
}

/// Gives up who is due, until nobody leaves.
async fn give_up(directory: Weak<RwLock<Directory>>, mut due: Instant) {
    loop {
        tokio::time::sleep_until(due).await;
        let Some(directory) = directory.upgrade() else { return };
        let mut directory = directory.write().unwrap_or_else(PoisonError::into_inner);
        directory.give_up_due(Instant::now());
        match directory.attendees.leaving.first() {
            Some((next, ..)) => due = *next,
            None => {
                directory.attendees.is_awaited = false;
                return;
            }
        }
    }
}

impl Attendees {
    /// Takes a gateway off a user; says whether it was there. Whom none has, the grace begins for.
    fn release(&mut self, gateway: GatewayId, topic: TopicId, user: UserId, due: Instant) -> bool {
        let Some(attendee) = self.topics.get_mut(&topic).and_then(|users| users.get_mut(&user)) else {
            return false;
        };
        let Some(at) = attendee.gateways.iter().position(|other| *other == gateway) else { return false };
        attendee.gateways.swap_remove(at);
        if attendee.gateways.is_empty() {
            attendee.due = Some(due);
            self.leaving.insert((due, topic, user));
        }
        true
    }
}

impl Directory {
    fn give_up_due(&mut self, now: Instant) {
        while let Some((due, topic, user)) = self.attendees.leaving.first().copied()
            && due <= now
        {
            self.attendees.leaving.pop_first();
            let Some(users) = self.attendees.topics.get_mut(&topic) else { continue };
            let attendee = users.remove(&user);
            if users.is_empty() {
                self.attendees.topics.remove(&topic);
            }
            if let Some(attendee) = attendee {
                self.tell(topic, user, &attendee.card, false);
            }
        }
    }

    fn tell(&self, topic: TopicId, user: UserId, card: &Bytes, on: bool) {
        let count = self.attendees.topics.get(&topic).map_or(0, HashMap::len) as u64;
        for port in self.listeners.get(&topic).into_iter().flatten() {
            let change = PresenceChange { topic, user, card: card.clone(), on, count };
            // A port that refuses says a reset instead.
            if port.offer(Delivery::Presence(vec![change])) == Offer::Taken {
                port.metrics.presence_changes.add(1);
            }
        }
    }
}
