//! The gateway: the stateless service that holds the sockets.
//!
//! It holds WebSockets and serves the REST API. The auth service authenticates users, and the message store
//! authorizes their commands. The gateway publishes committed events to the other gateways. All its state can
//! be rebuilt from its clients' cursors and the store.
//!
//! Data flows one way: frame → dialect → command → store → commit → fan-out → hub → outbox → frame.

mod admission;
mod bus_health;
mod cli;
mod client_stream;
mod commands;
mod connections;
mod credentials;
mod dialects;
mod doctor;
mod drain;
mod fanout;
mod files;
mod formats;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod hub;
mod log;
mod metrics;
mod outbox;
mod rest;
mod retirement;
mod room_names;
mod router;
mod scrape;
mod session;
mod settings;
mod state;
mod trace;
mod web_client;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use madang_bus::{Bus, Connected, Deliveries, Presence};
use madang_flow_control::RateLimit;
use madang_kit::{
    FileLimit, Host, Lifecycle, Running, StartError,
    clock::{Clock, Random},
    doctor::BESIDE_CONNECTIONS,
    tls::ListenerTls,
};
use madang_rpc::{Auth, MessageStore};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

pub use cli::{Cli, bus, run};
pub use doctor::{check_settings, examine};
pub use settings::{
    AllowedOrigin, ChannelsSettings, FileSettings, ForwardedHeader, GatewaySettings, IssuerAlgorithm,
    IssuerSettings, Origin, RedisUrl,
};

use crate::{
    admission::{
        AdmissionQueue, BudgetSettings, Budgets, Handshakes, ReadBudgets, ReadSettings, SharedLimits,
        UserLimits,
    },
    commands::{Commands, FixedLimits, PresenceSettings, ReservedSlugs},
    connections::Connections,
    credentials::{ChangedUser, Issuer, Revocations, SiteKeys, SiteTokens, SiteUserCache, Verifier},
    fanout::Fanout,
    files::Files,
    http::{
        client_address::Proxies,
        measure::HttpMetrics,
        origin::AllowedOrigins,
        server::{Server, ServerSettings},
    },
    hub::{Hubs, ShardDeps},
    metrics::{Counters, Recorders},
    outbox::Close,
    retirement::Retirement,
    room_names::RoomNames,
    session::{SocketSettings, Sockets},
    state::{Entrance, EntranceSettings, GatewayState},
};

/// The changed profiles that wait to be told. More come at once only where the store does not answer.
const CHANGED_PROFILES_MAX: usize = 1_024;

/// What the gateway speaks by TLS, in the names of ALPN (RFC 7301).
const ALPN_HTTP: &[u8] = b"http/1.1";

/// The bus ended without being closed. This gateway would receive no events from other gateways any more.
#[derive(Debug, thiserror::Error)]
#[error("the bus has broken")]
struct BusEnded;

/// The services and the bus that a gateway needs.
pub struct Deps {
    /// The auth service.
    pub auth: Arc<dyn Auth>,
    /// The message store.
    pub store: Arc<dyn MessageStore>,
    /// The bus to other gateways, and the deliveries from them.
    pub bus: Connected,
}

/// The error when the documents of the contract cannot be generated.
fn documents_missing(error: madang_domain::Error) -> StartError {
    StartError::Dependency { what: "the description of the API", source: Box::new(error) }
}

/// Starts a gateway. It serves the `extra` routes beside its own, outside the base path.
///
/// # Errors
/// When a setting is wrong or the address cannot be bound.
pub async fn start(
    settings: GatewaySettings,
    deps: Deps,
    extra: axum::Router,
    host: &Host,
) -> Result<Running, StartError> {
    let life = host.lifecycle.child("gateway");
    let counters = Arc::new(Counters::default());
    let files = Files::open(&settings.files)?.map(Arc::new);
    let issuer = Issuer::new(&settings.issuer, &counters).await?;
    let tls = ListenerTls::open(&settings.tls, &[ALPN_HTTP], host).await?;
    let protocol = if tls.is_some() { "https" } else { "http" };
    let not_listening = |error| StartError::listen("the gateway", settings.http_addr, error);
    let listener = TcpListener::bind(settings.http_addr).await.map_err(not_listening)?;
    let address = listener.local_addr().map_err(not_listening)?;
    warn_of_few_files(&settings);
    host.metrics.export(&counters);
    host.metrics.export(&deps.bus.bus.metrics());
    let recorders = Recorders::new(&host.metrics);
    let http_metrics = HttpMetrics { duration: recorders.http.clone(), counters: Arc::clone(&counters) };

    let Deps { auth, store, bus: Connected { bus, presence, budgets, deliveries } } = deps;
    let shared = Arc::new(SharedLimits::new(budgets, Arc::clone(&counters), life.tasks()));
    let (changed_profiles, told_profiles) = mpsc::channel(CHANGED_PROFILES_MAX);
    let parts = Parts {
        settings: &settings,
        auth,
        store,
        bus,
        presence,
        shared,
        counters,
        recorders,
        clock: Arc::clone(&host.clock),
        random: Arc::clone(&host.random),
        life: life.clone(),
        changed_profiles,
        files,
        until_drained: CancellationToken::new(),
    };
    let state = parts.state(issuer);
    parts.remove_files();
    parts.keep_credentials(&state, host);
    parts.keep_sockets(&state);
    parts.keep_bus(&state, deliveries, host);
    let departures = Arc::clone(state.sockets.user_limits.departures());
    let note_departures =
        Arc::clone(&state.commands).note_departures(departures, parts.until_drained.clone());
    life.tasks().spawn("departures", note_departures);
    let users = Arc::clone(&state.sockets.user_limits);
    parts.until_drained("hides", Arc::clone(&state.commands).reread_kept_from_others(users));
    parts.until_drained("profiles", Arc::clone(&state.commands).tell_profiles(told_profiles));
    parts.until_stopping("erasures", Arc::clone(&state.commands).carry_out_erasures());

    scrape::observe(&host.metrics, &state, &parts.bus);
    let router =
        router::router(&settings, state.clone(), http_metrics).map_err(documents_missing)?.merge(extra);
    let server = Server::new(server_settings(&settings), router, Arc::clone(&parts.counters), life.clone());
    let server = server.with_tls(tls);
    server.observe(&host.metrics);
    life.tasks().spawn("http", Arc::new(server).serve(listener));
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
    Ok(Running::new("gateway", life).listening(protocol, address))
}

/// Says where fewer connections are to be had than the settings allow: those beyond wait, and nobody would know why.
fn warn_of_few_files(settings: &GatewaySettings) {
    let connections = u64::try_from(settings.max_connections).unwrap_or(u64::MAX);
    let (limit, needed) = (FileLimit::current(), connections.saturating_add(BESIDE_CONNECTIONS));
    if !limit.allows(needed) {
        tracing::warn!(
            limit = FileLimit::in_words(limit.soft),
            needed,
            "the limit of open files is below MADANG_MAX_CONNECTIONS: connections beyond it wait; raise the hard limit"
        );
    }
}

fn server_settings(settings: &GatewaySettings) -> ServerSettings {
    ServerSettings {
        connections_max: settings.max_connections,
        address_connections_max: settings.max_address_connections,
        keep_alive: settings.keep_alive(),
        proxies: Proxies { trusted: settings.trusted_proxies, header: settings.forwarded_header },
    }
}

/// So many a second, and so many at once.
fn rate(per_second: u32, burst: u32) -> RateLimit {
    RateLimit { interval: Duration::from_secs(1) / per_second, burst }
}

/// What the steps of the start share.
struct Parts<'a> {
    settings: &'a GatewaySettings,
    auth: Arc<dyn Auth>,
    store: Arc<dyn MessageStore>,
    bus: Arc<dyn Bus>,
    presence: Arc<dyn Presence>,
    shared: Arc<SharedLimits>,
    counters: Arc<Counters>,
    recorders: Recorders,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    life: Lifecycle,
    /// Takes the profiles that the site's tokens have changed.
    changed_profiles: mpsc::Sender<ChangedUser>,
    /// Uploaded files; none where none are kept.
    files: Option<Arc<Files>>,
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
        let sends = rate(settings.sends_per_second, settings.sends_burst);
        let user_limits = Arc::new(UserLimits::new(settings.max_user_sockets));
        let budgets = BudgetSettings {
            user_sends: sends,
            address_sends_per_second: settings.address_sends_per_second,
            room_sends_per_second: settings.room_sends_per_second,
            room_creations_per_minute: settings.room_creations_per_minute,
            member_additions_per_minute: settings.member_additions_per_minute,
            user_uploads: settings.files.max_user_uploads,
        };
        let reads = ReadSettings {
            user: rate(settings.reads_per_second, settings.reads_burst),
            address_per_second: settings.address_reads_per_second,
        };
        let reads = Arc::new(ReadBudgets::new(reads, Arc::clone(&user_limits)));
        let revocations = Arc::new(Revocations::default());
        let commands = Commands {
            store: Arc::clone(&self.store),
            room_names: RoomNames::new(Arc::clone(&self.store)),
            auth: Arc::clone(&self.auth),
            hubs: hubs.clone(),
            fanout: Fanout::new(hubs.clone(), Arc::clone(&self.bus), Arc::clone(&user_limits)),
            presence: Arc::clone(&self.presence),
            presence_settings: PresenceSettings {
                enabled: settings.presence,
                names_max: settings.presence_names_max,
            },
            // The default room's slug too if the Channels dialect is off: it may be switched on later.
            reserved_slugs: ReservedSlugs::new(
                settings.reserved_slugs.iter().chain([&settings.channels.default_room]).cloned(),
            ),
            budgets: Arc::new(Budgets::new(budgets, Arc::clone(&user_limits), Arc::clone(&self.shared))),
            reads: Arc::clone(&reads),
            fixed_limits: FixedLimits::of(settings, self.files.as_ref().map(|files| files.max_bytes())),
            received: Arc::default(),
            files: self.files.clone(),
            counters: Arc::clone(&self.counters),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            erasures: tokio::sync::Notify::new(),
            tasks: self.life.tasks(),
        };
        let retirement = settings
            .max_socket_age()
            .map(|age| Retirement::new(age, settings.retirements_per_second, Arc::clone(&self.random)));
        let sockets = Sockets {
            settings: SocketSettings {
                queue_max_bytes: settings.queue_max_bytes,
                max_socket_rooms: settings.max_socket_rooms,
                replay_max_events: settings.replay_max_events,
                heartbeat: settings.heartbeat(),
            },
            connections: Arc::new(Connections::new(retirement)),
            revocations: Arc::clone(&revocations),
            hubs,
            store: Arc::clone(&self.store),
            user_limits,
            reads,
            counters: Arc::clone(&self.counters),
            recorders: self.recorders.clone(),
            clock: Arc::clone(&self.clock),
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
            users: SiteUserCache::new(
                Arc::clone(auth),
                Arc::clone(&self.counters),
                Arc::clone(&self.clock),
                self.changed_profiles.clone(),
            ),
        });
        Entrance {
            verifier: Arc::new(Verifier::new(Arc::clone(auth), site, revocations, Arc::clone(&self.clock))),
            site_keys: SiteKeys::new(
                Arc::clone(auth),
                settings.server_calls_per_second,
                Arc::clone(&self.shared),
            ),
            origins: Arc::new(
                AllowedOrigins::new(&settings.allowed_origins, settings.trusted_proxies > 0)
                    .with_tls(settings.tls.http_tls_certificate.is_some()),
            ),
            handshakes: Arc::new(Handshakes::new(rate(
                settings.handshakes_per_second,
                settings.handshakes_burst,
            ))),
            admissions: AdmissionQueue::new(settings.admissions_per_second),
            settings: EntranceSettings {
                allow_query_token: settings.allow_query_token == Some(true),
                registration: settings.registration(),
            },
            counters: Arc::clone(&self.counters),
            refusals: log::Refusals::new(Arc::clone(&self.clock)),
        }
    }

    /// Removes the bytes of files that are no more.
    fn remove_files(&self) {
        if let Some(files) = &self.files {
            self.until_soft("files", Arc::clone(files).sweep(Arc::clone(&self.store)));
        }
    }

    /// Refreshes the keys that verify tokens, and closes the sockets of revoked sessions.
    fn keep_credentials(&self, state: &GatewayState, host: &Host) {
        let verifier = &state.entrance.verifier;
        self.until_soft("keys", Arc::clone(verifier).keep_keys(host.readiness.check("keys")));
        self.until_soft("site keys", Arc::clone(verifier).keep_site_keys());
        let (connections, of_site) = (Arc::clone(&state.sockets.connections), Arc::clone(verifier));
        let follow = Arc::clone(&state.sockets.revocations).follow(
            Arc::clone(&self.auth),
            Arc::clone(&self.clock),
            move |ended| {
                connections.close_ended(ended, Close::Revoked);
                of_site.forget_users(&ended.users);
            },
        );
        self.until_drained("revocations", follow);
    }

    /// Pings silent sockets, closes those whose credential has expired, and retires old ones.
    fn keep_sockets(&self, state: &GatewayState) {
        let connections = &state.sockets.connections;
        self.until_drained("heartbeat", Arc::clone(connections).heartbeat(self.settings.heartbeat()));
        self.until_drained("expiry", Arc::clone(connections).expire(Arc::clone(&self.clock)));
        self.until_stopping("retirement", Arc::clone(connections).retire());
    }

    /// Delivers what other gateways publish, and reports the health of the bus in the readiness.
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

    /// Runs a task that ends with the soft shutdown.
    fn until_stopping(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.life.soft().clone();
        self.life.tasks().spawn(name, async move {
            stop.run_until_cancelled(task).await;
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
