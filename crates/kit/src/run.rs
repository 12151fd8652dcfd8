//! The frame of a process: everything around the services that run in it.

use std::{future::Future, process::ExitCode, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    CommonSettings, Lifecycle, Metrics, OpsSettings, Readiness, Running, StartError,
    clock::{Clock, Random, SystemClock, SystemRandom},
    config::{self, Invocation},
    doctor::Finding,
    file_limit::{FileLimit, Raised},
    inspect::inspect,
    lifecycle::{DEFAULT_DRAIN, Outcome, with_causes},
    ops, telemetry,
};

/// The settings of a whole process.
pub trait Application: clap::Parser {
    /// What every process has.
    fn common(&self) -> &CommonSettings;

    /// The operations port, unless the process serves those routes elsewhere.
    fn ops(&self) -> Option<&OpsSettings> {
        None
    }

    /// What the subcommand `doctor` finds by these settings, besides what the kit looks at by itself. It changes nothing,
    /// and every question that it asks has a deadline.
    fn examine(&self, _clock: Arc<dyn Clock>) -> impl Future<Output = Vec<Finding>> {
        async { Vec::new() }
    }
}

/// What a process gives to the services in it.
#[derive(Clone)]
pub struct Host {
    /// The process's life; a service runs in a [child](Lifecycle::child) of it.
    pub lifecycle: Lifecycle,
    /// The process's readiness; a service adds its checks.
    pub readiness: Readiness,
    /// The process's metrics; a service adds its instruments.
    pub metrics: Metrics,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("lifecycle", &self.lifecycle).finish_non_exhaustive()
    }
}

impl Host {
    /// A host with the machine's clock and randomness, for [`run`] and for tests.
    ///
    /// # Errors
    ///
    /// When the metrics cannot be set up, which would be a defect.
    pub fn new(name: &'static str, lifecycle: Lifecycle) -> Result<Self, StartError> {
        let metrics =
            Metrics::new(name).map_err(|error| StartError::dependency("the metrics exporter", error))?;
        let readiness = Readiness::new();
        metrics.observe_readiness(&readiness);
        Ok(Self {
            lifecycle,
            readiness,
            metrics,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        })
    }
}

/// The exit code after a mistake in the settings.
const BAD_SETTING: u8 = 2;

/// Runs a process: reads its settings, raises the limit of open files to its hard limit, starts telemetry and the operations port, then the services by
/// `start`, and stays until a signal or a failure ends it.
///
/// The first SIGTERM or SIGINT begins the soft shutdown, also while `start` still waits for something; a
/// second one, or the drain time, the hard one. The operations port answers until the services have ended,
/// and the last traces leave after them. The exit code is 0 after an orderly shutdown and 2 after a mistake
/// in the settings. It is 1 after a failed start or task, and if work had to be aborted.
///
/// With the subcommands `doctor` and `config print` it looks at the settings instead.
pub fn run<S, F, A>(name: &'static str, start: F) -> ExitCode
where
    S: Application,
    F: FnOnce(S, Host) -> A,
    A: Future<Output = Result<Running, StartError>>,
{
    let (settings, renamed) = match config::parse::<S>() {
        Invocation::Run(settings, renamed) => (settings, renamed),
        Invocation::Inspect(task, explanation) => {
            return inspect(name, task, &explanation, async |settings, clock| settings.examine(clock).await);
        }
    };
    let raised = FileLimit::raise();
    // One thread alone needs no scheduler that could share work with others.
    let mut runtime = match settings.common().worker_threads {
        Some(1) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if let Some(threads) = settings.common().worker_threads {
        runtime.worker_threads(threads.into());
    }
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(name, &StartError::dependency("the runtime", error)),
    };
    runtime.block_on(async {
        let common = settings.common().clone();
        let guard = match telemetry::init(name, &common) {
            Ok(guard) => guard,
            Err(error) => {
                let is_setting = error.is_setting();
                let failure = complain(name, &StartError::dependency("telemetry", error));
                return if is_setting { BAD_SETTING.into() } else { failure };
            }
        };
        for config::Renamed { given, now } in renamed {
            tracing::warn!("the setting {given} has a new name: use {now}");
        }
        let lifecycle = Lifecycle::new(name, common.drain);
        let code = match live(name, settings, lifecycle, raised, start).await {
            Ok(outcome) => report(name, &outcome),
            Err(error) => {
                tracing::error!(error = %with_causes(&error), "{name} did not start");
                if matches!(error, StartError::Setting { .. }) {
                    BAD_SETTING.into()
                } else {
                    ExitCode::FAILURE
                }
            }
        };
        guard.shutdown().await;
        code
    })
}

async fn live<S, F, A>(
    name: &'static str,
    settings: S,
    lifecycle: Lifecycle,
    raised: Raised,
    start: F,
) -> Result<Outcome, StartError>
where
    S: Application,
    F: FnOnce(S, Host) -> A,
    A: Future<Output = Result<Running, StartError>>,
{
    let host = Host::new(name, lifecycle.clone())?;
    let readiness = host.readiness.clone();
    let starting = readiness.check_failing("start", "starting");

    // Whatever begins the shutdown, readiness says so first thing.
    let (soft, draining) = (lifecycle.soft().clone(), readiness.clone());
    lifecycle.tasks().spawn("readiness", async move {
        soft.cancelled().await;
        draining.drain();
    });
    lifecycle.tasks().spawn_background("signals", follow_signals(lifecycle.clone())?);

    // A life of its own: the port answers for as long as anything here lives.
    let ops_life = Lifecycle::new("ops", DEFAULT_DRAIN);
    let ops_address = match settings.ops() {
        Some(settings) => {
            let address = settings.ops_addr;
            Some(ops::serve(address, readiness, host.metrics.clone(), &ops_life).await?)
        }
        None => None,
    };

    let running = tokio::select! {
        biased;
        started = start(settings, host) => started.map(Some),
        () = lifecycle.soft().cancelled() => Ok(None),
    };
    let failure = match running {
        Ok(running) => {
            if let Some(running) = &running {
                starting.ready();
                announce(running, ops_address, &raised);
            }
            None
        }
        Err(error) => {
            lifecycle.stop();
            Some(error)
        }
    };
    let outcome = lifecycle.finished().await;
    // A scrape under way may end; an idle connection to the port need not.
    ops_life.kill();
    ops_life.finished().await;
    failure.map_or(Ok(outcome), Err)
}

/// The lines that say what listens where, and for how many; none of a command that listens nowhere.
fn announce(running: &Running, ops: Option<std::net::SocketAddr>, raised: &Raised) {
    let ops = ops.map(|address| ("ops", address));
    let list = running.addresses().iter().copied().chain(ops);
    let list: Vec<String> = list.map(|(protocol, address)| format!("{protocol} {address}")).collect();
    if list.is_empty() {
        return;
    }
    tracing::info!(service = running.name(), "{} listens: {}", running.name(), list.join(", "));
    raised.log();
}

fn follow_signals(lifecycle: Lifecycle) -> Result<impl Future<Output = ()>, StartError> {
    let listen = |kind| signal(kind).map_err(|error| StartError::dependency("signal handling", error));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        let name = either(&mut terminate, &mut interrupt).await;
        let drain_seconds = lifecycle.drain_time().as_secs();
        tracing::info!(drain_seconds, "{name}: shutting down; a second signal cuts it short");
        lifecycle.stop();
        let name = either(&mut terminate, &mut interrupt).await;
        tracing::warn!("{name}: cutting it short");
        lifecycle.kill();
        std::future::pending::<()>().await;
    })
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

fn report(name: &str, outcome: &Outcome) -> ExitCode {
    match outcome {
        Outcome::Drained => tracing::info!("{name} has ended in order"),
        Outcome::Cut => tracing::warn!("{name} has ended; work had to be cut off"),
        Outcome::Failed(failure) => tracing::error!(%failure, "{name} has ended"),
    }
    if outcome.is_orderly() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says why there is no log to say it in.
fn complain(name: &str, error: &StartError) -> ExitCode {
    eprintln!("{name}: {}", with_causes(error));
    ExitCode::FAILURE
}
