//! A Prometheus that scrapes a cluster each second, with the rules that are deployed.

use std::{net::SocketAddr, time::Duration};

use madang_e2e::{eventually, within};
use madang_test_kit::{Cluster, Home, Process, ProcessSpec, Signal, free_address};
use serde_json::Value;

use crate::queries::file;

/// How long it may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A Prometheus. It ends with this value.
pub(crate) struct Prometheus {
    address: SocketAddr,
    _process: Process,
    /// After the process: fields are dropped in this order.
    _home: Home,
}

impl Prometheus {
    /// Starts it, and waits until it has scraped every process.
    pub(crate) async fn start(cluster: &Cluster) -> Self {
        let home = Home::create("prometheus", None).expect("a directory");
        let address = free_address().expect("a port");
        std::fs::write(home.join("prometheus.yaml"), configuration(cluster)).expect("the configuration");
        let flag = |name: &str, value: String| format!("--{name}={value}").into();
        let process = Process::spawn(ProcessSpec {
            name: "prometheus".to_owned(),
            program: program(),
            arguments: vec![
                flag("config.file", home.join("prometheus.yaml").display().to_string()),
                flag("storage.tsdb.path", home.join("data").display().to_string()),
                flag("web.listen-address", address.to_string()),
            ],
            environment: Vec::new(),
            directory: home.path().to_owned(),
            log: home.join("prometheus.log"),
            account: None,
            stop_signal: Signal::TERM,
        })
        .expect("prometheus is installed");
        let prometheus = Self { address, _process: process, _home: home };
        let targets = cluster.services().count();
        eventually(START, "Prometheus to scrape every process", async || {
            let up = prometheus.ask("query", &[("query", "count(up == 1)")]).await.ok()?;
            let count = up["result"][0]["value"][1].as_str()?.parse::<usize>().ok()?;
            (count == targets).then_some(())
        })
        .await;
        prometheus
    }

    /// The names of all series.
    pub(crate) async fn names(&self) -> Vec<String> {
        let names = self.ask("label/__name__/values", &[]).await.expect("the names");
        let names = names.as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// How many series a query answers with a number: what is divided by nothing has none.
    pub(crate) async fn query(&self, query: &str) -> Result<usize, String> {
        let answer = self.ask("query", &[("query", query)]).await?;
        let series = answer["result"].as_array().into_iter().flatten();
        let values = series.filter_map(|series| series["value"][1].as_str());
        Ok(values.filter(|value| value.parse::<f64>().is_ok_and(|number| !number.is_nan())).count())
    }

    /// All rules.
    pub(crate) async fn rules(&self) -> Vec<Value> {
        let rules = self.ask("rules", &[]).await.expect("the rules");
        let groups = rules["groups"].as_array().cloned().unwrap_or_default();
        groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// The rules that could not be evaluated, and why.
    pub(crate) async fn failing_rules(&self) -> Vec<String> {
        let rules = self.rules().await.into_iter();
        let failing = rules.filter(|rule| rule["health"] != "ok");
        failing
            .map(|rule| format!("the rule {} is {}: {}", rule["name"], rule["health"], rule["lastError"]))
            .collect()
    }

    async fn ask(&self, what: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let mut url = reqwest::Url::parse(&format!("http://{}/api/v1/{what}", self.address)).expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        let asking = async { reqwest::get(url).await?.bytes().await };
        let answer = within(START, "an answer of Prometheus", asking).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].take()),
            _ => Err(answer["error"].to_string()),
        }
    }
}

/// The jobs have the names that alerts and dashboards use.
fn configuration(cluster: &Cluster) -> String {
    let jobs = cluster.services().fold(String::new(), |jobs, service| {
        let (job, target) = (service.program().binary(), service.ops_address());
        format!("{jobs}      - {{ targets: [\"{target}\"], labels: {{ job: {job} }} }}\n")
    });
    let rules = file("deploy/prometheus/alerts.yaml");
    format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
         rule_files: [{}]\n\
         scrape_configs:\n  - job_name: madang\n    static_configs:\n{jobs}",
        rules.display()
    )
}

fn program() -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|directory| directory.join("prometheus"))
        .find(|file| file.is_file());
    found.expect("prometheus is not installed: scripts/install-deploy-tools.sh")
}
