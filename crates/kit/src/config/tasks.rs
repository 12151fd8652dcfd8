//! The subcommands that every program has: they look at the settings and do not serve.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};

/// What to do instead of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Says what is wrong.
    Doctor {
        /// For programs.
        json: bool,
    },
    /// Shows the settings.
    ConfigPrint {
        /// For programs.
        json: bool,
    },
}

/// The command with these subcommands besides its own.
pub(super) fn with_tasks(command: Command) -> Command {
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
    let doctor = Command::new("doctor")
        .about("Checks the settings, databases, Redis, clocks, ports and limits, and says what to do")
        .after_help("The exit code is 0 without an error, and 1 with one.")
        .arg(json());
    let print =
        Command::new("print").about("Shows each setting, where it came from, and no secrets").arg(json());
    let config =
        Command::new("config").about("Shows the settings").subcommand_required(true).subcommand(print);
    command.subcommand(doctor).subcommand(config)
}

/// The task that the arguments name. `command` has its tasks, and nothing that it requires.
pub(super) fn task_of(command: Command, args: &[OsString]) -> Option<Task> {
    let matches = command.try_get_matches_from(args).ok()?;
    let is_json = |matches: &ArgMatches| matches.get_flag("json");
    match matches.subcommand()? {
        ("doctor", doctor) => Some(Task::Doctor { json: is_json(doctor) }),
        ("config", config) => {
            let (_, print) = config.subcommand()?;
            Some(Task::ConfigPrint { json: is_json(print) })
        }
        _ => None,
    }
}
