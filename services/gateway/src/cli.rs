//! The gateway as its own process: its command line, and clients of the other services.

use std::sync::Arc;

use clap::{Args, Parser};
use madang_bus::redis::{self, RedisSettings};
use madang_bus::{Connected, InProcessExchange};
use madang_domain::GatewayId;
use madang_kit::{
    Application, Check, CommonSettings, Host, OpsSettings, Running, Secret, StartError,
    clock::new_id,
    grpc::{ClientOptions, TraceInterceptor, channel},
};
use madang_rpc::{AuthClient, MessageStoreClient, MessageStoreSettings};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::interceptor::InterceptedService;

use crate::{Deps, GatewaySettings};

/// Madang's gateway: holds WebSockets, verifies tokens, serves the REST API, and exchanges events with other
/// gateways through Redis. It stores nothing permanently: run as many as you need
#[derive(Debug, Parser)]
#[command(name = "madang-gateway", version)]
pub struct Cli {
    #[command(flatten)]
    common: CommonSettings,
    #[command(flatten)]
    ops: OpsSettings,
    #[command(flatten)]
    gateway: GatewaySettings,
    #[command(flatten)]
    upstreams: Upstreams,
}

/// The services that the gateway calls.
#[derive(Debug, Args)]
struct Upstreams {
    /// URLs of the auth service, separated by commas. A host name stands for all its addresses
    #[arg(
        long = "auth-url",
        id = "auth_url",
        env = "MADANG_AUTH_URL",
        default_value = "http://127.0.0.1:7001",
        value_name = "URLS"
    )]
    auth_url: String,

    /// URLs of the message store, separated by commas. A host name stands for all its addresses
    #[arg(
        long = "store-url",
        id = "store_url",
        env = "MADANG_STORE_URL",
        default_value = "http://127.0.0.1:7002",
        value_name = "URLS"
    )]
    store_url: String,

    #[command(flatten)]
    redis: RedisUrl,
}

/// The settings of Redis.
#[derive(Debug, Args)]
pub struct RedisUrl {
    /// The URL of Redis 7.0 or later, through which gateways exchange events: `redis://host:port`, or
    /// `redis+cluster://host:port,host:port` with some nodes of a Redis Cluster. Unset, this gateway is the
    /// only one
    #[arg(long = "redis-url", id = "redis_url", env = "MADANG_REDIS_URL", value_name = "URL")]
    pub redis_url: Option<Secret>,

    /// The number of shards over which rooms are spread in Redis. It must be the same at all gateways.
    /// [default: 1; with a Redis Cluster: 12]
    #[arg(
        long = "redis-shards",
        id = "redis_shards",
        env = "MADANG_REDIS_SHARDS",
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..=1_024)
    )]
    pub redis_shards: Option<u16>,
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn ops(&self) -> Option<&OpsSettings> {
        Some(&self.ops)
    }
}

/// Starts the gateway as its own process.
///
/// # Errors
/// When a setting is wrong or the address cannot be bound. Services or a Redis that do not answer are not an
/// error; the gateway waits for them.
pub async fn run(cli: Cli, host: Host) -> Result<Running, StartError> {
    let Upstreams { auth_url, store_url, redis } = cli.upstreams;
    let upstream = |service: &'static str, setting: &'static str, urls: &str, check: Option<Check>| {
        let options = ClientOptions { check, ..ClientOptions::default() };
        channel(service, urls, options, &host.lifecycle)
            .map(|channel| InterceptedService::new(channel, TraceInterceptor))
            .map_err(|error| StartError::setting(setting, error.to_string()))
    };
    // The gateway verifies tokens itself. Once it has the keys, it works for a while without the auth
    // service. So auth has no readiness check here.
    let auth = AuthClient::new(upstream("auth", "MADANG_AUTH_URL", &auth_url, None)?);
    let check = host.readiness.check("message-store");
    let store_channel = upstream("message-store", "MADANG_STORE_URL", &store_url, Some(check))?;
    let store = MessageStoreClient::new(store_channel, MessageStoreSettings::default());
    let bus = bus(&redis, &cli.gateway, &host)?;
    let deps = Deps { auth: Arc::new(auth), store: Arc::new(store), bus };
    crate::start(cli.gateway, deps, axum::Router::new(), &host).await
}

/// The bus: through Redis, or within this process.
///
/// # Errors
/// When the URL is not a URL of Redis.
pub fn bus(redis: &RedisUrl, gateway: &GatewaySettings, host: &Host) -> Result<Connected, StartError> {
    let presence_grace = gateway.presence_grace();
    let gateway = GatewayId::new(new_id(&*host.clock, &*host.random));
    match &redis.redis_url {
        Some(url) => {
            let mut settings = RedisSettings::new(url.expose());
            settings.shards = redis.redis_shards.unwrap_or(settings.shards);
            settings.presence_grace = presence_grace;
            tracing::info!(%gateway, shards = settings.shards, "this gateway exchanges events through Redis");
            // The gateway closes the bus after the last session. Otherwise it ends with the process.
            redis::connect(settings, gateway, &TaskTracker::new(), &CancellationToken::new())
                .map_err(|error| StartError::setting("MADANG_REDIS_URL", error.to_string()))
        }
        None => {
            tracing::info!(%gateway, "no Redis: this gateway exchanges events with no other");
            Ok(InProcessExchange::new().with_presence(presence_grace).connect(gateway))
        }
    }
}
