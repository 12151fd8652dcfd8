//! SQLite: connecting and migrating. The SQL is shared, see [`super`].

#[path = "sql/accounts.rs"]
mod accounts;
#[path = "sql/api_keys.rs"]
mod api_keys;
#[path = "sql/externals.rs"]
mod externals;
#[path = "sql/keys.rs"]
mod keys;
#[path = "sql/sessions.rs"]
mod sessions;
#[path = "sql/tickets.rs"]
mod tickets;

use std::{
    fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, str::FromStr as _, time::Duration,
};

use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{OpenError, Result, migrate};

/// The database that the shared SQL is compiled for here.
type Db = Sqlite;

/// How long a call waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a write waits for another one to end.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The file holds password hashes and signing keys: its owner reads it, nobody else.
const FILE_MODE: u32 = 0o600;

/// An SQLite database.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    options: SqliteConnectOptions,
    max_connections: u32,
}

impl Target {
    pub(super) fn parse(url: &str, max_connections: u32) -> Result<Self, OpenError> {
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Err(OpenError::InMemory);
        }
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| OpenError::Url)?
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered must outlive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        Ok(Self { options, max_connections })
    }

    pub(super) fn open(&self) -> Backend {
        let pool =
            SqlitePoolOptions::new().max_connections(self.max_connections).acquire_timeout(ACQUIRE_TIMEOUT);
        Backend { pool: pool.connect_lazy_with(self.options.clone()) }
    }

    pub(super) async fn migrate(&self) -> Result<(), OpenError> {
        make_private_file(self.options.get_filename())?;
        let mut connection = self.options.connect().await.map_err(OpenError::Connect)?;
        // sqlx has no migration lock for SQLite. The write lock of one transaction around all of it is
        // one: whoever comes second waits for it, then finds nothing left to do.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(OpenError::Connect)?;
        migrate::sqlite().run_direct(None, &mut *transaction, false).await?;
        transaction.commit().await.map_err(OpenError::Connect)?;
        connection.close().await.map_err(OpenError::Connect)
    }
}

/// Makes the file where there is none; SQLite gives its companions (`-wal`, `-shm`) the same mode.
fn make_private_file(path: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::File(error)),
    }
}

/// An open SQLite database.
#[derive(Debug)]
pub(super) struct Backend {
    pool: SqlitePool,
}

impl Backend {
    /// Immediate: a transaction that began by reading cannot wait for the write lock later, it fails.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}
