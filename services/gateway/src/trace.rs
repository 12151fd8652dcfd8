//! The spans that begin at a gateway: one for each command of a socket and each request by HTTP.
//!
//! Each begins a trace of its own. What a client says of its trace is a stranger's word: it is linked to, and decides
//! nothing. A connection has no span, since it may stay open for days; a recipient has none, since an event has many.

use madang_domain::{Code, Error};
use tracing::{Span, field::Empty};

/// The span of a command that came by a socket, by the name of its frame.
pub(crate) fn command(name: &'static str) -> Span {
    tracing::trace_span!(
        target: madang_trace::TARGET,
        parent: None,
        "command",
        otel.name = format_args!("websocket {name}"),
        otel.kind = "server",
        otel.status_code = Empty,
        network.protocol.name = "websocket",
        madang.command = name,
        error.type = Empty,
    )
}

/// Notes in the present span that its command failed.
pub(crate) fn failed(error: &Error) {
    if !madang_trace::is_sampled() {
        return;
    }
    let span = Span::current();
    span.record("error.type", error.code.as_str());
    match error.code {
        Code::Internal | Code::Unavailable | Code::DeadlineExceeded => {
            span.record("otel.status_code", "ERROR");
        }
        // The client's own mistakes, as in the conventions for HTTP.
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::RateLimited
        | Code::TooLarge => {}
    }
}
