//! The numbers of Tokio's runtime, read at the scrape: those that are stable.
//!
//! `rate(tokio_busy_seconds_total) / tokio_workers` is the share of the time in which workers had something to do. Near 1,
//! everything waits for a worker.

use tokio::runtime::{Handle, RuntimeMetrics};

use super::{declared::Described, exposition::Exposition};

/// Adds the metrics. Outside of a runtime there are none.
pub(super) fn observe(metrics: &Exposition) {
    let Ok(handle) = Handle::try_current() else { return };
    let runtime = handle.metrics();
    let gauge = |name, description, read: fn(&RuntimeMetrics) -> usize| {
        let runtime = runtime.clone();
        metrics.observe(Described::gauge(name, "", description), move |observer| {
            observer.observe(read(&runtime) as f64, &[]);
        });
    };
    gauge("tokio.workers", "Worker threads of the runtime.", RuntimeMetrics::num_workers);
    gauge("tokio.alive_tasks", "Tasks that have not ended.", RuntimeMetrics::num_alive_tasks);
    gauge(
        "tokio.global_queue_tasks",
        "Tasks that wait for a worker in the queue of all.",
        RuntimeMetrics::global_queue_depth,
    );
    let busy =
        Described::counter("tokio.busy", "s", "Time in which workers had something to do, over all workers.");
    let of_busy = runtime.clone();
    metrics.observe(busy, move |observer| {
        let workers = 0..of_busy.num_workers();
        let busy: f64 = workers.map(|worker| of_busy.worker_total_busy_duration(worker).as_secs_f64()).sum();
        observer.observe(busy, &[]);
    });
    let parks = Described::counter(
        "tokio.parks",
        "{park}",
        "Times that a worker had nothing to do, over all workers.",
    );
    metrics.observe(parks, move |observer| {
        let workers = 0..runtime.num_workers();
        let parks: u64 = workers.map(|worker| runtime.worker_park_count(worker)).sum();
        observer.observe(parks as f64, &[]);
    });
}
