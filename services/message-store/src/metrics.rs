//! Metrics: calls by method and outcome.

use std::time::Duration;

use madang_domain::Code;
use madang_kit::metrics::{DURATION_BOUNDS_SECONDS, Metrics};
use opentelemetry::{KeyValue, metrics::Histogram};

/// The outcome of a call that succeeded, where a failure has its code.
const OK: &str = "ok";

/// The instruments of the service.
#[derive(Debug, Clone)]
pub(crate) struct CallMetrics {
    calls: Histogram<f64>,
}

impl CallMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let calls = metrics
            .meter()
            .f64_histogram("madang.store.call.duration")
            .with_unit("s")
            .with_description(
                "Time of a call to the message store, but append, open and open_inbox, by method and outcome",
            )
            .with_boundaries(DURATION_BOUNDS_SECONDS.to_vec())
            .build();
        Self { calls }
    }

    pub(crate) fn call(&self, method: &'static str, took: Duration, failure: Option<Code>) {
        let outcome = failure.map_or(OK, Code::as_str);
        self.calls.record(
            took.as_secs_f64(),
            &[KeyValue::new("method", method), KeyValue::new("outcome", outcome)],
        );
    }
}
