//! `madangctl`: what an operator or a developer does with a running Madang, from a terminal.
//!
//! It speaks the public API alone, with a user's token or a site's API key, so that it works with one binary and with a
//! fleet behind an ingress, and from any machine. What needs the settings or the database of a process is a subcommand of
//! that process's program: `doctor`, `config print`, `keys`, `new-epoch` (decision 0038).
//!
//! | module | holds |
//! | --- | --- |
//! | `arguments` | the command line |
//! | `commands` | what each command does |
//! | `archive` | export and import of rooms |
//! | `catalogue` | rooms and members, all pages of them |
//! | `server` | the server, and as whom it is spoken to |
//! | `sign_in` | the file of the signed-in session |
//! | `patience` | what passes is tried again |
//! | `output` | tables, colours, JSON |
//! | `error` | what went wrong, and what to do |

mod archive;
mod arguments;
mod catalogue;
mod commands;
mod error;
mod output;
mod patience;
mod server;
mod sign_in;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

pub use arguments::Arguments;

/// Reads the command line, does what it says, and says how that went: 0, or 1 after a failure. Mistakes on the command
/// line end with 2.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = output::Output::new(arguments.output, arguments.colour());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.complain(&error::Error::Io { what: "start", source: error }),
    };
    match runtime.block_on(commands::run(arguments, &output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output.complain(&error),
    }
}

/// The command line, for completions, the man page and tests.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}
