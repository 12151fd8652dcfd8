//! The command line.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use madang_chaos::{
    Length, Result, Settings, files,
    program::{self, conclude, forget, fresh_seed},
    screen::Screen,
};

use crate::{drain, fault::Fault, partitions, report};

/// Where packets are dropped, nobody is told that a connection is gone. docs/delivery.md has the sum: a poll that hung, the
/// interval of polls, and a poll.
const REMOVED_WITHIN: Duration = Duration::from_secs(3);

/// The markers of completeness are sent when the fault ends. docs/delivery.md has the sum for what is sent at that moment: an
/// append that hung ends with its deadline, is repeated, and found by the comparison of heads.
const COMPLETE_WITHIN: Duration = Duration::from_secs(10);

/// Runs a cluster on hosts of their own, drops packets between them, lets hosts stand still, and checks that clients notice
/// nothing worse than a delay.
///
/// It must be started in a network namespace of its own: `unshare --net madang-hosts`. It makes a namespace for each process
/// there: two gateways, two message stores, auth, PostgreSQL and Redis. It needs root, `ip` (iproute2) and `nft` (nftables).
/// Everything ends with this process, however that ends, and leaves nothing behind.
///
/// The exit code is 0 when every promise was kept, 1 when one was broken, and 2 when the run could not take place.
#[derive(Debug, Parser)]
#[command(name = "madang-hosts", version)]
struct Arguments {
    /// The scenario to run.
    #[arg(long, value_enum, default_value_t = Scenario::Partitions)]
    scenario: Scenario,

    /// The seed of all random choices. [default: a new one]
    #[arg(long)]
    seed: Option<u64>,

    /// The number of clients (`partitions`), or of sockets (`drain`). [default: 60; 2000]
    #[arg(long, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    clients: Option<u16>,

    /// Messages per second of all clients together (`partitions`).
    #[arg(long, default_value_t = 40.0)]
    rate: f64,

    /// Only the faults whose name contains this.
    #[arg(long, default_value = "", value_name = "TEXT")]
    only: String,

    /// Keeps the logs of all processes even when every promise was kept.
    #[arg(long)]
    keep_logs: bool,

    /// The directory for the report and the logs.
    #[arg(long, default_value = "data/hosts", value_name = "DIRECTORY")]
    directory: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Hosts are cut off from one another, in both directions and in one, or stand still; five minutes.
    Partitions,
    /// A gateway with thousands of sockets is asked to stop; one minute.
    Drain,
}

/// Runs the scenario of the command line.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    program::run("madang-hosts", || run_parsed(arguments))
}

async fn run_parsed(arguments: Arguments) -> Result<bool> {
    let screen = Screen::standard();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    screen.line(&format!("seed {seed}"));
    let drains = arguments.scenario == Scenario::Drain;
    let settings = Settings {
        clients: arguments.clients.map_or(if drains { 2_000 } else { 60 }, usize::from),
        rooms: 10,
        quiet_rooms: 16,
        messages_a_second: arguments.rate,
        kinds: Vec::new(),
        removed_within: Some(REMOVED_WITHIN),
        complete_within: COMPLETE_WITHIN,
        directory: arguments.directory,
        ..Settings::new(seed, Length::Rounds(1))
    };
    let files_each = if drains { files::WITHOUT_A_LINE } else { files::WITH_A_LINE };
    files::allow_clients(settings.clients, files_each)?;
    let name = if drains { "drain" } else { "partitions" };
    let logs = settings.directory.join(format!("{name}-{seed}"));
    let path = settings.directory.join(format!("{name}-{seed}.md"));
    forget(&logs)?;
    let report = if drains {
        report::drain(&drain::run(&settings, &logs, &screen).await?)
    } else {
        let faults: Vec<Fault> =
            Fault::all().into_iter().filter(|fault| fault.to_string().contains(&arguments.only)).collect();
        report::partitions(&partitions::run(settings, &faults, &logs, &screen).await?)
    };
    conclude(&report, &screen, &logs, &path, arguments.keep_logs)
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
