//! Madang in one process: the gateway, the auth service and the message store, with no network between
//! them. Composition only; what the parts do is in their own crates.
//!
//! By default it keeps its data in SQLite files and needs nothing else. With the URL of a PostgreSQL and of a
//! Redis the same binary is one of a fleet.

use std::{path::PathBuf, sync::Arc};

use clap::{Parser, Subcommand};
use madang_database::sqlite_url;
use madang_gateway::{Deps, GatewaySettings, RedisUrl};
use madang_kit::{Application, CommonSettings, Host, Lifecycle, Running, Secret, StartError, ops};

/// Chat for your product, in one binary: open WebSockets at /v1/ws, the REST API under /v1.
///
/// Without any setting it serves http://127.0.0.1:8080 and keeps its data in ./data.
#[derive(Debug, Parser)]
#[command(name = "madang", version)]
pub struct Cli {
    #[command(flatten)]
    common: CommonSettings,
    #[command(flatten)]
    gateway: GatewaySettings,
    #[command(flatten)]
    redis: RedisUrl,

    /// Where the SQLite files are kept, unless a database is named
    #[arg(
        long = "data-dir",
        id = "data_dir",
        env = "MADANG_DATA_DIR",
        default_value = "data",
        value_name = "DIRECTORY"
    )]
    data_dir: PathBuf,

    /// The database of all services, such as postgres://madang@localhost/madang
    #[arg(long = "database-url", id = "database_url", env = "MADANG_DATABASE_URL", value_name = "URL")]
    database_url: Option<Secret>,

    #[command(flatten)]
    auth: madang_auth::Settings,
    #[command(flatten)]
    store: madang_message_store::Settings,

    #[command(subcommand)]
    task: Option<Task>,
}

/// What to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// API keys of the site's backend
    #[command(subcommand)]
    Keys(madang_auth::KeyTask),
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }
}

/// Starts everything.
///
/// # Errors
/// When a setting is wrong, the data directory cannot be made, or the address cannot be listened on. A
/// database or a Redis that does not answer is no error; it is waited for.
pub async fn run(mut cli: Cli, host: Host) -> Result<Running, StartError> {
    // For trying out, a token in the URL is the shortest way; in a fleet it is a leak.
    cli.gateway.allow_query_token.get_or_insert(true);
    cli.gateway.channels.channels_edge.get_or_insert(true);
    cli.auth.registration = cli.gateway.registration();
    let (accounts, messages) = databases(&cli)?;
    if let Some(Task::Keys(task)) = cli.task.take() {
        madang_auth::keys(task, &cli.auth, &accounts, &host).await?;
        // Nothing is left to wait for: the process ends as after a signal.
        host.lifecycle.stop();
        return Ok(Running::new("madang", host.lifecycle.child("task")));
    }

    // The services outlive the gateway: what it drains still needs them.
    let services = Lifecycle::new("services", host.lifecycle.drain_time());
    let inner = Host { lifecycle: services.clone(), ..host.clone() };
    let auth = madang_auth::start(&cli.auth, &accounts, &inner).await?;
    let store = madang_message_store::start(&cli.store, &messages, &inner).await?;

    let bus = madang_gateway::bus(&cli.redis, &cli.gateway, &host)?;
    let deps = Deps { auth: Arc::new(auth), store: Arc::new(store), bus };
    let operations = ops::router(host.readiness.clone(), host.metrics.clone());
    let gateway = madang_gateway::start(cli.gateway, deps, operations, &host).await?;

    let edge = gateway.lifecycle().clone();
    host.lifecycle.tasks().spawn_fallible("services", async move {
        tokio::select! {
            _ = edge.finished() => {}
            // Nobody stops them before the gateway but a failure of theirs.
            () = services.soft().cancelled() => {}
        }
        services.stop();
        services.finished().await;
        services.failure().cloned().map_or(Ok(()), Err)
    });
    Ok(gateway)
}

/// The databases of the accounts and of the messages: the one that is named, or a file each, so that one
/// service's writes do not wait for the other's.
fn databases(cli: &Cli) -> Result<(Secret, Secret), StartError> {
    if let Some(url) = &cli.database_url {
        return Ok((url.clone(), url.clone()));
    }
    let directory = &cli.data_dir;
    madang_database::create_private_directory(directory).map_err(|error| {
        StartError::setting("MADANG_DATA_DIR", format!("{} cannot be made: {error}", directory.display()))
    })?;
    if directory.to_str().is_none() {
        return Err(StartError::setting("MADANG_DATA_DIR", "must be UTF-8: SQLite opens no other path"));
    }
    let file = |name: &str| Secret::from(sqlite_url(&directory.join(name)));
    Ok((file("accounts.db"), file("messages.db")))
}
