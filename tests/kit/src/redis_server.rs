//! A private Redis.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use rustix::process::Signal;
use tokio::sync::OnceCell;

use crate::certificates::IssuedCertificate;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::network::Host;
use crate::port::{free_port, is_free};
use crate::process::{Process, ProcessSpec};
use crate::programs::redis_server;

/// Names a running Redis to use instead of a private one. `make test` sets it.
pub const REDIS_URL_VARIABLE: &str = "TEST_REDIS_URL";

/// Redis listens some milliseconds after its start; this is for a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// Nothing is to be written at the end.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Attempts to start on a port that another process took after it was chosen.
const PORT_ATTEMPTS: u32 = 3;

/// Where Redis keeps its append-only file, in its working directory.
const APPEND_ONLY_DIRECTORY: &str = "appendonlydir";

/// The server of this test process. A static is never dropped; the server ends with the process.
static SHARED: OnceCell<RedisServer> = OnceCell::const_new();

/// The URL of the Redis that this process's tests share: the one that `TEST_REDIS_URL` names, or a private one that the
/// first call starts. Tests keep apart by [`unique_prefix`](crate::unique_prefix); one that kills or flushes starts
/// its own [`RedisServer`].
///
/// # Errors
/// When Redis is not installed or does not start.
pub async fn test_redis_url() -> Result<String> {
    if let Ok(url) = std::env::var(REDIS_URL_VARIABLE) {
        return Ok(url);
    }
    SHARED.get_or_try_init(RedisServer::start).await.map(RedisServer::url)
}

/// What a Redis still knows after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Nothing: a restart loses everything, the hardest case for its clients.
    #[default]
    None,
    /// An append-only file, synced every second.
    AppendOnly,
}

/// A Redis server in a directory of its own. It ends with this value, or with this process.
#[derive(Debug)]
pub struct RedisServer {
    process: Process,
    address: SocketAddr,
    tls_port: Option<u16>,
    /// After the process: fields are dropped in this order.
    home: Home,
}

impl RedisServer {
    /// Starts a server without persistence on a free port of 127.0.0.1 and waits until it answers.
    ///
    /// # Errors
    /// When Redis is not installed or does not start; the message holds the end of its log.
    pub async fn start() -> Result<Self> {
        Self::start_with(Persistence::None, None).await
    }

    /// [`Self::start`], with a choice of persistence, and of a log elsewhere than in the server's own directory.
    ///
    /// # Errors
    /// The same.
    pub async fn start_with(persistence: Persistence, log: Option<PathBuf>) -> Result<Self> {
        Self::start_configured(None, persistence, log, None).await
    }

    /// [`Self::start_with`], on a host of a [`Network`](crate::Network), at whose address it then serves.
    ///
    /// # Errors
    /// The same.
    pub async fn start_on(
        host: Option<&Host>,
        persistence: Persistence,
        log: Option<PathBuf>,
    ) -> Result<Self> {
        Self::start_configured(host, persistence, log, None).await
    }

    /// [`Self::start`], with a port for TLS beside the plain one, at which the server shows this certificate.
    ///
    /// # Errors
    /// The same.
    pub async fn start_with_tls(certificate: &IssuedCertificate) -> Result<Self> {
        Self::start_configured(None, Persistence::None, None, Some(certificate)).await
    }

    async fn start_configured(
        host: Option<&Host>,
        persistence: Persistence,
        log: Option<PathBuf>,
        certificate: Option<&IssuedCertificate>,
    ) -> Result<Self> {
        let ip = host.map_or(IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from);
        let program = redis_server()?;
        let home = Home::create("redis", None)?;
        let log = log.unwrap_or_else(|| home.join("redis.log"));
        let mut attempt = 1;
        loop {
            let address = SocketAddr::new(ip, free_port()?);
            let mut arguments = arguments(address, persistence);
            let tls_port =
                certificate.map(|certificate| with_tls(&home, certificate, &mut arguments)).transpose()?;
            let spec = ProcessSpec {
                name: "redis".to_owned(),
                program: program.clone(),
                arguments,
                environment: vec![("LC_ALL".to_owned(), "C".to_owned())],
                directory: home.path().to_owned(),
                log: log.clone(),
                account: None,
                stop_signal: Signal::TERM,
            };
            let process = Process::spawn(match host {
                Some(host) => host.place(spec),
                None => spec,
            })?;
            match ready(&process, address).await {
                Err(Error::Exited { .. }) if attempt < PORT_ATTEMPTS && !is_free(address.port()) => {
                    attempt += 1;
                }
                outcome => {
                    outcome?;
                    return Ok(Self { process, address, tls_port, home });
                }
            }
        }
    }

    /// `redis://127.0.0.1:port/`.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.address)
    }

    /// The port for TLS, where it was started with one.
    #[must_use]
    pub fn tls_port(&self) -> Option<u16> {
        self.tls_port
    }

    /// Where it serves, for a [`BreakableProxy`](crate::BreakableProxy) in front of it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection for a test's own looks and commands.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connection(&self) -> Result<MultiplexedConnection> {
        connect(self.address).await.map_err(Error::redis("connect"))
    }

    /// `FLUSHALL`.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn flush(&self) -> Result<()> {
        let mut connection = self.connection().await?;
        redis::cmd("FLUSHALL").exec_async(&mut connection).await.map_err(Error::redis("flush"))
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When the process does not go.
    pub async fn kill9(&self) -> Result<()> {
        self.process.kill9().await
    }

    /// Stops in good order.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub async fn stop(&self) -> Result<()> {
        self.process.stop(STOP_DEADLINE).await.map(drop)
    }

    /// Starts again on the same port, after a kill if it runs. Without persistence it comes back empty.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn restart(&self) -> Result<()> {
        self.process.restart().await?;
        ready(&self.process, self.address).await
    }

    /// Starts again on the same port without its data, after a kill if it runs: what a Redis does whose disk was lost.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn restart_empty(&self) -> Result<()> {
        self.kill9().await?;
        match std::fs::remove_dir_all(self.home.join(APPEND_ONLY_DIRECTORY)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("remove the append-only file")(error));
            }
            _ => {}
        }
        self.restart().await
    }

    /// Removes every stream whose key matches a pattern of `KEYS`; returns how many there were.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn remove_streams(&self, pattern: &str) -> Result<usize> {
        let failed = || Error::redis(format!("remove {pattern}"));
        let mut connection = self.connection().await?;
        let mut keys = redis::cmd("KEYS");
        let keys: Vec<String> = keys.arg(pattern).query_async(&mut connection).await.map_err(failed())?;
        for key in &keys {
            redis::cmd("DEL").arg(key).exec_async(&mut connection).await.map_err(failed())?;
        }
        Ok(keys.len())
    }

    /// Removes all entries but the newest from every stream whose key matches a pattern of `KEYS`, as a bound on their
    /// length does to a reader that is too slow; returns how many streams there were.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn trim_streams(&self, pattern: &str) -> Result<usize> {
        let failed = || Error::redis(format!("trim {pattern}"));
        let mut connection = self.connection().await?;
        let mut keys = redis::cmd("KEYS");
        let keys: Vec<String> = keys.arg(pattern).query_async(&mut connection).await.map_err(failed())?;
        for key in &keys {
            let mut trim = redis::cmd("XTRIM");
            trim.arg(key).arg("MAXLEN").arg(1).exec_async(&mut connection).await.map_err(failed())?;
        }
        Ok(keys.len())
    }

    /// Stops the server from running; connections stay open and nothing answers.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets a paused server run on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// The process: its log, process id, usage.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// No password: what another user of the machine could do here is to disturb a test. (Redis 7 refuses by default the
/// settings through which a client could write files.)
fn arguments(address: SocketAddr, persistence: Persistence) -> Vec<OsString> {
    let append_only = match persistence {
        Persistence::None => "no",
        Persistence::AppendOnly => "yes",
    };
    let (port, ip) = (address.port().to_string(), address.ip().to_string());
    // The protected mode would refuse the other hosts of a network, which is private.
    let protected = if address.ip().is_loopback() { "yes" } else { "no" };
    let bind = ["--port", &port, "--bind", &ip, "--protected-mode", protected];
    let data = ["--save", "", "--appendonly", append_only];
    bind.iter().chain(&data).map(OsString::from).collect()
}

/// Adds a port for TLS, whose clients show no certificate.
fn with_tls(home: &Home, certificate: &IssuedCertificate, arguments: &mut Vec<OsString>) -> Result<u16> {
    let port = free_port()?;
    let (certificate_file, key_file) = (home.join("server.crt"), home.join("server.key"));
    for (path, text) in [(&certificate_file, &certificate.certificate), (&key_file, &certificate.key)] {
        std::fs::write(path, text).map_err(Error::io("write a certificate"))?;
    }
    arguments.extend([
        "--tls-port".into(),
        port.to_string().into(),
        "--tls-auth-clients".into(),
        "no".into(),
    ]);
    arguments.extend([
        "--tls-cert-file".into(),
        certificate_file.into(),
        "--tls-key-file".into(),
        key_file.into(),
    ]);
    Ok(port)
}

fn url(address: SocketAddr) -> String {
    format!("redis://{address}/")
}

async fn connect(address: SocketAddr) -> redis::RedisResult<MultiplexedConnection> {
    redis::Client::open(url(address))?.get_multiplexed_async_connection().await
}

async fn ready(process: &Process, address: SocketAddr) -> Result<()> {
    process
        .ready(START_DEADLINE, || async {
            let mut connection = connect(address).await?;
            redis::cmd("PING").exec_async(&mut connection).await
        })
        .await
}
