//! Which replicas the channel calls.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::AbortHandle,
};
use tonic::transport::{Endpoint, channel::Change};

use super::{
    ClientOptions,
    endpoint::endpoint,
    probe::{self, Health},
    resolve::Replica,
};
use crate::lifecycle::Tasks;

/// How soon changes that the channel had no room for are tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// Owns the set of replicas, and is the only one that changes the channel's.
pub(super) struct Balancer {
    service: &'static str,
    options: ClientOptions,
    tasks: Tasks,
    changes: mpsc::Sender<Change<SocketAddr, Endpoint>>,
    report: mpsc::Sender<(Replica, Health)>,
    again: Arc<Notify>,
    members: BTreeMap<SocketAddr, Member>,
    /// Addresses that the channel calls and that have left the set, until the channel has room to hear of it.
    leaving: Vec<SocketAddr>,
}

/// A replica that was resolved. Its drop ends its probe.
struct Member {
    replica: Replica,
    health: Health,
    /// Whether the channel calls it.
    called: bool,
    probe: AbortHandle,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.probe.abort();
    }
}

impl Balancer {
    pub(super) fn new(
        service: &'static str,
        options: ClientOptions,
        tasks: Tasks,
        changes: mpsc::Sender<Change<SocketAddr, Endpoint>>,
        report: mpsc::Sender<(Replica, Health)>,
        again: Arc<Notify>,
    ) -> Self {
        let (members, leaving) = (BTreeMap::new(), Vec::new());
        Self { service, options, tasks, changes, report, again, members, leaving }
    }

    /// Runs until the channel and all its clones are gone, or the resolver is.
    pub(super) async fn run(
        mut self,
        mut replicas: watch::Receiver<Vec<Replica>>,
        mut reports: mpsc::Receiver<(Replica, Health)>,
    ) {
        let changes = self.changes.clone();
        let mut settled = true;
        loop {
            tokio::select! {
                biased;
                () = changes.closed() => return,
                changed = replicas.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let resolved = replicas.borrow_and_update().clone();
                    self.follow(&resolved);
                }
                Some((replica, health)) = reports.recv() => self.note(&replica, health),
                () = tokio::time::sleep(AGAIN), if !settled => {}
            }
            settled = self.settle();
            self.tell_readiness();
        }
    }

    /// Takes over a new set of replicas.
    fn follow(&mut self, resolved: &[Replica]) {
        let gone: Vec<_> = self
            .members
            .iter()
            .filter(|(_, member)| !resolved.contains(&member.replica))
            .map(|(address, _)| *address)
            .collect();
        for address in gone {
            if self.members.remove(&address).is_some_and(|member| member.called) {
                self.leaving.push(address);
            }
        }
        for replica in resolved {
            if self.members.contains_key(&replica.address) {
                continue;
            }
            let endpoint = endpoint(replica, &self.options);
            let probe =
                probe::run(replica.clone(), endpoint, Arc::clone(&self.options.random), self.report.clone());
            let probe = self.tasks.spawn_background("probe", probe).abort_handle();
            let member =
                Member { replica: replica.clone(), health: Health::Unreachable, called: false, probe };
            self.members.insert(replica.address, member);
        }
    }

    /// Takes over what a probe has found.
    fn note(&mut self, replica: &Replica, health: Health) {
        let Some(member) = self.members.get_mut(&replica.address) else { return };
        if health == Health::Unreachable {
            // It may have moved.
            self.again.notify_one();
        }
        if member.health != health {
            tracing::info!(service = self.service, replica = %replica.address, ?health, "replica changed");
            member.health = health;
        }
    }

    /// Brings the channel up to date as far as it has room; answers whether it now is.
    fn settle(&mut self) -> bool {
        while let Some(address) = self.leaving.last() {
            if self.changes.try_send(Change::Remove(*address)).is_err() {
                return false;
            }
            self.leaving.pop();
        }
        let best = self.members.values().map(|member| member.health).max();
        // Those that enter go first, so that the channel is never empty in between.
        for enters in [true, false] {
            for (address, member) in &mut self.members {
                let wanted = Some(member.health) == best;
                if wanted == member.called || wanted != enters {
                    continue;
                }
                let change = if enters {
                    Change::Insert(*address, endpoint(&member.replica, &self.options))
                } else {
                    Change::Remove(*address)
                };
                if self.changes.try_send(change).is_err() {
                    return false;
                }
                member.called = wanted;
            }
        }
        true
    }

    fn tell_readiness(&self) {
        let Some(check) = &self.options.check else { return };
        if self.members.values().any(|member| member.health == Health::Serving) {
            check.ready();
        } else {
            check.failing(format!("no replica of {} serves", self.service));
        }
    }
}
