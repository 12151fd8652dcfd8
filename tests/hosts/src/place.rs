//! A cluster with a host for each process.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use futures_util::future::try_join_all;
use madang_chaos::{
    Error, Result,
    site::{AUTH_SETTINGS, GATEWAY_SETTINGS},
};
use madang_test_kit::{
    Durability, Home, Host, Network, Persistence, PostgresOptions, PostgresServer, Process, Program,
    RedisServer, Service, ServiceSpec, binaries_directory,
};

/// Gateways, and message stores.
const REPLICAS: usize = 2;
/// Each service has its own host, so that all of one kind may have the same ports.
const OPERATIONS_PORT: u16 = 9_090;

/// A host of the cluster, or that of the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The harness with its clients.
    Clients,
    /// A gateway, counted from 1.
    Gateway(usize),
    /// A message store, counted from 1.
    Store(usize),
    /// Auth.
    Auth,
    /// Redis.
    Redis,
    /// PostgreSQL.
    Postgres,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clients => f.write_str("clients"),
            Self::Gateway(number) => write!(f, "gateway-{number}"),
            Self::Store(number) => write!(f, "message-store-{number}"),
            Self::Auth => f.write_str("auth"),
            Self::Redis => f.write_str("redis"),
            Self::Postgres => f.write_str("postgres"),
        }
    }
}

/// The cluster. All of it ends with this value, in the fields' order: those first that others do not need.
#[derive(Debug)]
pub struct Place {
    gateways: Vec<Service>,
    stores: Vec<Service>,
    auth: Service,
    redis: RedisServer,
    postgres: PostgresServer,
    store_database: String,
    hosts: Vec<(At, Host)>,
    network: Network,
    _home: Home,
}

/// What a start needs from place to place.
struct Blueprint<'a> {
    binaries: PathBuf,
    home: &'a Path,
    logs: &'a Path,
}

impl Place {
    /// Makes the network and its hosts, starts everything and waits until all of it is ready.
    ///
    /// # Errors
    /// When something is missing, or does not become ready; the message holds the end of its log.
    pub async fn start(logs: &Path, gateway_settings: &[(&str, String)]) -> Result<Self> {
        let home = Home::create("hosts", None)?;
        std::fs::create_dir_all(logs).map_err(Error::file(format!("create {}", logs.display())))?;
        let logs = std::path::absolute(logs).map_err(Error::file("resolve the directory of the logs"))?;
        let network = Network::create()?;
        let mut hosts = Vec::new();
        let mut host = |at: At| {
            let host = network.host(&at.to_string())?;
            hosts.push((at, host.clone()));
            Ok::<_, madang_test_kit::Error>(host)
        };
        let (postgres_host, redis_host, auth_host) = (host(At::Postgres)?, host(At::Redis)?, host(At::Auth)?);
        let stores = (1..=REPLICAS).map(|number| host(At::Store(number)));
        let store_hosts = stores.collect::<madang_test_kit::Result<Vec<_>>>()?;
        let gateways = (1..=REPLICAS).map(|number| host(At::Gateway(number)));
        let gateway_hosts = gateways.collect::<madang_test_kit::Result<Vec<_>>>()?;

        let postgres = PostgresServer::start_configured(PostgresOptions {
            durability: Durability::Real,
            log: Some(logs.join("postgres.log")),
            host: Some(postgres_host),
            ..PostgresOptions::default()
        });
        let redis_log = Some(logs.join("redis.log"));
        let redis = RedisServer::start_on(Some(&redis_host), Persistence::None, redis_log);
        let (postgres, redis) = tokio::try_join!(postgres, redis)?;
        let store_database = postgres.create_database("madang_message_store").await?;
        let auth_database = postgres.create_database("madang_auth").await?;

        let blueprint = Blueprint { binaries: binaries_directory()?, home: home.path(), logs: &logs };
        let mut auth_settings = own(&AUTH_SETTINGS);
        auth_settings.push(("MADANG_DATABASE_URL".to_owned(), auth_database));
        let auth = blueprint.start(Program::Auth, &auth_host, 7_001, auth_settings);
        let stores = try_join_all(store_hosts.iter().map(|host| {
            let settings = vec![("MADANG_DATABASE_URL".to_owned(), store_database.clone())];
            blueprint.start(Program::MessageStore, host, 7_002, settings)
        }));
        let (auth, stores) = tokio::try_join!(auth, stores)?;
        let urls: Vec<String> = stores.iter().map(Service::base_url).collect();
        let gateways = try_join_all(gateway_hosts.iter().map(|host| {
            let mut settings = own(&GATEWAY_SETTINGS);
            settings.extend([
                ("MADANG_REDIS_URL".to_owned(), redis.url()),
                ("MADANG_AUTH_URL".to_owned(), auth.base_url()),
                ("MADANG_STORE_URL".to_owned(), urls.join(",")),
            ]);
            settings.extend(gateway_settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            blueprint.start(Program::Gateway, host, 8_080, settings)
        }));
        let gateways = gateways.await?;
        Ok(Self { gateways, stores, auth, redis, postgres, store_database, hosts, network, _home: home })
    }

    /// Where clients connect.
    #[must_use]
    pub fn gateway_addresses(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(Service::address).collect()
    }

    /// The gateways.
    #[must_use]
    pub fn gateways(&self) -> &[Service] {
        &self.gateways
    }

    /// The URL of the store's database.
    #[must_use]
    pub fn store_database_url(&self) -> &str {
        &self.store_database
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// The address of a host.
    #[must_use]
    pub fn address(&self, at: At) -> Ipv4Addr {
        let host = self.hosts.iter().find(|(other, _)| *other == at);
        host.map_or(self.network.own_address(), |(_, host)| host.address())
    }

    /// All hosts but that of the clients.
    pub fn hosts(&self) -> impl Iterator<Item = At> {
        self.hosts.iter().map(|(at, _)| *at)
    }

    /// The process of a host; none of the clients.
    #[must_use]
    pub fn process(&self, at: At) -> Option<&Process> {
        match at {
            At::Clients => None,
            At::Gateway(number) => self.gateways.get(number - 1).map(Service::process),
            At::Store(number) => self.stores.get(number - 1).map(Service::process),
            At::Auth => Some(self.auth.process()),
            At::Redis => Some(self.redis.process()),
            At::Postgres => Some(self.postgres.process()),
        }
    }

    /// What has ended though nobody ended it.
    #[must_use]
    pub fn ended(&self) -> Vec<String> {
        let processes = self.hosts().filter_map(|at| self.process(at));
        processes
            .filter(|process| !process.is_running())
            .map(|process| format!("{} ended by itself", process.name()))
            .collect()
    }

    /// Stops everything in good order.
    ///
    /// # Errors
    /// When something does not stop in time.
    pub async fn stop(self) -> Result<()> {
        for service in self.gateways.iter().chain(&self.stores).chain([&self.auth]) {
            if service.process().is_running() {
                service.stop().await?;
            }
        }
        self.redis.stop().await?;
        self.postgres.stop().await?;
        Ok(())
    }
}

impl Blueprint<'_> {
    async fn start(
        &self,
        program: Program,
        host: &Host,
        port: u16,
        settings: Vec<(String, String)>,
    ) -> Result<Service> {
        let name = host.name().to_owned();
        let directory = self.home.join(&name);
        std::fs::create_dir_all(&directory)
            .map_err(Error::file(format!("create {}", directory.display())))?;
        let service = Service::start(ServiceSpec {
            program,
            binaries: self.binaries.clone(),
            address: SocketAddr::from((host.address(), port)),
            ops_address: SocketAddr::from((host.address(), OPERATIONS_PORT)),
            settings,
            directory,
            log: self.logs.join(format!("{name}.log")),
            name,
            host: Some(host.clone()),
        });
        Ok(service.await?)
    }
}

fn own(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
