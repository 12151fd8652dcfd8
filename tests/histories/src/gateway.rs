//! A gateway in this process, which can be killed.

use std::{sync::Arc, time::Duration};

use clap::Parser;
use madang_bus::{BusStatus, Connected, InProcessExchange, redis};
use madang_client::Client;
use madang_domain::GatewayId;
use madang_gateway::{Deps, GatewaySettings};
use madang_kit::{
    Host, Lifecycle, Running,
    clock::{SystemClock, SystemRandom, new_id},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Services, Violation,
    fault::{FaultyBus, StoreFaults, faulty},
    services::BusKind,
};

/// The events that each gateway replays: one of them so few that a cursor can be too old.
const REPLAY_MAX_EVENTS: [u32; crate::case::GATEWAYS] = [500, 6];
/// How long a gateway's bus may take until it is healthy.
const BUS_PATIENCE: Duration = Duration::from_secs(20);
/// What is given to tasks that are dropped.
const DRAIN: Duration = Duration::from_secs(2);
/// More than any case sends: the bound has tests of its own.
const SENDS: u32 = 100_000;

/// The gateway's settings, for their defaults.
#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    gateway: GatewaySettings,
}

/// What the gateways of one case share.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    exchange: InProcessExchange,
    prefix: String,
    /// Where the calls to the store run.
    pub(crate) calls: TaskTracker,
}

impl Network {
    /// One to which no gateway belongs yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        let prefix = madang_test_kit::unique_prefix();
        Self { exchange: InProcessExchange::new(), prefix, calls: TaskTracker::new() }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

/// A gateway that runs.
pub(crate) struct Gateway {
    /// Where, and for nobody yet.
    pub(crate) client: Client,
    /// The events that it replays.
    pub(crate) replay_max: u32,
    /// Its end of the bus.
    pub(crate) bus: Arc<FaultyBus>,
    /// What goes wrong with its calls.
    pub(crate) store: Arc<StoreFaults>,
    running: Running,
    /// Ends a Redis bus as a crash does.
    cut: CancellationToken,
}

impl Gateway {
    /// Starts the gateway of a number.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn start(
        services: &Services,
        network: &Network,
        number: usize,
    ) -> Result<Self, Violation> {
        let cut = CancellationToken::new();
        let connected = connect(services, network, &cut).await?;
        let (bus, deliveries) = FaultyBus::new(connected.bus, connected.deliveries);
        let faulty_bus = Connected { bus: Arc::clone(&bus) as _, deliveries, ..connected };
        let store = Arc::new(StoreFaults::default());
        let reached = faulty(Arc::clone(&services.stores[number]), Arc::clone(&store), network.calls.clone());
        let deps = Deps { auth: Arc::clone(&services.auth), store: Arc::new(reached), bus: faulty_bus };
        let replay_max = REPLAY_MAX_EVENTS[number];
        let host = Host::new("histories", Lifecycle::new("case", DRAIN)).map_err(Violation::stage)?;
        let running = madang_gateway::start(settings(replay_max)?, deps, axum::Router::new(), &host)
            .await
            .map_err(Violation::stage)?;
        let address = running.address("http").ok_or_else(|| Violation::stage("no address"))?;
        let client = Client::new(&format!("http://{address}")).map_err(Violation::stage)?;
        Ok(Self { client, replay_max, bus, store, running, cut })
    }

    /// Ends it as a crash does: nothing is finished, nobody is told.
    pub(crate) async fn kill(self) {
        self.cut.cancel();
        self.running.kill().await;
    }

    /// Ends all faults.
    pub(crate) async fn heal(&self) {
        self.store.heal();
        self.bus.heal().await;
    }
}

async fn connect(
    services: &Services,
    network: &Network,
    cut: &CancellationToken,
) -> Result<Connected, Violation> {
    let id = GatewayId::new(new_id(&SystemClock, &SystemRandom));
    let url = match &services.bus {
        BusKind::InProcess => return Ok(network.exchange.connect(id)),
        BusKind::Redis(url) => url,
    };
    let settings = redis::RedisSettings { prefix: network.prefix.clone(), ..redis::RedisSettings::new(url) };
    let connected = redis::connect(settings, id, &TaskTracker::new(), cut).map_err(Violation::stage)?;
    let mut status = connected.bus.status();
    let healthy = status.wait_for(BusStatus::is_healthy);
    match tokio::time::timeout(BUS_PATIENCE, healthy).await {
        Ok(Ok(_)) => {}
        Ok(Err(_)) | Err(_) => return Err(Violation::stage("the bus is not healthy")),
    }
    Ok(connected)
}

/// The defaults, but for what a case would run into.
fn settings(replay_max_events: u32) -> Result<GatewaySettings, Violation> {
    let defaults = Flags::try_parse_from(["gateway"]).map_err(Violation::stage)?.gateway;
    Ok(GatewaySettings {
        http_addr: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        sends_per_second: SENDS,
        sends_burst: SENDS,
        address_sends_per_second: 0,
        reads_per_second: SENDS,
        reads_burst: SENDS,
        address_reads_per_second: 0,
        room_sends_per_second: SENDS,
        room_creations_per_minute: SENDS,
        member_additions_per_minute: SENDS,
        replay_max_events,
        ..defaults
    })
}
