//! The table of metrics in `docs/operations.md` says what the programs show: which metrics there are, in which program,
//! of which type and with which labels. Alerts, dashboards and manifests name no others.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::Parser as _;
use madang_kit::{
    Host, Lifecycle,
    metrics::{Declared, Kind},
};

/// The head of a table of metrics.
const HEAD: &str = "| metric | type | labels | in | meaning |";

/// The letters of the programs in the document, in its order.
const PROGRAMS: [char; 4] = ['A', 'G', 'U', 'S'];

/// The beginnings of names of metrics.
const PREFIXES: [&str; 5] = ["madang_", "http_server_", "rpc_server_", "process_", "tokio_"];

/// What programs with certificates have; those that are started here have none.
const OF_CERTIFICATES: [(&str, &str); 3] = [
    ("madang_tls_certificate_not_after_timestamp_seconds", "gauge"),
    ("madang_tls_reloads_total", "counter"),
    ("madang_tls_failed_reloads_total", "counter"),
];

/// A metric, as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    kind: String,
    labels: String,
    programs: String,
}

/// The metrics of each program, which is started for that.
async fn declared() -> BTreeMap<String, Row> {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let database = |name: &str| format!("sqlite://{data}/{name}.db");
    let (any, accounts, messages) = ("127.0.0.1:0", database("accounts"), database("messages"));
    let life = Lifecycle::default();
    let host = |name| Host::new(name, life.clone()).unwrap();
    let hosts = [host("madang"), host("madang-gateway"), host("madang-auth"), host("madang-message-store")];
    let [a, g, u, s] = hosts.clone();
    let _running = [
        madang::run(madang::Cli::parse_from(["madang", "--http-addr", any, "--data-dir", data]), a)
            .await
            .unwrap(),
        madang_gateway::run(madang_gateway::Cli::parse_from(["madang-gateway", "--http-addr", any]), g)
            .await
            .unwrap(),
        madang_auth::run(
            madang_auth::Cli::parse_from([
                "madang-auth",
                "--grpc-addr",
                any,
                "--ops-addr",
                any,
                "--database-url",
                &accounts,
            ]),
            u,
        )
        .await
        .unwrap(),
        madang_message_store::run(
            madang_message_store::Cli::parse_from([
                "madang-message-store",
                "--grpc-addr",
                any,
                "--database-url",
                &messages,
            ]),
            s,
        )
        .await
        .unwrap(),
    ];
    let mut all: BTreeMap<String, Row> = BTreeMap::new();
    for (program, host) in PROGRAMS.into_iter().zip(hosts) {
        for Declared { name, kind, labels, .. } in host.metrics.declared() {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            let new = Row { kind: kind.to_owned(), labels: labels.join(", "), programs: String::new() };
            let row = all.entry(name).or_insert(new);
            row.programs = if row.programs.is_empty() {
                program.to_string()
            } else {
                format!("{} {program}", row.programs)
            };
        }
    }
    for (name, kind) in OF_CERTIFICATES {
        let (labels, programs) = ("usage".to_owned(), "A G U S".to_owned());
        all.insert(name.to_owned(), Row { kind: kind.to_owned(), labels, programs });
    }
    life.kill();
    all
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is wrong with the tables of a document.
fn wrong(document: &str, declared: &BTreeMap<String, Row>) -> Vec<String> {
    let (mut wrong, mut documented) = (Vec::new(), BTreeSet::new());
    let mut lines = document.lines();
    while lines.any(|line| line == HEAD) {
        for line in lines.by_ref().skip(1).take_while(|line| line.starts_with('|')) {
            let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            let [_, name, kind, labels, programs, ..] = cells.as_slice() else {
                panic!("too few cells: {line}")
            };
            let row = Row { kind: kind.clone(), labels: labels.clone(), programs: programs.clone() };
            if !documented.insert(name.clone()) {
                wrong.push(format!("{name}: two rows"));
            }
            match declared.get(name) {
                None => wrong.push(format!("{name}: no program has it")),
                Some(declared) if *declared != row => {
                    wrong.push(format!("{name} is {declared:?}, and the document says {row:?}"));
                }
                Some(_) => {}
            }
        }
    }
    let missing = declared.iter().filter(|(name, _)| !documented.contains(*name));
    wrong.extend(missing.map(|(name, row)| {
        format!("in no table: | `{name}` | {} | {} | {} | |", row.kind, row.labels, row.programs)
    }));
    wrong
}

/// What has a name of the same form: a crate in directives for the log, and a role of the database.
const OTHERS: [&str; 2] = ["madang_bus", "madang_serve"];

/// The words of a text that look like metrics and are none.
fn unknown(text: &str, declared: &BTreeMap<String, Row>) -> BTreeSet<String> {
    let labels: BTreeSet<&str> =
        declared.values().flat_map(|row| row.labels.split(", ")).filter(|label| !label.is_empty()).collect();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let words = text.split(|letter: char| !is_part(letter));
    let names = words.filter(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix)));
    // A colon stands in paths of the code, and in the names of recording rules.
    let names = names.filter(|name| !name.contains(':') && !OTHERS.contains(name));
    let is_known = |name: &str| {
        let series = ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
        declared.contains_key(name)
            || labels.contains(name)
            || series.and_then(|of| declared.get(of)).is_some_and(|row| row.kind == "histogram")
    };
    names.filter(|name| !is_known(name)).map(str::to_owned).collect()
}

/// The files that ask for metrics.
fn asking() -> Vec<PathBuf> {
    let dashboards = std::fs::read_dir(root().join("deploy/grafana/dashboards")).unwrap();
    let dashboards = dashboards.map(|entry| entry.unwrap().path());
    let others = [
        "deploy/prometheus/alerts.yaml",
        "deploy/prometheus/alerts_test.yaml",
        "k8s/components/monitoring/alerts.yaml",
        "k8s/components/autoscaling/autoscalers.yaml",
        "docs/kubernetes.md",
        "docs/operations.md",
    ];
    dashboards.chain(others.map(|file| root().join(file))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_alerts_and_dashboards_have_the_metrics_that_there_are() {
    let declared = declared().await;
    assert!(declared.len() > 60, "{declared:?}");
    let wrong = wrong(&read(&root().join("docs/operations.md")), &declared);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for file in asking() {
        let unknown = unknown(&read(&file), &declared);
        assert!(unknown.is_empty(), "{} asks for what there is not: {unknown:?}", file.display());
    }
}

#[test]
fn each_kind_of_mistake_is_named() {
    let row = |kind: &str, labels: &str, programs: &str| Row {
        kind: kind.to_owned(),
        labels: labels.to_owned(),
        programs: programs.to_owned(),
    };
    let declared = BTreeMap::from([
        ("madang_a_total".to_owned(), row("counter", "reason", "A G")),
        ("madang_b_seconds".to_owned(), row("histogram", "", "S")),
    ]);
    let table = |rows: &[&str]| {
        let text = format!("{HEAD}\n| --- | --- | --- | --- | --- |\n{}\n", rows.join("\n"));
        wrong(&text, &declared)
    };
    let (a, b) = (
        "| `madang_a_total` | counter | `reason` | A G | … |",
        "| `madang_b_seconds` | histogram | | S | … |",
    );
    assert_eq!(table(&[a, b]), Vec::<String>::new());
    for (rows, mistake) in [
        ([&a.replace("counter", "gauge"), b], "madang_a_total is "),
        ([&a.replace("reason", "room"), b], "madang_a_total is "),
        ([&a.replace("A G", "A"), b], "madang_a_total is "),
        ([&a.replace("madang_a", "madang_c"), b], "madang_c_total: no program has it"),
        ([a, ""], "in no table: | `madang_b_seconds`"),
        ([a, a], "madang_a_total: two rows"),
    ] {
        let wrong = table(&rows);
        assert!(wrong.iter().any(|wrong| wrong.starts_with(mistake)), "{rows:?}: {wrong:?}");
    }
    let known =
        "rate(madang_a_total{reason=\"x\"}[5m]) madang_b_seconds_bucket madang-gateway slo:madang_x:rate";
    assert!(unknown(known, &declared).is_empty());
    assert_eq!(unknown("madang_a_total_count + madang_c", &declared).len(), 2);
}
