//! One gateway's part in presence.

use std::sync::Arc;

use async_trait::async_trait;
use madang_domain::{TopicId, UserId};
use tokio::time::Instant;

use super::{directory::SharedDirectory, queue::GatewayQueue};
use crate::presence::{Presence, PresenceError, Present, PresentPage};

/// One gateway's part in presence.
pub(super) struct InProcessPresence {
    directory: SharedDirectory,
    queue: Arc<GatewayQueue>,
}

impl InProcessPresence {
    pub(super) fn new(directory: SharedDirectory, queue: Arc<GatewayQueue>) -> Self {
        Self { directory, queue }
    }
}

#[async_trait]
impl Presence for InProcessPresence {
    fn enter(&self, topic: TopicId, present: Present) {
        if self.directory.presence_grace.is_none() {
            return;
        }
        let mut directory = self.directory.write();
        // A gateway that has left the bus has no users.
        if !directory.gateways.contains_key(&self.queue.gateway) {
            return;
        }
        let (user, profile) = (present.user, present.profile.clone());
        let entered = directory.presence.enter(self.queue.gateway, topic, present);
        if entered.is_new_here {
            self.queue.metrics.presence_pairs.add(1);
        }
        if entered.is_new_anywhere {
            directory.notify(topic, user, &profile, true);
        }
    }

    fn leave(&self, topic: TopicId, user: UserId) {
        let Some(grace) = self.directory.presence_grace else { return };
        let mut directory = self.directory.write();
        if directory.presence.leave(self.queue.gateway, topic, user, Instant::now() + grace) {
            self.queue.metrics.presence_pairs.subtract(1);
        }
        self.directory.await_expiry(&mut directory);
    }

    async fn present(&self, topic: TopicId, limit: usize) -> Result<PresentPage, PresenceError> {
        if self.directory.presence_grace.is_none() {
            return Err(PresenceError::Off);
        }
        Ok(self.directory.read().presence.page(topic, limit))
    }
}
