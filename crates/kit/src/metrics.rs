//! Metrics: one OpenTelemetry meter, shown in the text format of Prometheus.
//!
//! A [`Metrics`] is a value that its owner passes on. So two services in one process, or in one test, do not
//! share their numbers by accident.
//!
//! Two rules for those who add instruments:
//!
//! - **No label holds a room, a user, a session or an address.** A label's values are few and known from
//!   the code (a method, a code, an outcome). The SDK folds what exceeds 2,000 sets into one overflow set.
//! - **Hot paths count in atomics, which the exporter reads at the scrape.** [`instruments!`] declares a set of them, one
//!   line a metric, and [`Metrics::export`] exports the set. What happens once per call between services (a
//!   histogram of its duration) may use an instrument directly.

mod process;

use std::sync::Arc;

pub use madang_counters::{Counter, Gauge, Instruments, instruments};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{AsyncInstrument, Meter, MeterProvider as _},
};
use opentelemetry_sdk::{Resource, error::OTelSdkError, metrics::SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

/// Bounds of histograms of durations in seconds: fine where a budget lies (1 to 100 ms), coarse elsewhere.
pub const DURATION_BOUNDS_SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// A process's or service's metrics. Clones are handles to the same.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    provider: SdkMeterProvider,
    meter: Meter,
}

impl Metrics {
    /// Metrics that name `service` as their source, with the numbers of the process (CPU, memory, file
    /// descriptors, threads) among them.
    ///
    /// # Errors
    ///
    /// When the exporter cannot be registered, which would be a defect.
    pub fn new(service: &'static str) -> Result<Self, OTelSdkError> {
        let registry = Registry::new();
        // One scope per process; its name on every line would be noise.
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()?;
        let resource = Resource::builder().with_service_name(service).build();
        let provider = SdkMeterProvider::builder().with_reader(exporter).with_resource(resource).build();
        let meter = provider.meter_with_scope(InstrumentationScope::builder("madang").build());
        process::observe(&meter);
        Ok(Self { registry, provider, meter })
    }

    /// Makes instruments. Keep a histogram or counter; an observable one lives in the meter.
    #[must_use]
    pub const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Exports each number of a set. The meter keeps the set alive.
    pub fn export<T: Instruments>(&self, set: &Arc<T>) {
        self.export_all(&[(Vec::new(), Arc::clone(set))].into());
    }

    /// Exports several sets of the same numbers under one name each, told apart by a label.
    pub fn export_by_label<T: Instruments>(&self, label: &'static str, sets: &[(&'static str, Arc<T>)]) {
        let labelled =
            |(value, set): &(&'static str, Arc<T>)| (vec![KeyValue::new(label, *value)], Arc::clone(set));
        self.export_all(&sets.iter().map(labelled).collect());
    }

    fn export_all<T: Instruments>(&self, sets: &Arc<[(Vec<KeyValue>, Arc<T>)]>) {
        for instrument in T::INSTRUMENTS {
            let (read, sets) = (instrument.read, Arc::clone(sets));
            let observe = move |observer: &dyn AsyncInstrument<u64>| {
                for (labels, set) in sets.iter() {
                    observer.observe(read(set), labels);
                }
            };
            let (name, unit, description) = (instrument.name, instrument.unit, instrument.description);
            // The meter keeps what was built.
            if instrument.is_gauge {
                let gauge = self.meter.u64_observable_gauge(name).with_unit(unit);
                gauge.with_description(description).with_callback(observe).build();
            } else {
                let counter = self.meter.u64_observable_counter(name).with_unit(unit);
                counter.with_description(description).with_callback(observe).build();
            }
        }
    }

    /// Every metric as it is now, in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics cannot be rendered");
            String::new()
        })
    }

    /// The provider, for what needs to make meters of its own scope.
    #[must_use]
    pub const fn provider(&self) -> &SdkMeterProvider {
        &self.provider
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    instruments! {
        /// A set.
        struct Frames {
            received: Counter = "madang.frames", "{frame}", "Frames that were received.";
            waiting: Gauge = "madang.frames.waiting", "{frame}", "Frames that wait.";
        }
    }

    #[test]
    fn it_shows_counters_the_service_and_the_process() {
        let metrics = Metrics::new("madang-test").unwrap();
        let frames = Arc::new(Frames::default());
        metrics.export(&frames);
        frames.received.add(3);
        frames.waiting.add(2);
        let text = metrics.render();
        for line in [
            "# HELP madang_frames_total Frames that were received.",
            "# TYPE madang_frames_total counter",
            "madang_frames_total 3",
            "# TYPE madang_frames_waiting gauge",
            "madang_frames_waiting 2",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
        }
        assert!(text.contains(r#"service_name="madang-test""#), "{text}");
        for name in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_threads",
        ] {
            let line =
                text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
            let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            assert!(value > 0.0 || name.contains("cpu"), "{line}");
        }
    }

    #[test]
    fn several_sets_are_told_apart_by_a_label() {
        let metrics = Metrics::new("madang-test").unwrap();
        let (one, two) = (Arc::new(Frames::default()), Arc::new(Frames::default()));
        metrics.export_by_label("queue", &[("one", Arc::clone(&one)), ("two", Arc::clone(&two))]);
        one.received.add(1);
        two.received.add(2);
        let text = metrics.render();
        for line in [r#"madang_frames_total{queue="one"} 1"#, r#"madang_frames_total{queue="two"} 2"#] {
            assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
        }
    }

    #[test]
    fn two_in_one_process_do_not_share() {
        let (one, two) = (Metrics::new("one").unwrap(), Metrics::new("two").unwrap());
        one.meter().u64_counter("madang.things").build().add(1, &[]);
        assert!(one.render().contains("madang_things_total"));
        assert!(!two.render().contains("madang_things_total"));
    }
}
