//! Metrics: calls by method and outcome.

use std::time::Duration;

use madang_domain::Code;
use madang_kit::metrics::{DURATION_BOUNDS_SECONDS, Metrics, Recorder};

/// The outcome of a call that succeeded, where a failure has its code.
const OK: &str = "ok";

/// The instruments of the service.
#[derive(Debug, Clone)]
pub(crate) struct CallMetrics {
    calls: Recorder<2>,
}

impl CallMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let calls = metrics.recorder(
            "madang.store.call.duration",
            "s",
            "Time of a call to the message store, but append, open and open_inbox, by method and outcome.",
            ["method", "outcome"],
            &DURATION_BOUNDS_SECONDS,
        );
        Self { calls }
    }

    pub(crate) fn call(&self, method: &'static str, took: Duration, failure: Option<Code>) {
        let outcome = failure.map_or(OK, Code::as_str);
        self.calls.record(took.as_secs_f64(), [method, outcome]);
    }
}
