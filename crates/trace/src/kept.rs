//! Spans that last longer than the code that made them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::Span;

/// A span that ends when this is dropped.
///
/// Left to itself it would end when it was left last, since that is when most spans end.
#[derive(Debug)]
pub struct UntilDropped(Span);

impl UntilDropped {
    /// Keeps a span open.
    #[must_use]
    pub const fn new(span: Span) -> Self {
        Self(span)
    }

    /// The span.
    #[must_use]
    pub const fn span(&self) -> &Span {
        &self.0
    }
}

impl Drop for UntilDropped {
    fn drop(&mut self) {
        if !self.0.is_disabled() {
            self.0.in_scope(|| ());
        }
    }
}

/// Keeps spans open, a bounded number at once.
#[derive(Debug, Clone)]
pub struct Keeping {
    kept: Arc<AtomicUsize>,
    max: usize,
}

impl Keeping {
    /// Keeps at most so many spans.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { kept: Arc::default(), max }
    }

    /// Keeps a span open until the last clone of the answer is dropped. None where the span is disabled, or as many are
    /// kept already: then it ends as others do.
    #[must_use]
    pub fn keep(&self, span: Span) -> Option<Kept> {
        if span.is_disabled() {
            return None;
        }
        let place = Place(Arc::clone(&self.kept));
        let before = place.0.fetch_add(1, Ordering::Relaxed);
        (before < self.max).then(|| Kept { _until_dropped: Arc::new((UntilDropped::new(span), place)) })
    }
}

/// A span that lasts until the last clone of this is dropped.
#[derive(Debug, Clone)]
pub struct Kept {
    _until_dropped: Arc<(UntilDropped, Place)>,
}

/// One of the places of [`Keeping`].
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
