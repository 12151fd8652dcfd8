//! PostgreSQL: connections and migrations. The SQL is shared, see [`super`].

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

use std::time::Duration;

use madang_database::{Connections, Migrations, PostgresConnector, Transaction, Transactions, UrlError};
use madang_kit::Metrics;

use super::{MIGRATIONS_TABLE, Result};

/// The database that the shared SQL is compiled for here.
type Db = sqlx::Postgres;

/// The connector of this database.
type Connector = PostgresConnector;

/// The server's deadline for one statement. The service's deadline for a whole operation is longer.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// READ COMMITTED, whatever the server's default, since a statement after a lock must see what others
/// committed.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// The migrations of this database.
pub(crate) fn migrations() -> Migrations {
    Migrations::new(sqlx::migrate!("migrations/postgres"), MIGRATIONS_TABLE)
}

/// A PostgreSQL database.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    connector: PostgresConnector,
    max_connections: u32,
}

impl Target {
    pub(super) fn parse(url: &str, max_connections: u32) -> Result<Self, UrlError> {
        let connector = PostgresConnector::new(url, "madang-auth", STATEMENT_TIMEOUT)?;
        Ok(Self { connector, max_connections })
    }

    pub(super) fn open(&self, transactions: Transactions, metrics: &Metrics) -> Database {
        let connections = Connections::new(self.connector.clone(), self.max_connections);
        connections.observe(metrics, "accounts");
        Database { connections, transactions }
    }

    pub(super) async fn migrate(&self) -> Result<()> {
        self.connector.migrate(migrations()).await
    }

    pub(super) async fn check_migrations(&self) -> Result<()> {
        let migrations = Migrations::new(sqlx::migrate!("migrations/postgres"), MIGRATIONS_TABLE);
        self.connector.check_migrations(migrations).await
    }
}

/// An open PostgreSQL database.
pub(super) struct Database {
    connections: Connections<PostgresConnector>,
    transactions: Transactions,
}

impl Database {
    /// A connection for a single reading statement.
    const fn readers(&self) -> &Connections<PostgresConnector> {
        &self.connections
    }

    /// A connection for a single writing statement.
    const fn writers(&self) -> &Connections<PostgresConnector> {
        &self.connections
    }

    async fn begin(&self) -> Result<Transaction<PostgresConnector>> {
        Transaction::begin(&self.connections, BEGIN).await
    }
}
