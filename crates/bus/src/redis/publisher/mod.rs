//! Publishing: a bounded queue for each shard, and a task that drains it into few, large script calls.

mod queue;
mod task;

pub(super) use queue::{PublishQueue, PublishState};
pub(super) use task::Publisher;
