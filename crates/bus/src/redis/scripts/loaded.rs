//! The scripts as they are loaded, and the calls that publish, subscribe and leave.

use bytes::Bytes;
use madang_domain::{GatewayId, TopicId};
use redis::{Cmd, RedisResult, Script, aio::MultiplexedConnection};

use super::command::{Text, call, query};
use crate::redis::keys::ShardKeys;

/// How many of the pairs whose grace is not over the last gateway to leave looks at.
const LEAVING_MAX: usize = 10_000;

/// The scripts of the bus. Each runs whole or not at all between other commands: that keeps publishing free of races with
/// subscriptions and deaths.
#[derive(Debug)]
pub(in crate::redis) struct Scripts {
    pub(super) publish: Script,
    pub(super) pulse: Script,
    pub(super) register: Script,
    pub(super) leave: Script,
    pub(super) presence: Script,
    pub(super) present: Script,
    pub(super) budget: Script,
}

/// One change of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redis) struct SubscriptionChange {
    pub(in crate::redis) topic: TopicId,
    /// Whether to subscribe; otherwise to unsubscribe.
    pub(in crate::redis) subscribe: bool,
}

impl Scripts {
    pub(in crate::redis) fn new() -> Self {
        Self {
            publish: Script::new(include_str!("publish.lua")),
            pulse: Script::new(include_str!("pulse.lua")),
            register: Script::new(include_str!("register.lua")),
            leave: Script::new(include_str!("leave.lua")),
            presence: Script::new(include_str!("presence.lua")),
            present: Script::new(include_str!("present.lua")),
            budget: Script::new(include_str!("budget.lua")),
        }
    }

    /// Loads all scripts. A script that is missing later (`SCRIPT FLUSH`) breaks the connection, and the next connection
    /// loads them again.
    pub(in crate::redis) async fn load(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let Self { publish, pulse, register, leave, presence, present, budget } = self;
        for script in [publish, pulse, register, leave, presence, present, budget] {
            script.load_async(connection).await?;
        }
        Ok(())
    }

    /// The command that publishes the entries.
    pub(in crate::redis) fn publish<'a>(
        &self,
        keys: &ShardKeys,
        gateway: GatewayId,
        stream_entries_max: usize,
        entries: impl ExactSizeIterator<Item = (TopicId, &'a Bytes)> + Clone,
    ) -> Cmd {
        /// `inbox:` and a UUID.
        const TOPIC_BYTES: usize = 42;
        /// The SHA-1, the prefixes, the gateway.
        const FIXED_BYTES: usize = 256;
        let bytes: usize = entries.clone().map(|(_, entry)| entry.len() + TOPIC_BYTES).sum();
        let mut command = call(&self.publish, 9 + 2 * entries.len(), FIXED_BYTES + bytes);
        command.arg(1).arg(&keys.gateways).arg(Text(gateway)).arg(stream_entries_max);
        command.arg(&keys.subscribers_prefix).arg(&keys.lease_prefix).arg(&keys.stream_prefix);
        for (topic, entry) in entries {
            command.arg(Text(topic)).arg(entry.as_ref());
        }
        command
    }

    /// Registers changes of subscriptions; `false` when the lease has another value.
    pub(in crate::redis) async fn register(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        gateway: GatewayId,
        lease: &str,
        changes: &[SubscriptionChange],
    ) -> RedisResult<bool> {
        let mut command = call(&self.register, 7 + changes.len(), 256 + 43 * changes.len());
        command.arg(1).arg(&keys.lease).arg(lease).arg(Text(gateway)).arg(&keys.subscribers_prefix);
        for change in changes {
            let sign = if change.subscribe { '+' } else { '-' };
            command.arg(Text(format_args!("{sign}{}", change.topic)));
        }
        query(&command, connection).await
    }

    /// Removes the lease and the gateway stream; `false` when the lease has another value.
    pub(in crate::redis) async fn leave(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        gateway: GatewayId,
        lease: &str,
    ) -> RedisResult<bool> {
        let mut command = call(&self.leave, 14, 768);
        command.arg(7).arg(&keys.lease).arg(&keys.stream).arg(&keys.epoch).arg(&keys.gateways);
        command.arg(&keys.pairs).arg(&keys.pair_owners).arg(&keys.leaving);
        command.arg(lease).arg(Text(gateway)).arg(&keys.present_prefix).arg(LEAVING_MAX);
        query(&command, connection).await
    }
}
