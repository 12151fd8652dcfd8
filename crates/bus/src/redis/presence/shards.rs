//! The callers' side of presence: one registry for each shard.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{TopicId, UserId};

use super::registry::PresenceRegistry;
use crate::{
    presence::{Presence, PresenceError, Present, PresentPage},
    redis::{
        connection::{SharedConnection, breaks_connection},
        keys::{ShardKeys, shard_of},
        scripts::Scripts,
    },
};

/// A gateway's part in presence.
pub(in crate::redis) struct RedisPresence {
    pub(in crate::redis) shards: Vec<ShardPresence>,
    pub(in crate::redis) scripts: Arc<Scripts>,
    pub(in crate::redis) is_on: bool,
}

/// The callers' side of one shard.
pub(in crate::redis) struct ShardPresence {
    pub(super) registry: Arc<PresenceRegistry>,
    pub(super) connection: Arc<SharedConnection>,
    pub(super) keys: ShardKeys,
}

impl RedisPresence {
    /// The shard of a topic; none where presence is off.
    fn shard(&self, topic: TopicId) -> Option<&ShardPresence> {
        let shards = u16::try_from(self.shards.len()).unwrap_or(u16::MAX);
        self.shards.get(usize::from(shard_of(topic, shards))).filter(|_| self.is_on)
    }
}

#[async_trait]
impl Presence for RedisPresence {
    fn enter(&self, topic: TopicId, present: Present) {
        if let Some(shard) = self.shard(topic) {
            shard.registry.enter(topic, present);
        }
    }

    fn leave(&self, topic: TopicId, user: UserId) {
        if let Some(shard) = self.shard(topic) {
            shard.registry.leave(topic, user);
        }
    }

    async fn present(&self, topic: TopicId, limit: usize) -> Result<PresentPage, PresenceError> {
        let shard = self.shard(topic).ok_or(PresenceError::Off)?;
        let mut current = shard.connection.current().ok_or(PresenceError::Unreachable)?;
        let answer = self.scripts.present(&mut current.connection, &shard.keys, topic, limit).await;
        let (count, fields) = answer.map_err(|error| {
            if breaks_connection(&error) {
                shard.connection.report_failure(current.fence);
            }
            PresenceError::Redis(error)
        })?;
        let mut users = Vec::with_capacity(fields.len() / 2);
        let mut fields = fields.into_iter();
        while let (Some(user), Some(profile)) = (fields.next(), fields.next()) {
            // Another version wrote what is no id.
            let user = std::str::from_utf8(&user).ok().and_then(|text| text.parse().ok());
            users.extend(user.map(|user| Present { user, profile: Bytes::from(profile) }));
        }
        Ok(PresentPage { count, users })
    }
}
