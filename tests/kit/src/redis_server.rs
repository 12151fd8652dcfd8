//! A private Redis.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use rustix::process::Signal;
use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::home::Home;
use crate::port::{free_port, is_free, local};
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
    port: u16,
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
        let program = redis_server()?;
        let home = Home::create("redis", None)?;
        let log = log.unwrap_or_else(|| home.join("redis.log"));
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            let process = Process::spawn(ProcessSpec {
                name: "redis".to_owned(),
                program: program.clone(),
                arguments: arguments(port, persistence),
                environment: vec![("LC_ALL".to_owned(), "C".to_owned())],
                directory: home.path().to_owned(),
                log: log.clone(),
                account: None,
                stop_signal: Signal::TERM,
            })?;
            match ready(&process, port).await {
                Err(Error::Exited { .. }) if attempt < PORT_ATTEMPTS && !is_free(port) => attempt += 1,
                outcome => {
                    outcome?;
                    return Ok(Self { process, port, home });
                }
            }
        }
    }

    /// `redis://127.0.0.1:port/`.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// `127.0.0.1:port`, for a [`BreakableProxy`](crate::BreakableProxy) in front of it.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        local(self.port)
    }

    /// A connection for a test's own looks and commands.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connection(&self) -> Result<MultiplexedConnection> {
        connect(self.port).await.map_err(Error::redis("connect"))
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
        ready(&self.process, self.port).await
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
fn arguments(port: u16, persistence: Persistence) -> Vec<OsString> {
    let append_only = match persistence {
        Persistence::None => "no",
        Persistence::AppendOnly => "yes",
    };
    let port = port.to_string();
    ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", append_only]
        .iter()
        .map(OsString::from)
        .collect()
}

fn url(port: u16) -> String {
    format!("redis://{}/", local(port))
}

async fn connect(port: u16) -> redis::RedisResult<MultiplexedConnection> {
    redis::Client::open(url(port))?.get_multiplexed_async_connection().await
}

async fn ready(process: &Process, port: u16) -> Result<()> {
    process
        .ready(START_DEADLINE, || async {
            let mut connection = connect(port).await?;
            redis::cmd("PING").exec_async(&mut connection).await
        })
        .await
}
