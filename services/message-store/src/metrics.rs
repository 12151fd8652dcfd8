//! Metrics: calls by method and outcome, and the queues.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use madang_domain::Code;
use madang_kit::metrics::{DURATION_BOUNDS_SECONDS, Metrics};
use opentelemetry::{KeyValue, metrics::Histogram};

use crate::batch::Counts;

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

/// Shows what the queues count. The size of a batch is the requests divided by the batches.
pub(crate) fn observe_queues(metrics: &Metrics, queues: &[(&'static str, Arc<Counts>)]) {
    let observe = |name, description, number: fn(&Counts) -> u64| {
        let queues = queues.to_vec();
        metrics
            .meter()
            .u64_observable_counter(name)
            .with_description(description)
            .with_callback(move |observer| {
                for (queue, counts) in &queues {
                    observer.observe(number(counts), &[KeyValue::new("queue", *queue)]);
                }
            })
            .build();
    };
    observe("madang.store.batches", "Batches run", |counts| counts.batches.load(Relaxed));
    observe("madang.store.batch.requests", "Requests in batches", |counts| counts.requests.load(Relaxed));
    observe("madang.store.batch.nanos", "Time that batches ran", |counts| counts.nanos.load(Relaxed));
    observe("madang.store.queue.refused", "Requests refused because the queue was full", |counts| {
        counts.refused.load(Relaxed)
    });
    observe("madang.store.queue.abandoned", "Requests whose caller had gone", |counts| {
        counts.abandoned.load(Relaxed)
    });
}
