//! SQLite: connecting and migrating. The SQL is shared, see [`super`].

#[path = "sql/accounts.rs"]
mod accounts;
#[path = "sql/api_keys.rs"]
mod api_keys;
#[path = "sql/keys.rs"]
mod keys;
#[path = "sql/names.rs"]
mod names;
#[path = "sql/sessions.rs"]
mod sessions;
#[path = "sql/site_users.rs"]
mod site_users;
#[path = "sql/tickets.rs"]
mod tickets;

use madang_database::{Connections, Migrations, SqliteConnector, Transaction, Transactions, UrlError};

use super::{MIGRATIONS_TABLE, Result};

/// The database that the shared SQL is compiled for here.
type Db = sqlx::Sqlite;

/// What makes its connections.
type Connector = SqliteConnector;

/// Takes the write lock at once: a transaction that began by reading cannot wait for it later, it fails.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// An SQLite database.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    connector: SqliteConnector,
    max_connections: u32,
}

impl Target {
    pub(super) fn parse(url: &str, max_connections: u32) -> Result<Self, UrlError> {
        Ok(Self { connector: SqliteConnector::new(url)?, max_connections })
    }

    pub(super) fn open(&self, transactions: Transactions) -> Database {
        Database {
            writer: Connections::new(self.connector.clone(), 1),
            readers: Connections::new(self.connector.clone(), self.max_connections),
            transactions,
        }
    }

    pub(super) async fn migrate(&self) -> Result<()> {
        let migrations = Migrations::new(sqlx::migrate!("migrations/sqlite"), MIGRATIONS_TABLE);
        self.connector.migrate(migrations).await
    }
}

/// An open SQLite database.
pub(super) struct Database {
    /// One: SQLite has one writer at a time, and those of one process wait for their turn here.
    writer: Connections<SqliteConnector>,
    readers: Connections<SqliteConnector>,
    transactions: Transactions,
}

impl Database {
    /// For a single statement that reads.
    const fn readers(&self) -> &Connections<SqliteConnector> {
        &self.readers
    }

    /// For a single statement that writes.
    const fn writers(&self) -> &Connections<SqliteConnector> {
        &self.writer
    }

    async fn begin(&self) -> Result<Transaction<SqliteConnector>> {
        Transaction::begin(&self.writer, BEGIN).await
    }
}
