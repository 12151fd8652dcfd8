//! The two services as traits, in the domain's types, and their gRPC adapters.
//!
//! A caller holds `Arc<dyn Auth>` and `Arc<dyn MessageStore>` and cannot tell whether the service runs
//! in the same process (the all-in-one passes the service itself) or behind a network
//! ([`grpc::AuthClient`], [`grpc::MessageStoreClient`]). A service's process serves its trait with
//! [`grpc::auth_server`] or [`grpc::message_store_server`].

pub mod auth;
pub mod event;
pub mod grpc;
pub mod store;

pub use auth::Auth;
pub use store::MessageStore;
