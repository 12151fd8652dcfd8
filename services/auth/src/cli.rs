//! The process `madang-auth`: gRPC for the other services, and an operations port.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use clap::{Parser, Subcommand};
use madang_kit::{
    Application, CommonSettings, Host, Lifecycle, OpsSettings, Registration, Running, Secret, StartError,
    grpc::{ServerOptions, serve},
    lifecycle::DEFAULT_DRAIN,
    ops,
};
use madang_rpc::{
    Auth as _,
    auth::{GetKeys, auth_server},
};
use tokio::net::TcpListener;
use tonic::service::Routes;

use crate::{KeyTask, Service, Settings, keys, migrate, rotate_key, start};

/// Madang's accounts: registration, sign-in, sessions, signing keys, tickets
#[derive(Debug, Parser)]
#[command(name = "madang-auth", version)]
pub struct Cli {
    #[command(flatten)]
    common: CommonSettings,

    #[command(flatten)]
    ops: OpsSettings,

    /// Where the other services call this one
    #[arg(long = "grpc-addr", id = "grpc_addr", default_value = "127.0.0.1:7001", value_name = "IP:PORT")]
    grpc_addr: SocketAddr,

    /// The database: postgres://… or sqlite://…
    #[arg(long = "database-url", id = "database_url", value_name = "URL")]
    database_url: Secret,

    /// Whether people make accounts by themselves; gateways have the same setting, and refuse too
    #[arg(long = "registration", id = "registration", value_enum, default_value_t, value_name = "STATE")]
    registration: Registration,

    #[command(flatten)]
    settings: Settings,

    #[command(subcommand)]
    task: Option<Task>,
}

/// What to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// Brings the database up to date, and ends
    Migrate,
    /// Adds a signing key, which takes over after the overlap, and ends
    RotateKey {
        /// The present keys have leaked: forget them, and with them every access token; the new one signs at once
        #[arg(long)]
        compromised: bool,
    },
    /// API keys of the site's backend
    #[command(subcommand)]
    Keys(KeyTask),
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    // This service's operations port has one route more than the kit's, and so it serves the port itself.
    fn ops(&self) -> Option<&OpsSettings> {
        None
    }
}

/// Runs what the command says.
///
/// # Errors
///
/// When it cannot start.
pub async fn run(mut cli: Cli, host: Host) -> Result<Running, StartError> {
    cli.settings.registration = cli.registration;
    match cli.task.take() {
        None => serve_all(&cli, &host).await,
        Some(task) => {
            perform(task, &cli, &host).await?;
            // Nothing is left to wait for: the process ends as after a signal.
            host.lifecycle.stop();
            Ok(Running::new("madang-auth", host.lifecycle.child("task")))
        }
    }
}

async fn perform(task: Task, cli: &Cli, host: &Host) -> Result<(), StartError> {
    match task {
        Task::Migrate => migrate(&cli.settings, &cli.database_url, host).await,
        Task::RotateKey { compromised } => {
            let kid = rotate_key(&cli.settings, &cli.database_url, host, compromised).await?;
            tracing::info!(%kid, compromised, "added a signing key");
            Ok(())
        }
        Task::Keys(task) => keys(task, &cli.settings, &cli.database_url, host).await,
    }
}

async fn serve_all(cli: &Cli, host: &Host) -> Result<Running, StartError> {
    let published = Keys::default();
    let ops = serve_ops(cli.ops.ops_addr, &published, host).await?;
    let service = start(&cli.settings, &cli.database_url, host).await?;
    // Set once, here.
    let _ = published.0.set(service.clone());

    let life = service.lifecycle().clone();
    let routes = Routes::new(auth_server(Arc::new(service)));
    let options = ServerOptions::default();
    let grpc = serve(cli.grpc_addr, routes, &host.readiness, &host.metrics, &life, options).await?;
    Ok(Running::new("madang-auth", life).listening("grpc", grpc).listening("ops", ops))
}

/// The service once it has started: the operations port answers before.
#[derive(Clone, Default)]
struct Keys(Arc<OnceLock<Service>>);

/// Serves the operations port for as long as the process lives: `/readyz` must say that it drains while
/// it drains.
async fn serve_ops(address: SocketAddr, keys: &Keys, host: &Host) -> Result<SocketAddr, StartError> {
    let cannot = |source| StartError::listen("the operations port", address, source);
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    let jwks = get(jwks).with_state(keys.clone());
    let routes: Router = ops::router(host.readiness.clone(), host.metrics.clone());
    let routes = routes.route("/.well-known/jwks.json", jwks);
    Lifecycle::new("ops", DEFAULT_DRAIN)
        .tasks()
        .spawn_fallible("ops", async move { axum::serve(listener, routes).await });
    Ok(bound)
}

async fn jwks(State(keys): State<Keys>) -> Response {
    let Some(service) = keys.0.get() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match service.get_keys(GetKeys).await {
        Ok(body) => {
            let max_age = format!("public, max-age={}", service.keys_cache_time().as_secs());
            let headers = [
                (header::CONTENT_TYPE, "application/jwk-set+json".to_owned()),
                (header::CACHE_CONTROL, max_age),
            ];
            (headers, body).into_response()
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.code.http_status());
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
    }
}
