//! The database that a URL names.

use std::sync::Arc;

use madang_database::{DatabaseUrl, Transactions, UrlError};
use madang_kit::Metrics;

use super::{Result, Store, postgres, sqlite};

/// The database to open, of either kind.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Postgres(postgres::Target),
    Sqlite(sqlite::Target),
}

impl Target {
    /// Parses a URL, without connecting.
    pub(crate) fn parse(url: &str, max_connections: u32) -> Result<Self, UrlError> {
        match DatabaseUrl::parse(url)? {
            DatabaseUrl::Postgres(url) => postgres::Target::parse(url, max_connections).map(Self::Postgres),
            DatabaseUrl::Sqlite(url) => sqlite::Target::parse(url, max_connections).map(Self::Sqlite),
        }
    }

    /// Connects and migrates, or else checks that the migrations are applied.
    pub(crate) async fn open(
        &self,
        transactions: Transactions,
        migrate: bool,
        metrics: &Metrics,
    ) -> Result<Arc<dyn Store>> {
        match self {
            Self::Postgres(target) if !migrate => target.check_migrations().await?,
            // Whoever opens a file of SQLite may do anything with it.
            Self::Postgres(_) | Self::Sqlite(_) => self.migrate().await?,
        }
        Ok(match self {
            Self::Postgres(target) => Arc::new(target.open(transactions, metrics)),
            Self::Sqlite(target) => Arc::new(target.open(transactions, metrics)),
        })
    }

    /// Migrates under a lock: one of several concurrent processes does the work, and the others wait for it.
    pub(crate) async fn migrate(&self) -> Result<()> {
        match self {
            Self::Postgres(target) => target.migrate().await,
            Self::Sqlite(target) => target.migrate().await,
        }
    }
}
