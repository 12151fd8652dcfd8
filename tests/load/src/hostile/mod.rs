//! Hostile clients beside a normal load.
//!
//! Each attack goes on at a fixed rate or with a fixed number of connections, so that two versions of the servers are
//! under the same one, and comes from an address of its own: what is bounded per address then bounds the attacker alone.
//! Everything stays on the loopback interface, is bounded in number, and ends when the [`Attacker`] does.

mod aim;
mod connections;
mod keep;
mod newcomer;
mod requests;
mod sign_ins;
mod unread;

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub use aim::Aim;
use aim::Counts;
use clap::ValueEnum;
pub use newcomer::{Newcomers, NewcomersOutcome};
pub use sign_ins::{SignIns, SignInsOutcome};
use tokio::{runtime::Builder, sync::oneshot};

/// Makes the attacks, with what a table calls each, and a list of them all.
macro_rules! attacks {
    ($($(#[$doc:meta])* $attack:ident = $name:literal;)*) => {
        /// What hostile clients do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub enum Attack {
            $($(#[$doc])* $attack,)*
        }

        impl Attack {
            /// All, in the order in which they are run.
            pub const ALL: &[Self] = &[$(Self::$attack,)*];

            /// The name in the table.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$attack => $name,)*
                }
            }
        }
    };
}

attacks! {
    /// 500 connections announce a body and send none of it.
    UnfinishedBodies = "beside 500 unfinished bodies";
    /// 8 sockets send 2 MB of pings a second each and read nothing.
    UnreadPongs = "beside 8 sockets of unread pongs";
    /// 40 connections ask for answers of 100 kB again and again and read nothing.
    UnreadAnswers = "beside 40 unread answers";
    /// 20 sockets ask for 500 long messages, and for page after page of them, and read nothing.
    UnreadReplays = "beside 20 sockets of unread replays";
    /// 40 sockets, for which much waits and which read nothing, are to be closed since their user signs out.
    UnreadCloses = "beside 40 unread closes by a sign-out";
    /// 2,000 requests a second with API keys that never existed.
    MadeUpKeys = "beside 2,000/s made-up API keys";
    /// 200 sign-ins a second with right passwords, to 4 accounts from 4 addresses.
    RightPasswords = "beside 200/s right passwords";
    /// 100 registrations a second from one address.
    Registrations = "beside 100/s registrations";
    /// One socket subscribes to 2,000 rooms a second that do not exist.
    UnknownRooms = "beside 2,000/s unknown rooms";
    /// One user joins and leaves a public room, 200 times a second.
    JoinsAndLeaves = "beside 200/s joins and leaves";
    /// One user makes 200 private rooms a second, with another user in each.
    Rooms = "beside 200/s private rooms";
    /// One owner renames a room, gives roles, adds and removes, 200 times a second.
    Changes = "beside 200/s changes of a room";
    /// One member tells of typing 2,000 times a second.
    Typing = "beside 2,000/s typing signals";
    /// 1,000 sockets a second open without a credential and stay for as long as they may.
    Handshakes = "beside 1,000/s anonymous sockets";
}

/// What the attacker got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spoils {
    /// Requests, frames or connections that the servers took.
    pub done: u64,
    /// Of those, what the servers refused.
    pub refused: u64,
    /// Connections that were open at the end.
    pub held: i64,
    /// How long it went on.
    pub lasted: Duration,
}

/// An attack that goes on, on a thread of its own.
#[derive(Debug)]
pub struct Attacker {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
    counts: Arc<Counts>,
    since: Instant,
}

impl Attacker {
    /// Begins.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(attack: Attack, aim: Aim) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let counts = Arc::new(Counts::default());
        let theirs = Arc::clone(&counts);
        let thread = std::thread::Builder::new().name("attacker".to_owned()).spawn(move || {
            Builder::new_current_thread().enable_all().build()?.block_on(async move {
                tokio::select! {
                    ended = run(attack, Arc::new(aim), theirs) => ended,
                    _ = stopped => Ok(()),
                }
            })
        })?;
        Ok(Self { stop, thread, counts, since: Instant::now() })
    }

    /// Ends the attack.
    ///
    /// # Errors
    /// When it could not be carried out.
    pub fn finish(self) -> io::Result<Spoils> {
        let Counts { done, refused, held } = &*self.counts;
        let spoils = Spoils {
            done: done.load(Ordering::Relaxed),
            refused: refused.load(Ordering::Relaxed),
            held: held.load(Ordering::Relaxed),
            lasted: self.since.elapsed(),
        };
        // One that has failed is not there to be told.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| io::Error::other("the attacker panicked"))??;
        Ok(spoils)
    }
}

/// Attacks until it is dropped; answers only when it cannot.
async fn run(attack: Attack, aim: Arc<Aim>, counts: Arc<Counts>) -> io::Result<()> {
    match attack {
        Attack::UnfinishedBodies => connections::unfinished_bodies(&aim, &counts).await,
        Attack::UnreadPongs => connections::unread_pongs(&aim, &counts).await,
        Attack::UnreadAnswers => connections::unread_answers(&aim, &counts).await,
        Attack::UnreadReplays => unread::unread_replays(&aim, &counts).await,
        Attack::UnreadCloses => unread::unread_closes(&aim, &counts).await,
        Attack::RightPasswords => requests::right_passwords(&aim, &counts).await,
        Attack::Registrations => requests::registrations(&aim, &counts).await,
        Attack::Rooms => requests::rooms(&aim, &counts).await,
        Attack::Changes => requests::changes(&aim, &counts).await,
        Attack::Handshakes => connections::handshakes(&aim, &counts).await,
        Attack::UnknownRooms => connections::unknown_rooms(&aim, &counts).await,
        Attack::Typing => connections::typing(&aim, &counts).await,
        Attack::MadeUpKeys => requests::made_up_keys(&aim, &counts).await,
        Attack::JoinsAndLeaves => requests::joins_and_leaves(&aim, &counts).await,
    }
}
