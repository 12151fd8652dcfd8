//! A gRPC server with the bounds that every service wants.
//!
//! The stack, from the socket inwards: TCP (`nodelay`, keepalive) · the bound of connections, and the time until a peer
//! speaks · TLS, where there are certificates · HTTP/2 (keepalive, bounds of streams and headers, a maximum age) · who may
//! call what · the bound of concurrent calls, shedding with `unavailable` · the call's span, continued from the caller's ·
//! its time limit · its metric · the routes.
//!
//! Health follows [`Readiness`](crate::Readiness) by the standard `grpc.health.v1` service. At a soft shutdown
//! the server first says `NOT_SERVING`, goes on serving for [`ServerOptions::announce`] so that balanced clients
//! turn away before anything is refused, then finishes the calls in flight.

mod access;
mod calls;
mod connection;
mod health_calls;
mod options;
mod peer;
mod serve;
mod settings;
mod transport;

pub use access::Access;
pub use options::ServerOptions;
pub use peer::Peer;
pub use serve::{serve, serve_on};
pub use settings::AccessSettings;
