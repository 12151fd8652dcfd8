//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use madang_chaos::{
    Error, Length, Result, Settings, files,
    program::{self, conclude, forget, fresh_seed},
    screen::Screen,
};
use madang_test_kit::binaries_directory;

use crate::{
    report::report,
    roll::{self, Releases},
};

/// Rolls a cluster from the previous release to this one and back, under load, and checks that its clients notice nothing
/// worse than a delay.
///
/// The run starts PostgreSQL, Redis and two of each service of the previous release as processes. Then it replaces one
/// process after another: auth, message-store, gateways; and all of them back, gateways first. After each, every client must
/// have received every message. At the end the records of the clients are compared with the log in PostgreSQL.
///
/// The exit code is 0 when nothing was lost, doubled or out of order, 1 when something was, and 2 when the run could not take
/// place.
#[derive(Debug, Parser)]
#[command(name = "madang-upgrade", version)]
struct Arguments {
    /// The directory of the previous release's binaries, as `scripts/previous-release.sh` prints it.
    #[arg(long, value_name = "DIRECTORY")]
    previous: PathBuf,

    /// The directory of the next release's binaries. [default: that of this program]
    #[arg(long, value_name = "DIRECTORY")]
    next: Option<PathBuf>,

    /// The seed of all random choices. [default: a new one]
    #[arg(long)]
    seed: Option<u64>,

    /// The number of clients.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    clients: u16,

    /// Messages per second of all clients together.
    #[arg(long, default_value_t = 60.0)]
    rate: f64,

    /// Keeps the logs of all processes even when every promise was kept.
    #[arg(long)]
    keep_logs: bool,

    /// The directory for the report and the logs.
    #[arg(long, default_value = "data/upgrade", value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// Runs the scenario of the command line.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    program::run("madang-upgrade", || run_parsed(arguments))
}

async fn run_parsed(arguments: Arguments) -> Result<bool> {
    let screen = Screen::standard();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    screen.line(&format!("seed {seed}"));
    let absolute =
        |path: PathBuf| std::path::absolute(&path).map_err(Error::file("resolve a directory of binaries"));
    let next = match arguments.next {
        Some(next) => next,
        None => binaries_directory()?,
    };
    let releases = Releases { previous: absolute(arguments.previous)?, next: absolute(next)? };
    let settings = Settings {
        clients: usize::from(arguments.clients),
        rooms: 10,
        quiet_rooms: 16,
        messages_a_second: arguments.rate,
        directory: arguments.directory,
        ..Settings::new(seed, Length::Rounds(1))
    };
    files::allow_clients(settings.clients, files::WITH_A_LINE)?;
    let logs = settings.directory.join(format!("logs-{seed}"));
    let path = settings.directory.join(format!("report-{seed}.md"));
    forget(&logs)?;
    let run = roll::run(settings, &releases, logs.clone(), &screen).await?;
    conclude(&report(&run, &releases), &screen, &logs, &path, arguments.keep_logs)
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
