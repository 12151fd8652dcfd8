//! Madang in one process: the gateway, the auth service and the message store, without a network between
//! them. This crate only composes them; each part has its own crate.
//!
//! By default it stores its data in SQLite files and needs no other service. With URLs of PostgreSQL and
//! Redis, several processes of this binary form one deployment.

use std::{path::PathBuf, sync::Arc};

use clap::{Parser, Subcommand};
use madang_gateway::{Deps, GatewaySettings, RedisUrl};
use madang_kit::{Application, CommonSettings, Host, Lifecycle, Running, Secret, StartError, ops};

/// Chat for your product, in one binary: WebSockets at /v1/ws, the REST API under /v1.
///
/// By default it serves http://127.0.0.1:8080 and stores its data in ./data.
#[derive(Debug, Parser)]
#[command(name = "madang", version)]
pub struct Cli {
    #[command(flatten)]
    common: CommonSettings,
    #[command(flatten)]
    gateway: GatewaySettings,
    #[command(flatten)]
    redis: RedisUrl,

    /// The directory of the SQLite files; ignored if a database URL is set
    #[arg(
        long = "data-dir",
        id = "data_dir",
        env = "MADANG_DATA_DIR",
        default_value = "data",
        value_name = "DIRECTORY"
    )]
    data_dir: PathBuf,

    /// The URL of the database of all services, such as postgres://madang@localhost/madang
    #[arg(long = "database-url", id = "database_url", env = "MADANG_DATABASE_URL", value_name = "URL")]
    database_url: Option<Secret>,

    #[command(flatten)]
    auth: madang_auth::Settings,
    #[command(flatten)]
    store: madang_message_store::Settings,

    #[command(subcommand)]
    task: Option<Task>,
}

/// A task to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// Manages the API keys of the site's backend
    #[command(subcommand)]
    Keys(madang_auth::KeyTask),
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }
}

/// Starts all services.
///
/// # Errors
/// When a setting is wrong, the data directory cannot be created, or the address cannot be bound. A database
/// or a Redis that does not answer is not an error; the process waits for it.
pub async fn run(mut cli: Cli, host: Host) -> Result<Running, StartError> {
    // A token in the URL is the easiest way to try things out. Behind proxies it leaks into logs.
    cli.gateway.allow_query_token.get_or_insert(true);
    cli.gateway.channels.channels_edge.get_or_insert(true);
    cli.auth.registration = cli.gateway.registration();
    let (accounts, messages) = databases(&cli)?;
    if let Some(Task::Keys(task)) = cli.task.take() {
        madang_auth::keys(task, &cli.auth, &accounts, &host).await?;
        // The task is done, so that the process ends as after a signal.
        host.lifecycle.stop();
        return Ok(Running::new("madang", host.lifecycle.child("task")));
    }

    // The services outlive the gateway, since its drain still needs them.
    let services = Lifecycle::new("services", host.lifecycle.drain_time());
    let inner = Host { lifecycle: services.clone(), ..host.clone() };
    let auth = madang_auth::start(&cli.auth, &accounts, &inner).await?;
    let store = madang_message_store::start(&cli.store, &messages, &inner).await?;

    let bus = madang_gateway::bus(&cli.redis, &cli.gateway, &host)?;
    let deps = Deps { auth: Arc::new(auth), store: Arc::new(store), bus };
    let operations = ops::router(host.readiness.clone(), host.metrics.clone());
    let gateway = madang_gateway::start(cli.gateway, deps, operations, &host).await?;

    let gateway_life = gateway.lifecycle().clone();
    host.lifecycle.tasks().spawn_fallible("services", async move {
        tokio::select! {
            _ = gateway_life.finished() => {}
            // Only a failure of their own stops them before the gateway.
            () = services.soft().cancelled() => {}
        }
        services.stop();
        services.finished().await;
        services.failure().cloned().map_or(Ok(()), Err)
    });
    Ok(gateway)
}

/// The database URLs of auth and of the message store: the configured one, or one SQLite file each. Separate
/// files keep the writes of one service from waiting for the other's.
fn databases(cli: &Cli) -> Result<(Secret, Secret), StartError> {
    if let Some(url) = &cli.database_url {
        return Ok((url.clone(), url.clone()));
    }
    let directory = &cli.data_dir;
    madang_database::create_private_directory(directory).map_err(|error| {
        StartError::setting("MADANG_DATA_DIR", format!("cannot create {}: {error}", directory.display()))
    })?;
    let file = |name: &str| Secret::from(format!("sqlite://{}", directory.join(name).display()));
    Ok((file("accounts.db"), file("messages.db")))
}
