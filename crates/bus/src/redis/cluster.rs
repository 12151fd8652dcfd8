//! Which nodes of a Redis Cluster serve its slots now.
//!
//! The bus does not use the client library's own cluster connection. That connection hides what the bus must
//! see: that another node serves a slot. It also repeats commands whose outcome is unknown. Decision 0016 has
//! the rest.

use std::{sync::Arc, time::Duration};

use futures_util::future::select_ok;
use redis::{
    ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult, Value,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};
use tracing::debug;

use super::{
    address::tcp,
    server::{Authorities, Server, Timeouts},
    slots::SlotMap,
};

/// After this time without an answer the next node is asked too. Within one network an answer takes a millisecond.
const NEXT_NODE_AFTER: Duration = Duration::from_millis(100);

/// A shard that has not used the last view takes it while it is younger than this, and asks no node: when a node fails, all its
/// shards ask at once.
const VIEW_SERVES: Duration = Duration::from_millis(200);

/// How the nodes of a cluster are reached, which is the same for all.
#[derive(Debug)]
pub(super) struct Nodes {
    pub(super) login: RedisConnectionInfo,
    pub(super) by_tls: bool,
    pub(super) authorities: Authorities,
    pub(super) timeouts: Timeouts,
}

impl Nodes {
    fn server(&self, node: &ConnectionAddr) -> RedisResult<Server> {
        let node = match node.clone() {
            ConnectionAddr::Tcp(host, port) if self.by_tls => {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            }
            node => node,
        };
        let node = node.into_connection_info()?.set_redis_settings(self.login.clone());
        Server::new(tcp(node), self.authorities.clone(), self.timeouts)
    }
}

/// A Redis Cluster; all shards of one gateway share what it knows.
#[derive(Debug)]
pub(super) struct Cluster {
    seeds: Vec<ConnectionAddr>,
    nodes: Nodes,
    /// Locked while the nodes are asked, so that one shard asks for all.
    view: Mutex<View>,
}

/// The last answer of a node.
#[derive(Debug)]
struct View {
    /// How many answers there have been.
    number: u64,
    map: Arc<SlotMap>,
    taken_at: Instant,
    failed_at: Option<Instant>,
    /// Which node is asked first. It moves on each time: a node that is partitioned from the others answers with stale data.
    turn: usize,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<ConnectionAddr>, nodes: Nodes) -> Self {
        let map = Arc::default();
        let view = View { number: 0, map, taken_at: Instant::now(), failed_at: None, turn: 0 };
        Self { seeds, nodes, view: Mutex::new(view) }
    }

    /// The server of a slot, by a view newer than `seen`, the last one that the caller used. The new view's number replaces
    /// `seen`.
    pub(super) async fn master_of(&self, slot: u16, seen: &mut u64) -> RedisResult<Server> {
        let (number, map) = self.view_after(*seen).await?;
        *seen = number;
        match map.master_of(slot) {
            Some(node) => self.nodes.server(node),
            None => {
                Err((ErrorKind::ClusterConnectionNotFound, "no node of the Redis Cluster serves the slot")
                    .into())
            }
        }
    }

    async fn view_after(&self, seen: u64) -> RedisResult<(u64, Arc<SlotMap>)> {
        let asked_at = Instant::now();
        let mut view = self.view.lock().await;
        if view.number > seen && view.taken_at.elapsed() < VIEW_SERVES {
            return Ok((view.number, Arc::clone(&view.map)));
        }
        // Another shard asked all nodes in vain while this caller waited.
        if view.failed_at.is_some_and(|failed_at| failed_at > asked_at) {
            return Err((ErrorKind::Io, "no node of the Redis Cluster answers").into());
        }
        view.turn = view.turn.wrapping_add(1);
        match self.ask(&view).await {
            Ok(map) => {
                if *view.map != map {
                    debug!(?map, "the slots of the Redis Cluster");
                }
                (view.map, view.taken_at) = (Arc::new(map), Instant::now());
                view.number += 1;
                Ok((view.number, Arc::clone(&view.map)))
            }
            Err(error) => {
                view.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// Asks the known nodes and then the seeds, each a moment after the one before. The first answer counts.
    async fn ask(&self, view: &View) -> RedisResult<SlotMap> {
        let mut nodes: Vec<&ConnectionAddr> = view.map.nodes.iter().collect();
        nodes.extend(self.seeds.iter().filter(|seed| !view.map.nodes.contains(seed)));
        let first = view.turn % nodes.len().max(1);
        nodes.rotate_left(first);
        let asks = nodes.into_iter().zip(0_u32..).map(|(node, place)| {
            Box::pin(async move {
                sleep(NEXT_NODE_AFTER * place).await;
                self.ask_node(node).await
            })
        });
        select_ok(asks).await.map(|(map, _)| map)
    }

    async fn ask_node(&self, node: &ConnectionAddr) -> RedisResult<SlotMap> {
        let server = self.nodes.server(node)?;
        let answer = async {
            let mut connection = server.command_connection().await?;
            redis::cmd("CLUSTER").arg("SLOTS").query_async::<Value>(&mut connection).await
        };
        let silent = || RedisError::from((ErrorKind::Io, "a node of the Redis Cluster does not answer"));
        let reply = timeout(self.nodes.timeouts.connect, answer).await.unwrap_or_else(|_| Err(silent()))?;
        let asked_host = if let ConnectionAddr::Tcp(host, _) = node { host } else { "" };
        Ok(SlotMap::decode(reply, asked_host))
    }
}
