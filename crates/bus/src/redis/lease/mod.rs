//! The lease task of a shard: it makes the connection, holds the lease, registers the subscriptions and supervises the
//! reader.
//!
//! The task works on one connection at a time: it connects, pulses (takes or renews the lease), registers what is unconfirmed,
//! and serves until something fails. Any failure ends the connection, and the next one starts in the same way. So there is
//! one path to a sound state, whatever happened.
//!
//! A Redis that hung runs the commands of abandoned connections late, in any order with those of the present one. So each
//! connection has a *fence*, a number that grows. The value of the lease is the fence under which it was taken or last passed
//! on, and a part that no other taking has. The value that a reply confirmed proves that the lease was never lost since, not
//! even to a late pulse of this gateway itself. A pulse under an older fence than the lease's does nothing, and a registration
//! under another value is refused.

mod pulse;
mod supervision;
mod task;

pub(super) use pulse::LeaseHolder;
pub(super) use task::{LeaseTask, LeaseTaskParts};
