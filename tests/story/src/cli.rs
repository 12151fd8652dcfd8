//! The command line.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use madang_chaos::{program, screen::Screen};

use crate::story::{self, Settings};

/// Lets a crowd of clients do what people do in a chat, on two gateways that are killed again and again; and compares
/// what each client shows at the end with a fresh load.
///
/// The clients send, edit, delete, react, pin, answer, write in threads, read, mute, ban, remove, join, leave and erase
/// themselves, drawn from the seed, which is printed first. The same seed draws the same way; what is drawn depends also
/// on what each client shows at the moment. The exit code is 0 when every client shows what a fresh load shows and
/// nothing that was acknowledged is lost or doubled, 1 when not, and 2 when the story could not be played. Logs of all
/// processes stay in the directory.
#[derive(Debug, Parser)]
#[command(name = "madang-story", version)]
struct Arguments {
    /// The seed of all random choices. [default: a new one]
    #[arg(long)]
    seed: Option<u64>,

    /// How long the clients act, in seconds; access tokens are not renewed.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(2..=600))]
    seconds: u64,

    /// The number of clients.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    clients: u16,

    /// The number of rooms; every client is in three of them.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    rooms: u16,

    /// Deeds per second of all clients together. [default: 120; in a debug build: 40]
    #[arg(long)]
    rate: Option<f64>,

    /// The directory for the logs.
    #[arg(long, default_value = "data/story", value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// Plays the story of the command line.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    program::run("madang-story", || async move {
        let seed = arguments.seed.unwrap_or_else(program::fresh_seed);
        let screen = Screen::standard();
        screen.line(&format!("seed {seed}"));
        let mut settings = Settings::new(seed, Duration::from_secs(arguments.seconds));
        settings.clients = usize::from(arguments.clients);
        settings.erased = settings.erased.min(settings.clients / 8);
        settings.rooms = usize::from(arguments.rooms);
        settings.rooms_each = settings.rooms_each.min(settings.rooms);
        settings.deeds_a_second = arguments.rate.unwrap_or(settings.deeds_a_second).max(1.0);
        settings.directory = Some(arguments.directory);
        let verdict = story::run(&settings, |step| screen.step(step)).await?;
        screen.verdict(verdict.passes(), &verdict.summary(seed));
        Ok(verdict.passes())
    })
}
