//! What the command line asks a process to do.

use std::ffi::OsString;

use clap::error::ErrorKind;

use super::{
    ConfigError,
    explain::{Explanation, explain},
    parse::{describe, read, relaxed},
    tasks::{Task, task_of, with_tasks},
    value::Renamed,
};

/// What this process is to do.
pub(crate) enum Invocation<T> {
    /// To serve, or a task of its own, with these settings.
    Run(T, Vec<Renamed>),
    /// To look at the settings, mistakes and all.
    Inspect(Task, Explanation<T>),
}

/// What the command line asks this process to do. Prints and exits where clap does (`--help`, `--version`), and for every
/// mistake, with code 2. A task that looks at the settings is told their mistakes instead.
#[must_use]
pub(crate) fn parse<T: clap::Parser>() -> Invocation<T> {
    let environment = std::env::vars_os().collect();
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(task) = task_of(relaxed(with_tasks(describe(T::command()))), &args)
        && let Ok(explanation) = explain(&args, &environment)
    {
        return Invocation::Inspect(task, explanation);
    }
    match read(args, &environment) {
        Ok((settings, renamed)) => Invocation::Run(settings, renamed),
        Err(ConfigError::Flags(error)) => error.exit(),
        Err(error) => T::command().error(ErrorKind::ValueValidation, error).exit(),
    }
}
