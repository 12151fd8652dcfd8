//! The process `madang-auth`: a gRPC server for the other services, and an operations port.

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

/// Madang's auth service: accounts, sign-in, sessions, signing keys, tickets
#[derive(Debug, Parser)]
#[command(name = "madang-auth", version)]
pub struct Cli {
    #[command(flatten)]
    common: CommonSettings,

    #[command(flatten)]
    ops: OpsSettings,

    /// The gRPC address on which the other services call this one
    #[arg(long = "grpc-addr", id = "grpc_addr", default_value = "127.0.0.1:7001", value_name = "IP:PORT")]
    grpc_addr: SocketAddr,

    /// The URL of the database: postgres://… or sqlite://…
    #[arg(long = "database-url", id = "database_url", value_name = "URL")]
    database_url: Secret,

    /// Whether people may register accounts. Gateways have the same setting and also refuse
    #[arg(long = "registration", id = "registration", value_enum, default_value_t, value_name = "STATE")]
    registration: Registration,

    #[command(flatten)]
    settings: Settings,

    #[command(subcommand)]
    task: Option<Task>,
}

/// A task to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// Migrates the database and exits
    Migrate,
    /// Adds a signing key and exits. The key signs after the overlap
    RotateKey {
        /// The current keys have leaked: delete them, which invalidates every access token. The new key signs
        /// at once
        #[arg(long)]
        compromised: bool,
    },
    /// Manages the API keys of the site's backend
    #[command(subcommand)]
    Keys(KeyTask),
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    // This service's operations port has one more route than the kit's. So the service serves the port
    // itself.
    fn ops(&self) -> Option<&OpsSettings> {
        None
    }
}

/// Runs the command.
///
/// # Errors
///
/// When the service cannot start or the task fails.
pub async fn run(mut cli: Cli, host: Host) -> Result<Running, StartError> {
    cli.settings.registration = cli.registration;
    match cli.task.take() {
        None => serve_all(&cli, &host).await,
        Some(task) => {
            perform(task, &cli, &host).await?;
            // The task is done, so that the process ends as after a signal.
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

/// The service once it has started. The operations port answers earlier.
#[derive(Clone, Default)]
struct Keys(Arc<OnceLock<Service>>);

/// Serves the operations port until the process ends, since `/readyz` must report a drain while it lasts.
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
