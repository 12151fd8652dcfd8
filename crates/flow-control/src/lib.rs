//! What keeps each part of the system within its bounds: pauses between attempts, rate limits, bounded caches and queues.
//!
//! Nothing here reads a clock or draws a random number. The caller passes the time and the random fraction, so that a
//! test can fix both. Nothing here waits, either: a pause is a `Duration` that the caller sleeps for.
//!
//! Decision 0027 says which libraries were weighed for each of these.

mod address;
mod backoff;
mod fair_queue;
mod lru;
mod rate;

pub use address::subscriber_network;
pub use backoff::{Backoff, Pauses};
pub use fair_queue::{FairQueue, Pushed};
pub use lru::{LruMap, SharedLruMap, lru_map};
pub use rate::{KeyedRateLimiter, RateBucket, RateLimit};
