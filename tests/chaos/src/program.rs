//! What the programs of the harness have in common: signals, exit codes, where reports and logs stay.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    error::{Error, Result},
    report::Report,
    screen::Screen,
};

/// The exit code when a promise was broken.
const BROKEN: u8 = 1;
/// The exit code when the run could not take place.
const FAILED: u8 = 2;
/// The exit code after Ctrl-C or SIGTERM, by the convention of shells.
const INTERRUPTED: u8 = 130;

/// Runs a scenario to its end, which says whether every promise was kept, or to a signal. The program's name stands before
/// the message when the run could not take place.
pub fn run<Running>(name: &str, scenario: impl FnOnce() -> Running) -> ExitCode
where
    Running: Future<Output = Result<bool>>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(name, &Error::file("start threads")(error)),
    };
    match runtime.block_on(async { until_signal(scenario()).await }) {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(Some(false)) => ExitCode::from(BROKEN),
        Ok(None) => ExitCode::from(INTERRUPTED),
        Err(error) => failed(name, &error),
    }
}

/// Whether every promise was kept, or `None` if the run was interrupted. Dropping the run ends all that it
/// started.
async fn until_signal(running: impl Future<Output = Result<bool>>) -> Result<Option<bool>> {
    let listen = |kind| signal(kind).map_err(Error::file("listen for signals"));
    let (mut interrupt, mut terminate): (Signal, Signal) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        kept = running => kept.map(Some),
        _ = interrupt.recv() => Ok(None),
        _ = terminate.recv() => Ok(None),
    }
}

/// Removes the logs of an earlier run with the same seed, which would mislead.
///
/// # Errors
/// When they cannot be removed.
pub fn forget(logs: &Path) -> Result<()> {
    match std::fs::remove_dir_all(logs) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file(format!("remove {}", logs.display()))(error))
        }
        _ => Ok(()),
    }
}

/// Tells of a run on the screen and in a file, and removes the logs of one in which every promise was kept. Returns whether
/// it was.
///
/// # Errors
/// When the report cannot be written.
pub fn conclude(report: &Report, screen: &Screen, logs: &Path, path: &Path, keep_logs: bool) -> Result<bool> {
    report.write(path)?;
    screen.line(&report.summary);
    screen.verdict(report.passes, &format!("report: {}", path.display()));
    if report.passes && !keep_logs {
        forget(logs)?;
    } else {
        screen.line(&format!("logs: {}", logs.display()));
    }
    Ok(report.passes)
}

/// A random seed that is short enough to type.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "each run without a seed must differ")]
pub fn fresh_seed() -> u64 {
    rand::random_range(0..1_000_000)
}

fn failed(name: &str, error: &Error) -> ExitCode {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    // If standard error is closed, only the exit code tells the result.
    let _ = writeln!(io::stderr(), "{name}: {text}");
    ExitCode::from(FAILED)
}
