//! Madang in one process: the gateway, the auth service and the message store, without a network between
//! them. This crate only composes them; each part has its own crate.
//!
//! By default it stores its data in SQLite files and needs no other service. With URLs of PostgreSQL and
//! Redis, several processes of this binary form one deployment.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Parser, Subcommand};
use madang_database::{sqlite_url, verified_by};
use madang_gateway::{Deps, GatewaySettings, RedisUrl};
use madang_kit::{
    Application, CommonSettings, Host, Lifecycle, Running, Secret, StartError,
    clock::Clock,
    doctor::{Finding, contradiction},
    ops,
};

/// Chat for your product, in one binary: WebSockets at /v1/ws, the REST API under /v1.
///
/// By default it serves http://127.0.0.1:8080 and stores its data in ./data.
#[derive(Debug, Parser)]
#[command(name = "madang", version)]
pub struct Cli {
    #[command(flatten, next_help_heading = "Process")]
    common: CommonSettings,
    #[command(flatten, next_help_heading = "Data")]
    data: DataSettings,
    #[command(flatten, next_help_heading = "Data")]
    redis: RedisUrl,
    #[command(flatten, next_help_heading = "Gateway")]
    gateway: GatewaySettings,
    #[command(flatten, next_help_heading = "Accounts")]
    auth: madang_auth::Settings,
    #[command(flatten, next_help_heading = "Message store")]
    store: madang_message_store::Settings,

    #[command(subcommand)]
    task: Option<Task>,
}

/// Where the data are.
#[derive(Debug, Args)]
struct DataSettings {
    /// The directory of the SQLite files; ignored if a database URL is set
    #[arg(
        long = "data-dir",
        id = "data_dir",
        env = "MADANG_DATA_DIR",
        default_value = "data",
        value_name = "DIRECTORY"
    )]
    data_dir: PathBuf,

    /// The URL of one database for accounts and messages, such as postgres://madang@localhost/madang
    #[arg(long = "database-url", id = "database_url", env = "MADANG_DATABASE_URL", value_name = "URL")]
    database_url: Option<Secret>,

    /// The file with the authorities in PEM that sign PostgreSQL's certificate. With it, the certificate and the host name
    /// are verified (sslmode=verify-full)
    #[arg(
        long = "database-ca-file",
        id = "database_ca_file",
        env = "MADANG_DATABASE_CA_FILE",
        value_name = "FILE"
    )]
    database_ca_file: Option<PathBuf>,
}

/// A task to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// Manages the API keys of the site's backend, in the database that the settings name
    #[command(subcommand)]
    Keys(madang_auth::KeyTask),
    /// Gives the logs a new epoch and exits. Run it after a restore from a backup, before any process starts
    NewEpoch,
}

impl Application for Cli {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    async fn examine(&self, clock: Arc<dyn Clock>) -> Vec<Finding> {
        let (accounts, messages) = match database_urls(self) {
            Ok(urls) => urls,
            Err(error) => return vec![contradiction(&error)],
        };
        let mut findings = madang_auth::examine(&self.auth, &accounts, &*clock).await;
        findings.extend(madang_message_store::examine(&self.store, &messages, &*clock).await);
        let drain = self.common.drain;
        findings.extend(madang_gateway::examine(&self.gateway, &self.redis, drain, &*clock).await);
        findings
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
    cli.gateway.files.files_url = files_url(&cli)?;
    cli.auth.registration = cli.gateway.registration();
    let (accounts, messages) = databases(&cli)?;
    if let Some(task) = cli.task.take() {
        match task {
            Task::Keys(task) => madang_auth::keys(task, &cli.auth, &accounts, &host).await?,
            Task::NewEpoch => {
                let epoch = madang_message_store::renew_epoch(&cli.store, &messages, &host).await?;
                tracing::info!(%epoch, "the log has a new epoch");
            }
        }
        // The task is done, so that the process ends as after a signal.
        host.lifecycle.stop();
        return Ok(Running::new("madang", host.lifecycle.child("task")));
    }

    // A mistake in these is told at once, and not after the wait for a database.
    madang_gateway::check_settings(&cli.gateway, &cli.redis)?;
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

/// The databases of auth and of the message store; the directory of files is made where it is missing.
fn databases(cli: &Cli) -> Result<(Secret, Secret), StartError> {
    if cli.data.database_url.is_none() {
        let directory = &cli.data.data_dir;
        madang_database::create_private_directory(directory).map_err(|error| {
            StartError::setting("MADANG_DATA_DIR", format!("cannot create {}: {error}", directory.display()))
        })?;
    }
    database_urls(cli)
}

/// Where uploaded files are kept: as set, or else in the data directory. With Redis there may be other processes, which would
/// not have what lies in this one's directory; where that is shared, it is to be said.
fn files_url(cli: &Cli) -> Result<Option<String>, StartError> {
    let is_alone = cli.redis.redis_url.is_none();
    if cli.gateway.files.files_url.is_some() || !is_alone {
        return Ok(cli.gateway.files.files_url.clone());
    }
    let directory = cli.data.data_dir.join("files");
    let directory = directory.to_str();
    Ok(Some(directory.ok_or_else(|| StartError::setting("MADANG_DATA_DIR", "must be UTF-8"))?.to_owned()))
}

/// The database URLs of auth and of the message store: the configured one, or one SQLite file each. Separate
/// files keep the writes of one service from waiting for the other's.
fn database_urls(cli: &Cli) -> Result<(Secret, Secret), StartError> {
    if let Some(url) = &cli.data.database_url {
        let url = match &cli.data.database_ca_file {
            None => url.clone(),
            Some(authorities) => verified_by(url.expose(), authorities)
                .map_err(|error| StartError::setting("MADANG_DATABASE_URL", error.to_string()))?
                .into(),
        };
        return Ok((url.clone(), url));
    }
    let directory = &cli.data.data_dir;
    if directory.to_str().is_none() {
        return Err(StartError::setting("MADANG_DATA_DIR", "must be UTF-8, as SQLite requires"));
    }
    let file = |name: &str| Secret::from(sqlite_url(&directory.join(name)));
    Ok((file("accounts.db"), file("messages.db")))
}
