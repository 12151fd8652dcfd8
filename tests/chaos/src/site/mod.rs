//! The processes of a run and the lines between them.

mod lines;
mod redis;
mod replica;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use futures_util::future::{join_all, try_join_all};
use madang_test_kit::{
    Durability, Error as KitError, Home, PostgresOptions, PostgresServer, Process, Program,
    binaries_directory,
};

use self::{lines::cross, replica::Blueprint};
pub use self::{
    lines::{Edge, Line, Lines},
    redis::RedisSide,
    replica::Replica,
};
use crate::{
    error::{Error, Result},
    fault::Kind,
    settings::Settings,
};

/// Replicas of each service.
pub const REPLICAS: usize = 2;

/// The disk of PostgreSQL: some ten minutes of messages, its log, and little memory to fill.
const DISK_BYTES: u64 = 512 << 20;

/// For what the harness asks of the services: it does not want to be slowed down by their care for others.
pub const GATEWAY_SETTINGS: [(&str, &str); 12] = [
    // All clients are of one address.
    ("MADANG_MAX_ADDRESS_CONNECTIONS", "100000"),
    ("MADANG_HANDSHAKES_BURST", "100000"),
    // After an outage a client sends what has gathered.
    ("MADANG_SENDS_PER_SECOND", "100000"),
    ("MADANG_SENDS_BURST", "100000"),
    ("MADANG_ADDRESS_SENDS_PER_SECOND", "0"),
    // What clients may read is read again after each fault, and its judge reads all of it.
    ("MADANG_READS_PER_SECOND", "100000"),
    ("MADANG_READS_BURST", "100000"),
    ("MADANG_ADDRESS_READS_PER_SECOND", "0"),
    ("MADANG_ROOM_SENDS_PER_SECOND", "100000"),
    ("MADANG_ROOM_CREATIONS_PER_MINUTE", "100000"),
    ("MADANG_MEMBER_ADDITIONS_PER_MINUTE", "100000"),
    // A rolling restart is one fault of many.
    ("MADANG_RECONNECT_SPREAD_SECONDS", "1"),
];
/// What the harness asks of auth.
pub const AUTH_SETTINGS: [(&str, &str); 4] = [
    // Hundreds of accounts are made at the start, and no password is worth guarding.
    ("MADANG_AUTH_REGISTER_BURST", "1000000"),
    ("MADANG_AUTH_SIGN_INS_BURST", "1000000"),
    ("MADANG_AUTH_ARGON2_MEMORY_KIB", "64"),
    ("MADANG_AUTH_ARGON2_PASSES", "1"),
];

/// PostgreSQL, Redis, two of each service, and a breakable line wherever one speaks to another. All of it ends with
/// this value, in the fields' order: those first that others do not need.
#[derive(Debug)]
pub struct Site {
    gateways: Vec<Replica>,
    stores: Vec<Replica>,
    auths: Vec<Replica>,
    lines: Lines,
    redis: RedisSide,
    postgres: PostgresServer,
    /// Why PostgreSQL has no disk of its own.
    no_disk: Option<String>,
    store_database: String,
    logs: PathBuf,
    _home: Home,
}

impl Site {
    /// Starts everything and waits until all of it is ready.
    ///
    /// # Errors
    /// When something is missing, or does not become ready; the message holds the end of its log.
    pub async fn start(settings: &Settings, logs: PathBuf) -> Result<Self> {
        let home = Home::create("chaos", None)?;
        std::fs::create_dir_all(&logs).map_err(Error::file(format!("create {}", logs.display())))?;
        // Processes have working directories of their own.
        let logs = std::path::absolute(&logs).map_err(Error::file("resolve the directory of the logs"))?;
        let wants_disk = settings.kinds.contains(&Kind::DiskFull);
        let (postgres, redis) =
            tokio::try_join!(postgres(&logs, wants_disk), RedisSide::start(settings.redis, &logs))?;
        let (postgres, no_disk) = postgres;
        let blueprint = Blueprint {
            binaries: settings.binaries.clone().map_or_else(binaries_directory, Ok)?,
            home: home.path(),
            logs: &logs,
            steps_clocks: settings.steps_clocks(),
        };

        let [store_name, auth_name] = ["madang_message_store", "madang_auth"];
        let store_database = postgres.create_database(store_name).await?;
        postgres.create_database(auth_name).await?;
        let store_postgres = cross(REPLICAS, &[postgres.address()])?;
        let auth_postgres = cross(REPLICAS, &[postgres.address()])?;
        // The same URL, by another address: each replica has a line of its own.
        let database = |name: &str, line: SocketAddr| {
            postgres.url(name).replace(&postgres.address().to_string(), &line.to_string())
        };
        let replicas = |program, name: &'static str, own: Vec<(String, String)>, urls: Vec<String>| {
            let blueprint = &blueprint;
            async move {
                let starts = urls.iter().enumerate().map(|(index, url)| {
                    let mut settings = vec![("MADANG_DATABASE_URL".to_owned(), url.clone())];
                    settings.extend(own.iter().cloned());
                    blueprint.start(program, name, index, settings)
                });
                try_join_all(starts).await
            }
        };
        let urls = |name, lines: &[lines::Line]| -> Vec<String> {
            lines.iter().map(|line| database(name, line.proxy.address())).collect()
        };
        let mut auth_settings = owned(&AUTH_SETTINGS);
        let token_seconds = settings.token_life.as_secs().to_string();
        auth_settings.push(("MADANG_AUTH_ACCESS_TOKEN_SECONDS".to_owned(), token_seconds));
        let (auths, stores) = tokio::try_join!(
            replicas(Program::Auth, "auth", auth_settings, urls(auth_name, &auth_postgres)),
            replicas(Program::MessageStore, "message-store", Vec::new(), urls(store_name, &store_postgres)),
        )?;

        let lines = Lines {
            redis: redis.lines(REPLICAS)?,
            store: cross(REPLICAS, &addresses(&stores))?,
            auth: cross(REPLICAS, &addresses(&auths))?,
            store_postgres,
            auth_postgres,
        };
        let own = &settings.gateway_settings;
        let starts = (0..REPLICAS).map(|index| {
            let mut settings = vec![
                ("MADANG_REDIS_URL".to_owned(), redis.url(&lines.addresses(Edge::Redis, index))),
                ("MADANG_STORE_URL".to_owned(), urls_of(&lines.addresses(Edge::Store, index))),
                ("MADANG_AUTH_URL".to_owned(), urls_of(&lines.addresses(Edge::Auth, index))),
            ];
            settings.extend(owned(&GATEWAY_SETTINGS));
            settings.extend(own.iter().cloned());
            blueprint.start(Program::Gateway, "gateway", index, settings)
        });
        let gateways = try_join_all(starts).await?;
        Ok(Self {
            gateways,
            stores,
            auths,
            lines,
            redis,
            postgres,
            no_disk,
            store_database,
            logs,
            _home: home,
        })
    }

    /// The gateways.
    #[must_use]
    pub fn gateways(&self) -> &[Replica] {
        &self.gateways
    }

    /// The replicas of message-store.
    #[must_use]
    pub fn stores(&self) -> &[Replica] {
        &self.stores
    }

    /// The replicas of auth.
    #[must_use]
    pub fn auths(&self) -> &[Replica] {
        &self.auths
    }

    /// All replicas, in the order of a rolling restart.
    pub fn replicas(&self) -> impl Iterator<Item = &Replica> {
        self.auths.iter().chain(&self.stores).chain(&self.gateways)
    }

    /// The lines between them.
    #[must_use]
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Redis.
    #[must_use]
    pub fn redis(&self) -> &RedisSide {
        &self.redis
    }

    /// PostgreSQL.
    #[must_use]
    pub fn postgres(&self) -> &PostgresServer {
        &self.postgres
    }

    /// Why PostgreSQL has no disk that can be filled, where it has none.
    #[must_use]
    pub fn no_disk(&self) -> Option<&str> {
        self.no_disk.as_deref()
    }

    /// The URL of the store's database, past all lines.
    #[must_use]
    pub fn store_database_url(&self) -> &str {
        &self.store_database
    }

    /// Where clients would connect without lines of their own.
    #[must_use]
    pub fn gateway_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.gateways)
    }

    /// The directory of the logs.
    #[must_use]
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Starts what has ended though nobody ended it, and says what it was.
    ///
    /// # Errors
    /// When it does not start again.
    pub async fn revive(&self) -> Result<Vec<String>> {
        let mut ended = Vec::new();
        if !self.postgres.process().is_running() {
            ended.push(how_it_ended(self.postgres.process()));
            self.postgres.restart().await?;
        }
        for replica in self.replicas() {
            let process = replica.service().process();
            if !process.is_running() {
                ended.push(how_it_ended(process));
                replica.service().restart().await?;
            }
        }
        Ok(ended)
    }

    /// Stops everything in good order.
    ///
    /// # Errors
    /// The first failure; the rest is stopped all the same.
    pub async fn stop(self) -> Result<()> {
        let stop = async |replicas: &[Replica]| {
            let stopped = join_all(replicas.iter().map(|replica| replica.service().stop())).await;
            stopped.into_iter().try_for_each(|stopped| stopped.map(drop))
        };
        let gateways = stop(&self.gateways).await;
        let (stores, auths) = tokio::join!(stop(&self.stores), stop(&self.auths));
        let (redis, postgres) = tokio::join!(self.redis.stop(), self.postgres.stop());
        Ok([gateways, stores, auths, redis, postgres].into_iter().collect::<madang_test_kit::Result<()>>()?)
    }
}

/// PostgreSQL, on a disk of its own where one is wanted and can be had; else with the reason.
async fn postgres(
    logs: &Path,
    wants_disk: bool,
) -> madang_test_kit::Result<(PostgresServer, Option<String>)> {
    let options = PostgresOptions {
        durability: Durability::Real,
        log: Some(logs.join("postgres.log")),
        disk_bytes: wants_disk.then_some(DISK_BYTES),
        host: None,
        certificate: None,
    };
    match PostgresServer::start_configured(options.clone()).await {
        Err(KitError::NoDisk { reason }) => {
            let server =
                PostgresServer::start_configured(PostgresOptions { disk_bytes: None, ..options }).await?;
            Ok((server, Some(reason)))
        }
        server => Ok((server?, None)),
    }
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn addresses(replicas: &[Replica]) -> Vec<SocketAddr> {
    replicas.iter().map(|replica| replica.service().address()).collect()
}

fn urls_of(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| format!("http://{address}")).collect::<Vec<_>>().join(",")
}

fn how_it_ended(process: &Process) -> String {
    let status = process.exit_status().ok().flatten().map_or_else(String::new, |status| status.to_string());
    format!("{} ended by itself: {status}", process.name())
}
