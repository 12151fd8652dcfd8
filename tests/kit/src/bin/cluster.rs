//! `make cluster`: a local cluster of real processes, to look at and to break.

use std::collections::HashSet;
use std::error::Error as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use madang_test_kit::{
    Cluster, ClusterOptions, Durability, Error, PROCESSES_FILE, Ports, ProcessEntry, Program,
    ServiceCertificates,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Between two looks at whether all processes live.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// Starts PostgreSQL, Redis, auth, message-store, gateways (8081, 8082, …) and nginx (8080), and prints each process with
/// its address, PID and log. A process that dies is reported and not restarted. Ctrl-C stops all processes and deletes
/// their data.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of auth replicas
    #[arg(long, default_value_t = 2, value_name = "COUNT", value_parser = count)]
    auth: usize,
    /// The number of message-store replicas
    #[arg(long, default_value_t = 2, value_name = "COUNT", value_parser = count)]
    message_store: usize,
    /// The number of gateways
    #[arg(long, default_value_t = 2, value_name = "COUNT", value_parser = count)]
    gateways: usize,
    /// Does not start nginx; clients then connect to the gateways
    #[arg(long)]
    no_nginx: bool,
    /// Uses free ports instead of 8080, 8081, …
    #[arg(long)]
    free_ports: bool,
    /// Gives the services certificates, by which they know each other
    #[arg(long)]
    certificates: bool,
    /// Runs PostgreSQL without fsync: faster, but a power failure loses data
    #[arg(long)]
    fast: bool,
    /// The directory for the logs and processes.json
    #[arg(long, default_value = "data/cluster", value_name = "DIRECTORY")]
    data_dir: PathBuf,
    /// The directory of the services' binaries. [default: the directory of this program]
    #[arg(long, value_name = "DIRECTORY")]
    binaries: Option<PathBuf>,
}

/// A number of processes: at least one.
fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "expected a number of at least 1".to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let screen = Screen { colour: std::io::stdout().is_terminal() };
    match run(Arguments::parse(), &screen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen.failure(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments, screen: &Screen) -> Result<(), Error> {
    let mut ending = Ending::new()?;
    let (started, options) = (Instant::now(), options(arguments)?);
    let cluster = tokio::select! {
        cluster = Cluster::start_reporting(options, |step| screen.line(&format!("starting {step} …"))) => cluster?,
        // What had been started is dropped, and so ended, on the way out.
        () = ending.asked() => return Ok(()),
    };
    screen.line(&format!("ready after {:.1} s", started.elapsed().as_secs_f32()));
    screen.table(&cluster);
    watch(&cluster, &mut ending, screen).await;
    screen.line("stopping …");
    cluster.stop().await
}

fn options(arguments: Arguments) -> Result<ClusterOptions, Error> {
    Ok(ClusterOptions {
        auth: arguments.auth,
        message_store: arguments.message_store,
        gateways: arguments.gateways,
        nginx: !arguments.no_nginx,
        durability: if arguments.fast { Durability::Fast } else { Durability::Real },
        ports: if arguments.free_ports { Ports::Free } else { Ports::Fixed },
        data_dir: Some(arguments.data_dir),
        binaries: arguments.binaries,
        certificates: arguments.certificates.then(ServiceCertificates::new).transpose()?.map(Arc::new),
        // As it is by default; tests of the kit have it otherwise.
        settings: vec![(Program::MessageStore, "MADANG_STORE_ADDED_BY".to_owned(), "shared".to_owned())],
    })
}

/// Returns when the end is asked for; reports each death once until then.
async fn watch(cluster: &Cluster, ending: &mut Ending, screen: &Screen) {
    let mut dead = HashSet::new();
    loop {
        tokio::select! {
            () = ending.asked() => return,
            () = tokio::time::sleep(WATCH_INTERVAL) => {}
        }
        for process in cluster.handles() {
            if let Ok(Some(status)) = process.exit_status()
                && dead.insert(process.pid())
            {
                screen.death(&format!("{} (PID {}) ended: {status}", process.name(), process.pid()));
            }
        }
    }
}

/// Ctrl-C or SIGTERM.
struct Ending {
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    fn new() -> Result<Self, Error> {
        let listen = |kind| {
            signal(kind).map_err(|source| Error::Io { action: "listen for signals".to_owned(), source })
        };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What a person sees. Colours on terminals only.
struct Screen {
    colour: bool,
}

impl Screen {
    const BOLD: &str = "1";
    const RED: &str = "31";

    /// Written, not printed: a reader that has gone away is no reason to end the cluster.
    fn line(&self, text: &str) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn death(&self, text: &str) {
        self.line(&self.paint(Self::RED, text));
    }

    fn failure(&self, error: &Error) {
        self.death(&error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            self.line(&format!("  because: {error}"));
            cause = error.source();
        }
    }

    fn table(&self, cluster: &Cluster) {
        let processes = cluster.processes();
        let width =
            |text: fn(&ProcessEntry) -> String| processes.iter().map(|p| text(p).len()).max().unwrap_or(0);
        let names = width(|process| process.name.clone());
        let header = format!("{:names$}  {:>7}  {:21}  {:21}  log", "name", "PID", "address", "operations");
        self.line(&format!("\n{}", self.paint(Self::BOLD, &header)));
        for process in &processes {
            let ops = process.ops_address.map_or_else(|| "-".to_owned(), |address| address.to_string());
            let (name, pid, address, log) =
                (&process.name, process.pid, process.address.to_string(), relative(&process.log));
            self.line(&format!("{name:names$}  {pid:>7}  {address:21}  {ops:21}  {}", log.display()));
        }
        let list = relative(&cluster.data_dir().join(PROCESSES_FILE));
        self.line(&format!(
            "\nclients    {}\nauth       {}\nmessages   {}\nRedis      {}\nprocesses  {}\n\nCtrl-C stops everything.",
            self.paint(Self::BOLD, &cluster.ingress_url()),
            cluster.auth_database_url(),
            cluster.message_store_database_url(),
            cluster.redis().url(),
            list.display(),
        ));
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A path as one would type it here.
fn relative(path: &std::path::Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_owned()
}
