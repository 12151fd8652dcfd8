//! The queue of frames for one socket, and the reasons why a socket closes.
//!
//! This is the lowest module of the gateway. Hubs, sessions and the registry of sockets hold an [`Outbox`];
//! an outbox refers to none of them.

mod close;
mod profiles_told;
mod queue;

pub(crate) use close::Close;
pub(crate) use queue::{Outbox, Taken};
