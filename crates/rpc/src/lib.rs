//! The two services as traits, in the domain's types, and their gRPC adapters.
//!
//! A caller holds `Arc<dyn Auth>` and `Arc<dyn MessageStore>` and cannot tell whether the service runs
//! in the same process (the all-in-one passes the service itself) or behind a network ([`AuthClient`],
//! [`MessageStoreClient`]). A service's process serves its trait with [`auth_server`] or
//! [`message_store_server`].
//!
//! Each service is a table ([`auth`], [`store`]), from which one macro (`service`) makes all of these; the requests and
//! answers stand beside it by concept, each with its form on the wire. What lies between a client and its server,
//! in the order in which a call meets it:
//!
//! | module | idea |
//! | --- | --- |
//! | [`method`] | who may call what, how long each call may take, and which may be repeated |
//! | [`client`] | one call: batch, deadline, breaker, repetition |
//! | [`wire`] | domain types to protobuf and back; the domain's errors as gRPC statuses and back |
//! | `server` | the answer or the error of a call, as it leaves the process |
//! | [`around`] | what a service puts around every call: a deadline, a measurement; in tests a fault |
//!
//! A new method is an RPC with its messages in the `.proto` file; its request and answer with their form on the wire,
//! in the file of the concept; its line in the table; and the operation in the service. The compiler names what is
//! missing.
//!
//! Balancing over replicas, connecting, tracing and metrics are the channel's business, not theirs.

pub mod around;
pub mod auth;
pub mod client;
pub mod method;
mod server;
mod service;
pub mod store;
pub mod wire;

pub use auth::{Auth, AuthClient, auth_server};
pub use store::{MessageStore, MessageStoreClient, MessageStoreSettings, message_store_server};
pub use wire::status::is_unknown_method;
