//! The W3C's trace context as a text (<https://www.w3.org/TR/trace-context/>, section 3.2).
//!
//! There is no `tracestate`: Madang's processes add nothing to it, and what a client's holds is not passed on.

use std::fmt::Write as _;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The length of a `traceparent` of version 00. A later version may append to it.
const LENGTH: usize = 55;

/// The present span as a `traceparent`, to travel with an entry of a stream; empty where it is not sampled.
#[must_use]
pub fn traceparent() -> String {
    let Some(span) = crate::current() else { return String::new() };
    let mut text = String::with_capacity(LENGTH);
    // Writing to a String does not fail.
    let _ = write!(text, "00-{}-{}-01", span.trace_id(), span.span_id());
    text
}

/// Reads a `traceparent`; none where it is malformed.
#[must_use]
pub fn parse(text: &str) -> Option<SpanContext> {
    let (known, rest) = text.split_at_checked(LENGTH)?;
    let mut parts = known.split('-');
    let mut part = |length| parts.next().filter(|part| part.len() == length && part.bytes().all(is_hex));
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let is_known = if version == "00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
    if version == "ff" || !is_known || parts.next().is_some() {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

/// Links a span to another one. It must not have been entered before.
pub fn link(span: &Span, to: SpanContext) {
    span.add_link(to);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_traceparent_is_read_as_the_w3c_says() {
        let sampled = parse(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert_eq!(
            (sampled.trace_id().to_string(), sampled.span_id().to_string()),
            (TRACE.into(), SPAN.into())
        );
        assert!(sampled.is_sampled() && sampled.is_remote());
        assert!(!parse(&format!("00-{TRACE}-{SPAN}-00")).unwrap().is_sampled());
        assert!(parse(&format!("cc-{TRACE}-{SPAN}-01-more")).is_some(), "a later version appends");
    }

    #[test]
    fn what_is_malformed_is_none() {
        let zeros = "0".repeat(32);
        for wrong in [
            String::new(),
            "00".into(),
            format!("00-{TRACE}-{SPAN}-0"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("cc-{TRACE}-{SPAN}-01more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}é-{SPAN}-01", &TRACE[2..]),
            format!("0--{TRACE}-{SPAN}-1"),
            "-".repeat(LENGTH),
            "é".repeat(LENGTH),
        ] {
            assert!(parse(&wrong).is_none(), "{wrong}");
        }
    }
}
