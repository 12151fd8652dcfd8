//! The list of all metrics: what each is called where it is shown, what it counts and which labels it has.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use madang_counters::Kind;

/// What a metric that is read at the scrape needs to be declared.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// How it behaves.
    pub kind: Kind,
    /// The name, in parts that dots separate.
    pub name: &'static str,
    /// The unit in UCUM; seconds (`s`) and bytes (`By`) become a suffix.
    pub unit: &'static str,
    /// A sentence for the reader of the metric.
    pub description: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}

impl Described {
    /// A gauge without labels.
    #[must_use]
    pub const fn gauge(name: &'static str, unit: &'static str, description: &'static str) -> Self {
        Self { kind: Kind::Gauge, name, unit, description, labels: &[] }
    }

    /// A counter without labels.
    #[must_use]
    pub const fn counter(name: &'static str, unit: &'static str, description: &'static str) -> Self {
        Self { kind: Kind::Counter, name, unit, description, labels: &[] }
    }

    /// The same with labels.
    #[must_use]
    pub const fn by(self, labels: &'static [&'static str]) -> Self {
        Self { labels, ..self }
    }
}

/// A metric as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The name. A histogram's series have `_bucket`, `_sum` and `_count` behind it.
    pub name: String,
    /// How it behaves.
    pub kind: Kind,
    /// A sentence for the reader of the metric.
    pub description: &'static str,
    /// The names of its labels.
    pub labels: Vec<Cow<'static, str>>,
}

/// The metrics that were declared, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue(Arc<Mutex<BTreeMap<String, Arc<Declared>>>>);

impl Catalogue {
    /// Notes a metric. Two services of one process may both declare it, in the same way.
    pub(super) fn declare<L: Into<Cow<'static, str>>>(
        &self,
        kind: Kind,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        labels: Vec<L>,
    ) -> Arc<Declared> {
        let labels = labels.into_iter().map(Into::into).collect();
        let declared = Arc::new(Declared { name: shown_name(name, unit, kind), kind, description, labels });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.entry(declared.name.clone()).or_insert_with(|| Arc::clone(&declared));
        debug_assert_eq!(*before, declared, "two metrics of one name");
        declared
    }

    pub(super) fn all(&self) -> Vec<Declared> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().map(|declared| Declared::clone(declared)).collect()
    }
}

/// What Prometheus calls a metric: the unit behind the name, then `_total` for a counter. The exporter of OpenTelemetry,
/// which shows recorders, does the same.
fn shown_name(name: &str, unit: &str, kind: Kind) -> String {
    let mut shown = name.replace('.', "_");
    match unit {
        "s" => shown.push_str("_seconds"),
        "By" => shown.push_str("_bytes"),
        _ => debug_assert!(unit.is_empty() || unit.starts_with('{'), "{name}: the unit {unit} has no suffix"),
    }
    if kind == Kind::Counter {
        shown.push_str("_total");
    }
    shown
}

/// What Prometheus calls a label.
pub(super) fn shown_label(label: &'static str) -> Cow<'static, str> {
    if label.contains('.') { Cow::Owned(label.replace('.', "_")) } else { Cow::Borrowed(label) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_units_and_total_are_suffixes() {
        for (name, unit, kind, shown) in [
            ("madang.sent", "By", Kind::Counter, "madang_sent_bytes_total"),
            ("madang.call.duration", "s", Kind::Histogram, "madang_call_duration_seconds"),
            ("madang.frames", "{frame}", Kind::Counter, "madang_frames_total"),
            ("madang.build_info", "", Kind::Gauge, "madang_build_info"),
        ] {
            assert_eq!(shown_name(name, unit, kind), shown);
        }
        assert_eq!(shown_label("http.route"), "http_route");
    }
}
