//! The requests that one piece of work is done for.

use tracing::Span;

/// The most causes of one span: what OpenTelemetry keeps of a span's links by default.
pub const LINKS_MAX: usize = 128;

/// The sampled spans of the requests that one piece of work is done for, such as a batch.
///
/// The work's span is a child of the first and links to all. So the first request's trace goes on through the work, the
/// others are found by the links, and whether the work is sampled was decided with its requests: where none of them
/// is, there is no span.
#[derive(Debug, Default)]
pub struct Causes(Vec<Span>);

impl Causes {
    /// Adds the span of a request. A disabled one is none, and one that is there already counts once.
    pub fn add(&mut self, span: Span) {
        if !span.is_disabled() && self.0.len() < LINKS_MAX && !self.0.contains(&span) {
            self.0.push(span);
        }
    }

    /// Makes the span of the work, as a child of the span that it is given; a disabled one where no request is sampled.
    pub fn span(&self, make: impl FnOnce(&Span) -> Span) -> Span {
        let Some(first) = self.0.first() else { return Span::none() };
        let span = make(first);
        for cause in &self.0 {
            span.follows_from(cause);
        }
        span
    }
}
