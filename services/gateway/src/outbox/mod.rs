//! What waits to be written to one socket, and why a socket closes.
//!
//! The bottom of the gateway: hubs, sessions and the registry of sockets hold an [`Outbox`], and an outbox knows none of
//! them.

mod close;
mod queue;

pub(crate) use close::Close;
pub(crate) use queue::{Outbox, Taken};
