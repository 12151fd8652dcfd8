//! Either side of a comparison, ready to be loaded: the cluster, or the bare server.

use std::sync::Arc;

use crate::{
    bare::BareServer,
    error::BenchError,
    fleet::Plan,
    layout::Shape,
    rest_api::{Account, RestApi},
    target::{Part, Process, Target},
};

/// A plan of clients, and the processes that they load.
pub(super) struct Side {
    /// The clients.
    pub plan: Plan,
    /// Whose CPU time counts.
    pub processes: Vec<Process>,
    /// Ends with the side.
    _bare: Option<BareServer>,
}

impl Side {
    /// Makes the shape's rooms in the cluster.
    pub(super) async fn of_cluster(
        target: &Target,
        api: &RestApi,
        accounts: &mut [Account],
        shape: Shape,
    ) -> Result<Self, BenchError> {
        api.renew(accounts).await?;
        let rooms = api.make_rooms(accounts, &shape.members(accounts.len())).await?;
        let servers = target.addresses(Part::Gateway);
        let tokens = accounts.iter().map(|account| Arc::clone(&account.token)).collect();
        let seats = shape.seats(accounts.len(), servers.len());
        let plan = Plan { servers, tokens, rooms, seats };
        Ok(Self { plan, processes: target.processes.clone(), _bare: None })
    }

    /// Starts a bare server. It takes any token and any room; the names are as long as ids.
    pub(super) fn bare(shape: Shape) -> Result<Self, BenchError> {
        let bare = BareServer::start()?;
        let rooms =
            (0..shape.rooms).map(|room| Arc::from(format!("00000000-0000-7000-8000-{room:012}"))).collect();
        // One account is enough for a server that has none.
        let plan = Plan {
            servers: vec![bare.address()],
            tokens: vec![Arc::from("none")],
            rooms,
            seats: shape.seats(1, 1),
        };
        let process = Process {
            name: "bare".to_owned(),
            part: Part::Gateway,
            pid: bare.pid(),
            address: bare.address(),
            ops_address: None,
            url: None,
        };
        Ok(Self { plan, processes: vec![process], _bare: Some(bare) })
    }

    /// The processes that hold the sockets.
    pub(super) fn gateways(&self) -> Vec<u32> {
        self.processes
            .iter()
            .filter(|process| process.part == Part::Gateway)
            .map(|process| process.pid)
            .collect()
    }
}
