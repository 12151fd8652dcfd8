//! The Lua scripts, loaded on every command connection, and their calls and answers.

use std::time::Duration;

use bytes::Bytes;
use madang_domain::{GatewayId, TopicId};
use redis::{Cmd, FromRedisValue, RedisResult, Script, aio::MultiplexedConnection};

use super::{
    attendance,
    keys::ShardKeys,
    presence::{PAIRS_PER_CALL, PresenceCall},
};

/// Pairs that the last gateway to leave looks at, of those whose grace is not over.
const LEAVING_MAX: usize = 10_000;

/// The scripts of the bus. They run whole or not at all between other commands: that is what makes
/// publishing free of races with registration and death.
#[derive(Debug)]
pub(super) struct Scripts {
    publish: Script,
    pulse: Script,
    register: Script,
    leave: Script,
    presence: Script,
    present: Script,
}

/// One change of a listener entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) topic: TopicId,
    /// Whether to listen, or no longer.
    pub(super) listen: bool,
}

/// What goes into a pulse, beside the keys.
#[derive(Debug)]
pub(super) struct PulseCall<'a> {
    pub(super) gateway: GatewayId,
    pub(super) fence: u64,
    pub(super) confirmed_lease: &'a str,
    pub(super) lease_ttl_ms: u128,
    pub(super) epoch_candidate: &'a str,
    pub(super) known_epoch: &'a str,
    pub(super) longest_inbox: usize,
    pub(super) nonce: u64,
    pub(super) dropped: bool,
}

/// The answer to a pulse.
#[derive(Debug)]
pub(super) struct PulseReply {
    pub(super) state: LeaseState,
    /// The value of the lease now.
    pub(super) lease: String,
    pub(super) epoch: String,
    pub(super) probe: StreamId,
}

/// What a pulse found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeaseState {
    /// The lease was there and is renewed.
    Held,
    /// It was not, or the epoch is another: lease and inbox are new and no topic is known to be registered.
    New,
    /// A newer connection of this gateway holds it.
    Stale,
}

/// An id of a stream's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct StreamId {
    ms: u64,
    number: u64,
}

impl StreamId {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (ms, number) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self { ms: ms.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.number)
    }
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            publish: Script::new(include_str!("publish.lua")),
            pulse: Script::new(include_str!("pulse.lua")),
            register: Script::new(include_str!("register.lua")),
            leave: Script::new(include_str!("leave.lua")),
            presence: Script::new(include_str!("presence.lua")),
            present: Script::new(include_str!("present.lua")),
        }
    }

    /// Loads all of them. A script that is missing later (`SCRIPT FLUSH`) breaks the connection, and the
    /// next one loads them again.
    pub(super) async fn load(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let Self { publish, pulse, register, leave, presence, present } = self;
        for script in [publish, pulse, register, leave, presence, present] {
            script.load_async(connection).await?;
        }
        Ok(())
    }

    /// The command that publishes the entries.
    pub(super) fn publish<'a>(
        &self,
        keys: &ShardKeys,
        gateway: GatewayId,
        longest_inbox: usize,
        entries: impl ExactSizeIterator<Item = &'a (TopicId, Bytes)> + Clone,
    ) -> Cmd {
        /// `inbox:` and a UUID.
        const TOPIC_BYTES: usize = 42;
        /// The SHA-1, the prefixes, the gateway.
        const FIXED_BYTES: usize = 256;
        let bytes: usize = entries.clone().map(|(_, entry)| entry.len() + TOPIC_BYTES).sum();
        let mut command = call(&self.publish, 9 + 2 * entries.len(), FIXED_BYTES + bytes);
        command.arg(1).arg(&keys.gateways).arg(Text(gateway)).arg(longest_inbox);
        command.arg(&keys.listeners_prefix).arg(&keys.lease_prefix).arg(&keys.inbox_prefix);
        for (topic, entry) in entries {
            command.arg(Text(topic)).arg(entry.as_ref());
        }
        command
    }

    /// Renews the lease and sends a probe.
    pub(super) async fn pulse(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        pulse: &PulseCall<'_>,
    ) -> RedisResult<PulseReply> {
        let mut command = call(&self.pulse, 19, 512);
        command.arg(4).arg(&keys.lease).arg(&keys.inbox).arg(&keys.epoch).arg(&keys.gateways);
        command.arg(Text(pulse.gateway)).arg(pulse.fence).arg(pulse.confirmed_lease);
        command.arg(Text(pulse.lease_ttl_ms)).arg(pulse.epoch_candidate).arg(pulse.known_epoch);
        command.arg(&keys.lease_prefix).arg(&keys.inbox_prefix).arg(pulse.longest_inbox);
        command.arg(pulse.nonce).arg(u8::from(pulse.dropped));
        command.arg(Text(format_args!("{}.{}", pulse.fence, pulse.nonce)));
        let (state, epoch, probe, lease): (String, String, Vec<u8>, String) =
            query(&command, connection).await?;
        let state = match state.as_str() {
            "held" => LeaseState::Held,
            "new" => LeaseState::New,
            _ => LeaseState::Stale,
        };
        Ok(PulseReply { state, lease, epoch, probe: StreamId::parse(&probe).unwrap_or_default() })
    }

    /// Changes listener entries; `false` when the lease is another.
    pub(super) async fn register(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        gateway: GatewayId,
        lease: &str,
        changes: &[Change],
    ) -> RedisResult<bool> {
        let mut command = call(&self.register, 7 + changes.len(), 256 + 43 * changes.len());
        command.arg(1).arg(&keys.lease).arg(lease).arg(Text(gateway)).arg(&keys.listeners_prefix);
        for change in changes {
            command.arg(Text(format_args!("{}{}", if change.listen { '+' } else { '-' }, change.topic)));
        }
        query(&command, connection).await
    }

    /// Removes lease and inbox; `false` when the lease is another.
    pub(super) async fn leave(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        gateway: GatewayId,
        lease: &str,
    ) -> RedisResult<bool> {
        let mut command = call(&self.leave, 14, 768);
        command.arg(7).arg(&keys.lease).arg(&keys.inbox).arg(&keys.epoch).arg(&keys.gateways);
        command.arg(&keys.held).arg(&keys.holders).arg(&keys.leaving);
        command.arg(lease).arg(Text(gateway)).arg(&keys.present_prefix).arg(LEAVING_MAX);
        query(&command, connection).await
    }

    /// Changes who is present, and gives up what is due; how long until there is more to do, or `None` when the
    /// lease is another.
    pub(super) async fn presence(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        presence: &PresenceCall<'_>,
        changes: &[attendance::Change],
    ) -> RedisResult<Option<Duration>> {
        let bytes: usize = changes.iter().map(|change| change.card.len() + 96).sum();
        let mut command = call(&self.presence, 18 + 4 * changes.len(), 768 + bytes);
        command.arg(4).arg(&keys.lease).arg(&keys.held).arg(&keys.holders).arg(&keys.leaving);
        command.arg(presence.lease).arg(Text(presence.gateway));
        command.arg(Text(presence.grace.as_millis())).arg(Text(presence.dead_grace.as_millis()));
        command.arg(PAIRS_PER_CALL).arg(presence.longest_inbox);
        command.arg(&keys.listeners_prefix).arg(&keys.lease_prefix).arg(&keys.inbox_prefix);
        command.arg(&keys.present_prefix).arg(&keys.held_prefix);
        for attendance::Change { kind, pair: (topic, user), card } in changes {
            command.arg(kind.letter()).arg(Text(topic)).arg(Text(user)).arg(card.as_ref());
        }
        let next_ms: i64 = query(&command, connection).await?;
        Ok(u64::try_from(next_ms).ok().map(Duration::from_millis))
    }

    /// Who is present in a topic: how many, and, up to the limit, user and card in turn.
    pub(super) async fn present(
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

fn call(script: &Script, arguments: usize, bytes: usize) -> Cmd {
    let mut command = Cmd::with_capacity(arguments, bytes);
    command.arg("EVALSHA").arg(script.get_hash());
    command
}

async fn query<T: FromRedisValue>(command: &Cmd, connection: &mut MultiplexedConnection) -> RedisResult<T> {
    command.query_async(connection).await
}

/// Writes a value's text into a command without a `String` of its own.
struct Text<T>(T);

impl<T: std::fmt::Display> redis::ToRedisArgs for Text<T> {
    fn write_redis_args<W: ?Sized + redis::RedisWrite>(&self, out: &mut W) {
        out.write_arg_fmt(&self.0);
    }
}

impl<T: std::fmt::Display> redis::ToSingleRedisArg for Text<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_ids_are_ordered_by_their_numbers_not_their_text() {
        let ids = ["0-0", "9-1", "9-12", "10-0"].map(|text| StreamId::parse(text.as_bytes()));
        assert!(ids.is_sorted() && ids.iter().all(Option::is_some), "{ids:?}");
        assert_eq!(ids[2].map(|id| id.to_string()).as_deref(), Some("9-12"));
        assert_eq!([StreamId::parse(b"9"), StreamId::parse(b"a-b"), StreamId::parse(b"")], [None; 3]);
    }
}
