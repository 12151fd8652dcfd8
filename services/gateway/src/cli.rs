//! The gateway as its own process: its command line, and clients of the other services.

use std::sync::Arc;

use clap::{Args, Parser};
use madang_bus::redis;
use madang_bus::{Connected, InProcessExchange};
use madang_domain::{GatewayId, ServiceName};
use madang_kit::{
    Application, Check, CommonSettings, Host, OpsSettings, Running, Secret, StartError,
    clock::{Clock, new_id},
    doctor::{Finding, Speaks, port},
    grpc::{CallSecret, ClientOptions, ServiceChannel, channel},
    tls::{ServiceTls, ServiceTlsSettings},
};
use madang_rpc::{AuthClient, MessageStoreClient, MessageStoreSettings};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Deps, GatewaySettings, RedisUrl, doctor};

/// Madang's gateway: holds WebSockets, verifies tokens, serves the REST API, and exchanges events with other
/// gateways through Redis. It stores nothing permanently: run as many as you need
#[derive(Debug, Parser)]
#[command(name = "madang-gateway", version)]
pub struct Cli {
    #[command(flatten, next_help_heading = "Process")]
    common: CommonSettings,
    #[command(flatten, next_help_heading = "Process")]
    ops: OpsSettings,
    #[command(flatten, next_help_heading = "Other services")]
    upstreams: Upstreams,
    #[command(flatten, next_help_heading = "Gateway")]
    gateway: GatewaySettings,
}

/// The services that the gateway calls.
#[derive(Debug, Args)]
struct Upstreams {
    /// The URLs of the auth service, separated by commas: http://, or with a certificate https://. A host name stands for all
    /// its addresses
    #[arg(
        long = "auth-url",
        id = "auth_url",
        env = "MADANG_AUTH_URL",
        default_value = "http://127.0.0.1:7001",
        value_name = "URLS"
    )]
    auth_url: String,

    /// The URLs of the message store, likewise
    #[arg(
        long = "store-url",
        id = "store_url",
        env = "MADANG_STORE_URL",
        default_value = "http://127.0.0.1:7002",
        value_name = "URLS"
    )]
    store_url: String,

    /// The secret that the auth service asks for where there are no certificates
    #[arg(long = "auth-secret", id = "auth_secret", env = "MADANG_AUTH_SECRET", value_name = "SECRET")]
    auth_secret: Option<Secret>,

    /// The secret that the message store asks for where there are no certificates
    #[arg(long = "store-secret", id = "store_secret", env = "MADANG_STORE_SECRET", value_name = "SECRET")]
    store_secret: Option<Secret>,

    #[command(flatten)]
    tls: ServiceTlsSettings,

    #[command(flatten)]
    redis: RedisUrl,
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn ops(&self) -> Option<&OpsSettings> {
        Some(&self.ops)
    }

    async fn examine(&self, clock: Arc<dyn Clock>) -> Vec<Finding> {
        let Upstreams { auth_url, store_url, redis, .. } = &self.upstreams;
        let mut findings = doctor::examine(&self.gateway, redis, self.common.drain, &*clock).await;
        findings.push(port("MADANG_OPS_ADDR", self.ops.ops_addr, Speaks::Health).await);
        findings.extend(doctor::upstream("upstream.auth", "MADANG_AUTH_URL", auth_url).await);
        findings.extend(doctor::upstream("upstream.message-store", "MADANG_STORE_URL", store_url).await);
        findings
    }
}

/// Starts the gateway as its own process.
///
/// # Errors
/// When a setting is wrong or the address cannot be bound. Services or a Redis that do not answer are not an
/// error; the gateway waits for them.
pub async fn run(cli: Cli, host: Host) -> Result<Running, StartError> {
    let upstreams = cli.upstreams;
    let tls = ServiceTls::open(&upstreams.tls, ServiceName::Gateway, &host).await?;
    let dial = Dial { tls, host: &host };
    // The gateway verifies tokens itself. Once it has the keys, it works for a while without the auth
    // service. So auth has no readiness check here.
    let secret = CallSecret::of_setting("MADANG_AUTH_SECRET", upstreams.auth_secret.as_ref())?;
    let auth = dial.channel(ServiceName::Auth, "MADANG_AUTH_URL", &upstreams.auth_url, secret, None)?;
    let auth = AuthClient::new(auth);
    let check = host.readiness.check("message-store");
    let secret = CallSecret::of_setting("MADANG_STORE_SECRET", upstreams.store_secret.as_ref())?;
    let store = dial.channel(
        ServiceName::MessageStore,
        "MADANG_STORE_URL",
        &upstreams.store_url,
        secret,
        Some(check),
    )?;
    let store = MessageStoreClient::new(store, MessageStoreSettings::default());
    let clients = [("auth", Arc::clone(auth.counters())), ("message-store", Arc::clone(store.counters()))];
    host.metrics.export_by_label("service", &clients);
    let bus = bus(&upstreams.redis, &cli.gateway, &host)?;
    let deps = Deps { auth: Arc::new(auth), store: Arc::new(store), bus };
    crate::start(cli.gateway, deps, axum::Router::new(), &host).await
}

/// How the other services are called.
struct Dial<'a> {
    tls: Option<ServiceTls>,
    host: &'a Host,
}

impl Dial<'_> {
    fn channel(
        &self,
        service: ServiceName,
        setting: &'static str,
        urls: &str,
        secret: Option<CallSecret>,
        check: Option<Check>,
    ) -> Result<ServiceChannel, StartError> {
        let tls = self.tls.clone().map(|tls| (tls, service));
        let options = ClientOptions { check, tls, secret, ..ClientOptions::default() };
        channel(service.as_str(), urls, options, &self.host.lifecycle)
            .map_err(|error| StartError::setting(setting, error.to_string()))
    }
}

/// The bus: through Redis, or within this process.
///
/// # Errors
/// When the URL is not a URL of Redis.
pub fn bus(redis: &RedisUrl, gateway: &GatewaySettings, host: &Host) -> Result<Connected, StartError> {
    let settings = redis.settings(gateway.presence_grace())?;
    let gateway_id = GatewayId::new(new_id(&*host.clock, &*host.random));
    let Some(settings) = settings else {
        tracing::info!(gateway = %gateway_id, "without Redis, this gateway must be the only one");
        return Ok(InProcessExchange::new().with_presence(gateway.presence_grace()).connect(gateway_id));
    };
    tracing::info!(gateway = %gateway_id, shards = settings.shards, "this gateway exchanges events through Redis");
    // The gateway closes the bus after the last session. Otherwise it ends with the process.
    redis::connect(settings, gateway_id, &TaskTracker::new(), &CancellationToken::new())
        .map_err(|error| RedisUrl::refused(&error))
}
