//! What the gateways of one process share: who they are, what they are subscribed to, and which users are present.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak},
    time::Duration,
};

use bytes::Bytes;
use madang_domain::{GatewayId, TopicId, UserId};
use tokio::{runtime::Handle, time::Instant};

use super::{
    presence_map::PresenceMap,
    queue::{GatewayQueue, Offer},
};
use crate::{
    bus::Delivery,
    presence::{PRESENCE_GRACE, PresenceChange},
};

/// A handle to the directory. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct SharedDirectory {
    directory: Arc<RwLock<Directory>>,
    /// How long a user who has left counts as present; none switches presence off.
    pub(super) presence_grace: Option<Duration>,
}

/// The gateways, their subscriptions and their users.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) gateways: HashMap<GatewayId, Arc<GatewayQueue>>,
    pub(super) subscribers: HashMap<TopicId, Vec<Arc<GatewayQueue>>>,
    pub(super) presence: PresenceMap,
    /// A task waits for the end of the next user's grace.
    is_expiry_awaited: bool,
}

impl SharedDirectory {
    pub(super) fn new() -> Self {
        Self { directory: Arc::default(), presence_grace: Some(PRESENCE_GRACE) }
    }

    // A panic while the lock was held cannot leave the maps half changed in a way that matters: each change
    // is one insertion or removal.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a gateway with its subscriptions and users. Returns whether it was there.
    pub(super) fn remove(&self, gateway: &GatewayQueue) -> bool {
        let mut directory = self.write();
        let was_there = directory.gateways.remove(&gateway.gateway).is_some();
        directory.subscribers.retain(|_, queues| {
            remove_subscriber(queues, gateway);
            !queues.is_empty()
        });
        if let Some(grace) = self.presence_grace {
            directory.presence.leave_all(gateway.gateway, Instant::now() + grace);
            self.await_expiry(&mut directory);
        }
        was_there
    }

    /// Arranges that users are removed when their grace ends. Without a runtime the next caller does it.
    pub(super) fn await_expiry(&self, directory: &mut Directory) {
        directory.remove_expired(Instant::now());
        let Some(leaves_at) = directory.presence.next_leaves_at() else { return };
        if let Ok(runtime) = Handle::try_current()
            && !directory.is_expiry_awaited
        {
            directory.is_expiry_awaited = true;
            runtime.spawn(remove_expired(Arc::downgrade(&self.directory), leaves_at));
        }
    }
}

/// Removes the users whose grace has ended, until nobody is leaving.
async fn remove_expired(directory: Weak<RwLock<Directory>>, mut leaves_at: Instant) {
    loop {
        tokio::time::sleep_until(leaves_at).await;
        let Some(directory) = directory.upgrade() else { return };
        let mut directory = directory.write().unwrap_or_else(PoisonError::into_inner);
        directory.remove_expired(Instant::now());
        match directory.presence.next_leaves_at() {
            Some(next) => leaves_at = next,
            None => {
                directory.is_expiry_awaited = false;
                return;
            }
        }
    }
}

/// Takes a gateway off the subscribers of a topic.
pub(super) fn remove_subscriber(subscribers: &mut Vec<Arc<GatewayQueue>>, gateway: &GatewayQueue) {
    let before = subscribers.len();
    subscribers.retain(|queue| queue.gateway != gateway.gateway);
    gateway.metrics.subscriptions.subtract_len(before - subscribers.len());
}

impl Directory {
    fn remove_expired(&mut self, now: Instant) {
        while let Some((topic, user, profile)) = self.presence.remove_expired(now) {
            self.notify(topic, user, &profile, false);
        }
    }

    /// Notifies the gateways that are subscribed to a topic of an arrival or a departure.
    pub(super) fn notify(&self, topic: TopicId, user: UserId, profile: &Bytes, on: bool) {
        let count = self.presence.count(topic);
        for queue in self.subscribers.get(&topic).into_iter().flatten() {
            let change = PresenceChange { topic, user, profile: profile.clone(), on, count };
            // A queue that refuses delivers a reset instead.
            if queue.offer(Delivery::Presence(vec![change])) == Offer::Taken {
                queue.metrics.presence_changes.add(1);
            }
        }
    }
}
