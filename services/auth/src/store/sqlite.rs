//! SQLite: connections and migrations. The SQL is shared, see [`super`].

#[path = "sql/accounts.rs"]
mod accounts;
#[path = "sql/api_keys.rs"]
mod api_keys;
#[path = "sql/erasures.rs"]
mod erasures;
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
use madang_kit::Metrics;

use super::{MIGRATIONS_TABLE, Result};

/// The database that the shared SQL is compiled for here.
type Db = sqlx::Sqlite;

/// The connector of this database.
type Connector = SqliteConnector;

/// Takes the write lock at once. A transaction that starts with a read cannot wait for the lock later; it
/// fails.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// The migrations of this database.
pub(crate) fn migrations() -> Migrations {
    Migrations::new(sqlx::migrate!("migrations/sqlite"), MIGRATIONS_TABLE)
}

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

    pub(super) fn open(&self, transactions: Transactions, metrics: &Metrics) -> Database {
        let writer = Connections::new(self.connector.clone(), 1);
        let readers = Connections::new(self.connector.clone(), self.max_connections);
        writer.observe(metrics, "accounts_writer");
        readers.observe(metrics, "accounts");
        Database { writer, readers, transactions }
    }

    pub(super) async fn migrate(&self) -> Result<()> {
        self.connector.migrate(migrations()).await
    }
}

/// An open SQLite database.
pub(super) struct Database {
    /// A pool of one connection. SQLite has one writer at a time, and the writers of this process queue here.
    writer: Connections<SqliteConnector>,
    readers: Connections<SqliteConnector>,
    transactions: Transactions,
}

impl Database {
    /// A connection for a single reading statement.
    const fn readers(&self) -> &Connections<SqliteConnector> {
        &self.readers
    }

    /// A connection for a single writing statement.
    const fn writers(&self) -> &Connections<SqliteConnector> {
        &self.writer
    }

    async fn begin(&self) -> Result<Transaction<SqliteConnector>> {
        Transaction::begin(&self.writer, BEGIN).await
    }
}
