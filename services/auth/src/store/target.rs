//! Which database is opened.

use std::sync::Arc;

use madang_database::{DatabaseUrl, Transactions, UrlError};

use super::{Result, Store, postgres, sqlite};

/// What can be opened: the database that a URL names, of either kind.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Postgres(postgres::Target),
    Sqlite(sqlite::Target),
}

impl Target {
    /// Reads a URL; connects to nothing.
    pub(crate) fn parse(url: &str, max_connections: u32) -> Result<Self, UrlError> {
        match DatabaseUrl::parse(url)? {
            DatabaseUrl::Postgres(url) => postgres::Target::parse(url, max_connections).map(Self::Postgres),
            DatabaseUrl::Sqlite(url) => sqlite::Target::parse(url, max_connections).map(Self::Sqlite),
        }
    }

    /// Connects, and brings the tables up to date.
    pub(crate) async fn open(&self, transactions: Transactions) -> Result<Arc<dyn Store>> {
        self.migrate().await?;
        Ok(match self {
            Self::Postgres(target) => Arc::new(target.open(transactions)),
            Self::Sqlite(target) => Arc::new(target.open(transactions)),
        })
    }

    /// Brings the tables up to date, under a lock: of several at once, one does the work and the others
    /// wait for it.
    pub(crate) async fn migrate(&self) -> Result<()> {
        match self {
            Self::Postgres(target) => target.migrate().await,
            Self::Sqlite(target) => target.migrate().await,
        }
    }
}
