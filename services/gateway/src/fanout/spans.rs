//! The spans of what goes to other gateways and comes from them, after OpenTelemetry's conventions for messaging, and of
//! what goes to the sockets here.
//!
//! A delivery's span lasts until the last socket has written what it delivers, or has closed. Nobody counts the sockets
//! for that: all share the encoded frame, and the frame keeps the span. So it costs a sampled event one allocation, and
//! a recipient nothing.

use madang_bus::Medium;
use madang_trace::{Keeping, Kept, LINKS_MAX, SpanContext};
use tracing::{Span, field::Empty};

/// The deliveries whose spans may wait for sockets at once. A client that does not read keeps its frames, and with them
/// their spans, until it is closed. The spans of further deliveries end when the hubs have them.
const WAITING_MAX: usize = 1_024;

/// Makes the spans.
#[derive(Debug, Clone)]
pub(super) struct Spans {
    /// What carries entries to other processes, if anything does.
    medium: Option<Medium>,
    waiting: Keeping,
}

impl Spans {
    pub(super) fn new(medium: Option<Medium>) -> Self {
        Self { medium, waiting: Keeping::new(WAITING_MAX) }
    }

    /// The span of a publication of so many entries, within the present one. The bus keeps it until Redis has them.
    pub(super) fn publishing(&self, entries: usize) -> Span {
        let Some(Medium { system, destination }) = self.medium.filter(|_| madang_trace::is_sampled()) else {
            return Span::none();
        };
        tracing::trace_span!(
            target: madang_trace::TARGET,
            "publish",
            otel.name = format_args!("publish {destination}"),
            otel.kind = "producer",
            otel.status_code = Empty,
            messaging.system = system,
            messaging.operation.name = "publish",
            messaging.operation.type = "send",
            messaging.destination.template = destination,
            messaging.batch.message_count = count(entries),
            error.type = Empty,
        )
    }

    /// The span of what is delivered to the sockets here, within the present one.
    pub(super) fn delivering(&self) -> Option<Kept> {
        if !madang_trace::is_sampled() {
            return None;
        }
        self.waiting.keep(tracing::trace_span!(target: madang_trace::TARGET, "deliver"))
    }

    /// The span of a batch of so many entries, once one of them is sampled.
    pub(super) fn receiving(&self, entries: usize) -> Receiving<'_> {
        Receiving { spans: self, entries, links: 0, span: Span::none(), kept: None }
    }
}

/// A batch of entries of other gateways.
pub(super) struct Receiving<'a> {
    spans: &'a Spans,
    entries: usize,
    links: usize,
    span: Span,
    kept: Option<Kept>,
}

impl Receiving<'_> {
    /// The batch has an entry that was published by such a span, if by any. Answers what its frames are to keep.
    pub(super) fn follow(&mut self, publisher: Option<SpanContext>) -> Option<Kept> {
        let publisher = publisher.filter(SpanContext::is_sampled)?;
        let Medium { system, destination } = self.spans.medium?;
        if self.links == 0 {
            self.span = tracing::trace_span!(
                target: madang_trace::TARGET,
                parent: None,
                "deliver",
                otel.name = format_args!("deliver {destination}"),
                otel.kind = "consumer",
                messaging.system = system,
                messaging.operation.name = "deliver",
                messaging.operation.type = "process",
                messaging.destination.template = destination,
                messaging.batch.message_count = count(self.entries),
                madang.deliver.until = Empty,
            );
            self.kept = self.spans.waiting.keep(self.span.clone());
            self.span.record("madang.deliver.until", if self.kept.is_some() { "written" } else { "queued" });
        }
        if self.links < LINKS_MAX {
            self.links += 1;
            madang_trace::link(&self.span, publisher);
        }
        self.kept.clone()
    }

    /// The span, to hand the batch to the hubs in.
    pub(super) fn span(self) -> Span {
        self.span
    }
}

/// Attributes have no unsigned numbers.
fn count(entries: usize) -> i64 {
    i64::try_from(entries).unwrap_or(i64::MAX)
}
