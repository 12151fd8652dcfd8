//! The process `madang-message-store`: a gRPC server for the gateways, and an operations port.

use std::{net::SocketAddr, sync::Arc};

use clap::{Parser, Subcommand};
use madang_database::DatabaseSettings;
use madang_domain::ServiceName;
use madang_kit::{
    Application, CommonSettings, Host, OpsSettings, Running, Secret, StartError,
    clock::Clock,
    doctor::{Finding, Speaks, contradiction, port},
    grpc::{Access, AccessSettings, CallSecret, ServerOptions, serve},
};
use madang_rpc::{message_store_server, store::method};
use tonic::service::Routes;

use crate::{Settings, examine, migrate, renew_epoch, start};

/// Madang's message store: rooms, members, and the ordered log of each room
#[derive(Debug, Parser)]
#[command(name = "madang-message-store", version)]
pub struct Cli {
    #[command(flatten, next_help_heading = "Process")]
    common: CommonSettings,

    #[command(flatten, next_help_heading = "Process")]
    ops: OpsSettings,

    /// The gRPC address on which the gateways call this service
    #[arg(
        long = "grpc-addr",
        id = "grpc_addr",
        default_value = "127.0.0.1:7002",
        value_name = "IP:PORT",
        help_heading = "Process"
    )]
    grpc_addr: SocketAddr,

    #[command(flatten, next_help_heading = "Database")]
    database: DatabaseSettings,

    #[command(flatten, next_help_heading = "Message store")]
    settings: Settings,

    #[command(flatten, next_help_heading = "Callers")]
    access: AccessSettings,

    /// The secret that gateways send where they have no certificate, such as `openssl rand -hex 32` prints. Set it at the
    /// gateways, too
    #[arg(long = "store-secret", id = "store_secret", value_name = "SECRET", help_heading = "Callers")]
    secret: Option<Secret>,

    /// The secret before the last change, which some gateways still send
    #[arg(
        long = "store-secret-previous",
        id = "store_secret_previous",
        value_name = "SECRET",
        help_heading = "Callers"
    )]
    secret_previous: Option<Secret>,

    #[command(subcommand)]
    task: Option<Task>,
}

/// A task to do instead of serving.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Task {
    /// Applies the migrations to the database and exits
    Migrate,
    /// Gives the logs a new epoch and exits. Run it after a restore from a backup, before any service starts
    NewEpoch,
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn ops(&self) -> Option<&OpsSettings> {
        Some(&self.ops)
    }

    async fn examine(&self, clock: Arc<dyn Clock>) -> Vec<Finding> {
        let settings = Settings { migrate: self.database.migrate, ..self.settings };
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
    cli.settings.migrate = cli.database.migrate;
    match cli.task {
        None => serve_all(&cli, &host).await,
        Some(task) => {
            perform(task, &cli, &host).await?;
            // The task is done, so that the process ends as after a signal.
            host.lifecycle.stop();
            Ok(Running::new("madang-message-store", host.lifecycle.child("task")))
        }
    }
}

async fn perform(task: Task, cli: &Cli, host: &Host) -> Result<(), StartError> {
    match task {
        Task::Migrate => {
            migrate(&cli.settings, &cli.database.url()?, host).await?;
            tracing::info!("the message store's database is up to date");
        }
        Task::NewEpoch => {
            let epoch = renew_epoch(&cli.settings, &cli.database.url()?, host).await?;
            tracing::info!(%epoch, "the log has a new epoch");
        }
    }
    Ok(())
}

/// Who may call this service.
async fn access(cli: &Cli, host: &Host) -> Result<Access, StartError> {
    let secret = CallSecret::of_setting("MADANG_STORE_SECRET", cli.secret.as_ref())?;
    let previous = CallSecret::of_setting("MADANG_STORE_SECRET_PREVIOUS", cli.secret_previous.as_ref())?;
    let secrets = secret.into_iter().chain(previous);
    cli.access.open(ServiceName::MessageStore, method::callers(), secrets, host).await
}

async fn serve_all(cli: &Cli, host: &Host) -> Result<Running, StartError> {
    let access = access(cli, host).await?;
    let service = start(&cli.settings, &cli.database.url()?, host).await?;
    let life = service.lifecycle().clone();
    let routes = Routes::new(message_store_server(Arc::new(service)));
    let options = ServerOptions::default();
    let grpc = serve(cli.grpc_addr, routes, &host.readiness, &host.metrics, &life, access, options).await?;
    Ok(Running::new("madang-message-store", life).listening("grpc", grpc))
}
