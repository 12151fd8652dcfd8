//! A run: what it measures, and how the works are done on both sides of a comparison.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::Runtime;

use super::{kind::Scenario, side::Side};
use crate::{
    error::BenchError,
    hostile::Attack,
    layout::Shape,
    progress::Progress,
    report::Row,
    rest_api::{Account, RestApi},
    target::{Part, Target},
    workers::Workers,
};

/// Registering costs a password hash each, so few accounts carry many sockets; enough of them that none comes
/// near the 20 sends a second that a user may make.
const ACCOUNTS: usize = 200;

/// How to measure.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The length of each window.
    pub window: Duration,
    /// The attacks of the hostile scenario.
    pub attacks: Vec<Attack>,
}

/// A run.
pub struct Bench<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) cluster: Option<Cluster>,
    pub(super) settings: Settings,
    pub(super) progress: Progress,
    /// Distinguishes this run's names and keys from those of others on the same cluster.
    pub(super) run: String,
}

/// A cluster and this run's accounts in it.
pub(super) struct Cluster {
    pub(super) target: Target,
    pub(super) api: RestApi,
    pub(super) accounts: Vec<Account>,
}

impl<'a> Bench<'a> {
    /// Prepares a run against a cluster, or against the bare server alone where there is none.
    ///
    /// # Errors
    /// When the accounts cannot be made.
    pub fn new(runtime: &'a Runtime, target: Option<Target>, settings: Settings) -> Result<Self, BenchError> {
        let progress = Progress::default();
        let run = name_of_run();
        let cluster = match target {
            None => None,
            Some(target) => {
                progress.say(&format!("registering {ACCOUNTS} accounts"));
                let api = RestApi::new(target.addresses(Part::Gateway))?;
                let accounts = runtime.block_on(api.register(&run, ACCOUNTS))?;
                Some(Cluster { target, api, accounts })
            }
        };
        Ok(Self { runtime, cluster, settings, progress, run })
    }

    /// Measures the cluster, where there is one, and then the bare server: `work` does it for either side.
    pub(super) fn on_both_sides<T>(
        &mut self,
        name: &str,
        shape: Shape,
        mut work: impl FnMut(&Side, &str) -> Result<T, BenchError>,
    ) -> Result<Both<T>, BenchError> {
        self.progress.say(&format!("{name}: the cluster"));
        let cluster = match &mut self.cluster {
            None => None,
            Some(Cluster { target, api, accounts }) => {
                let side = self.runtime.block_on(Side::of_cluster(target, api, accounts, shape))?;
                Some(work(&side, &self.run)?)
            }
        };
        self.progress.say(&format!("{name}: the bare server"));
        let bare = work(&Side::bare(shape)?, &self.run)?;
        Ok(Both { cluster, bare })
    }

    /// The worker threads, as the processes were started.
    fn workers(&self, cores: usize) -> String {
        let Some(Cluster { target, .. }) = &self.cluster else { return "no services".to_owned() };
        let services = target
            .processes
            .iter()
            .filter(|process| matches!(process.part, Part::Gateway | Part::Auth | Part::Store));
        let mut workers: Vec<_> = services
            .map(|process| match Workers::of_process(process.pid) {
                Some(Workers::Default) => format!("default, one a core ({cores})"),
                Some(workers) => workers.to_string(),
                None => "unknown".to_owned(),
            })
            .collect();
        workers.sort();
        workers.dedup();
        workers.join("; ")
    }

    /// The machine and the parameters.
    pub(super) fn conditions(&self) -> Vec<(String, String)> {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let of = match &self.cluster {
            None => "the bare server alone".to_owned(),
            Some(Cluster { target, .. }) => {
                let names: Vec<_> = target.processes.iter().map(|process| process.name.as_str()).collect();
                names.join(", ")
            }
        };
        vec![
            ("measured".to_owned(), of),
            ("worker threads of each process of the services".to_owned(), self.workers(cores)),
            ("cores, shared with the generator".to_owned(), cores.to_string()),
            ("window".to_owned(), format!("{:?}", self.settings.window)),
        ]
    }
}

/// Differs from that of any other run on the same cluster, and is short: it is part of names and keys.
fn name_of_run() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "it names a run on a real cluster; nothing is computed from it"
    )]
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", since_1970.as_millis())
}

/// The same measurement of the cluster and of the bare server.
pub(super) struct Both<T> {
    pub(super) cluster: Option<T>,
    pub(super) bare: T,
}

impl<T> Both<T> {
    /// A row with the cluster's value beside the bare server's; the latter alone where there is no cluster.
    pub(super) fn row(
        &self,
        work: Scenario,
        figure: &'static str,
        unit: &'static str,
        of: impl Fn(&T) -> f64,
    ) -> Row {
        match &self.cluster {
            Some(cluster) => Row::new(work.name(), figure, of(cluster), unit).beside(Some(of(&self.bare))),
            None => Row::new(work.name(), figure, of(&self.bare), unit),
        }
    }
}
