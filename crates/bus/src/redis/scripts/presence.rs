//! The calls of `presence.lua` and `present.lua`.

use std::time::Duration;

use bytes::Bytes;
use madang_domain::{GatewayId, TopicId, UserId};
use redis::{RedisResult, aio::MultiplexedConnection};

use super::{
    command::{Text, call, query},
    loaded::Scripts,
};
use crate::redis::keys::ShardKeys;

/// The arguments of a presence call, besides the keys and the changes.
#[derive(Debug)]
pub(in crate::redis) struct PresenceCall<'a> {
    pub(in crate::redis) gateway: GatewayId,
    pub(in crate::redis) lease: &'a str,
    pub(in crate::redis) grace: Duration,
    /// The grace of the users of a dead gateway.
    pub(in crate::redis) dead_grace: Duration,
    /// How many pairs the call takes off dead gateways at most, and how many it removes at most.
    pub(in crate::redis) pairs_max: usize,
    pub(in crate::redis) stream_entries_max: usize,
}

/// One change of a pair of topic and user.
#[derive(Debug, Clone)]
pub(in crate::redis) struct PairChange {
    pub(in crate::redis) kind: PairChangeKind,
    pub(in crate::redis) pair: (TopicId, UserId),
    pub(in crate::redis) profile: Bytes,
}

/// What a presence call does with a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redis) enum PairChangeKind {
    /// The user entered.
    Enter,
    /// The user left.
    Leave,
    /// The user was there before the data was lost.
    Restore,
    /// The user had just left before the data was lost.
    RestoreLeaving,
}

impl PairChangeKind {
    /// The letter of the kind in `presence.lua`.
    fn letter(self) -> &'static str {
        match self {
            Self::Enter => "+",
            Self::Leave => "-",
            Self::Restore => "=",
            Self::RestoreLeaving => "~",
        }
    }
}

impl Scripts {
    /// Changes which users are present and removes the pairs whose grace has ended. Returns after how long there is more to
    /// do, or `None` when the lease has another value.
    pub(in crate::redis) async fn presence(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        presence: &PresenceCall<'_>,
        changes: &[PairChange],
    ) -> RedisResult<Option<Duration>> {
        let bytes: usize = changes.iter().map(|change| change.profile.len() + 96).sum();
        let mut command = call(&self.presence, 18 + 4 * changes.len(), 768 + bytes);
        command.arg(4).arg(&keys.lease).arg(&keys.pairs).arg(&keys.pair_owners).arg(&keys.leaving);
        command.arg(presence.lease).arg(Text(presence.gateway));
        command.arg(Text(presence.grace.as_millis())).arg(Text(presence.dead_grace.as_millis()));
        command.arg(presence.pairs_max).arg(presence.stream_entries_max);
        command.arg(&keys.subscribers_prefix).arg(&keys.lease_prefix).arg(&keys.stream_prefix);
        command.arg(&keys.present_prefix).arg(&keys.pairs_prefix);
        for PairChange { kind, pair: (topic, user), profile } in changes {
            command.arg(kind.letter()).arg(Text(topic)).arg(Text(user)).arg(profile.as_ref());
        }
        let next_ms: i64 = query(&command, connection).await?;
        Ok(u64::try_from(next_ms).ok().map(Duration::from_millis))
    }

    /// The users in a topic: how many there are, and, up to the limit, user and profile in turn.
    pub(in crate::redis) async fn present(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        topic: TopicId,
        limit: usize,
    ) -> RedisResult<(u64, Vec<Vec<u8>>)> {
        let mut command = call(&self.present, 5, 256);
        command.arg(1).arg(Text(format_args!("{}{topic}", keys.present_prefix))).arg(limit);
        query(&command, connection).await
    }
}
