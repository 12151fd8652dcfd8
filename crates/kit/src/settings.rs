//! Settings that services share; each flattens what it needs into its own command.
//!
//! The operations address stands apart from the rest, because the all-in-one serves its operations
//! routes on its one port and has no such address.

use std::{net::SocketAddr, time::Duration};

use clap::{Args, ValueEnum};

/// How long an orderly shutdown may take by default, in seconds. Kubernetes' grace period must exceed it.
const DEFAULT_DRAIN_SECONDS: &str = "30";

/// Longest drain that is accepted; a larger number is more likely a mistake of unit.
const MAX_DRAIN_SECONDS: u64 = 3_600;

/// Whether people may register accounts. Auth and the gateway both enforce it, so both have the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Registration {
    /// Anyone who can reach the service may register an account.
    #[default]
    Open,
    /// Nobody may register an account. Existing accounts and users of the embedding site stay.
    Closed,
}

/// What every process has.
#[derive(Debug, Clone, Args)]
pub struct CommonSettings {
    /// The log filter: a level (off, error, warn, info, debug, trace) or directives such as `info,madang_bus=debug`
    #[arg(long = "log", id = "log", env = "MADANG_LOG", default_value = "info", value_parser = parse_log, value_name = "FILTER")]
    pub log: String,

    /// The format of the log. [default: text on a terminal, otherwise json]
    #[arg(
        long = "log-format",
        id = "log_format",
        env = "MADANG_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT"
    )]
    pub log_format: Option<LogFormat>,

    /// The time limit of an orderly shutdown, in seconds. Then the process aborts the remaining work
    #[arg(
        long = "drain-seconds",
        id = "drain_seconds",
        env = "MADANG_DRAIN_SECONDS",
        default_value = DEFAULT_DRAIN_SECONDS,
        value_parser = parse_drain,
        value_name = "SECONDS"
    )]
    pub drain: Duration,

    /// The number of worker threads. Use fewer if many processes share the cores. [default: one per core]
    #[arg(
        long = "worker-threads",
        id = "worker_threads",
        env = "MADANG_WORKER_THREADS",
        value_parser = clap::value_parser!(u16).range(1..=1_024),
        value_name = "COUNT"
    )]
    pub worker_threads: Option<u16>,
}

impl Default for CommonSettings {
    /// As without any setting; for tests and tools.
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            log_format: None,
            drain: Duration::from_secs(30),
            worker_threads: None,
        }
    }
}

/// Where the operations port listens.
#[derive(Debug, Clone, Args)]
pub struct OpsSettings {
    /// The address of the operations port, which serves /livez, /readyz and /metrics. Do not expose it to the internet
    #[arg(
        long = "ops-addr",
        id = "ops_addr",
        env = "MADANG_OPS_ADDR",
        default_value = "127.0.0.1:9090",
        value_name = "IP:PORT"
    )]
    pub ops_addr: SocketAddr,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text per event
    Text,
    /// One JSON object per line
    Json,
}

fn parse_log(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for directive in text.split(',') {
        // The filter takes any bare word for the name of a crate, so that "inof" would silence all.
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level).trim();
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            return Err(format!("{level:?} is not a level; expected {}", LEVELS.join(", ")));
        }
    }
    tracing_subscriber::EnvFilter::builder().parse(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn parse_drain(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) if seconds <= MAX_DRAIN_SECONDS => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("expected a number of seconds from 0 to {MAX_DRAIN_SECONDS}")),
    }
}
