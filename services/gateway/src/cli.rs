//! The gateway as a process of its own: its settings, and the services on the other side of a network.

use std::sync::Arc;

use clap::{Args, Parser};
use madang_bus::redis::{self, RedisSettings};
use madang_bus::{Connected, InProcessExchange};
use madang_domain::GatewayId;
use madang_kit::{
    Application, Check, CommonSettings, Host, OpsSettings, Running, Secret, StartError,
    clock::new_id,
    grpc::{ClientOptions, TraceInterceptor, channel},
    login_is_cut,
};
use madang_rpc::{AuthClient, MessageStoreClient, MessageStoreSettings};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::interceptor::InterceptedService;

use crate::{Deps, GatewaySettings};

/// The edge of Madang: terminates WebSockets, verifies tokens, serves the REST API, and exchanges what
/// happens with the other gateways through Redis. It keeps nothing: run as many as you need.
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

/// What the gateway speaks to.
#[derive(Debug, Args)]
struct Upstreams {
    /// The auth service: one or several URLs, separated by commas; a host name stands for all its addresses
    #[arg(
        long = "auth-url",
        id = "auth_url",
        env = "MADANG_AUTH_URL",
        default_value = "http://127.0.0.1:7001",
        value_name = "URLS"
    )]
    auth_url: String,

    /// The message store, likewise
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

/// Where Redis is.
#[derive(Debug, Args)]
pub struct RedisUrl {
    /// Redis, 7.0 or later, through which gateways exchange what happens: `redis://host:port`, or some nodes of a
    /// Redis Cluster, `redis+cluster://host:port,host:port`; without one, this gateway is alone
    #[arg(long = "redis-url", id = "redis_url", env = "MADANG_REDIS_URL", value_name = "URL")]
    pub redis_url: Option<Secret>,

    /// The parts that rooms are spread over in Redis; the same at all gateways. [default: 1; of a Redis Cluster: 12]
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

/// Starts the gateway of a process of its own.
///
/// # Errors
/// When a setting is wrong or the address cannot be listened on. Services or a Redis that do not answer
/// are no error; they are waited for.
pub async fn run(cli: Cli, host: Host) -> Result<Running, StartError> {
    let Upstreams { auth_url, store_url, redis } = cli.upstreams;
    let upstream = |service: &'static str, setting: &'static str, urls: &str, check: Option<Check>| {
        let options = ClientOptions { check, ..ClientOptions::default() };
        channel(service, urls, options, &host.lifecycle)
            .map(|channel| InterceptedService::new(channel, TraceInterceptor))
            .map_err(|error| StartError::setting(setting, error.to_string()))
    };
    // Tokens are verified here: once the keys are in, a gateway does without the auth service for a while.
    let auth = AuthClient::new(upstream("auth", "MADANG_AUTH_URL", &auth_url, None)?);
    let check = host.readiness.check("message-store");
    let store_channel = upstream("message-store", "MADANG_STORE_URL", &store_url, Some(check))?;
    let store = MessageStoreClient::new(store_channel, MessageStoreSettings::default());
    let bus = bus(&redis, &cli.gateway, &host)?;
    let deps = Deps { auth: Arc::new(auth), store: Arc::new(store), bus };
    crate::start(cli.gateway, deps, axum::Router::new(), &host).await
}

/// The setting that names Redis.
const REDIS_URL: &str = "MADANG_REDIS_URL";
/// What is wrong with most URLs that cannot be read.
const ENCODE: &str = "in a user and a password, percent-encode what is neither a letter nor a digit: `#` is %23, `/` is %2F, `?` is %3F";

/// The bus: through Redis, or to nobody.
///
/// # Errors
/// When the URL is not one of a Redis.
pub fn bus(redis: &RedisUrl, gateway: &GatewaySettings, host: &Host) -> Result<Connected, StartError> {
    let presence_grace = gateway.presence_grace();
    let gateway = GatewayId::new(new_id(&*host.clock, &*host.random));
    match &redis.redis_url {
        Some(url) => {
            // It might be read all the same, as another host's.
            if login_is_cut(url.expose()) {
                return Err(StartError::setting(REDIS_URL, ENCODE));
            }
            let mut settings = RedisSettings::new(url.expose());
            settings.shards = redis.redis_shards.unwrap_or(settings.shards);
            settings.presence_grace = presence_grace;
            tracing::info!(%gateway, shards = settings.shards, "this gateway exchanges events through Redis");
            // The bus ends by its own `close`, after the last session, or with the process.
            redis::connect(settings, gateway, &TaskTracker::new(), &CancellationToken::new())
                .map_err(|error| StartError::setting(REDIS_URL, format!("{error}; {ENCODE}")))
        }
        None => {
            tracing::info!(%gateway, "no Redis: this gateway is alone");
            Ok(InProcessExchange::new().with_presence(presence_grace).connect(gateway))
        }
    }
}
