//! A real Prometheus scrapes a real cluster: it has every metric that the documents name, takes the rules, and each query
//! of the dashboards answers something. `make test-metrics` runs it; it needs the program `prometheus`.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

mod queries;
mod server;
mod traffic;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_e2e::Stage;
use madang_test_kit::{ClusterOptions, Program, ServiceCertificates};

use self::{
    queries::{Query, documented_metrics, of_alerts, of_dashboards, without_thresholds},
    server::Prometheus,
};

/// How long people talk before somebody looks: rates are of half of it.
const TALK: Duration = Duration::from_secs(20);

/// The queries that may have no data in a system where nothing is wrong, and why.
const MAY_BE_EMPTY: [(&str, &str); 1] =
    [("Failures of the server, by route", "a route appears with its first failure")];

fn may_be_empty(query: &Query) -> Option<&'static str> {
    MAY_BE_EMPTY.into_iter().find(|(panel, _)| query.place.ends_with(panel)).map(|(_, why)| why)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Prometheus: make test-metrics"]
async fn every_metric_is_there_and_every_query_answers() {
    let certificates = ServiceCertificates::new().expect("certificates");
    let options = ClusterOptions { certificates: Some(Arc::new(certificates)), ..ClusterOptions::default() };
    // A limit that somebody reaches.
    let options = options.with_setting(Program::Gateway, "MADANG_ROOM_CREATIONS_PER_MINUTE", "1");
    let stage = Stage::start(options).await;
    let prometheus = Prometheus::start(&stage.cluster).await;
    traffic::talk(&stage, TALK).await;

    let mut wrong = Vec::new();
    let shown: BTreeSet<String> = prometheus.names().await.into_iter().collect();
    let documented = documented_metrics();
    for metric in &documented {
        if !shown.contains(metric) && !shown.contains(&format!("{metric}_count")) {
            wrong.push(format!("{metric} is documented, and Prometheus has not seen it"));
        }
    }
    println!("{} documented metrics; Prometheus has {} names", documented.len(), shown.len());

    let (mut answered, mut empty) = (0, Vec::new());
    for query in of_dashboards() {
        match prometheus.query(&query.text).await {
            Ok(series) if series > 0 => answered += 1,
            Ok(_) => match may_be_empty(&query) {
                Some(why) => empty.push(format!("{}: {why}", query.place)),
                None => wrong.push(format!("{}: no data for {}", query.place, query.text)),
            },
            Err(error) => wrong.push(format!("{}: {error}: {}", query.place, query.text)),
        }
    }
    println!("{answered} queries of dashboards have data; without: {empty:?}");

    wrong.extend(prometheus.failing_rules().await);
    let alerts = of_alerts(&prometheus.rules().await);
    for query in &alerts {
        // What an alert compares must be there, or it would never fire.
        for compared in without_thresholds(&query.text) {
            match prometheus.query(compared).await {
                Ok(series) if series > 0 => {}
                Ok(_) => wrong.push(format!("{}: no data for {compared}", query.place)),
                Err(error) => wrong.push(format!("{}: {error}: {compared}", query.place)),
            }
        }
    }
    println!("{} rules of alerts and objectives have data to judge", alerts.len());
    assert!(alerts.len() > 30 && answered > 100, "{} rules, {answered} queries", alerts.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
