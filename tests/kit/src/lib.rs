//! What the tests of Madang stand on: real servers in temporary directories on a disk, on free ports of 127.0.0.1, a database and
//! a key prefix for each test, and processes that can be killed, paused and started again.
//!
//! Nothing outlives the test process: each directory has a guardian (`guardian.sh`) that ends what runs there and
//! removes it, also after a panic or SIGKILL.
//!
//! ```no_run
//! # async fn example() -> madang_test_kit::Result<()> {
//! let database = madang_test_kit::test_database().await?; // dropped with the value
//! let redis_url = madang_test_kit::test_redis_url().await?;
//! let key = format!("{}:counter", madang_test_kit::unique_prefix());
//! # Ok(()) }
//! ```

mod availability;
mod captured_log;
mod certificates;
mod cluster;
mod database;
mod database_admin;
mod disk;
mod either_database;
mod error;
mod home;
mod log_tail;
mod network;
mod nginx_server;
mod patience;
pub mod pictures;
mod port;
mod postgres_server;
mod process;
mod process_tree;
mod programs;
mod random;
mod redis_cluster;
mod redis_server;
mod serve_role;
mod service;
mod shared_postgres;
mod small_disk;
mod step_clock;
mod tcp_proxy;

pub use availability::where_available;
pub use captured_log::CapturedLog;
pub use certificates::{Authority, CertificateFiles, IssuedCertificate, ServiceCertificates};
pub use cluster::{Cluster, ClusterOptions, PROCESSES_FILE, Ports, ProcessEntry};
pub use database::TestDatabase;
pub use disk::{DATA_DIRECTORY_VARIABLE, data_directory, require_disk};
pub use either_database::EitherDatabase;
pub use error::{Error, Result};
pub use home::Home;
pub use network::{Cut, Host, Network};
pub use nginx_server::NginxServer;
pub use patience::{PATIENCE, eventually, within};
pub use port::{free_address, free_port, is_free, local};
pub use postgres_server::{Durability, PostgresOptions, PostgresServer};
pub use process::{Process, ProcessSpec};
pub use process_tree::Usage;
pub use programs::Account;
pub use random::unique_prefix;
pub use redis_cluster::{RedisCluster, RedisClusterOptions};
pub use redis_server::{Persistence, REDIS_URL_VARIABLE, RedisServer, test_redis_url};
pub use rustix::process::Signal;
pub use serve_role::ServeRole;
pub use service::{BINARIES_VARIABLE, Program, Service, ServiceSpec, binaries_directory};
pub use shared_postgres::{DATABASE_URL_VARIABLE, test_database};
pub use small_disk::SmallDisk;
pub use step_clock::StepClock;
pub use tcp_proxy::{BreakableProxy, Direction};
