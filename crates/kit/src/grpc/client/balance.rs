//! Which replicas the channel calls.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::AbortHandle,
};
use tonic::transport::{Endpoint, channel::Change};

use super::{
    Caller, ClientOptions,
    endpoint::endpoint,
    probe::{self, Health},
    resolve::Replica,
};
use crate::{lifecycle::Tasks, tls::Dial};

/// How soon changes that the channel had no room for are tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// Owns the set of replicas, and is the only one that changes the channel's.
pub(super) struct Balancer {
    service: &'static str,
    options: ClientOptions,
    caller: Caller,
    dial: Option<Dial>,
    /// How many times the certificate has changed.
    generation: u64,
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
    /// Whether the channel calls it, and by which generation of the certificate.
    called: Option<u64>,
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
        caller: Caller,
        tasks: Tasks,
        changes: mpsc::Sender<Change<SocketAddr, Endpoint>>,
        report: mpsc::Sender<(Replica, Health)>,
        again: Arc<Notify>,
    ) -> Self {
        let (members, leaving) = (BTreeMap::new(), Vec::new());
        let dial = options.tls.as_ref().map(|(tls, service)| tls.dial(*service));
        let generation = 0;
        Self { service, options, caller, dial, generation, tasks, changes, report, again, members, leaving }
    }

    /// Runs until the channel and all its clones are gone, or the resolver is.
    pub(super) async fn run(
        mut self,
        mut replicas: watch::Receiver<Vec<Replica>>,
        mut reports: mpsc::Receiver<(Replica, Health)>,
    ) {
        let changes = self.changes.clone();
        let mut certificates = self.dial.as_ref().map(Dial::changes);
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
                generation = next_generation(&mut certificates) => self.renew(generation),
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
            if self.members.remove(&address).is_some_and(|member| member.called.is_some()) {
                self.leaving.push(address);
            }
        }
        for replica in resolved {
            if self.members.contains_key(&replica.address) {
                continue;
            }
            let probe = self.probe(replica);
            let member =
                Member { replica: replica.clone(), health: Health::Unreachable, called: None, probe };
            self.members.insert(replica.address, member);
        }
    }

    fn probe(&self, replica: &Replica) -> AbortHandle {
        let endpoint = endpoint(replica, &self.options, self.dial.as_ref());
        let (random, report) = (Arc::clone(&self.options.random), self.report.clone());
        let probe = probe::run(replica.clone(), endpoint, self.caller.clone(), random, report);
        self.tasks.spawn_background("probe", probe).abort_handle()
    }

    /// Connects anew with a new certificate. What the members' health is stays known meanwhile, and a connection is used
    /// until the one that replaces it is there.
    fn renew(&mut self, generation: u64) {
        self.generation = generation;
        let replicas: Vec<Replica> = self.members.values().map(|member| member.replica.clone()).collect();
        for replica in replicas {
            let probe = self.probe(&replica);
            if let Some(member) = self.members.get_mut(&replica.address) {
                std::mem::replace(&mut member.probe, probe).abort();
            }
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
                let wanted = (Some(member.health) == best).then_some(self.generation);
                if wanted == member.called || wanted.is_some() != enters {
                    continue;
                }
                let change = if enters {
                    // One that is there already is replaced.
                    Change::Insert(*address, endpoint(&member.replica, &self.options, self.dial.as_ref()))
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

/// Waits for the next certificate; for ever where there is none.
async fn next_generation(certificates: &mut Option<watch::Receiver<u64>>) -> u64 {
    if let Some(certificates) = certificates
        && certificates.changed().await.is_ok()
    {
        return *certificates.borrow_and_update();
    }
    std::future::pending().await
}
