//! What the files of this repository ask Prometheus.

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// What Grafana puts in for its variables, here.
const VARIABLES: [(&str, &str); 3] = [("$__rate_interval", "10s"), ("$__range", "1m"), ("$instance", ".+")];

/// A query, and where it stands.
#[derive(Debug)]
pub(crate) struct Query {
    /// The dashboard and the panel, or the rule.
    pub place: String,
    /// In Prometheus' language.
    pub text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    root().join(path).canonicalize().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The metrics in the tables of `docs/operations.md`.
pub(crate) fn documented_metrics() -> BTreeSet<String> {
    const HEAD: &str = "| metric | type | labels | in | meaning |";
    let document = read(&file("docs/operations.md"));
    let mut lines = document.lines();
    let mut metrics = BTreeSet::new();
    while lines.any(|line| line == HEAD) {
        let rows = lines.by_ref().skip(1).take_while(|line| line.starts_with('|'));
        metrics.extend(rows.filter_map(|row| row.split('`').nth(1)).map(str::to_owned));
    }
    metrics
}

/// The queries of all dashboards.
pub(crate) fn of_dashboards() -> Vec<Query> {
    let directory = std::fs::read_dir(file("deploy/grafana/dashboards")).expect("the dashboards");
    let mut queries = Vec::new();
    for entry in directory {
        let path = entry.expect("a dashboard").path();
        let dashboard: Value = serde_json::from_str(&read(&path)).expect("JSON");
        let variables = dashboard["templating"]["list"].as_array().expect("variables");
        for panel in dashboard["panels"].as_array().expect("panels") {
            let place = format!("{}: {}", text(&dashboard["title"]), text(&panel["title"]));
            let targets = panel["targets"].as_array().into_iter().flatten();
            queries.extend(targets.map(|target| {
                Query {
                    place: place.clone(),
                    text: VARIABLES
                        .into_iter()
                        .fold(text(&target["expr"]), |query, (name, value)| query.replace(name, value)),
                }
            }));
        }
        assert!(variables.iter().all(|variable| text(&variable["name"]) == "instance"), "{}", path.display());
    }
    queries
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The queries of all rules, as Prometheus has them.
pub(crate) fn of_alerts(rules: &[Value]) -> Vec<Query> {
    let query = |rule: &Value| Query { place: text(&rule["name"]), text: text(&rule["query"]) };
    rules.iter().map(query).collect()
}

/// What an alert compares with numbers: one expression, or those that it joins by `and` and `or`; the whole query, where it
/// is something else.
pub(crate) fn without_thresholds(query: &str) -> Vec<&str> {
    let is_threshold =
        |text: &str| text.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, ' ' | '.' | '*'));
    let compared = |part: &'_ str| {
        let mut comparison = [" > ", " < ", " == "].into_iter().filter_map(|sign| part.rsplit_once(sign));
        comparison.find(|(_, number)| is_threshold(number)).map(|(compared, _)| compared.len())
    };
    let parts = query.split(" or ").flat_map(|joined| joined.split(" and "));
    let parts = parts.map(|part| without_half_parentheses(part.trim()));
    let cut = parts.map(|part| compared(part).map(|end| &part[..end]));
    cut.collect::<Option<_>>().unwrap_or_else(|| vec![query])
}

/// Takes off the parentheses at the ends of a part that begin or end outside of it.
fn without_half_parentheses(mut part: &str) -> &str {
    loop {
        let (opened, closed) = (part.matches('(').count(), part.matches(')').count());
        let stripped = match opened.cmp(&closed) {
            Ordering::Greater => part.strip_prefix('('),
            Ordering::Less => part.strip_suffix(')'),
            Ordering::Equal => None,
        };
        match stripped {
            Some(rest) => part = rest.trim(),
            None => return part,
        }
    }
}

#[test]
fn the_thresholds_are_what_stands_last() {
    for (query, compared) in [
        ("sum by (job) (rate(x[5m])) > 0", vec!["sum by (job) (rate(x[5m]))"]),
        ("up{job=~\"a\"} == 0", vec!["up{job=~\"a\"}"]),
        ("x > 32 * 86400", vec!["x"]),
        ("x - time() < 86400", vec!["x - time()"]),
        ("1 - a / (b > 0)", vec!["1 - a / (b > 0)"]),
        ("rate(x[5m]) or vector(0)", vec!["rate(x[5m]) or vector(0)"]),
        ("(x > 1 and rate(y[5m]) > 2 * 0.1) or z > 3", vec!["x", "rate(y[5m])", "z"]),
    ] {
        assert_eq!(without_thresholds(query), compared);
    }
}
