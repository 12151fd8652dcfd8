//! Runs a command with a PostgreSQL and a Redis that live as long as it does: `with-servers cargo test`.

use std::process::{ExitCode, ExitStatus};

use clap::Parser;
use madang_test_kit::{DATABASE_URL_VARIABLE, Durability, PostgresServer, REDIS_URL_VARIABLE, RedisServer};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// Starts private PostgreSQL and Redis servers and runs a command, which gets their URLs as TEST_DATABASE_URL and
/// TEST_REDIS_URL. The servers end with the command, and their data are deleted. The exit status is the command's.
#[derive(Debug, Parser)]
struct Arguments {
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Arguments::parse().command).await {
        Ok(status) => exit_code(status),
        Err(error) => {
            eprintln!("with-servers: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(command: &[String]) -> Result<ExitStatus, Failure> {
    // A terminal's Ctrl-C reaches the command as well, which decides; the servers go after it has ended.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (postgres, redis) = tokio::try_join!(PostgresServer::start(Durability::Fast), RedisServer::start())?;
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .env(DATABASE_URL_VARIABLE, postgres.url("postgres"))
        .env(REDIS_URL_VARIABLE, redis.url())
        .spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(status?),
            _ = interrupt.recv() => {}
            // Sent to this process alone; passed on.
            _ = terminate.recv() => pass_on(&child, Signal::TERM),
        }
    }
}

fn pass_on(child: &tokio::process::Child, signal: Signal) {
    // It has no id once it has been waited for.
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// The command's own code; 128 and the signal's number, as shells say it, when it was killed.
fn exit_code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
