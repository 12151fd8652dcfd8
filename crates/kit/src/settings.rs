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

/// Whether people make accounts by themselves. Auth and the gateway both hold to it, so both have the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Registration {
    /// Whoever reaches the service may make an account.
    #[default]
    Open,
    /// Nobody may. Accounts that are there stay, and so do users of the embedding site.
    Closed,
}

/// What every process has.
#[derive(Debug, Clone, Args)]
pub struct CommonSettings {
    /// What to log: a level (error, warn, info, debug, trace) or directives such as `info,madang_bus=debug`
    #[arg(long = "log", id = "log", env = "MADANG_LOG", default_value = "info", value_parser = parse_log, value_name = "FILTER")]
    pub log: String,

    /// How to log; by default text on a terminal and JSON elsewhere
    #[arg(
        long = "log-format",
        id = "log_format",
        env = "MADANG_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT"
    )]
    pub log_format: Option<LogFormat>,

    /// How long an orderly shutdown may take, in seconds; then the process stops what still runs
    #[arg(
        long = "drain-seconds",
        id = "drain_seconds",
        env = "MADANG_DRAIN_SECONDS",
        default_value = DEFAULT_DRAIN_SECONDS,
        value_parser = parse_drain,
        value_name = "SECONDS"
    )]
    pub drain: Duration,

    /// Threads that run tasks; by default one for each core that the process may use. Where many processes
    /// share the cores, fewer threads hand less work from one to another
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
    /// Address of the operations port: /livez, /readyz and /metrics; keep it off the internet
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
    /// A line for people.
    Text,
    /// One JSON object a line.
    Json,
}

fn parse_log(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for directive in text.split(',') {
        // The filter takes any bare word for the name of a crate, so that "inof" would silence all.
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level).trim();
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            return Err(format!("{level:?} is no level; known are {}", LEVELS.join(", ")));
        }
    }
    tracing_subscriber::EnvFilter::builder().parse(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn parse_drain(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) if seconds <= MAX_DRAIN_SECONDS => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("a number of seconds from 0 to {MAX_DRAIN_SECONDS} is expected")),
    }
}
