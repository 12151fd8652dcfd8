//! Spans that exist for traces alone.
//!
//! They are made at `TRACE` level with the target [`TARGET`], so that without a collector they are disabled where they
//! are made. Three kinds need more than the macros of `tracing`: spans of work on what several requests brought
//! ([`Causes`]), spans that last longer than the code that made them ([`UntilDropped`], [`Kept`]), and spans that follow
//! another process's, of which only a `traceparent` is known ([`traceparent`], [`link`]).
//!
//! All of them are made for sampled traces only. What is not sampled costs a look at a thread's context.

mod causes;
mod kept;
mod traceparent;

pub use causes::{Causes, LINKS_MAX};
pub use kept::{Keeping, Kept, UntilDropped};
pub use opentelemetry::trace::SpanContext;
pub use traceparent::{link, parse, traceparent};

use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::Span;

/// The target of the spans.
pub const TARGET: &str = "madang::trace";

/// The span in which the present code runs, where it is sampled.
#[must_use]
pub fn current() -> Option<SpanContext> {
    Context::map_current(|context| {
        let is_sampled = context.has_active_span() && context.span().span_context().is_sampled();
        is_sampled.then(|| context.span().span_context().clone())
    })
}

/// Whether the present code runs in a span that is sampled.
#[must_use]
pub fn is_sampled() -> bool {
    Context::map_current(|context| context.has_active_span() && context.span().span_context().is_sampled())
}

/// The present span where it is sampled; otherwise a disabled one, which costs nothing to keep.
#[must_use]
pub fn sampled_span() -> Span {
    if is_sampled() { Span::current() } else { Span::none() }
}

/// The name of a code of gRPC as its specification writes it, by its number.
#[must_use]
pub const fn grpc_code(number: i32) -> &'static str {
    match number {
        0 => "OK",
        1 => "CANCELLED",
        3 => "INVALID_ARGUMENT",
        4 => "DEADLINE_EXCEEDED",
        5 => "NOT_FOUND",
        6 => "ALREADY_EXISTS",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        10 => "ABORTED",
        11 => "OUT_OF_RANGE",
        12 => "UNIMPLEMENTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        15 => "DATA_LOSS",
        16 => "UNAUTHENTICATED",
        _ => "UNKNOWN",
    }
}
