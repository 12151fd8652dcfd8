//! What can go wrong while a test's surroundings are being built.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// The result of the kit's operations.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of the kit. The messages are written for the person whose test did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that the kit starts is not on this machine.
    #[error("{program} is not installed; scripts/install-test-dependencies.sh installs what the tests need")]
    ProgramMissing {
        /// The program's file name.
        program: &'static str,
    },
    /// A binary of this workspace has not been built.
    #[error("{} has not been built; run `cargo build --workspace --bins` with the same profile", path.display())]
    BinaryMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// No account to run programs as that refuse to run as root.
    #[error("running as root, and neither `postgres` nor `nobody` is an account of this machine")]
    NoUnprivilegedAccount,
    /// Something else listens on an address that was asked for by name.
    #[error("{address} is in use by another process")]
    AddressInUse {
        /// `host:port`.
        address: String,
    },
    /// Another cluster writes its logs to the same directory.
    #[error("another cluster runs with the data directory {}", data_dir.display())]
    ClusterRuns {
        /// The directory.
        data_dir: PathBuf,
    },
    /// A test of durability would have its data in memory.
    #[error(
        "{} is in memory, where nothing survives the loss of power and a sync costs nothing; set \
         TEST_DATA_DIRECTORY to a directory on a disk",
        path.display()
    )]
    InMemory {
        /// The directory.
        path: PathBuf,
    },
    /// No file system of its own can be made for a test.
    #[error("a small disk cannot be mounted: {reason}")]
    NoDisk {
        /// What `mount` said.
        reason: String,
    },
    /// No network of its own can be made for a test.
    #[error("a network of hosts cannot be made: {reason}")]
    NoNetwork {
        /// What is missing, or what the system said.
        reason: String,
    },
    /// The library that changes a program's wall clock is not on this machine.
    #[error(
        "libfaketime is not installed; scripts/install-test-dependencies.sh installs what the tests need"
    )]
    NoFakeTime,
    /// No free port was found in the kit's range.
    #[error("found no free port on 127.0.0.1")]
    NoFreePort,
    /// A process ended before it was ready, or while it was needed.
    #[error("{name} ended ({status}); the end of its log:\n{log_tail}")]
    Exited {
        /// The process's name.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log_tail: String,
    },
    /// A process did not become ready, or did not end, in time.
    #[error("{name} was not {state} within {} s: {reason}; the end of its log:\n{log_tail}", waited.as_secs_f32())]
    TimedOut {
        /// The process's name.
        name: String,
        /// `ready` or `gone`.
        state: &'static str,
        /// How long the kit waited.
        waited: Duration,
        /// What the last attempt said.
        reason: String,
        /// The last lines of its log.
        log_tail: String,
    },
    /// The operation needs a running process.
    #[error("{name} is not running")]
    NotRunning {
        /// The process's name.
        name: String,
    },
    /// A file, directory, process or socket operation failed.
    #[error("cannot {action}")]
    Io {
        /// What was being done, to be read after "cannot".
        action: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// PostgreSQL refused a statement or a connection.
    #[error("PostgreSQL: cannot {action}")]
    Postgres {
        /// What was being done, to be read after "cannot".
        action: String,
        /// The driver's reason.
        source: sqlx::Error,
    },
    /// Redis refused a command or a connection.
    #[error("Redis: cannot {action}")]
    Redis {
        /// What was being done, to be read after "cannot".
        action: String,
        /// The driver's reason.
        source: redis::RedisError,
    },
}

impl Error {
    /// For `map_err`: an I/O failure while doing `action`.
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    /// For `map_err`: a PostgreSQL failure while doing `action`.
    pub(crate) fn postgres(action: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let action = action.into();
        move |source| Self::Postgres { action, source }
    }

    /// For `map_err`: a Redis failure while doing `action`.
    pub(crate) fn redis(action: impl Into<String>) -> impl FnOnce(redis::RedisError) -> Self {
        let action = action.into();
        move |source| Self::Redis { action, source }
    }
}
