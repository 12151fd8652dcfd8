//! The process `madang-message-store`: a gRPC server for the gateways, and an operations port.

use std::{net::SocketAddr, sync::Arc};

use clap::{Parser, Subcommand};
use madang_kit::{
    Application, CommonSettings, Host, OpsSettings, Running, Secret, StartError,
    grpc::{ServerOptions, serve},
};
use madang_rpc::message_store_server;
use tonic::service::Routes;

use crate::{Settings, migrate, renew_epoch, start};

/// Madang's message store: rooms, members, and the ordered log of each room
#[derive(Debug, Parser)]
#[command(name = "madang-message-store", version)]
pub struct Cli {
    #[command(flatten)]
    common: CommonSettings,

    #[command(flatten)]
    ops: OpsSettings,

    /// The gRPC address on which the gateways call this service
    #[arg(long = "grpc-addr", id = "grpc_addr", default_value = "127.0.0.1:7002", value_name = "IP:PORT")]
    grpc_addr: SocketAddr,

    /// The URL of the database: postgres://… or sqlite://…
    #[arg(long = "database-url", id = "database_url", value_name = "URL")]
    database_url: Secret,

    #[command(flatten)]
    settings: Settings,

    #[command(subcommand)]
    task: Option<Task>,
}

/// A task to do instead of serving.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Task {
    /// Migrates the database and exits
    Migrate,
    /// Gives the log a new epoch and exits. Needed after a restore from a backup, before any service starts
    NewEpoch,
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn ops(&self) -> Option<&OpsSettings> {
        Some(&self.ops)
    }
}

/// Runs the command.
///
/// # Errors
///
/// When the service cannot start or the task fails.
pub async fn run(cli: Cli, host: Host) -> Result<Running, StartError> {
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
            migrate(&cli.settings, &cli.database_url, host).await?;
            tracing::info!("the message store's database is up to date");
        }
        Task::NewEpoch => {
            let epoch = renew_epoch(&cli.settings, &cli.database_url, host).await?;
            tracing::info!(%epoch, "the log has a new epoch");
        }
    }
    Ok(())
}

async fn serve_all(cli: &Cli, host: &Host) -> Result<Running, StartError> {
    let service = start(&cli.settings, &cli.database_url, host).await?;
    let life = service.lifecycle().clone();
    let routes = Routes::new(message_store_server(Arc::new(service)));
    let options = ServerOptions::default();
    let grpc = serve(cli.grpc_addr, routes, &host.readiness, &host.metrics, &life, options).await?;
    Ok(Running::new("madang-message-store", life).listening("grpc", grpc))
}
