//! The kinds of faults.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::redis_shape::RedisShape;

/// A kind of fault. Each says why it is here: what it takes away that something might silently rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// SIGKILL, then a start at the same address. Takes what was committed and not yet published, and all sockets at once.
    GatewayKilled,
    /// SIGSTOP, SIGCONT: a long pause of a machine. Its lease may end while it believes that it lives.
    GatewayPaused,
    /// SIGKILL, then a start. Takes appends between commit and answer: the retry must find the first one.
    StoreKilled,
    /// SIGSTOP, SIGCONT. Calls neither fail nor answer; deadlines and the other replica must do.
    StorePaused,
    /// SIGKILL, then a start. Nobody who is signed in may notice.
    AuthKilled,
    /// SIGSTOP, SIGCONT, with the same hope.
    AuthPaused,
    /// Redis is killed and restarts from its append-only file: its leases and gateway streams are from before
    /// the outage.
    RedisKilledKept,
    /// Redis is killed and comes back empty: no listener is registered, and nothing says so but an absent lease.
    RedisKilledEmpty,
    /// FLUSHALL: as before, with every connection alive and well.
    RedisFlushed,
    /// SIGSTOP, SIGCONT: connections that are open and say nothing.
    RedisPaused,
    /// `CLUSTER FAILOVER`: a replica takes the place of a master that lives; what was not yet copied is lost in silence.
    RedisFailover,
    /// The line between gateways and Redis is reset and refused.
    RedisCut,
    /// The line between gateways and Redis is slow: publishes queue, probes come late.
    RedisDelayed,
    /// A gateway is heard by Redis and hears nothing: a reader that looks healthy and is deaf.
    RedisDeaf,
    /// Redis has forgotten a gateway's connections, which the gateway believes in.
    RedisHalfOpen,
    /// A gateway's reader is cut off while its gateway stream is trimmed or deleted. The entry after which it
    /// resumes is gone.
    GatewayStreamTrimmed,
    /// The line between gateways and stores is reset and refused.
    StoreCut,
    /// The line between gateways and stores is slow.
    StoreDelayed,
    /// Stores hear a gateway and their answers are lost: everything is committed, nothing acknowledged.
    StoreDeaf,
    /// The line between gateways and auth is reset and refused.
    AuthCut,
    /// The line between gateways and auth is slow.
    AuthDelayed,
    /// The line between stores and PostgreSQL is reset and refused.
    PostgresCut,
    /// The line between stores and PostgreSQL is slow: row locks are held for longer.
    PostgresDelayed,
    /// An immediate shutdown (SIGQUIT) and a start with recovery.
    PostgresRestarted,
    /// `pg_terminate_backend` for every connection: pools that are full of dead ones.
    PostgresConnectionsEnded,
    /// Every process of Madang is stopped in good order (SIGTERM, exit 0) and started, one after the other: a deployment.
    RollingRestart,
    /// The wall clock of one process is an hour ahead, then right again.
    ClockForward,
    /// The wall clock of one process is an hour behind, then right again.
    ClockBack,
    /// The disk of PostgreSQL is full, then not. It may end over its log; it is started again then.
    DiskFull,
    /// A third of the clients lose their network: reset and refused, or silent and then reset.
    ClientsCut,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::GatewayKilled,
        Self::GatewayPaused,
        Self::StoreKilled,
        Self::StorePaused,
        Self::AuthKilled,
        Self::AuthPaused,
        Self::RedisKilledKept,
        Self::RedisKilledEmpty,
        Self::RedisFlushed,
        Self::RedisPaused,
        Self::RedisFailover,
        Self::RedisCut,
        Self::RedisDelayed,
        Self::RedisDeaf,
        Self::RedisHalfOpen,
        Self::GatewayStreamTrimmed,
        Self::StoreCut,
        Self::StoreDelayed,
        Self::StoreDeaf,
        Self::AuthCut,
        Self::AuthDelayed,
        Self::PostgresCut,
        Self::PostgresDelayed,
        Self::PostgresRestarted,
        Self::PostgresConnectionsEnded,
        Self::RollingRestart,
        Self::ClockForward,
        Self::ClockBack,
        Self::DiskFull,
        Self::ClientsCut,
    ];

    /// Those that need neither root nor another library, and are over soon.
    pub const QUICK: [Self; 15] = [
        Self::GatewayKilled,
        Self::GatewayPaused,
        Self::StoreKilled,
        Self::AuthKilled,
        Self::RedisKilledEmpty,
        Self::RedisFlushed,
        Self::RedisCut,
        Self::RedisDeaf,
        Self::GatewayStreamTrimmed,
        Self::StoreCut,
        Self::StoreDeaf,
        Self::AuthCut,
        Self::PostgresRestarted,
        Self::PostgresConnectionsEnded,
        Self::ClientsCut,
    ];

    /// Those that can be injected where Redis is of this shape.
    #[must_use]
    pub fn all_of(redis: RedisShape) -> Vec<Self> {
        let misfits: &[Self] = match redis {
            RedisShape::Single => &[Self::RedisFailover],
            RedisShape::Cluster => &[],
        };
        Self::ALL.into_iter().filter(|kind| !misfits.contains(kind)).collect()
    }

    /// Its name, on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GatewayKilled => "gateway-killed",
            Self::GatewayPaused => "gateway-paused",
            Self::StoreKilled => "store-killed",
            Self::StorePaused => "store-paused",
            Self::AuthKilled => "auth-killed",
            Self::AuthPaused => "auth-paused",
            Self::RedisKilledKept => "redis-killed-kept",
            Self::RedisKilledEmpty => "redis-killed-empty",
            Self::RedisFlushed => "redis-flushed",
            Self::RedisPaused => "redis-paused",
            Self::RedisFailover => "redis-failover",
            Self::RedisCut => "redis-cut",
            Self::RedisDelayed => "redis-delayed",
            Self::RedisDeaf => "redis-deaf",
            Self::RedisHalfOpen => "redis-half-open",
            Self::GatewayStreamTrimmed => "gateway-stream-trimmed",
            Self::StoreCut => "store-cut",
            Self::StoreDelayed => "store-delayed",
            Self::StoreDeaf => "store-deaf",
            Self::AuthCut => "auth-cut",
            Self::AuthDelayed => "auth-delayed",
            Self::PostgresCut => "postgres-cut",
            Self::PostgresDelayed => "postgres-delayed",
            Self::PostgresRestarted => "postgres-restarted",
            Self::PostgresConnectionsEnded => "postgres-connections-ended",
            Self::RollingRestart => "rolling-restart",
            Self::ClockForward => "clock-forward",
            Self::ClockBack => "clock-back",
            Self::DiskFull => "disk-full",
            Self::ClientsCut => "clients-cut",
        }
    }

    /// How long it may be held, in milliseconds; for a kill, how long until the start.
    pub(super) const fn hold_ms(self) -> RangeInclusive<u64> {
        match self {
            // A start takes long enough by itself.
            Self::GatewayKilled | Self::StoreKilled | Self::AuthKilled => 300..=1_500,
            Self::RedisKilledKept | Self::RedisKilledEmpty => 100..=2_500,
            // At once, or over when it is done.
            Self::RedisFlushed
            | Self::RedisFailover
            | Self::PostgresConnectionsEnded
            | Self::RollingRestart => 0..=0,
            Self::PostgresRestarted => 0..=500,
            // The entries that are trimmed have to be published first.
            Self::GatewayStreamTrimmed => 1_500..=3_500,
            // Past the probe of a reader (every 2 s, 1.5 s patience), and up to it.
            Self::RedisDeaf | Self::RedisHalfOpen => 2_000..=5_000,
            // The library that fakes the clock sees a step within three seconds.
            Self::ClockForward | Self::ClockBack => 3_500..=5_000,
            Self::DiskFull => 2_000..=4_000,
            // A network that drops for two seconds.
            Self::ClientsCut => 2_000..=2_000,
            Self::GatewayPaused
            | Self::StorePaused
            | Self::AuthPaused
            | Self::RedisPaused
            | Self::RedisCut
            | Self::RedisDelayed
            | Self::StoreCut
            | Self::StoreDelayed
            | Self::StoreDeaf
            | Self::AuthCut
            | Self::AuthDelayed
            | Self::PostgresCut
            | Self::PostgresDelayed => 1_000..=4_000,
        }
    }

    /// Whether processes of Madang end by it and are started again, before it is over.
    #[must_use]
    pub const fn ends_processes(self) -> bool {
        matches!(self, Self::GatewayKilled | Self::StoreKilled | Self::AuthKilled | Self::RollingRestart)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!("one of {} is expected", names.join(", "))
        })
    }
}
