//! What every request and session of this gateway works with.

use std::sync::{Arc, atomic::AtomicBool};

use madang_bus::Presence;
use madang_kit::{
    clock::{Clock, Random},
    lifecycle::Tasks,
};
use madang_rpc::{Auth, MessageStore};

use crate::{
    admission::Door,
    budget::Budgets,
    connections::Connections,
    credentials::{Revocations, SiteKeys, Verifier},
    fanout::Fanout,
    hub::Hubs,
    metrics::Counters,
    settings::GatewaySettings,
};

/// The parts of a gateway. They know nothing of each other but what they were given; sessions and handlers
/// bring them together.
pub(crate) struct Edge {
    pub(crate) settings: GatewaySettings,
    /// Who somebody is.
    pub(crate) auth: Arc<dyn Auth>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) site_keys: SiteKeys,
    /// What happened, and who may do what.
    pub(crate) store: Arc<dyn MessageStore>,
    /// Who listens here, and elsewhere.
    pub(crate) hubs: Hubs,
    /// Who is in which room, over all gateways.
    pub(crate) presence: Arc<dyn Presence>,
    pub(crate) fanout: Fanout,
    /// The sockets.
    pub(crate) connections: Arc<Connections>,
    pub(crate) budgets: Budgets,
    /// Who may come in now.
    pub(crate) door: Door,
    /// The gateway is stopping: no new sockets.
    pub(crate) draining: AtomicBool,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// For work that must not end with the request that began it.
    pub(crate) tasks: Tasks,
}
