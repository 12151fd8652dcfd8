//! The bus of gateways that share a Redis (7.0 or later): one server, or a Redis Cluster.
//!
//! Each gateway owns a bounded stream, the *gateway stream*. A publish appends to the streams of exactly those gateways that are
//! subscribed to the topic: the cost follows interest, not total traffic. Keys, for shard 0:
//!
//! | key | type | content |
//! | --- | --- | --- |
//! | `madang:{0}:listeners:<topic>` | set | the gateways that are subscribed |
//! | `madang:{0}:inbox:<gateway>` | stream | the entries that a gateway has to read |
//! | `madang:{0}:lease:<gateway>` | string, expires | present while the gateway lives |
//! | `madang:{0}:gateways` | set | the gateways that have not left |
//! | `madang:{0}:epoch` | string | a value that lives as long as one process serves the data |
//! | `madang:{0}:present:<topic>` | hash | the users in the topic, each with the gateways and the profile |
//! | `madang:{0}:held:<gateway>` | set | the pairs of topic and user of which a gateway has sockets |
//! | `madang:{0}:holders` | sorted set | the gateways that have pairs, by the end of their lease |
//! | `madang:{0}:budget:<name>` | string, expires | when a budget that gateways share is full again |
//! | `madang:{0}:leaving` | sorted set | the pairs without a gateway, by the end of their grace |
//!
//! Topics are spread over shards, each in a slot of its own of a Redis Cluster (`slots.rs`). A shard's server is the master of
//! that slot; the shard locates it anew whenever its connection failed (`cluster.rs`).
//!
//! Three tasks serve a shard. The *lease task* (`lease/`) holds the lease, the subscriptions and the shared connection, and
//! supervises the reader. The *publisher* sends. The *reader* reads, on its own connection.
//!
//! Redis is an accelerator and never the truth. What it can lose, and how the bus detects it:
//!
//! | loss | detected by |
//! | --- | --- |
//! | lease expired, flushed, restarted empty | the fence of the lease, at the next pulse or registration |
//! | writes that it had acknowledged: a failover, a restart with older data | the epoch: another process serves the data |
//! | the slot, to another node | Redis' error; then the epoch |
//! | other data than before (restored) | the epoch; ids of probes that go back; the reconnection |
//! | gateway stream trimmed or deleted unread | the number of earlier entries in each probe |
//! | a reader that looks healthy and receives nothing | a probe that does not come back |
//! | entries that a publisher had to drop | the publisher's next pulse, which notifies all gateways |
//! | a gateway that died with entries unpublished | its lease; the first gateway that sees it notifies all |

mod address;
mod budgets;
mod bus;
mod cluster;
mod connect;
mod connection;
mod entries;
mod examine;
#[doc(hidden)]
pub mod fuzzing;
mod keys;
mod lease;
mod locator;
mod presence;
mod publisher;
mod reader;
mod reconnect;
mod scripts;
mod server;
mod settings;
mod slots;
mod status;
mod subscriptions;
mod tasks;

pub use connect::connect;
pub use examine::{ExamineError, ServerFacts, check, examine};
pub use settings::{CLUSTER_SHARDS, RedisSettings, SettingsError};
