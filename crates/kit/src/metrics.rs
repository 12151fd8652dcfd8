//! Metrics, shown in the text format of Prometheus.
//!
//! A [`Metrics`] is a value that its owner passes on. So two services in one process, or in one test, do not
//! share their numbers by accident.
//!
//! Rules for those who add metrics:
//!
//! - **Names and units** follow OpenTelemetry here (`madang.gateway.sent`, `By`) and become those of Prometheus when they
//!   are shown (`madang_gateway_sent_bytes_total`): base units as a suffix, `_total` for what only grows.
//! - **No label holds a room, a user, a session or an address.** A label's values are few and known from
//!   the code (a method, a code, an outcome). The SDK folds what exceeds 2,000 sets into one overflow set.
//! - **Hot paths count in atomics, which are read at the scrape.** [`instruments!`] declares a set of them, one
//!   line a metric, and [`Metrics::export`] exports the set. What happens once per call between services may use a
//!   [`Recorder`]: a histogram with labels, which costs a hash and a lock.
//! - **What is only looked at** (a queue's length, the age of a key) is read at the scrape: [`Metrics::observe`].
//!
//! Each metric is declared once with all that a reader needs, so that `docs/operations.md` can be compared with
//! [`Metrics::declared`].

mod declared;
mod exposition;
mod process;
mod readiness;
mod recorder;
mod runtime;

use std::sync::Arc;

pub use declared::{Declared, Described};
pub use exposition::Observer;
pub use madang_counters::{
    Counter, CounterBy, Durations, Gauge, Histogram, Instruments, Kind, Label, Sizes, StripedCounter,
    instruments,
};
use opentelemetry::{
    InstrumentationScope,
    metrics::{Meter, MeterProvider as _},
};
use opentelemetry_sdk::{Resource, error::OTelSdkError, metrics::SdkMeterProvider};
use prometheus::{Registry, TextEncoder};
pub use recorder::Recorder;

use self::{declared::Catalogue, exposition::Exposition};
use crate::health::Readiness;

/// Bounds of histograms of durations in seconds: fine where a budget lies (1 to 100 ms), coarse elsewhere.
pub const DURATION_BOUNDS_SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// A process's or service's metrics. Clones are handles to the same.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// What is read at the scrape.
    exposition: Exposition,
    catalogue: Catalogue,
    /// Keeps the meter's instruments.
    _provider: SdkMeterProvider,
    meter: Meter,
}

impl Metrics {
    /// Metrics that name `service` as their source, with the numbers of the process (CPU, memory, file
    /// descriptors, threads) and of the runtime among them.
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
        let catalogue = Catalogue::default();
        let exposition = Exposition::register(&registry, catalogue.clone())?;
        process::observe(&exposition, service);
        runtime::observe(&exposition);
        Ok(Self { registry, exposition, catalogue, _provider: provider, meter })
    }

    /// Exports each metric of a set, which lives as long as these metrics.
    pub fn export<T: Instruments>(&self, set: &Arc<T>) {
        self.export_labelled(None, "", set);
    }

    /// Exports several sets of the same metrics under one name each, told apart by a label.
    pub fn export_by_label<T: Instruments>(&self, label: &'static str, sets: &[(&'static str, Arc<T>)]) {
        for (value, set) in sets {
            self.export_labelled(Some(label), value, set);
        }
    }

    fn export_labelled<T: Instruments>(
        &self,
        label: Option<&'static str>,
        value: &'static str,
        set: &Arc<T>,
    ) {
        for instrument in T::INSTRUMENTS {
            let own = instrument.label.map(|(name, _)| name);
            let declared = self.catalogue.declare(
                instrument.kind,
                instrument.name,
                instrument.unit,
                instrument.description,
                label.into_iter().chain(own).collect(),
            );
            let (set, read) = (Arc::clone(set), instrument.read);
            let values = instrument.label.map_or(&[][..], |(_, values)| values);
            self.exposition.add(declared, move |observer| {
                observer.reading(label.map(|_| value), values, read(&set));
            });
        }
    }

    /// Shows what is read at the scrape. What cannot be read is left out.
    pub fn observe(&self, described: Described, read: impl Fn(&mut Observer<'_>) + Send + Sync + 'static) {
        self.exposition.observe(described, read);
    }

    /// A histogram with labels, of what happens about once a call. Bounds: [`DURATION_BOUNDS_SECONDS`], or others where a
    /// convention names them.
    #[must_use]
    pub fn recorder<const LABELS: usize>(
        &self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        labels: [&'static str; LABELS],
        bounds: &[f64],
    ) -> Recorder<LABELS> {
        let shown = labels.iter().map(|label| declared::shown_label(label)).collect();
        self.catalogue.declare(Kind::Histogram, name, unit, description, shown);
        let histogram = self.meter.f64_histogram(name).with_unit(unit).with_description(description);
        Recorder::new(histogram.with_boundaries(bounds.to_vec()).build(), labels)
    }

    /// Shows the readiness of the process.
    pub fn observe_readiness(&self, readiness: &Readiness) {
        readiness::observe(&self.exposition, readiness.clone());
    }

    /// Every metric that there is here, whether or not it shows anything yet, by name.
    #[must_use]
    pub fn declared(&self) -> Vec<Declared> {
        self.catalogue.all()
    }

    /// Every metric as it is now, in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics cannot be rendered");
            String::new()
        })
    }
}

#[cfg(test)]
mod tests;
