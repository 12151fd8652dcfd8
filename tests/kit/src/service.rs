//! A binary of this workspace as a process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use crate::error::{Error, Result};
use crate::network::Host;
use crate::process::{Process, ProcessSpec};

/// Where to look for binaries, instead of beside the running one.
pub const BINARIES_VARIABLE: &str = "TEST_BINARIES";

/// Migrations and a first signing key, by an unoptimised binary on a busy machine.
const READY_DEADLINE: Duration = Duration::from_secs(60);

/// One answer of `/readyz`.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// More than the services' own shutdown, which is 30 s at most by default.
const STOP_DEADLINE: Duration = Duration::from_secs(45);

/// The programs that this workspace builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    /// `madang-auth`.
    Auth,
    /// `madang-message-store`.
    MessageStore,
    /// `madang-gateway`.
    Gateway,
    /// `madang`, the all-in-one.
    AllInOne,
}

impl Program {
    /// The binary's file name.
    #[must_use]
    pub const fn binary(self) -> &'static str {
        match self {
            Self::Auth => "madang-auth",
            Self::MessageStore => "madang-message-store",
            Self::Gateway => "madang-gateway",
            Self::AllInOne => "madang",
        }
    }

    /// The setting that says where it serves.
    #[must_use]
    pub const fn address_setting(self) -> &'static str {
        match self {
            Self::Auth | Self::MessageStore => "MADANG_GRPC_ADDR",
            Self::Gateway | Self::AllInOne => "MADANG_HTTP_ADDR",
        }
    }

    /// Whether its operations routes have a port of their own.
    const fn has_ops_port(self) -> bool {
        !matches!(self, Self::AllInOne)
    }
}

/// The directory of the workspace's binaries: `TEST_BINARIES`, or that of the running program. Tests run from its
/// `deps`; so both find binaries of their own profile.
///
/// # Errors
/// When the system does not tell the path of the running program.
pub fn binaries_directory() -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os(BINARIES_VARIABLE) {
        return Ok(directory.into());
    }
    let program = std::env::current_exe().map_err(Error::io("find the running program"))?;
    let directory = program.parent().unwrap_or(Path::new("."));
    let directory =
        if directory.ends_with("deps") { directory.parent().unwrap_or(directory) } else { directory };
    Ok(directory.to_owned())
}

/// What it takes to start a service.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    /// The name that messages and tables use, as `gateway-1`.
    pub name: String,
    /// Which binary.
    pub program: Program,
    /// The directory of the binaries; see [`binaries_directory`].
    pub binaries: PathBuf,
    /// Where it serves.
    pub address: SocketAddr,
    /// Where its operations port listens; the all-in-one, which has none, ignores it.
    pub ops_address: SocketAddr,
    /// Its settings besides the two addresses.
    pub settings: Vec<(String, String)>,
    /// Its working directory, inside a [`Home`](crate::Home).
    pub directory: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// The host it runs on, whose address the two above have; none for this process's own.
    pub host: Option<Host>,
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    process: Process,
    program: Program,
    address: SocketAddr,
    ops_address: SocketAddr,
}

impl Service {
    /// Starts a service and waits until `/readyz` says that it is.
    ///
    /// # Errors
    /// When it has not been built, ends, or is not ready in time; the message holds the end of its log.
    pub async fn start(spec: ServiceSpec) -> Result<Self> {
        let service = Self::spawn(spec)?;
        service.ready().await?;
        Ok(service)
    }

    /// Starts a service and returns at once: for tests of what it does while something else is absent.
    ///
    /// # Errors
    /// When it has not been built or cannot be started.
    pub fn spawn(spec: ServiceSpec) -> Result<Self> {
        let path = spec.binaries.join(spec.program.binary());
        if !path.is_file() {
            return Err(Error::BinaryMissing { path });
        }
        let ops_address = if spec.program.has_ops_port() { spec.ops_address } else { spec.address };
        let mut environment = vec![
            ("RUST_BACKTRACE".to_owned(), "1".to_owned()),
            (spec.program.address_setting().to_owned(), spec.address.to_string()),
        ];
        if spec.program.has_ops_port() {
            environment.push(("MADANG_OPS_ADDR".to_owned(), spec.ops_address.to_string()));
        }
        if matches!(spec.program, Program::MessageStore | Program::AllInOne) {
            // Most stories begin with rooms of people who have never met; the settings below may say otherwise.
            environment.push(("MADANG_STORE_ADDED_BY".to_owned(), "anyone".to_owned()));
        }
        environment.extend(spec.settings);
        let process = ProcessSpec {
            name: spec.name,
            program: path,
            arguments: Vec::new(),
            environment,
            directory: spec.directory,
            log: spec.log,
            account: None,
            stop_signal: Signal::TERM,
        };
        let process = Process::spawn(match &spec.host {
            Some(host) => host.place(process),
            None => process,
        })?;
        Ok(Self { process, program: spec.program, address: spec.address, ops_address })
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// When the process ends before, or is not ready in time.
    pub async fn ready(&self) -> Result<()> {
        let url = format!("{}/readyz", self.ops_url());
        self.process.ready(READY_DEADLINE, || probe(&url)).await
    }

    /// Which program it is.
    #[must_use]
    pub fn program(&self) -> Program {
        self.program
    }

    /// The name that messages and tables use.
    #[must_use]
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port` of where it serves.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where `/livez`, `/readyz` and `/metrics` are.
    #[must_use]
    pub fn ops_address(&self) -> SocketAddr {
        self.ops_address
    }

    /// `http://127.0.0.1:port` of [`Self::ops_address`].
    #[must_use]
    pub fn ops_url(&self) -> String {
        format!("http://{}", self.ops_address)
    }

    /// The process: its log, process id, usage, `pause` and `resume`.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When the process does not go.
    pub async fn kill9(&self) -> Result<()> {
        self.process.kill9().await
    }

    /// SIGTERM, and waits for the end of its orderly shutdown.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(&self) -> Result<ExitStatus> {
        self.process.stop(STOP_DEADLINE).await
    }

    /// Starts it again from other binaries, on the same addresses and with the same settings, after a kill if it runs; and
    /// waits until it is ready. Later restarts start the same again.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn replace(&self, binaries: &Path) -> Result<()> {
        let path = binaries.join(self.program.binary());
        if !path.is_file() {
            return Err(Error::BinaryMissing { path });
        }
        self.process.replace(path).await?;
        self.ready().await
    }

    /// Starts it again on the same addresses, after a kill if it runs, and waits until it is ready.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn restart(&self) -> Result<()> {
        self.process.restart().await?;
        self.ready().await
    }
}

/// One question to `/readyz`.
async fn probe(url: &str) -> std::result::Result<(), String> {
    // No proxy of the environment stands between this machine and itself.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PROBE_DEADLINE)
        .build()
        .map_err(|error| error.to_string())?;
    let answer = client.get(url).send().await.map_err(|error| error.without_url().to_string())?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    Err(format!("/readyz answered {status}: {}", answer.text().await.unwrap_or_default()))
}
