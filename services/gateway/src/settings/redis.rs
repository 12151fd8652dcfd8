//! Settings of Redis.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use madang_bus::redis::{RedisSettings, SettingsError, check};
use madang_kit::{Secret, StartError, login_is_cut};

/// The setting that names Redis.
const REDIS_URL: &str = "MADANG_REDIS_URL";
/// What is wrong with most URLs that cannot be read.
const ENCODE: &str = "in a user and a password, percent-encode all characters except letters and digits: `#` is %23, `/` is %2F, `?` is %3F";

/// The settings of Redis.
#[derive(Debug, Args)]
pub struct RedisUrl {
    /// The URL of Redis 7.0 or later, through which gateways exchange events: `redis://host:port`, or
    /// `redis+cluster://host:port,host:port` with some nodes of a Redis Cluster; by TLS `rediss://…` or
    /// `rediss+cluster://…`. Unset, this gateway must be the only one
    #[arg(long = "redis-url", id = "redis_url", env = "MADANG_REDIS_URL", value_name = "URL")]
    pub redis_url: Option<Secret>,

    /// The file with the authorities in PEM that sign the certificate of Redis, for `rediss://` and `rediss+cluster://`.
    /// Unset, the system's authorities count
    #[arg(long = "redis-ca-file", id = "redis_ca_file", env = "MADANG_REDIS_CA_FILE", value_name = "FILE")]
    pub redis_ca_file: Option<PathBuf>,

    /// The number of shards over which rooms are spread in Redis. It must be the same at all gateways.
    /// [default: 1; with a Redis Cluster: 12]
    #[arg(
        long = "redis-shards",
        id = "redis_shards",
        env = "MADANG_REDIS_SHARDS",
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..=1_024)
    )]
    pub redis_shards: Option<u16>,
}

impl RedisUrl {
    /// The settings of the bus, checked; none where no Redis is named. After the grace, a user who has left counts as
    /// absent.
    ///
    /// # Errors
    /// When the URL is not a URL of Redis.
    pub fn settings(&self, presence_grace: Option<Duration>) -> Result<Option<RedisSettings>, StartError> {
        let Some(url) = &self.redis_url else { return Ok(None) };
        // It might be read all the same, as another host's.
        if login_is_cut(url.expose()) {
            return Err(StartError::setting(REDIS_URL, ENCODE));
        }
        let mut settings = RedisSettings::new(url.expose());
        settings.shards = self.redis_shards.unwrap_or(settings.shards);
        settings.presence_grace = presence_grace;
        settings.ca_file.clone_from(&self.redis_ca_file);
        check(&settings).map_err(|error| Self::refused(&error))?;
        Ok(Some(settings))
    }

    /// The error where the bus refuses its settings.
    pub(crate) fn refused(error: &SettingsError) -> StartError {
        StartError::setting(REDIS_URL, format!("{error}; {ENCODE}"))
    }
}
