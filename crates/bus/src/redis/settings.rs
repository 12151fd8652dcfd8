//! The settings of the Redis variant, with their defaults and the reasons for these.

use std::{fmt, path::PathBuf, time::Duration};

use super::address::is_cluster;

/// Shards of a Redis Cluster by default. Twelve are spread evenly over 3, 4, 6 or 12 masters.
pub const CLUSTER_SHARDS: u16 = 12;

/// More shards would need more connections than a gateway should hold.
const SHARDS_MAX: u16 = 1_024;

/// How to reach Redis, and the bounds of the bus. [`RedisSettings::new`] has the defaults.
#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://[user:password@]host[:port][/database]`, or, of a cluster, some of its nodes:
    /// `redis+cluster://[user:password@]host[:port][,host[:port]…]`.
    pub url: String,
    /// The file with the authorities in PEM that sign the certificates of Redis, for `rediss://` and `rediss+cluster://`. It is
    /// read again for each connection. Without it, the system's authorities count.
    pub ca_file: Option<PathBuf>,
    /// Parts over which the topics are spread, at most 1,024; each costs two connections. 1; for a cluster
    /// [`CLUSTER_SHARDS`]. Gateways with different numbers receive nothing from each other.
    pub shards: u16,
    /// The text with which all keys start.
    pub prefix: String,
    /// After this time without a renewal the other gateways take a gateway for dead. 10 s.
    pub lease_ttl: Duration,
    /// The time between two renewals of the lease, each with a probe of the reader. 2 s: a flushed Redis is noticed within it,
    /// and four renewals can fail before the lease expires.
    pub pulse_interval: Duration,
    /// The reader is stalled if a probe has not come back for this long when the next pulse is due. 1.5 s.
    pub probe_timeout: Duration,
    /// The time within which Redis must answer. 2 s.
    pub response_timeout: Duration,
    /// The time within which a connection must be made. 2 s.
    pub connect_timeout: Duration,
    /// The longest pause between two attempts to connect. 1 s.
    pub backoff_cap: Duration,
    /// How long a read waits in Redis for an entry. 5 s: longer than the time between two probes, so that only they wake an
    /// idle reader. It delays nothing, and the probes find a connection that died silently.
    pub read_block: Duration,
    /// Entries that one read takes. 256.
    pub read_batch: usize,
    /// Deliveries that wait for the gateway. With `read_batch` it bounds the entries that wait. 16, hence 4,096 entries:
    /// 1.2 MB at 300 bytes, 256 MiB if each had 64 KiB.
    pub queue_deliveries: usize,
    /// Entries that Redis keeps for a gateway that does not read (`MAXLEN ~`). 50,000: five seconds at 10,000/s, 15 MB of
    /// Redis at 300 bytes. A reset reports entries that are trimmed unread.
    pub stream_entries: usize,
    /// How long Redis keeps an entry, read or not, besides the time between two pulses. 60 s: a gateway that does not read for
    /// so long has lost its lease. A text that was deleted from the store is in no entry after that.
    pub stream_kept: Duration,
    /// Entries that wait to be published, for each shard. 16,384.
    pub publish_queue_entries: usize,
    /// Bytes of entries that wait to be published or are on their way, for each shard. 16 MiB.
    pub publish_queue_bytes: usize,
    /// Entries that wait longer than this for a connection are dropped. 1 s: by then the store is the
    /// better source.
    pub publish_patience: Duration,
    /// Entries of one script call. 256: about a millisecond of Redis, with a few subscribers each.
    pub call_entries: usize,
    /// Bytes of entries of one script call. 1 MiB.
    pub call_bytes: usize,
    /// Script calls on their way at once: enough to hide the round trip, few enough for batches to form. 4.
    pub calls_in_flight: usize,
    /// How long a user who has left counts as present. [`PRESENCE_GRACE`](crate::PRESENCE_GRACE); none switches
    /// presence off.
    pub presence_grace: Option<Duration>,
    /// Pairs of topic and user of which this gateway may have sockets, for each shard. 1,000,000: some 250 MB.
    pub presence_pairs: usize,
    /// After this, `subscribe` answers `Deferred`. 3 s.
    pub subscribe_deadline: Duration,
    /// After this, `close` gives up. 3 s.
    pub close_deadline: Duration,
}

/// Settings with which the bus cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The URL is not one of a Redis.
    #[error("not a Redis URL, such as redis://127.0.0.1:6379")]
    Url(#[source] redis::RedisError),
    /// A number that must be at least one is zero.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// More shards than a gateway can serve.
    #[error("shards: at most {SHARDS_MAX}")]
    TooManyShards,
    /// A lease would end between two renewals.
    #[error("the lease must outlast two pulses and a response timeout")]
    LeaseTooShort,
}

impl RedisSettings {
    /// The defaults, for this Redis.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            shards: if is_cluster(&url) { CLUSTER_SHARDS } else { 1 },
            url,
            ca_file: None,
            prefix: "madang".to_owned(),
            lease_ttl: Duration::from_secs(10),
            pulse_interval: Duration::from_secs(2),
            probe_timeout: Duration::from_millis(1_500),
            response_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            backoff_cap: Duration::from_secs(1),
            read_block: Duration::from_secs(5),
            read_batch: 256,
            queue_deliveries: 16,
            stream_entries: 50_000,
            stream_kept: Duration::from_secs(60),
            publish_queue_entries: 16_384,
            publish_queue_bytes: 16 << 20,
            publish_patience: Duration::from_secs(1),
            call_entries: 256,
            call_bytes: 1 << 20,
            calls_in_flight: 4,
            presence_grace: Some(crate::presence::PRESENCE_GRACE),
            presence_pairs: 1_000_000,
            subscribe_deadline: Duration::from_secs(3),
            close_deadline: Duration::from_secs(3),
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for (name, number) in [
            ("shards", usize::from(self.shards)),
            ("read_batch", self.read_batch),
            ("queue_deliveries", self.queue_deliveries),
            ("stream_entries", self.stream_entries),
            ("publish_queue_entries", self.publish_queue_entries),
            ("call_entries", self.call_entries),
            ("calls_in_flight", self.calls_in_flight),
            // To Redis, 0 means for ever.
            ("read_block in ms", usize::try_from(self.read_block.as_millis()).unwrap_or(usize::MAX)),
            ("pulse_interval in ms", usize::try_from(self.pulse_interval.as_millis()).unwrap_or(usize::MAX)),
        ] {
            if number == 0 {
                return Err(SettingsError::Zero(name));
            }
        }
        if self.shards > SHARDS_MAX {
            return Err(SettingsError::TooManyShards);
        }
        if self.lease_ttl < self.pulse_interval * 2 + self.response_timeout {
            return Err(SettingsError::LeaseTooShort);
        }
        Ok(())
    }
}

impl fmt::Debug for RedisSettings {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("shards", &self.shards)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_and_the_password_is_not_shown() {
        let settings = RedisSettings::new("redis://:secret@localhost/");
        assert!(settings.check().is_ok());
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn a_cluster_has_more_shards() {
        assert_eq!(RedisSettings::new("redis://localhost/").shards, 1);
        let mut settings = RedisSettings::new("redis+cluster://one,two");
        assert_eq!(settings.shards, CLUSTER_SHARDS);
        settings.shards = SHARDS_MAX + 1;
        assert!(matches!(settings.check(), Err(SettingsError::TooManyShards)));
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let mut settings = RedisSettings::new("redis://localhost/");
        settings.read_block = Duration::ZERO;
        assert!(matches!(settings.check(), Err(SettingsError::Zero(_))));
        let mut settings = RedisSettings::new("redis://localhost/");
        settings.lease_ttl = Duration::from_secs(5);
        assert!(matches!(settings.check(), Err(SettingsError::LeaseTooShort)));
    }
}
