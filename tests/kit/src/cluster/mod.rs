//! A whole Madang of real processes.

mod data_dir;
mod options;
mod processes;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use futures_util::future::{join_all, try_join_all};

use self::data_dir::DataDir;
pub use self::options::{ClusterOptions, Ports};
pub use self::processes::{PROCESSES_FILE, ProcessEntry};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::nginx_server::NginxServer;
use crate::port::free_address;
use crate::postgres_server::PostgresServer;
use crate::process::Process;
use crate::redis_server::{Persistence, RedisServer};
use crate::service::{Program, Service, ServiceSpec, binaries_directory};

/// PostgreSQL, Redis, replicas of each service and an ingress. All of it ends with this value, in the fields' order:
/// those first that others do not need.
#[derive(Debug)]
pub struct Cluster {
    gateways: Vec<Service>,
    nginx: Option<NginxServer>,
    message_store: Vec<Service>,
    auth: Vec<Service>,
    redis: RedisServer,
    postgres: PostgresServer,
    data_dir: DataDir,
    _home: Home,
}

/// What a start needs from place to place.
struct Starter<'a> {
    options: &'a ClusterOptions,
    binaries: PathBuf,
    directory: PathBuf,
    data_dir: &'a DataDir,
}

impl Cluster {
    /// Starts everything and waits until all of it is ready. `processes.json` is written then.
    ///
    /// # Errors
    /// When something is missing, or does not become ready; the message holds the end of its log.
    pub async fn start(options: ClusterOptions) -> Result<Self> {
        Self::start_reporting(options, |_| {}).await
    }

    /// [`Self::start`], telling each step before it is taken.
    ///
    /// # Errors
    /// The same.
    pub async fn start_reporting(options: ClusterOptions, step: impl Fn(&str)) -> Result<Self> {
        let home = Home::create("cluster", None)?;
        // What can be refused at once is checked first: nobody waits to hear that 8080 is in use, and the logs of a
        // cluster that runs are left alone.
        let ingress = options.nginx.then(|| options.ports.ingress()).transpose()?;
        let gateway_addresses: Vec<SocketAddr> =
            (0..options.gateways).map(|index| options.ports.gateway(index)).collect::<Result<_>>()?;
        let data_dir = DataDir::take(options.data_dir.as_deref().unwrap_or(home.path()))?;
        let starter = Starter {
            options: &options,
            binaries: options.binaries.clone().map_or_else(binaries_directory, Ok)?,
            directory: home.path().to_owned(),
            data_dir: &data_dir,
        };

        step("PostgreSQL and Redis");
        let (postgres, redis) = tokio::try_join!(
            PostgresServer::start_with(options.durability, Some(data_dir.log("postgres"))),
            RedisServer::start_with(Persistence::None, Some(data_dir.log("redis"))),
        )?;

        step("auth and message-store");
        let (auth, message_store) = tokio::try_join!(
            starter.replicas(&postgres, Program::Auth, "auth", options.auth),
            starter.replicas(&postgres, Program::MessageStore, "message-store", options.message_store),
        )?;

        step("gateways");
        let gateways = starter.gateways(&gateway_addresses, &auth, &message_store, &redis.url()).await?;

        let nginx = match ingress {
            Some(address) => {
                step("nginx");
                Some(NginxServer::start(address, &gateway_addresses, Some(data_dir.log("nginx"))).await?)
            }
            None => None,
        };
        let cluster = Self { gateways, nginx, message_store, auth, redis, postgres, data_dir, _home: home };
        cluster.write_processes()?;
        Ok(cluster)
    }

    /// Where clients connect: the ingress, or the first gateway of a cluster without one.
    #[must_use]
    pub fn ingress_url(&self) -> String {
        self.nginx.as_ref().map_or_else(|| self.gateway(0).base_url(), NginxServer::url)
    }

    /// A gateway, counted from 0.
    ///
    /// # Panics
    /// When there is none of that number.
    #[must_use]
    pub fn gateway(&self, index: usize) -> &Service {
        nth(&self.gateways, index, "gateway")
    }

    /// A replica of auth, counted from 0.
    ///
    /// # Panics
    /// When there is none of that number.
    #[must_use]
    pub fn auth(&self, index: usize) -> &Service {
        nth(&self.auth, index, "auth")
    }

    /// A replica of message-store, counted from 0.
    ///
    /// # Panics
    /// When there is none of that number.
    #[must_use]
    pub fn message_store(&self, index: usize) -> &Service {
        nth(&self.message_store, index, "message-store")
    }

    /// All gateways.
    #[must_use]
    pub fn gateways(&self) -> &[Service] {
        &self.gateways
    }

    /// All of Madang's own processes: gateways, message-store, auth.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.gateways.iter().chain(&self.message_store).chain(&self.auth)
    }

    /// The PostgreSQL of auth and message-store, with a database for each.
    #[must_use]
    pub fn postgres(&self) -> &PostgresServer {
        &self.postgres
    }

    /// The URL of auth's database.
    #[must_use]
    pub fn auth_database_url(&self) -> String {
        self.postgres.url(&database_name(Program::Auth))
    }

    /// The URL of message-store's database.
    #[must_use]
    pub fn message_store_database_url(&self) -> String {
        self.postgres.url(&database_name(Program::MessageStore))
    }

    /// The gateways' Redis.
    #[must_use]
    pub fn redis(&self) -> &RedisServer {
        &self.redis
    }

    /// The ingress, where there is one.
    #[must_use]
    pub fn nginx(&self) -> Option<&NginxServer> {
        self.nginx.as_ref()
    }

    /// Where the logs and `processes.json` are.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// All processes, in the order in which they were started.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessEntry> {
        let entry = |process: &Process, address, ops_address, url| ProcessEntry {
            name: process.name().to_owned(),
            pid: process.pid(),
            address,
            ops_address,
            log: process.log().to_owned(),
            url,
        };
        let service = |service: &Service| {
            entry(service.process(), service.address(), Some(service.ops_address()), None)
        };
        let postgres = &self.postgres;
        let mut entries = vec![
            entry(postgres.process(), postgres.address(), None, Some(postgres.url("postgres"))),
            entry(self.redis.process(), self.redis.address(), None, Some(self.redis.url())),
        ];
        entries.extend(self.auth.iter().map(service));
        entries.extend(self.message_store.iter().map(service));
        entries.extend(self.gateways.iter().map(service));
        entries.extend(
            self.nginx.iter().map(|nginx| entry(nginx.process(), nginx.address(), None, Some(nginx.url()))),
        );
        entries
    }

    /// The processes themselves, in the order of [`Self::processes`].
    pub fn handles(&self) -> impl Iterator<Item = &Process> {
        let services = self.auth.iter().chain(&self.message_store).chain(&self.gateways);
        [self.postgres.process(), self.redis.process()]
            .into_iter()
            .chain(services.map(Service::process))
            .chain(self.nginx.iter().map(NginxServer::process))
    }

    /// Writes `processes.json` again, after a restart.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_processes(&self) -> Result<()> {
        processes::write(self.data_dir.path(), &self.processes())
    }

    /// Stops everything in good order: the gateways first, with their orderly shutdown, the databases last. What does
    /// not stop in time is killed when this returns.
    ///
    /// # Errors
    /// The first failure; the rest is stopped all the same.
    pub async fn stop(self) -> Result<()> {
        let mut outcomes = vec![stop_all(&self.gateways).await];
        if let Some(nginx) = &self.nginx {
            outcomes.push(nginx.stop().await);
        }
        let (message_store, auth) = tokio::join!(stop_all(&self.message_store), stop_all(&self.auth));
        let (redis, postgres) = tokio::join!(self.redis.stop(), self.postgres.stop());
        outcomes.extend([message_store, auth, redis, postgres]);
        let _ = std::fs::remove_file(self.data_dir.path().join(PROCESSES_FILE));
        outcomes.into_iter().collect()
    }
}

impl Starter<'_> {
    /// Replicas of a service on a database of its own. They start at once, as a deployment's do: the migrations' lock is
    /// part of what is tested.
    async fn replicas(
        &self,
        postgres: &PostgresServer,
        program: Program,
        name: &str,
        count: usize,
    ) -> Result<Vec<Service>> {
        let database_url = postgres.create_database(&database_name(program)).await?;
        let settings = self.options.settings_for(program, &[("MADANG_DATABASE_URL", &database_url)]);
        let starts = (1..=count).map(|number| {
            let settings = settings.clone();
            async move { self.start(program, format!("{name}-{number}"), free_address()?, settings).await }
        });
        try_join_all(starts).await
    }

    async fn gateways(
        &self,
        addresses: &[SocketAddr],
        auth: &[Service],
        message_store: &[Service],
        redis_url: &str,
    ) -> Result<Vec<Service>> {
        let proxies = if self.options.nginx { "1" } else { "0" };
        let settings = self.options.settings_for(
            Program::Gateway,
            &[
                ("MADANG_TRUSTED_PROXIES", proxies),
                ("MADANG_REDIS_URL", redis_url),
                ("MADANG_AUTH_URL", &self.urls(auth)),
                ("MADANG_STORE_URL", &self.urls(message_store)),
            ],
        );
        let starts = addresses.iter().enumerate().map(|(index, address)| {
            self.start(Program::Gateway, format!("gateway-{}", index + 1), *address, settings.clone())
        });
        try_join_all(starts).await
    }

    /// As the settings `MADANG_AUTH_URL` and `MADANG_STORE_URL` want several replicas.
    fn urls(&self, services: &[Service]) -> String {
        let scheme = if self.options.certificates.is_some() { "https" } else { "http" };
        services
            .iter()
            .map(|service| format!("{scheme}://{}", service.address()))
            .collect::<Vec<_>>()
            .join(",")
    }

    async fn start(
        &self,
        program: Program,
        name: String,
        address: SocketAddr,
        settings: Vec<(String, String)>,
    ) -> Result<Service> {
        let directory = self.directory.join(&name);
        std::fs::create_dir_all(&directory).map_err(Error::io(format!("create {}", directory.display())))?;
        Service::start(ServiceSpec {
            program,
            binaries: self.binaries.clone(),
            address,
            ops_address: free_address()?,
            settings,
            directory,
            log: self.data_dir.log(&name),
            name,
            host: None,
        })
        .await
    }
}

fn database_name(program: Program) -> String {
    program.binary().replace('-', "_")
}

async fn stop_all(services: &[Service]) -> Result<()> {
    join_all(services.iter().map(Service::stop)).await.into_iter().try_for_each(|stopped| stopped.map(drop))
}

#[expect(clippy::panic, reason = "a test that asks for what it did not start is wrong, and hears it at once")]
fn nth<'a>(services: &'a [Service], index: usize, what: &str) -> &'a Service {
    services
        .get(index)
        .unwrap_or_else(|| panic!("this cluster has {} {what}, not {}", services.len(), index + 1))
}
