//! The Lua scripts, loaded on every command connection, and their calls and replies.

mod budget;
mod command;
mod loaded;
mod presence;
mod pulse;
mod stream_id;

pub(super) use loaded::{Scripts, SubscriptionChange};
pub(super) use presence::{PairChange, PairChangeKind, PresenceCall};
pub(super) use pulse::{LeaseState, PulseCall};
pub(super) use stream_id::StreamId;
