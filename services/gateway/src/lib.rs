//! The gateway: the stateless edge that holds the sockets.
//!
//! It terminates WebSockets and serves REST, asks the auth service who somebody is and the message store
//! what may be done, and tells the other gateways what happened. Anything that it holds can be rebuilt from
//! its clients' cursors and the store.
//!
//! Data flows one way: frame → dialect → command → store → commit → fan-out → hub → outbox → frame.

mod admission;
mod bus_health;
mod cli;
mod commands;
mod connections;
mod credentials;
mod dialects;
mod drain;
mod fanout;
mod formats;
mod http;
mod hub;
mod log;
mod metrics;
mod outbox;
mod rest;
mod router;
mod session;
mod settings;
mod state;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use madang_bus::{Bus, Connected, Deliveries, Presence};
use madang_flow_control::RateLimit;
use madang_kit::{
    Host, Lifecycle, Running, StartError,
    clock::{Clock, Random},
};
use madang_rpc::{Auth, MessageStore};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use cli::{Cli, RedisUrl, bus, run};
pub use settings::{ChannelsSettings, GatewaySettings, IssuerAlgorithm, IssuerSettings};

use crate::{
    admission::{AdmissionQueue, UserLimits},
    commands::{Commands, PresenceSettings},
    connections::Connections,
    credentials::{Issuer, Revocations, SiteKeys, SiteTokens, SiteUserCache, Verifier},
    fanout::Fanout,
    http::{origin::AllowedOrigins, server},
    hub::{Hubs, ShardDeps},
    metrics::Counters,
    outbox::Close,
    session::{SocketSettings, Sockets},
    state::{Entrance, EntranceSettings, GatewayState},
};

/// The bus has ended without being closed: nothing would come from other gateways any more.
#[derive(Debug, thiserror::Error)]
#[error("the bus has broken")]
struct BusEnded;

/// What a gateway works with.
pub struct Deps {
    /// Who somebody is.
    pub auth: Arc<dyn Auth>,
    /// What happened, and who may do what.
    pub store: Arc<dyn MessageStore>,
    /// The way to other gateways, and what comes from them.
    pub bus: Connected,
}

/// The documents of the contract cannot be made.
fn documents_missing(error: madang_domain::Error) -> StartError {
    StartError::Dependency { what: "the description of the API", source: Box::new(error) }
}

/// Starts a gateway. `extra` routes are served beside its own, outside the base path.
///
/// # Errors
/// When a setting is wrong or the address cannot be listened on.
pub async fn start(
    settings: GatewaySettings,
    deps: Deps,
    extra: axum::Router,
    host: &Host,
) -> Result<Running, StartError> {
    let life = host.lifecycle.child("gateway");
    let counters = Arc::new(Counters::default());
    let issuer = Issuer::new(&settings.issuer, &counters).await?;
    let not_listening = |error| StartError::listen("the gateway", settings.http_addr, error);
    let listener = TcpListener::bind(settings.http_addr).await.map_err(not_listening)?;
    let address = listener.local_addr().map_err(not_listening)?;
    host.metrics.export(&counters);
    host.metrics.export(&deps.bus.bus.metrics());

    let Deps { auth, store, bus: Connected { bus, presence, deliveries } } = deps;
    let parts = Parts {
        settings: &settings,
        auth,
        store,
        bus,
        presence,
        counters,
        clock: Arc::clone(&host.clock),
        random: Arc::clone(&host.random),
        life: life.clone(),
        until_drained: CancellationToken::new(),
    };
    let state = parts.state(issuer);
    parts.keep_credentials(&state, host);
    parts.keep_sockets(&state);
    parts.keep_bus(&state, deliveries, host);

    let router = router::router(&settings, state.clone()).map_err(documents_missing)?.merge(extra);
    life.tasks().spawn("http", server::serve(listener, router, settings.max_connections, life.clone()));
    let drain = drain::drain(
        state.sockets,
        parts.bus,
        settings.reconnect_spread(),
        host.random.clone(),
        host.readiness.clone(),
        parts.until_drained,
        life.soft().clone(),
    );
    life.tasks().spawn("drain", drain);
    Ok(Running::new("gateway", life).listening("http", address))
}

/// What the steps of the start share.
struct Parts<'a> {
    settings: &'a GatewaySettings,
    auth: Arc<dyn Auth>,
    store: Arc<dyn MessageStore>,
    bus: Arc<dyn Bus>,
    presence: Arc<dyn Presence>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    life: Lifecycle,
    /// Ends what the drain still needs, after the last session.
    until_drained: CancellationToken,
}

impl Parts<'_> {
    /// Connects the parts to each other; no task runs but the hubs'.
    fn state(&self, issuer: Option<Issuer>) -> GatewayState {
        let settings = self.settings;
        let hubs = Hubs::start(
            tokio::runtime::Handle::current().metrics().num_workers(),
            &ShardDeps {
                store: Arc::clone(&self.store),
                bus: Arc::clone(&self.bus),
                presence: Arc::clone(&self.presence),
                presence_names_max: settings.presence_names_max,
                counters: Arc::clone(&self.counters),
                tasks: self.life.tasks(),
                stop: self.until_drained.clone(),
            },
        );
        let sends = RateLimit {
            interval: Duration::from_secs(1) / settings.sends_per_second,
            burst: settings.sends_burst,
        };
        let user_limits = Arc::new(UserLimits::new(sends, settings.max_user_sockets));
        let revocations = Arc::new(Revocations::default());
        let commands = Commands {
            store: Arc::clone(&self.store),
            auth: Arc::clone(&self.auth),
            hubs: hubs.clone(),
            fanout: Fanout::new(hubs.clone(), Arc::clone(&self.bus)),
            presence: Arc::clone(&self.presence),
            presence_settings: PresenceSettings {
                enabled: settings.presence,
                names_max: settings.presence_names_max,
            },
            user_limits: Arc::clone(&user_limits),
            counters: Arc::clone(&self.counters),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            tasks: self.life.tasks(),
        };
        let sockets = Sockets {
            settings: SocketSettings {
                queue_max_bytes: settings.queue_max_bytes,
                max_socket_rooms: settings.max_socket_rooms,
                replay_max_events: settings.replay_max_events,
                heartbeat: settings.heartbeat(),
            },
            connections: Arc::new(Connections::new()),
            revocations: Arc::clone(&revocations),
            hubs,
            store: Arc::clone(&self.store),
            user_limits,
            counters: Arc::clone(&self.counters),
            draining: AtomicBool::new(false),
        };
        GatewayState {
            commands: Arc::new(commands),
            entrance: Arc::new(self.entrance(issuer, revocations)),
            sockets: Arc::new(sockets),
            accounts: Arc::clone(&self.auth),
        }
    }

    fn entrance(&self, issuer: Option<Issuer>, revocations: Arc<Revocations>) -> Entrance {
        let (settings, auth) = (self.settings, &self.auth);
        let site = issuer.map(|issuer| SiteTokens {
            issuer,
            users: SiteUserCache::new(Arc::clone(auth), Arc::clone(&self.counters)),
        });
        Entrance {
            verifier: Arc::new(Verifier::new(Arc::clone(auth), site, revocations, Arc::clone(&self.clock))),
            site_keys: SiteKeys::new(Arc::clone(auth), settings.server_calls_per_second),
            origins: Arc::new(AllowedOrigins::new(&settings.allowed_origins)),
            admissions: AdmissionQueue::new(settings.admissions_per_second),
            settings: EntranceSettings {
                allow_query_token: settings.allow_query_token == Some(true),
                trusted_proxies: settings.trusted_proxies,
                registration: settings.registration(),
            },
            counters: Arc::clone(&self.counters),
            refusals: log::Refusals::new(Arc::clone(&self.clock)),
        }
    }

    /// Keeps the keys that tokens are verified with, and closes the sockets of sessions that end.
    fn keep_credentials(&self, state: &GatewayState, host: &Host) {
        let verifier = &state.entrance.verifier;
        self.until_soft("keys", Arc::clone(verifier).keep_keys(host.readiness.check("keys")));
        self.until_soft("site keys", Arc::clone(verifier).keep_site_keys());
        let connections = Arc::clone(&state.sockets.connections);
        let follow = Arc::clone(&state.sockets.revocations).follow(
            Arc::clone(&self.auth),
            Arc::clone(&self.clock),
            move |ended| connections.close_ended(ended, Close::Revoked),
        );
        self.until_drained("revocations", follow);
    }

    /// Pings silent sockets, and closes those whose credential has expired.
    fn keep_sockets(&self, state: &GatewayState) {
        let connections = &state.sockets.connections;
        self.until_drained("heartbeat", Arc::clone(connections).heartbeat(self.settings.heartbeat()));
        self.until_drained("expiry", Arc::clone(connections).expire(Arc::clone(&self.clock)));
    }

    /// Delivers what other gateways publish, and says in the readiness how the bus is.
    fn keep_bus(&self, state: &GatewayState, deliveries: Deliveries, host: &Host) {
        self.until_soft("bus health", bus_health::watch(self.bus.status(), host.readiness.check("bus")));
        // Receiving ends with the bus: by the drain, or because the bus broke, and then so does this gateway.
        let (receiving, soft) = (state.commands.fanout.clone().receive(deliveries), self.life.soft().clone());
        self.life.tasks().spawn_fallible("deliveries", async move {
            receiving.await;
            if soft.is_cancelled() { Ok(()) } else { Err(BusEnded) }
        });
    }

    /// Runs a task until the soft shutdown.
    fn until_soft(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let soft = self.life.soft().clone();
        self.life.tasks().spawn(name, async move {
            soft.run_until_cancelled(task).await;
        });
    }

    /// Runs a task that the drain still needs until the last session has ended.
    fn until_drained(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.until_drained.clone();
        self.life.tasks().spawn(name, async move {
            stop.run_until_cancelled(task).await;
        });
    }
}
