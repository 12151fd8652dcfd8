//! Calls between services: the server, the balanced client channel, who may call what, trace context.

pub mod client;
mod secret;
pub mod server;
mod trace;

pub use client::{ClientOptions, InvalidUrl, SILENCE_MAX, ServiceChannel, channel};
pub use secret::{CallSecret, InvalidCallSecret};
pub use server::{Access, AccessSettings, Peer, ServerOptions, serve};
pub use trace::{extract_trace_context, inject_trace_context};

/// The name of a code as the specification of gRPC writes it, for labels and spans.
#[must_use]
pub const fn code_name(code: tonic::Code) -> &'static str {
    madang_trace::grpc_code(code as i32)
}
