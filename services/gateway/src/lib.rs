//! The gateway: the stateless edge that holds the sockets.
//!
//! It terminates WebSockets and serves REST, asks the auth service who somebody is and the message store
//! what may be done, and tells the other gateways what happened. Anything that it holds can be rebuilt from
//! its clients' cursors and the store.
//!
//! Data flows one way: frame → `session` → `commands` → store → `fanout` → `hub` → outbox → frame.

mod admission;
mod budget;
mod bus_health;
mod card;
mod cli;
mod commands;
mod connections;
mod credentials;
mod edge;
mod fanout;
mod format;
mod hub;
mod metrics;
mod origin;
mod reference;
mod rest;
mod server;
mod session;
mod settings;
mod upgrade;
mod wire;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use madang_bus::{Bus, Connected};
use madang_kit::{Host, Running, StartError, health::Readiness};
use madang_rpc::{Auth, MessageStore};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use cli::{Cli, RedisUrl, bus, run};
pub use settings::{GatewaySettings, IssuerAlgorithm, IssuerSettings, ReferenceSettings};

use crate::{
    admission::Door,
    connections::Connections,
    credentials::{Issuer, Revocations, Site, SiteKeys, Verifier, Visitors},
    edge::Edge,
    fanout::Fanout,
    hub::{Hubs, ShardDeps},
    metrics::Counters,
    origin::AllowedOrigins,
};

/// How long clients of a stopping gateway wait before they reconnect, at most.
const RECONNECT_PAUSE: Duration = Duration::from_secs(3);
/// How long the sockets may take to end after they were told to, beyond the spread.
const SESSIONS_PATIENCE: Duration = Duration::from_secs(8);
/// How often the end of the last session is looked for while draining.
const DRAIN_POLL: Duration = Duration::from_millis(50);

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
    let listener = TcpListener::bind(settings.http_addr)
        .await
        .map_err(|error| StartError::listen("the gateway", settings.http_addr, error))?;
    let address = listener
        .local_addr()
        .map_err(|error| StartError::listen("the gateway", settings.http_addr, error))?;
    let Deps { auth, store, bus: Connected { bus, presence, inbox } } = deps;
    let Host { readiness, metrics, clock, random, .. } = host.clone();

    metrics::export(&metrics, &counters, &bus.metrics());
    let shards_stop = CancellationToken::new();
    let hubs = Hubs::start(
        tokio::runtime::Handle::current().metrics().num_workers(),
        &ShardDeps {
            store: Arc::clone(&store),
            bus: Arc::clone(&bus),
            presence: Arc::clone(&presence),
            presence_names_max: settings.presence_names_max,
            counters: Arc::clone(&counters),
            tasks: life.tasks(),
            stop: shards_stop.clone(),
        },
    );
    let fanout = Fanout::new(hubs.clone(), Arc::clone(&bus));
    let connections = Arc::new(Connections::new());
    let revocations = Arc::new(Revocations::default());
    let site = issuer
        .map(|issuer| Site { issuer, visitors: Visitors::new(Arc::clone(&auth), Arc::clone(&counters)) });
    let verifier =
        Arc::new(Verifier::new(Arc::clone(&auth), site, Arc::clone(&revocations), Arc::clone(&clock)));

    // What runs until the soft shutdown.
    let until_soft = |name, task: futures_util::future::BoxFuture<'static, ()>| {
        let soft = life.soft().clone();
        life.tasks().spawn(name, async move {
            soft.run_until_cancelled(task).await;
        });
    };
    until_soft("keys", Box::pin(Arc::clone(&verifier).keep_keys(readiness.check("keys"))));
    until_soft("site keys", Box::pin(Arc::clone(&verifier).keep_site_keys()));
    until_soft("bus health", Box::pin(bus_health::watch(bus.status(), readiness.check("bus"))));
    // What the drain still needs ends with the sessions.
    let until_drained = |name, task: futures_util::future::BoxFuture<'static, ()>| {
        let stop = shards_stop.clone();
        life.tasks().spawn(name, async move {
            stop.run_until_cancelled(task).await;
        });
    };
    until_drained("heartbeat", Box::pin(Arc::clone(&connections).heartbeat(settings.heartbeat())));
    until_drained("expiry", Box::pin(Arc::clone(&connections).expire(Arc::clone(&clock))));
    until_drained(
        "revocations",
        Box::pin(Arc::clone(&revocations).follow(
            Arc::clone(&auth),
            Arc::clone(&connections),
            Arc::clone(&clock),
        )),
    );
    // The inbox ends with the bus: by the drain, or because the bus broke, and then so does this gateway.
    let (receiving, soft) = (fanout.clone().receive(inbox), life.soft().clone());
    life.tasks().spawn_fallible("inbox", async move {
        receiving.await;
        if soft.is_cancelled() { Ok(()) } else { Err(BusEnded) }
    });

    let origins = Arc::new(AllowedOrigins::new(&settings.allowed_origins));
    let connections_max = settings.max_connections;
    let edge = Arc::new(Edge {
        budgets: budget::Budgets::new(
            budget::RateLimit {
                interval: Duration::from_secs(1) / settings.sends_per_second,
                burst: settings.sends_burst,
            },
            settings.max_user_sockets,
        ),
        door: Door::new(settings.admissions_per_second),
        site_keys: SiteKeys::new(Arc::clone(&auth), settings.server_calls_per_second),
        settings,
        auth,
        verifier,
        revocations,
        store,
        hubs,
        presence,
        fanout,
        connections,
        draining: AtomicBool::new(false),
        counters,
        clock,
        random,
        tasks: life.tasks(),
    });
    let router = rest::router(&edge, &origins).merge(extra);
    life.tasks().spawn("http", server::serve(listener, router, connections_max, life.clone()));
    life.tasks().spawn("drain", drain(edge, bus, readiness, shards_stop, life.soft().clone()));
    Ok(Running::new("gateway", life).listening("http", address))
}

/// Leaves in order once the soft shutdown begins: sockets are told to reconnect elsewhere, what is being
/// appended is finished, then the bus is left, so that what was committed last is published too.
async fn drain(
    edge: Arc<Edge>,
    bus: Arc<dyn Bus>,
    readiness: Readiness,
    shards_stop: CancellationToken,
    soft: CancellationToken,
) {
    soft.cancelled().await;
    readiness.drain();
    edge.draining.store(true, Ordering::Release);
    edge.connections.drain(edge.settings.reconnect_spread(), RECONNECT_PAUSE, &*edge.random).await;
    let sessions_gone = async {
        while edge.counters.sessions.get() > 0 {
            tokio::time::sleep(DRAIN_POLL).await;
        }
    };
    if tokio::time::timeout(SESSIONS_PATIENCE, sessions_gone).await.is_err() {
        tracing::warn!(sessions = edge.counters.sessions.get(), "sockets were left open");
    }
    bus.close().await;
    shards_stop.cancel();
}
