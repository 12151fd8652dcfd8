//! The ingress of `deploy/nginx`, with addresses of its own.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::error::{Error, Result};
use crate::home::Home;
use crate::process::{Process, ProcessSpec};
use crate::programs::{self, Account};

/// The configuration as it is deployed, byte for byte; the three files that it includes are written here.
const CONFIGURATION: &str = include_str!("../../../deploy/nginx/nginx.conf");

/// What one address may use, as it is deployed.
const LIMITS: &str = include_str!("../../../deploy/nginx/limits.conf");

/// nginx listens at once; this is for a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// A fast shutdown closes every connection.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// An nginx, as an unprivileged account, in a directory of its own. It ends with this value, or with this process.
#[derive(Debug)]
pub struct NginxServer {
    process: Process,
    address: SocketAddr,
    /// After the process: fields are dropped in this order.
    _home: Home,
}

impl NginxServer {
    /// Starts nginx on `address` in front of `gateways` and waits until it accepts connections. Its log goes to `log`,
    /// or into its own directory.
    ///
    /// # Errors
    /// When nginx is not installed or refuses its configuration; the message holds the end of its log.
    pub async fn start(address: SocketAddr, gateways: &[SocketAddr], log: Option<PathBuf>) -> Result<Self> {
        Self::start_with_limits(address, gateways, log, LIMITS).await
    }

    /// The same, with another `limits.conf` than the one that is deployed.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with_limits(
        address: SocketAddr,
        gateways: &[SocketAddr],
        log: Option<PathBuf>,
        limits: &str,
    ) -> Result<Self> {
        let program = programs::nginx()?;
        let account = Account::unprivileged()?;
        let home = Home::create("nginx", account)?;
        for (name, text) in [
            ("nginx.conf", CONFIGURATION.to_owned()),
            ("limits.conf", limits.to_owned()),
            ("listen.conf", format!("listen {address};\n")),
            ("gateways.conf", server_lines(gateways)),
        ] {
            std::fs::write(home.join(name), text).map_err(Error::io(format!("write {name}")))?;
        }
        let process = Process::spawn(ProcessSpec {
            name: "nginx".to_owned(),
            program,
            arguments: vec![
                "-p".into(),
                home.path().into(),
                "-c".into(),
                home.join("nginx.conf").into(),
                "-e".into(),
                "stderr".into(),
                "-g".into(),
                "daemon off;".into(),
            ],
            environment: Vec::new(),
            directory: home.path().to_owned(),
            log: log.unwrap_or_else(|| home.join("nginx.log")),
            account,
            stop_signal: Signal::TERM,
        })?;
        let server = Self { process, address, _home: home };
        server.ready().await?;
        Ok(server)
    }

    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// SIGKILL to the master and its workers.
    ///
    /// # Errors
    /// When the process does not go.
    pub async fn kill9(&self) -> Result<()> {
        self.process.kill9().await
    }

    /// Stops it, closing every connection.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub async fn stop(&self) -> Result<()> {
        self.process.stop(STOP_DEADLINE).await.map(drop)
    }

    /// Starts it again on the same address, after a kill if it runs.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn restart(&self) -> Result<()> {
        self.process.restart().await?;
        self.ready().await
    }

    /// The process: its log, process id, usage.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    async fn ready(&self) -> Result<()> {
        self.process
            .ready(START_DEADLINE, || async { TcpStream::connect(self.address).await.map(drop) })
            .await
    }
}

/// The lines of `gateways.conf`.
fn server_lines(gateways: &[SocketAddr]) -> String {
    gateways.iter().fold(String::new(), |mut lines, gateway| {
        let _ = writeln!(lines, "server {gateway} max_fails=3 fail_timeout=2s;");
        lines
    })
}
