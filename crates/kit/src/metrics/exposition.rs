//! What is read at the scrape: sets of atomics, and what else can be looked at.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use madang_counters::{Distribution, Kind, Reading};
use opentelemetry_sdk::error::OTelSdkError;
use prometheus::{
    Registry,
    core::{Collector, Desc},
    proto,
};

use super::declared::{Catalogue, Declared, Described};

/// All that is read at the scrape.
#[derive(Clone)]
pub(super) struct Exposition {
    sources: Arc<Mutex<Vec<Source>>>,
    catalogue: Catalogue,
    /// The registry wants one, and asks for no more.
    description: Arc<Desc>,
}

type Read = dyn Fn(&mut Observer<'_>) + Send + Sync;

#[derive(Clone)]
struct Source {
    declared: Arc<Declared>,
    read: Arc<Read>,
}

impl Exposition {
    /// An exposition that the registry shows, with its metrics in the catalogue.
    pub(super) fn register(registry: &Registry, catalogue: Catalogue) -> Result<Self, OTelSdkError> {
        let internal = |error: prometheus::Error| OTelSdkError::InternalFailure(error.to_string());
        let description = Desc::new(
            "madang".into(),
            "All that is read at the scrape.".into(),
            Vec::new(),
            std::collections::HashMap::new(),
        );
        let description = Arc::new(description.map_err(internal)?);
        let exposition = Self { sources: Arc::default(), catalogue, description };
        registry.register(Box::new(exposition.clone())).map_err(internal)?;
        Ok(exposition)
    }

    /// Declares a metric, and shows what is read of it.
    pub(super) fn observe(
        &self,
        described: Described,
        read: impl Fn(&mut Observer<'_>) + Send + Sync + 'static,
    ) {
        let Described { kind, name, unit, description, labels } = described;
        self.add(self.catalogue.declare(kind, name, unit, description, labels.to_vec()), read);
    }

    /// Shows what is read of a metric that was declared.
    pub(super) fn add(
        &self,
        declared: Arc<Declared>,
        read: impl Fn(&mut Observer<'_>) + Send + Sync + 'static,
    ) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.push(Source { declared, read: Arc::new(read) });
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").finish_non_exhaustive()
    }
}

impl Collector for Exposition {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        // What is read may declare something itself, so the lock is not held meanwhile.
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut families: BTreeMap<String, proto::MetricFamily> = BTreeMap::new();
        for Source { declared, read } in &sources {
            let family = families.entry(declared.name.clone()).or_insert_with(|| {
                let mut family = proto::MetricFamily::default();
                family.set_name(declared.name.clone());
                family.set_help(declared.description.to_owned());
                family.set_field_type(match declared.kind {
                    Kind::Counter => proto::MetricType::COUNTER,
                    Kind::Gauge => proto::MetricType::GAUGE,
                    Kind::Histogram => proto::MetricType::HISTOGRAM,
                });
                family
            });
            read(&mut Observer { declared, family });
        }
        families.into_values().collect()
    }
}

/// Takes what is read of one metric.
pub struct Observer<'a> {
    declared: &'a Declared,
    family: &'a mut proto::MetricFamily,
}

impl fmt::Debug for Observer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("declared", &self.declared).finish_non_exhaustive()
    }
}

impl Observer<'_> {
    /// Shows a number, with a value for each label.
    pub fn observe(&mut self, number: f64, labels: &[&str]) {
        let mut metric = self.metric(labels);
        match self.declared.kind {
            Kind::Counter => {
                let mut counter = proto::Counter::default();
                counter.set_value(number);
                metric.set_counter(counter);
            }
            Kind::Gauge | Kind::Histogram => {
                let mut gauge = proto::Gauge::default();
                gauge.set_value(number);
                metric.set_gauge(gauge);
            }
        }
        self.family.mut_metric().push(metric);
    }

    /// Shows a distribution, with a value for each label.
    pub fn distribution(&mut self, distribution: &Distribution, labels: &[&str]) {
        let mut metric = self.metric(labels);
        let buckets = distribution.buckets.iter().map(|(bound, up_to)| {
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(*up_to);
            bucket
        });
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(distribution.count);
        histogram.set_sample_sum(distribution.sum);
        metric.set_histogram(histogram);
        self.family.mut_metric().push(metric);
    }

    /// Shows what a set of atomics has of this metric: the set's own label first.
    pub(super) fn reading(&mut self, of_set: Option<&str>, values: &[&str], reading: Reading) {
        let labels: Vec<&str> = of_set.into_iter().collect();
        match reading {
            Reading::Number(number) => self.observe(number as f64, &labels),
            Reading::Distribution(distribution) => self.distribution(&distribution, &labels),
            Reading::ByLabel(numbers) => {
                for (number, value) in numbers.into_iter().zip(values) {
                    let labels: Vec<&str> = labels.iter().chain([value]).copied().collect();
                    self.observe(number as f64, &labels);
                }
            }
        }
    }

    fn metric(&self, values: &[&str]) -> proto::Metric {
        debug_assert_eq!(values.len(), self.declared.labels.len(), "{}", self.declared.name);
        let mut pairs: Vec<proto::LabelPair> = self
            .declared
            .labels
            .iter()
            .zip(values)
            .map(|(name, value)| {
                let mut pair = proto::LabelPair::default();
                pair.set_name(name.to_string());
                pair.set_value((*value).to_owned());
                pair
            })
            .collect();
        pairs.sort_by(|one, other| one.name().cmp(other.name()));
        let mut metric = proto::Metric::default();
        metric.set_label(pairs);
        metric
    }
}
