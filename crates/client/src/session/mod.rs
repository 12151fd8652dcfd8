//! A conversation that outlives its sockets.
//!
//! ```text
//!  Session (handles) ──commands──▶ actor ──frames──▶ Link (waiting | connecting | open)
//!  SessionEvents     ◀──events────   │                │
//!                                   Core  ◀───────────┘   rooms, unacknowledged sends; no I/O
//! ```
//!
//! [`core`] decides, [`actor`] does. A room's continuity is judged in [`room`], what is not acknowledged
//! waits in [`outbox`].

mod actor;
mod command;
mod core;
mod event;
mod fault;
mod handle;
mod inbox;
mod options;
mod outbox;
mod outcome;
mod refusal;
mod requests;
mod room;

#[cfg(test)]
mod tests;

pub use event::SessionEvent;
pub use fault::Fault;
pub use handle::{Session, SessionEvents};
pub use options::SessionOptions;
pub use outcome::{SendError, Sent, SubscribeError};
