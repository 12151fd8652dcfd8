//! Metrics: one OpenTelemetry meter, shown in the text format of Prometheus.
//!
//! A [`Metrics`] is a value that its owner passes on, so that two services in one process, or two in one
//! test, do not share their numbers by accident.
//!
//! Two rules for those who add instruments:
//!
//! - **No label holds a room, a user, a session or an address.** A label's values are few and known from
//!   the code (a method, a code, an outcome). The SDK folds what exceeds 2,000 sets into one overflow set.
//! - **Hot paths count in atomics, read by observable instruments at the scrape.** An `AtomicU64` costs a
//!   few nanoseconds where a counter with labels costs a hash and a lock. What happens once per call
//!   between services (a histogram of its duration) may use an instrument directly.

mod process;

use opentelemetry::{
    InstrumentationScope,
    metrics::{Meter, MeterProvider as _},
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
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use opentelemetry::KeyValue;

    use super::*;

    #[test]
    fn it_shows_instruments_the_service_and_the_process() {
        let metrics = Metrics::new("madang-test").unwrap();
        let frames = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&frames);
        metrics
            .meter()
            .u64_observable_counter("madang.frames")
            .with_callback(move |observer| {
                observer.observe(count.load(Ordering::Relaxed), &[KeyValue::new("direction", "in")]);
            })
            .build();
        frames.fetch_add(3, Ordering::Relaxed);
        let text = metrics.render();
        assert!(text.contains(r#"madang_contract_total{direction="in"} 3"#), "{text}");
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
    fn two_in_one_process_do_not_share() {
        let (one, two) = (Metrics::new("one").unwrap(), Metrics::new("two").unwrap());
        one.meter().u64_counter("madang.things").build().add(1, &[]);
        assert!(one.render().contains("madang_things_total"));
        assert!(!two.render().contains("madang_things_total"));
    }
}
