//! What each command does.

mod account;
mod rooms;
mod send;
mod tail;
mod users;

use std::{
    io::{self, Write as _},
    path::Path,
};

use clap::CommandFactory as _;

use crate::{
    archive,
    arguments::{Arguments, Command},
    error::{Error, Result},
    output::Output,
    server::Server,
};

/// Does what the command line says.
pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<()> {
    match &arguments.command {
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "madangctl", &mut text);
            return write(&text);
        }
        Command::Man { to } => return man(to.as_deref()),
        _ => {}
    }
    let server = Server::new(&arguments)?;
    match arguments.command {
        Command::Login { username } => account::login(&server, output, &username).await,
        Command::Logout => account::logout(&server, output).await,
        Command::Whoami => account::whoami(&server, output).await,
        Command::Users(task) => users::users(&server, output, task).await,
        Command::Rooms(task) => rooms::rooms(&server, output, task).await,
        Command::Tail(tail) => tail::tail(&server, output, tail).await,
        Command::Send(send) => send::send(&server, output, send).await,
        Command::Export(export) => archive::export(&server, export).await,
        Command::Import(import) => archive::import(&server, output, import).await,
        Command::Completions { .. } | Command::Man { .. } => Ok(()),
    }
}

/// Prints the man page, or writes the pages of all commands into a directory.
fn man(directory: Option<&Path>) -> Result<()> {
    let command = Arguments::command();
    if let Some(directory) = directory {
        return clap_mangen::generate_to(command, directory).map_err(Error::file(directory));
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(Error::io("write the man page"))?;
    write(&text)
}

fn write(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).map_err(Error::io("write to the standard output"))
}
