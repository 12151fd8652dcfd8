//! The command line.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};

use crate::{
    cutoff, drops,
    error::Result,
    fault::Kind,
    faults, files, program,
    redis_shape::RedisShape,
    report, rolling,
    screen::Screen,
    settings::{COMPLETE_WITHIN, Length, Settings},
};

/// Injects faults into a Madang cluster, and checks that its clients notice nothing worse than a delay.
///
/// The run starts PostgreSQL, Redis and two of each service as processes. A breakable proxy stands on every connection
/// between them. Clients send, reconnect, and record all their frames. Then faults follow each other for the requested
/// time: a fault, its end, a check that every client has received every message, a short pause, and the next fault. At
/// the end the records of the clients are compared with the log in PostgreSQL. The comparison covers messages,
/// notices, presence, removed members, revoked sessions, renewed tokens, and how many sends failed.
///
/// The seed, which is printed first, determines all random choices. A run with the same seed has the same
/// rooms, messages and faults. Their timing depends on the machine.
///
/// The report is written to <directory>/report-<seed>.md. The exit code is 0 when every promise was kept, 1
/// when one was broken, and 2 when the run could not take place. With exit code 1 the logs of all processes
/// are kept, and their directory is printed.
///
/// A fault that needs root (disk-full) or a library (clock-*: libfaketime) is reported as "cannot be injected" if that is
/// missing. All processes use 127.0.0.1 only, end with this process and leave nothing behind. Ctrl-C ends
/// them cleanly.
#[derive(Debug, Parser)]
#[command(name = "madang-chaos", version)]
struct Arguments {
    /// The scenario to run.
    #[arg(long, value_enum, default_value_t = Scenario::Faults)]
    scenario: Scenario,

    /// The seed of all random choices. [default: a new one]
    #[arg(long)]
    seed: Option<u64>,

    /// The length of the run in seconds. `faults` needs about 6 s for each fault; 600 s inject each kind at
    /// least three times.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    seconds: u64,

    /// Injects each kind of fault this many times instead, however long that takes (`faults` only).
    #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: Option<u16>,

    /// The number of clients. Half of them connect first to each gateway.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    clients: u16,

    /// The number of rooms; every client is in three of them. There are also forty quiet rooms. In each, one
    /// client sends through one gateway only while a fault begins, and the subscribers are at the other
    /// gateway. No later message shows them that the last one is missing; only the gateways' own checks do.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rooms: u16,

    /// The shape of Redis. With a cluster, all gateways share one proxied connection line to each node, and
    /// the fault redis-failover is added.
    #[arg(long, value_enum, default_value_t = RedisShape::Single)]
    redis: RedisShape,

    /// Messages per second of all clients together. [default: 200; in a debug build: 40]
    #[arg(long)]
    rate: Option<f64>,

    /// Keeps the logs of all processes even when every promise was kept.
    #[arg(long)]
    keep_logs: bool,

    /// Only these kinds of faults, separated by commas. [default: all of them, by name:
    /// gateway-killed, gateway-paused, store-killed, store-paused, auth-killed, auth-paused, redis-killed-kept,
    /// redis-killed-empty, redis-flushed, redis-paused, redis-failover, redis-cut, redis-delayed, redis-deaf,
    /// redis-half-open, gateway-stream-trimmed, store-cut, store-delayed, store-deaf, auth-cut, auth-delayed,
    /// postgres-cut, postgres-delayed, postgres-restarted, postgres-connections-ended, rolling-restart,
    /// clock-forward, clock-back, disk-full, clients-cut]
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    kinds: Vec<Kind>,

    /// Completeness is due within this many seconds after the end of a fault. A later one breaks a promise.
    #[arg(long, default_value_t = COMPLETE_WITHIN.as_secs_f64(), value_name = "SECONDS")]
    complete_within: f64,

    /// The directory for the report and the logs.
    #[arg(long, default_value = "data/chaos", value_name = "DIRECTORY")]
    directory: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// One fault after the other.
    Faults,
    /// The network of every client is cut for 2 s, again and again.
    Drops,
    /// Each gateway is restarted while thousands of sockets are open (`--clients`, at least 100). `--seconds`
    /// has no effect.
    Rolling,
    /// At one gateway, a hundred members are removed from a room and a hundred sessions revoked. They stay
    /// connected to the other gateway. Takes about half a minute.
    Cutoff,
}

/// Runs the scenario of the command line.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    program::run("madang-chaos", || run_parsed(arguments))
}

async fn run_parsed(arguments: Arguments) -> Result<bool> {
    let keep_logs = arguments.keep_logs;
    let seed = arguments.seed.unwrap_or_else(program::fresh_seed);
    let screen = Screen::standard();
    screen.line(&format!("seed {seed}"));
    let duration = Duration::from_secs(arguments.seconds);
    let length = arguments.rounds.map_or(Length::For(duration), |rounds| Length::Rounds(usize::from(rounds)));
    let mut settings = Settings::new(seed, length);
    settings.clients = usize::from(arguments.clients);
    settings.rooms = usize::from(arguments.rooms);
    settings.rooms_each = settings.rooms_each.min(settings.rooms);
    settings.messages_a_second = arguments.rate.unwrap_or(settings.messages_a_second);
    settings.complete_within =
        Duration::try_from_secs_f64(arguments.complete_within).unwrap_or(COMPLETE_WITHIN);
    settings.directory = arguments.directory;
    settings.redis = arguments.redis;
    settings.kinds = Kind::all_of(arguments.redis);
    if !arguments.kinds.is_empty() {
        settings.kinds = arguments.kinds;
    }
    let files_each = match arguments.scenario {
        Scenario::Faults | Scenario::Drops => files::WITH_A_LINE,
        Scenario::Rolling | Scenario::Cutoff => files::WITHOUT_A_LINE,
    };
    files::allow_clients(settings.clients, files_each)?;
    let name = match arguments.scenario {
        Scenario::Faults => "report",
        Scenario::Drops => "drops",
        Scenario::Rolling => "rolling",
        Scenario::Cutoff => "cutoff",
    };
    let logs = settings.directory.join(format!("logs-{seed}"));
    let path = settings.directory.join(format!("{name}-{seed}.md"));
    program::forget(&logs)?;
    let report = match arguments.scenario {
        Scenario::Faults => report::faults(&faults::run(settings, logs.clone(), &screen).await?),
        Scenario::Drops => report::drops(&drops::run(settings, duration, logs.clone(), &screen).await?),
        Scenario::Rolling => report::rolling(&rolling::run(settings, logs.clone(), &screen).await?),
        Scenario::Cutoff => report::cutoff(&cutoff::run(settings, logs.clone(), &screen).await?),
    };
    program::conclude(&report, &screen, &logs, &path, keep_logs)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_names_every_fault() {
        Arguments::command().debug_assert();
        let help = Arguments::command().render_long_help().to_string();
        for kind in Kind::ALL {
            assert!(help.contains(kind.name()), "{kind}");
        }
    }
}
