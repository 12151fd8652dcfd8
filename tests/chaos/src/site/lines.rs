//! The lines between processes, each through a proxy that breaks.

use std::{net::SocketAddr, sync::Arc};

use madang_test_kit::BreakableProxy;

use crate::{error::Result, fault::Scope};

/// Who speaks to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edge {
    /// Gateways to Redis.
    Redis,
    /// Gateways to message-store.
    Store,
    /// Gateways to auth.
    Auth,
    /// message-store to PostgreSQL.
    StorePostgres,
    /// auth to PostgreSQL.
    AuthPostgres,
}

/// A line from one replica to one server; to a node of a Redis Cluster, from all gateways.
#[derive(Debug)]
pub struct Line {
    /// The replica that calls, counted from 0. The lines that all share are divided among them, so that a fault of one
    /// replica's lines is one of a part of the cluster.
    from: usize,
    pub(super) proxy: Arc<BreakableProxy>,
}

/// All lines.
#[derive(Debug)]
pub struct Lines {
    pub(super) redis: Vec<Line>,
    pub(super) store: Vec<Line>,
    pub(super) auth: Vec<Line>,
    pub(super) store_postgres: Vec<Line>,
    pub(super) auth_postgres: Vec<Line>,
}

impl Lines {
    /// The lines of an edge that begin at one of the callers, or at all of them.
    pub fn of(&self, edge: Edge, callers: Scope) -> impl Iterator<Item = &BreakableProxy> {
        self.edge(edge).iter().filter(move |line| callers.holds(line.from)).map(|line| &*line.proxy)
    }

    /// Where one of the callers connects.
    pub(super) fn addresses(&self, edge: Edge, caller: usize) -> Vec<SocketAddr> {
        self.of(edge, Scope::One(caller)).map(BreakableProxy::address).collect()
    }

    fn edge(&self, edge: Edge) -> &[Line] {
        match edge {
            Edge::Redis => &self.redis,
            Edge::Store => &self.store,
            Edge::Auth => &self.auth,
            Edge::StorePostgres => &self.store_postgres,
            Edge::AuthPostgres => &self.auth_postgres,
        }
    }
}

/// A line from each of so many callers to each target.
pub(super) fn cross(callers: usize, targets: &[SocketAddr]) -> Result<Vec<Line>> {
    let pairs = (0..callers).flat_map(|from| targets.iter().map(move |target| (from, *target)));
    pairs.map(|(from, target)| Ok(Line { from, proxy: Arc::new(BreakableProxy::start(target)?) })).collect()
}

/// The lines that all callers share.
pub(super) fn shared(callers: usize, proxies: Vec<Arc<BreakableProxy>>) -> Vec<Line> {
    proxies.into_iter().enumerate().map(|(node, proxy)| Line { from: node % callers, proxy }).collect()
}
