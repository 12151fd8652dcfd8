//! The clients of a run: accounts, rooms, sessions, what they say and what they remember.

mod cast;
mod client;
mod everybody;
mod line;
pub(crate) mod people;
mod retry;
mod roll;
mod seats;
mod stage;
mod talk;
mod tally;
mod whisper;
mod whisperer;

pub(crate) use self::talk::outcome;
pub use self::{
    cast::Cast,
    client::{Client, Heads},
    everybody::Crowd,
    line::ClientLine,
    roll::Roll,
    talk::Talk,
    tally::Tally,
    whisper::Whispers,
};
