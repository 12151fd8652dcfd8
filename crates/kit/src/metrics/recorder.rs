//! Histograms with labels.

use std::borrow::Cow;

use opentelemetry::{KeyValue, StringValue, metrics::Histogram};

/// A histogram with labels, of what happens about once a call: recording costs a hash and a lock. It shows a set of labels
/// from its first value on.
#[derive(Debug, Clone)]
pub struct Recorder<const LABELS: usize> {
    histogram: Histogram<f64>,
    labels: [&'static str; LABELS],
}

impl<const LABELS: usize> Recorder<LABELS> {
    pub(super) const fn new(histogram: Histogram<f64>, labels: [&'static str; LABELS]) -> Self {
        Self { histogram, labels }
    }

    /// Records a value, with a value for each label.
    pub fn record(&self, value: f64, labels: [impl Into<Cow<'static, str>>; LABELS]) {
        let mut values = labels.into_iter();
        let labels = self.labels.map(|name| {
            let value: Cow<'static, str> = values.next().map_or(Cow::Borrowed(""), Into::into);
            KeyValue::new(name, StringValue::from(value))
        });
        self.histogram.record(value, &labels);
    }
}
