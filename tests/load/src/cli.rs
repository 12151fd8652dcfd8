//! The command line.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use madang_test_kit::{Cluster, ClusterOptions, Durability, Program};
use tokio::runtime::{Builder, Runtime};

use crate::{
    bare,
    error::{BenchError, with_sources},
    hostile::Attack,
    limits::allow_sockets,
    progress::Progress,
    report::Report,
    scenario::{Bench, SOCKETS_MAX, Scenario, Settings},
    target::Target,
    workers::Workers,
};

/// Measures a Madang cluster under load, and the limit of this machine beside it.
///
/// Each scenario has a warm-up and a measured window. The load is open-loop: sends follow a schedule whatever
/// the servers do, and latencies count from the scheduled time. Every delivery is accounted for. A bare
/// broadcast server in its own process gets the same load; its result is the limit. A table at the end shows
/// each figure with its budget. The exit code is 0 when all budgets are kept, 1 when one is missed, and 2
/// when the run failed.
///
/// A run is bounded in time and in its number of sockets, and uses only 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "madang-load", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The scenarios to run. May be repeated. [default: all]
    #[arg(long = "scenario", value_enum, value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,

    /// The attacks of the hostile scenario. May be repeated. [default: all]
    #[arg(long = "attack", value_enum, value_name = "ATTACK")]
    attacks: Vec<Attack>,

    /// The length of each measured window, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,

    /// The worker threads of each service's process: a number, or `default` for one per core. Each value is
    /// measured on its own cluster, one after the other.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "default,1",
        value_name = "COUNT",
        conflicts_with_all = ["processes", "bare_only"]
    )]
    workers: Vec<Workers>,

    /// Measures a running cluster, by the list of processes that `make cluster` writes
    /// (data/cluster/processes.json). Unset, the run starts its own cluster and stops it at the end.
    #[arg(long, conflicts_with = "bare_only", value_name = "FILE")]
    processes: Option<PathBuf>,

    /// Measures only the bare server: the limit of this machine and this generator.
    #[arg(long)]
    bare_only: bool,

    /// Also writes the report as JSON to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the bare broadcast server on a free port, until its standard input ends.
    Bare,
}

/// Runs the command.
#[must_use]
pub fn run() -> ExitCode {
    const MISSED: u8 = 1;
    const FAILED: u8 = 2;
    match run_parsed(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(MISSED),
        Err(error) => {
            // If standard error is closed, only the exit code tells the result.
            let _ = writeln!(io::stderr(), "madang-load: {}", with_sources(&error));
            ExitCode::from(FAILED)
        }
    }
}

/// Returns true when all budgets are kept.
fn run_parsed(arguments: Arguments) -> Result<bool, BenchError> {
    if let Some(Command::Bare) = arguments.command {
        // The bare server has as many workers as a gateway: one per core.
        Builder::new_multi_thread().enable_all().build()?.block_on(bare::run())?;
        return Ok(true);
    }
    let scenarios = if arguments.scenarios.is_empty() { Scenario::ALL.to_vec() } else { arguments.scenarios };
    // This runtime makes the requests of the set-up. The load itself runs on the main thread.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let attacks = if arguments.attacks.is_empty() { Attack::ALL.to_vec() } else { arguments.attacks };
    let settings = Settings { window: Duration::from_secs(arguments.seconds), attacks };
    // The limit is raised before any server starts, since servers inherit it.
    allow_sockets(SOCKETS_MAX)?;
    let report = if arguments.bare_only {
        Bench::new(&runtime, None, settings.clone())?.run(&scenarios)
    } else if let Some(path) = &arguments.processes {
        Bench::new(&runtime, Some(Target::from_file(path)?), settings.clone())?.run(&scenarios)
    } else {
        let mut report = None::<Report>;
        for workers in arguments.workers {
            for limits in [Limits::Lifted, Limits::Default] {
                let scenarios: Vec<_> =
                    scenarios.iter().copied().filter(|scenario| limits.are_of(*scenario)).collect();
                if scenarios.is_empty() {
                    continue;
                }
                let measured = on_own_cluster(&runtime, workers, limits, |target| {
                    Ok(Bench::new(&runtime, Some(target), settings.clone())?.run(&scenarios))
                })?;
                let measured = measured.with_workers(workers);
                report = Some(match report {
                    Some(report) => report.followed_by(measured),
                    None => measured,
                });
            }
        }
        report.unwrap_or_default()
    };
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    write!(io::stdout(), "{report}")?;
    Ok(report.passes())
}

/// What the gateways of a cluster are told about limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limits {
    /// All that thousands of clients from one address would meet are lifted: what is asked is how much servers can do.
    Lifted,
    /// As they are by default: what is asked is what they are good for.
    Default,
}

/// What is lifted.
const LIFTED: [(Program, &str, &str); 12] = [
    // The benchmark measures how many sockets gateways can admit, not the configured limit.
    (Program::Gateway, "MADANG_ADMISSIONS_PER_SECOND", "1000000"),
    // All users come from one address, one of them makes all rooms, and a room is as lively as a scenario says.
    (Program::Gateway, "MADANG_ADDRESS_SENDS_PER_SECOND", "0"),
    (Program::Gateway, "MADANG_ADDRESS_READS_PER_SECOND", "0"),
    (Program::Gateway, "MADANG_ROOM_SENDS_PER_SECOND", "1000000"),
    (Program::Gateway, "MADANG_ROOM_CREATIONS_PER_MINUTE", "1000000"),
    (Program::Gateway, "MADANG_MEMBER_ADDITIONS_PER_MINUTE", "1000000"),
    // All clients are of one address.
    (Program::Gateway, "MADANG_MAX_ADDRESS_CONNECTIONS", "100000"),
    (Program::Gateway, "MADANG_HANDSHAKES_BURST", "100000"),
    // A few users open and close sockets as fast as the gateways let them.
    (Program::Gateway, "MADANG_MAX_USER_SOCKETS", "1000000"),
    // Thousands of accounts are made, from a few addresses, and no password is worth guarding.
    (Program::Auth, "MADANG_AUTH_REGISTER_BURST", "1000000"),
    (Program::Auth, "MADANG_AUTH_ARGON2_MEMORY_KIB", "64"),
    (Program::Auth, "MADANG_AUTH_ARGON2_PASSES", "1"),
];

impl Limits {
    fn are_of(self, scenario: Scenario) -> bool {
        (self == Self::Default) == (scenario == Scenario::Hostile)
    }
}

/// Starts a durable cluster of release binaries for the measurement, with two of each service.
fn on_own_cluster(
    runtime: &Runtime,
    workers: Workers,
    limits: Limits,
    measure: impl FnOnce(Target) -> Result<Report, BenchError>,
) -> Result<Report, BenchError> {
    let progress = Progress::default();
    // Clients connect directly to the gateways, since an ingress would be one more process on the same cores.
    let mut options =
        ClusterOptions { durability: Durability::Real, nginx: false, ..ClusterOptions::default() };
    if limits == Limits::Lifted {
        for (program, setting, value) in LIFTED {
            options = options.with_setting(program, setting, value);
        }
    }
    let starting =
        Cluster::start_reporting(workers.set(options), |step| progress.say(&format!("starting {step}")));
    let cluster = runtime.block_on(starting)?;
    let report = Target::new(cluster.processes()).map_err(BenchError::from).and_then(measure);
    progress.say("stopping the cluster");
    let stopped = runtime.block_on(cluster.stop());
    progress.done();
    let report = report?;
    stopped?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
