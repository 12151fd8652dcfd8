//! Presence through Redis: the registry of this gateway's users, its synchronization with Redis, and the callers' side.

mod registry;
mod shards;
mod sync;

pub(super) use shards::{RedisPresence, ShardPresence};
pub(super) use sync::{PresenceSync, SyncOutcome};
