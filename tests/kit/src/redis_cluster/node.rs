//! One node of a Redis Cluster.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, RedisResult, cmd};
use rustix::process::Signal;

use super::RedisClusterOptions;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::port::{free_port, is_free, local};
use crate::process::{Process, ProcessSpec};
use crate::programs::redis_server;
use crate::tcp_proxy::BreakableProxy;

/// A node that does not answer within this is taken for one that is paused.
const ANSWER_DEADLINE: Duration = Duration::from_millis(1_000);
/// Nodes listen some milliseconds after their start, and have met some seconds later; this is for a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A server and its ports: for clients, and for the other nodes.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) process: Process,
    pub(super) port: u16,
    pub(super) bus_port: u16,
    /// Before its port for clients, where there is to be one.
    pub(super) line: Option<Arc<BreakableProxy>>,
}

impl Node {
    pub(super) fn spawn(number: usize, home: &Home, options: &RedisClusterOptions) -> Result<Self> {
        let (port, bus_port) = (free_port()?, free_port()?);
        let line =
            options.behind_lines.then(|| BreakableProxy::start(local(port)).map(Arc::new)).transpose()?;
        let announced = line.as_ref().map(|line| line.address().port());
        let directory = home.join(port.to_string());
        std::fs::create_dir(&directory).map_err(Error::io("create the directory of a node"))?;
        let name = format!("redis-{}", number + 1);
        let log = options.logs.as_deref().unwrap_or(home.path()).join(format!("{name}.log"));
        let process = Process::spawn(ProcessSpec {
            name,
            program: redis_server()?,
            arguments: arguments(port, bus_port, announced, options.node_timeout),
            environment: vec![("LC_ALL".to_owned(), "C".to_owned())],
            directory,
            log,
            account: None,
            stop_signal: Signal::TERM,
        })?;
        Ok(Self { process, port, bus_port, line })
    }

    /// The port for clients by which the nodes speak of this one.
    pub(super) fn announced_port(&self) -> u16 {
        self.line.as_ref().map_or(self.port, |line| line.address().port())
    }

    pub(super) fn lost_its_port(&self) -> bool {
        !(self.process.is_running() || is_free(self.port) && is_free(self.bus_port))
    }

    pub(super) async fn ready(&self) -> Result<()> {
        let ping = || async { cmd("PING").exec_async(&mut connect(self.port).await?).await };
        self.process.ready(START_DEADLINE, ping).await
    }

    pub(super) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let run = async { command.query_async(&mut connect(self.port).await?).await };
        let name = command.args_iter().filter_map(|argument| match argument {
            redis::Arg::Simple(bytes) => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        });
        run.await.map_err(Error::redis(name.take(2).collect::<Vec<_>>().join(" ")))
    }

    /// The answer, if one comes soon: not from a node that is down or paused.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        if !self.process.is_running() {
            return None;
        }
        let answer = async { command.query_async(&mut connect(self.port).await?).await };
        tokio::time::timeout(ANSWER_DEADLINE, answer).await.ok()?.ok()
    }
}

pub(super) async fn connect(port: u16) -> RedisResult<MultiplexedConnection> {
    redis::Client::open(format!("redis://{}/", local(port)))?.get_multiplexed_async_connection().await
}

fn arguments(port: u16, bus_port: u16, announced: Option<u16>, node_timeout: Duration) -> Vec<OsString> {
    // 0 announces what is listened on.
    let [port, bus_port, announced] = [port, bus_port, announced.unwrap_or(0)].map(|port| port.to_string());
    let node_timeout = node_timeout.as_millis().to_string();
    [
        ["--port", &port],
        ["--bind", "127.0.0.1"],
        ["--save", ""],
        ["--appendonly", "no"],
        ["--cluster-enabled", "yes"],
        ["--cluster-port", &bus_port],
        ["--cluster-announce-port", &announced],
        ["--cluster-node-timeout", &node_timeout],
        // A replica may take over however long it has not heard of its master: tests pause replicas.
        ["--cluster-replica-validity-factor", "0"],
        // Slots whose master is away do not take the others with them.
        ["--cluster-require-full-coverage", "no"],
        ["--cluster-allow-replica-migration", "no"],
        ["--repl-diskless-sync-delay", "0"],
        // A replica behind a line that was lost notices soon.
        ["--repl-timeout", "5"],
        ["--repl-ping-replica-period", "1"],
        // A master that ends does not wait for replicas that are paused.
        ["--shutdown-timeout", "0"],
    ]
    .iter()
    .flatten()
    .map(OsString::from)
    .collect()
}
