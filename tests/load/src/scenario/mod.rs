//! The works that are measured, and the run through them.

mod appends;
mod connections;
mod fan_out;
mod idle;
mod presence;
mod side;

use std::{
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::ValueEnum;
use tokio::runtime::Runtime;

use self::side::Side;
use crate::{
    cli::with_sources,
    fleet::FleetError,
    layout::Shape,
    limits::TooFewFiles,
    measure::process::ProcessError,
    progress::Progress,
    report::{Report, Row},
    site::{Account, Site, SiteError},
    target::{Part, Target, TargetError},
    workers::Workers,
};

/// Registering costs a password hash each, so few accounts carry many sockets; enough of them that none comes
/// near the 20 sends a second that a user may make.
const ACCOUNTS: usize = 200;
/// The most sockets of any scenario.
pub const SOCKETS_MAX: u64 = 10_000;

/// A work that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// 5,000 idle sockets: memory.
    Idle,
    /// 10 rooms × 100 sockets × 10 messages/s.
    FanOut,
    /// 10 rooms × 1,000 sockets × 10 messages/s.
    FanOutLarge,
    /// 500 rooms of 2 × 2 messages/s.
    Pairs,
    /// 256 callers of the message store, over gRPC.
    Appends,
    /// Connect, authenticate, subscribe, close.
    Connections,
    /// 2,000 users enter and leave 20 rooms within 10 s.
    Presence,
}

impl Scenario {
    /// All, in the order in which they are run: memory first, while the gateways are fresh.
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::FanOut,
        Self::FanOutLarge,
        Self::Pairs,
        Self::Appends,
        Self::Connections,
        Self::Presence,
    ];

    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "5,000 idle sockets",
            Self::FanOut => "10 rooms x 100 sockets x 10/s",
            Self::FanOutLarge => "10 rooms x 1,000 sockets x 10/s",
            Self::Pairs => "500 rooms of 2 x 2/s",
            Self::Appends => "appends over gRPC, 256 callers",
            Self::Connections => "connect, subscribe, close",
            Self::Presence => "2,000 users enter and leave 20 rooms",
        }
    }
}

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The length of each window.
    pub window: Duration,
}

/// A run or a work that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The cluster is not there.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The machine does not allow the sockets.
    #[error(transparent)]
    Files(#[from] TooFewFiles),
    /// The set-up failed.
    #[error("the set-up failed")]
    Site(#[from] SiteError),
    /// The clients failed.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A process ended in the middle.
    #[error("a process under load cannot be measured; has it ended?")]
    Process(#[from] ProcessError),
    /// The cluster of this run did not start or stop.
    #[error("the cluster")]
    Kit(#[from] madang_test_kit::Error),
    /// There is no message store to call.
    #[error("the cluster has no message store")]
    NoStore,
    /// The list of processes does not say how to connect to PostgreSQL.
    #[error("the cluster's PostgreSQL has no URL")]
    NoDatabaseUrl,
    /// A message store's address is none.
    #[error("a message store cannot be called")]
    Channel(#[from] tonic::transport::Error),
    /// There is no Redis to ask.
    #[error("the cluster has no Redis")]
    NoRedis,
    /// Redis does not say what it did.
    #[error("Redis does not tell its statistics")]
    Redis(#[from] redis::RedisError),
    /// A gateway does not say what it did.
    #[error("a gateway's metrics cannot be read")]
    Metrics(#[source] reqwest::Error),
    /// PostgreSQL fails the bare inserts.
    #[error("the bare inserts failed")]
    Database(#[from] sqlx::Error),
    /// A gateway's answer is outside the contract.
    #[error("the gateway gave an id or a name that is none")]
    Invalid(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The bare server or an output failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The report cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// A run.
pub struct Bench<'a> {
    runtime: &'a Runtime,
    cluster: Option<Cluster>,
    settings: Settings,
    progress: Progress,
    /// Distinguishes this run's names and keys from those of others on the same cluster.
    run: String,
}

/// A cluster and this run's accounts in it.
struct Cluster {
    target: Target,
    site: Site,
    accounts: Vec<Account>,
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
                let site = Site::new(target.addresses(Part::Gateway))?;
                let accounts = runtime.block_on(site.register(&run, ACCOUNTS))?;
                Some(Cluster { target, site, accounts })
            }
        };
        Ok(Self { runtime, cluster, settings, progress, run })
    }

    /// Does the works one after the other. One that fails is reported, and the next is done.
    #[must_use]
    pub fn run(&mut self, scenarios: &[Scenario]) -> Report {
        let mut report = Report { conditions: self.conditions(), ..Report::default() };
        for scenario in scenarios {
            match self.measure(*scenario) {
                Ok(rows) => report.rows.extend(rows),
                Err(error) => report.failures.push((scenario.name().to_owned(), with_sources(&error))),
            }
        }
        self.progress.done();
        report
    }

    fn measure(&mut self, scenario: Scenario) -> Result<Vec<Row>, BenchError> {
        match scenario {
            Scenario::Idle => idle::measure(self),
            Scenario::FanOut => fan_out::measure(self, &fan_out::SMALL),
            Scenario::FanOutLarge => fan_out::measure(self, &fan_out::LARGE),
            Scenario::Pairs => fan_out::measure(self, &fan_out::PAIRS),
            Scenario::Appends => appends::measure(self),
            Scenario::Connections => connections::measure(self),
            Scenario::Presence => presence::measure(self),
        }
    }

    /// Measures the cluster, where there is one, and then the bare server: `work` does it for either side.
    fn on_both_sides<T>(
        &mut self,
        name: &str,
        shape: Shape,
        mut work: impl FnMut(&Side, &str) -> Result<T, BenchError>,
    ) -> Result<Both<T>, BenchError> {
        self.progress.say(&format!("{name}: the cluster"));
        let cluster = match &mut self.cluster {
            None => None,
            Some(Cluster { target, site, accounts }) => {
                let side = self.runtime.block_on(Side::of_cluster(target, site, accounts, shape))?;
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

    fn conditions(&self) -> Vec<(String, String)> {
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
struct Both<T> {
    cluster: Option<T>,
    bare: T,
}

impl<T> Both<T> {
    /// A row with the cluster's value beside the bare server's; the latter alone where there is no cluster.
    fn row(&self, work: Scenario, figure: &'static str, unit: &'static str, of: impl Fn(&T) -> f64) -> Row {
        match &self.cluster {
            Some(cluster) => Row::new(work.name(), figure, of(cluster), unit).beside(Some(of(&self.bare))),
            None => Row::new(work.name(), figure, of(&self.bare), unit),
        }
    }
}
