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
use madang_database::DatabaseSettings;
use madang_domain::ServiceName;
use madang_kit::{
    Application, CommonSettings, Host, Lifecycle, OpsSettings, Registration, Running, Secret, StartError,
    clock::Clock,
    doctor::{Finding, Speaks, contradiction, port},
    grpc::{Access, AccessSettings, CallSecret, ServerOptions, serve},
    lifecycle::DEFAULT_DRAIN,
    ops,
};
use madang_rpc::{
    Auth as _,
    auth::{GetKeys, auth_server, method},
};
use tokio::net::TcpListener;
use tonic::service::Routes;

use crate::{KeyTask, Service, Settings, examine, keys, migrate, rotate_key, start};

/// Madang's auth service: accounts, sign-in, sessions, signing keys, tickets
#[derive(Debug, Parser)]
#[command(name = "madang-auth", version)]
pub struct Cli {
    #[command(flatten, next_help_heading = "Process")]
    common: CommonSettings,

    #[command(flatten, next_help_heading = "Process")]
    ops: OpsSettings,

    /// The gRPC address on which the other services call this one
    #[arg(
        long = "grpc-addr",
        id = "grpc_addr",
        default_value = "127.0.0.1:7001",
        value_name = "IP:PORT",
        help_heading = "Process"
    )]
    grpc_addr: SocketAddr,

    #[command(flatten, next_help_heading = "Database")]
    database: DatabaseSettings,

    /// Whether people may register accounts. Set it at the gateways, too
    #[arg(
        long = "registration",
        id = "registration",
        value_enum,
        default_value_t,
        value_name = "STATE",
        help_heading = "Accounts"
    )]
    registration: Registration,

    #[command(flatten, next_help_heading = "Accounts")]
    settings: Settings,

    #[command(flatten, next_help_heading = "Callers")]
    access: AccessSettings,

    /// The secret that gateways send where they have no certificate, such as `openssl rand -hex 32` prints. Set it at the
    /// gateways, too
    #[arg(long = "auth-secret", id = "auth_secret", value_name = "SECRET", help_heading = "Callers")]
    secret: Option<Secret>,

    /// The secret before the last change, which some gateways still send
    #[arg(
        long = "auth-secret-previous",
        id = "auth_secret_previous",
        value_name = "SECRET",
        help_heading = "Callers"
    )]
    secret_previous: Option<Secret>,

    #[command(subcommand)]
    task: Option<Task>,
}

/// A task to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// Applies the migrations to the database and exits
    Migrate,
    /// Adds a signing key and exits. The key signs when MADANG_AUTH_KEY_OVERLAP_SECONDS have passed
    RotateKey {
        /// Use it if the current keys have leaked: it deletes them, which invalidates every access token. The new
        /// key signs at once
        #[arg(long)]
        compromised: bool,
    },
    /// Manages the API keys of the site's backend, in the database that the settings name
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

    async fn examine(&self, clock: Arc<dyn Clock>) -> Vec<Finding> {
        let settings = Settings { migrate: self.database.migrate, ..self.settings.clone() };
        let mut findings = match self.database.url() {
            Ok(url) => examine(&settings, &url, &*clock).await,
            Err(error) => vec![contradiction(&error)],
        };
        findings.push(port("MADANG_GRPC_ADDR", self.grpc_addr, Speaks::Other).await);
        findings.push(port("MADANG_OPS_ADDR", self.ops.ops_addr, Speaks::Health).await);
        findings
    }
}

/// Runs the command.
///
/// # Errors
///
/// When the service cannot start or the task fails.
pub async fn run(mut cli: Cli, host: Host) -> Result<Running, StartError> {
    cli.settings.registration = cli.registration;
    cli.settings.migrate = cli.database.migrate;
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
    let database = cli.database.url()?;
    match task {
        Task::Migrate => migrate(&cli.settings, &database, host).await,
        Task::RotateKey { compromised } => {
            let kid = rotate_key(&cli.settings, &database, host, compromised).await?;
            tracing::info!(%kid, compromised, "added a signing key");
            Ok(())
        }
        Task::Keys(task) => keys(task, &cli.settings, &database, host).await,
    }
}

/// Who may call this service.
async fn access(cli: &Cli, host: &Host) -> Result<Access, StartError> {
    let secret = CallSecret::of_setting("MADANG_AUTH_SECRET", cli.secret.as_ref())?;
    let previous = CallSecret::of_setting("MADANG_AUTH_SECRET_PREVIOUS", cli.secret_previous.as_ref())?;
    let secrets = secret.into_iter().chain(previous);
    cli.access.open(ServiceName::Auth, method::callers(), secrets, host).await
}

async fn serve_all(cli: &Cli, host: &Host) -> Result<Running, StartError> {
    let access = access(cli, host).await?;
    let published = Keys::default();
    let ops = serve_ops(cli.ops.ops_addr, &published, host).await?;
    let service = start(&cli.settings, &cli.database.url()?, host).await?;
    // Set once, here.
    let _ = published.0.set(service.clone());

    let life = service.lifecycle().clone();
    let routes = Routes::new(auth_server(Arc::new(service)));
    let options = ServerOptions::default();
    let grpc = serve(cli.grpc_addr, routes, &host.readiness, &host.metrics, &life, access, options).await?;
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
