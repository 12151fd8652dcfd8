//! gRPC adapters of the traits.
//!
//! A service's process serves its trait by [`auth_server`] or [`message_store_server`]; another process
//! holds [`AuthClient`] or [`MessageStoreClient`], which are those traits again. What lies between, in
//! the order in which a call meets it:
//!
//! | module | idea |
//! | --- | --- |
//! | `batch` | appends, and subscriptions to open, leave together ([`BatchSettings`]) |
//! | [`method`] | how long each call may take, and which may be repeated |
//! | `call` | one call: deadline, breaker, repetition ([`CallSettings`]) |
//! | `breaker`, `retry` | when a service that does not answer is spared ([`BreakerSettings`], [`RetrySettings`]) |
//! | `convert` | domain types to protobuf and back ([`encode_event`], [`decode_event`]) |
//! | [`status`] | the domain's errors as gRPC statuses and back |
//!
//! Balancing over replicas, connecting, tracing and metrics are the channel's business, not theirs.

mod batch;
mod breaker;
mod call;
mod client;
mod convert;
pub mod method;
mod retry;
mod server;
pub mod status;

pub use batch::BatchSettings;
pub use breaker::BreakerSettings;
pub use call::CallSettings;
pub use client::{AuthClient, MessageStoreClient, MessageStoreSettings, Transport};
pub use convert::DecodeError;
pub use convert::event::{decode_event, encode_event};
pub use retry::RetrySettings;
pub use server::{auth_server, message_store_server};

/// The largest request that a server reads, in bytes. A client's batch has at most
/// [`BatchSettings::weight_max`], 1 MiB by default, and one item more, of a client's frame (64 KiB).
pub const REQUEST_MAX_BYTES: usize = 8 * 1024 * 1024;

/// The largest answer that a server writes and a client reads, in bytes. The largest is a read of 500
/// events, each of which came in a frame of at most 64 KiB (32,000 KiB in all), with 2 KiB of ids and
/// sender's profile; and then some.
pub const RESPONSE_MAX_BYTES: usize = 40 * 1024 * 1024;

/// The replayed events in the answer to one batch of subscriptions, in bytes. A subscription whose
/// replay does not fit is told that it is not complete, as if it had missed too many events.
pub const REPLAY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// The appends or the subscriptions of one request.
pub const BATCH_MAX_ITEMS: usize = 512;
