//! The subcommands that every program has besides its own: `doctor` and `config print`.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    sync::Arc,
};

use crate::{
    clock::{Clock, SystemClock},
    config::{self, Explanation, Task},
    doctor::{Finding, Level, Report, certificates, settings},
};

/// The exit code after a mistake in the settings.
const BAD_SETTING: u8 = 2;

/// The columns of a line where nobody says how many there are.
const COLUMNS: usize = 100;

/// Does the task instead of serving. `examine` says what the program itself finds by its settings.
pub(crate) fn inspect<S>(
    name: &'static str,
    task: Task,
    all: &Explanation<S>,
    examine: impl AsyncFnOnce(&S, Arc<dyn Clock>) -> Vec<Finding>,
) -> ExitCode {
    match task {
        Task::ConfigPrint { json } => print_settings(all, json),
        Task::Doctor { json } => doctor(name, all, json, examine),
    }
}

fn print_settings<S>(all: &Explanation<S>, json: bool) -> ExitCode {
    let text = if json {
        config::print::to_json(&all.settings).unwrap_or_default()
    } else {
        config::print::to_text(&all.settings, has_colour())
    };
    let written = write(&text);
    let mut complaints = io::stderr().lock();
    for mistake in &all.mistakes {
        // There is nobody else to tell.
        let _ = writeln!(complaints, "error: {}", mistake.to_string().trim());
    }
    if all.mistakes.is_empty() { written } else { BAD_SETTING.into() }
}

fn doctor<S>(
    name: &'static str,
    all: &Explanation<S>,
    json: bool,
    examine: impl AsyncFnOnce(&S, Arc<dyn Clock>) -> Vec<Finding>,
) -> ExitCode {
    let mut findings = settings(&all.settings, &all.mistakes);
    findings.extend(certificates(&all.settings, SystemClock.now()));
    if let Some(parsed) = &all.parsed {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => findings.extend(runtime.block_on(examine(parsed, Arc::new(SystemClock)))),
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: there is no runtime: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let report = Report::new(name, env!("CARGO_PKG_VERSION"), findings);
    let text =
        if json { report.to_json().unwrap_or_default() } else { report.to_text(has_colour(), columns()) };
    let written = write(&text);
    if report.worst == Level::Error { ExitCode::FAILURE } else { written }
}

/// Writes to the standard output. Whoever closes it, as `head` does, has seen enough.
fn write(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Whether the standard output shows colours: a terminal does, unless somebody has said otherwise
/// (<https://no-color.org>).
fn has_colour() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM") == Some(OsString::from("dumb"));
    io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

fn columns() -> usize {
    terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| usize::from(width.0))
}
