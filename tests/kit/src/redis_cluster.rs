//! A private Redis Cluster.

mod faults;
mod node;
mod options;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, cmd};

use self::node::{Node, connect};
pub use self::options::RedisClusterOptions;
use self::view::NodeView;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::port::local;
use crate::process::Process;
use crate::tcp_proxy::BreakableProxy;

const SLOTS: u16 = 16_384;
const MASTERS: usize = 3;
/// One replica each: a failover is possible, and the cluster is the smallest that Redis calls one.
const NODES: usize = 2 * MASTERS;

/// A failover takes a second or two beyond the node timeout.
const SETTLE_DEADLINE: Duration = Duration::from_secs(60);
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// Attempts to start on ports that other processes took after they were chosen.
const PORT_ATTEMPTS: u32 = 3;
/// Between two looks at a cluster that is to settle: it tells nobody when it has.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// A Redis Cluster of three masters and a replica for each, without persistence, in a directory of its own. Nodes are
/// counted from 0; which of them are masters changes. All end with this value, or with this process.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Node>,
    /// After the processes: fields are dropped in this order.
    _home: Home,
}

impl RedisCluster {
    /// Starts a cluster and waits until all of it serves.
    ///
    /// # Errors
    /// When Redis is not installed or the cluster does not form; the message holds the end of a log.
    pub async fn start() -> Result<Self> {
        Self::start_with(RedisClusterOptions::default()).await
    }

    /// [`Self::start`], with options.
    ///
    /// # Errors
    /// The same.
    pub async fn start_with(options: RedisClusterOptions) -> Result<Self> {
        let home = Home::create("redis-cluster", None)?;
        let mut attempt = 1;
        loop {
            let nodes: Vec<Node> =
                (0..NODES).map(|number| Node::spawn(number, &home, &options)).collect::<Result<_>>()?;
            match try_join_all(nodes.iter().map(Node::ready)).await {
                Err(Error::Exited { .. })
                    if attempt < PORT_ATTEMPTS && nodes.iter().any(Node::lost_its_port) =>
                {
                    attempt += 1;
                }
                outcome => {
                    outcome?;
                    let cluster = Self { nodes, _home: home };
                    cluster.form().await?;
                    return Ok(cluster);
                }
            }
        }
    }

    /// Makes one cluster of nodes that do not know each other.
    async fn form(&self) -> Result<()> {
        let share = SLOTS.div_ceil(MASTERS as u16);
        for (node, number) in self.nodes.iter().zip(0_u16..) {
            // Different from the start, as after many failovers: nodes that claim the same have to be told apart.
            node.run::<()>(cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(number + 1)).await?;
            if usize::from(number) < MASTERS {
                let (first, last) = (number * share, ((number + 1) * share).min(SLOTS) - 1);
                node.run::<()>(cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(first).arg(last)).await?;
            }
        }
        if let Some((first, others)) = self.nodes.split_first() {
            for other in others {
                let address = local(other.port);
                let mut meet = cmd("CLUSTER");
                meet.arg("MEET").arg(address.ip().to_string()).arg(other.port).arg(other.bus_port);
                first.run::<()>(&meet).await?;
            }
        }
        self.until("have met", async || {
            let views = self.views().await;
            views.iter().all(|view| view.len() == NODES && view.iter().all(|node| !node.is_new))
        })
        .await?;
        let (masters, replicas) = self.nodes.split_at(MASTERS);
        for (master, replica) in masters.iter().zip(replicas) {
            let id: String = master.run(cmd("CLUSTER").arg("MYID")).await?;
            replica.run::<()>(cmd("CLUSTER").arg("REPLICATE").arg(id)).await?;
        }
        self.settled().await
    }

    /// Waits until all nodes that answer agree on who serves which slots, all slots are served by one of them, and every
    /// replica follows its master.
    ///
    /// # Errors
    /// When that does not come about in time.
    pub async fn settled(&self) -> Result<()> {
        self.until("have settled", async || self.is_settled().await).await
    }

    async fn is_settled(&self) -> bool {
        let views = self.views().await;
        let mut places = views.iter().map(|view| view.iter().map(NodeView::place).collect::<Vec<_>>());
        let Some(agreed) = places.next() else { return false };
        let served: u32 =
            views.iter().flatten().filter(|node| node.is_myself).map(NodeView::slot_count).sum();
        if served != u32::from(SLOTS) || !places.all(|places| places == agreed) {
            return false;
        }
        let states = self.nodes.iter().map(async |node| {
            let state: String = node.ask(cmd("CLUSTER").arg("INFO")).await.unwrap_or_default();
            let replication: String = node.ask(cmd("INFO").arg("replication")).await.unwrap_or_default();
            // A node that is down says nothing.
            (state.is_empty() || state.contains("cluster_state:ok"))
                && !replication.contains("master_link_status:down")
        });
        join_all(states).await.into_iter().all(|is_well| is_well)
    }

    /// `redis+cluster://` and the addresses of all nodes.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.addresses().iter().map(SocketAddr::to_string).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// The nodes' addresses as clients are told them, by number.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| local(node.announced_port())).collect()
    }

    /// The proxies before the nodes, by number; none unless [`RedisClusterOptions::behind_lines`].
    #[must_use]
    pub fn lines(&self) -> Vec<Arc<BreakableProxy>> {
        self.nodes.iter().filter_map(|node| node.line.clone()).collect()
    }

    /// The nodes' processes, by number: their logs, process ids, usage.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.nodes.iter().map(|node| &node.process)
    }

    /// The numbers of the nodes that serve slots now.
    pub async fn masters(&self) -> Vec<usize> {
        let views = self.views().await;
        let serves = |node: &Node| {
            let is_it =
                |view: &NodeView| view.is_myself && view.is_master && view.port == node.announced_port();
            views.iter().flatten().any(|view| is_it(view) && view.slot_count() > 0)
        };
        self.nodes.iter().enumerate().filter(|(_, node)| serves(node)).map(|(number, _)| number).collect()
    }

    /// The number of the node that serves a slot, by its own word; `None` while no node that answers does.
    pub async fn master_of_slot(&self, slot: u16) -> Option<usize> {
        let views = self.views().await;
        let claims =
            views.iter().flatten().filter(|view| view.is_myself && view.is_master && view.serves(slot));
        let port = claims.max_by_key(|view| view.epoch)?.port;
        self.nodes.iter().position(|node| node.announced_port() == port)
    }

    /// The number of the node that serves a key, and the key's slot.
    ///
    /// # Errors
    /// When none does in time.
    pub async fn master_of(&self, key: &str) -> Result<(usize, u16)> {
        let started = Instant::now();
        loop {
            for node in &self.nodes {
                if let Some(slot) = node.ask(cmd("CLUSTER").arg("KEYSLOT").arg(key)).await
                    && let Some(master) = self.master_of_slot(slot).await
                {
                    return Ok((master, slot));
                }
            }
            self.check_time(started, "serve a key")?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The number of a replica of a node that answers; `None` where it has none.
    pub async fn replica_of(&self, master: usize) -> Option<usize> {
        let master_port = self.nodes.get(master)?.announced_port();
        let views = self.views().await;
        let id = &views.iter().flatten().find(|node| node.port == master_port)?.id;
        let port =
            views.iter().flatten().find(|node| node.is_myself && node.master.as_ref() == Some(id))?.port;
        self.nodes.iter().position(|node| node.announced_port() == port)
    }

    /// A connection to a node, for a test's own looks and commands.
    ///
    /// # Errors
    /// When it does not answer.
    ///
    /// # Panics
    /// When there is none of that number.
    pub async fn connection(&self, node: usize) -> Result<MultiplexedConnection> {
        connect(self.node(node).port).await.map_err(Error::redis("connect"))
    }

    /// Runs a command where its key is served.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn run<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<T> {
        let (master, _) = self.master_of(key).await?;
        self.node(master).run(command).await
    }

    /// All keys that match a pattern of `KEYS`.
    ///
    /// # Errors
    /// When a master does not answer.
    pub async fn keys(&self, pattern: &str) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for master in self.masters().await {
            keys.extend(self.node(master).run::<Vec<String>>(cmd("KEYS").arg(pattern)).await?);
        }
        Ok(keys)
    }

    /// Stops all nodes in good order.
    ///
    /// # Errors
    /// When one does not stop in time.
    pub async fn stop(&self) -> Result<()> {
        let stops = self.nodes.iter().map(|node| node.process.stop(STOP_DEADLINE));
        join_all(stops).await.into_iter().try_for_each(|stopped| stopped.map(drop))
    }

    /// What each node that answers says of all.
    async fn views(&self) -> Vec<Vec<NodeView>> {
        let views = self.nodes.iter().map(async |node| {
            let answer: Option<String> = node.ask(cmd("CLUSTER").arg("NODES")).await;
            answer.map(|answer| view::parse(&answer))
        });
        join_all(views).await.into_iter().flatten().collect()
    }

    async fn until(&self, state: &'static str, is_so: impl AsyncFn() -> bool) -> Result<()> {
        let started = Instant::now();
        while !is_so().await {
            self.check_time(started, state)?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn check_time(&self, started: Instant, state: &'static str) -> Result<()> {
        if started.elapsed() < SETTLE_DEADLINE {
            Ok(())
        } else {
            Err(self.timed_out(state, started.elapsed()))
        }
    }

    fn timed_out(&self, state: &'static str, waited: Duration) -> Error {
        let log_tail = self.nodes.iter().map(|node| crate::log_tail::log_tail(node.process.log())).collect();
        let reason = "the nodes do not agree".to_owned();
        Error::TimedOut { name: "a Redis Cluster".to_owned(), state, waited, reason, log_tail }
    }

    #[expect(clippy::panic, reason = "a test that asks for a node that there is not hears it at once")]
    fn node(&self, number: usize) -> &Node {
        self.nodes.get(number).unwrap_or_else(|| panic!("a Redis Cluster of {NODES} has no node {number}"))
    }
}
