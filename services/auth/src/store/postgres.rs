//! PostgreSQL: connecting and migrating. The SQL is shared, see [`super`].

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

use std::{str::FromStr as _, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{OpenError, Result, migrate};

/// The database that the shared SQL is compiled for here.
type Db = Postgres;

/// How long a call waits for a connection of the pool, which includes making one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a statement may take, by the server's clock, before it is given up; the service's own
/// deadline for a whole operation is longer.
const STATEMENT_TIMEOUT: &str = "5s";

/// A connection that has rested this long is tried before it is used: it may have died with a restart
/// of the server. A busier one is not, which saves a round trip a call.
const TRY_AFTER_IDLE: Duration = Duration::from_millis(500);

/// How long a connection attempt of the migration may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A PostgreSQL database.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    options: PgConnectOptions,
    max_connections: u32,
}

impl Target {
    pub(super) fn parse(url: &str, max_connections: u32) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Url)?;
        Ok(Self { options: options.application_name("madang-auth"), max_connections })
    }

    pub(super) fn open(&self) -> Backend {
        let pool = PgPoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= TRY_AFTER_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            });
        let options = self.options.clone().options([("statement_timeout", STATEMENT_TIMEOUT)]);
        Backend { pool: pool.connect_lazy_with(options) }
    }

    pub(super) async fn migrate(&self) -> Result<(), OpenError> {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, self.options.connect());
        // A connection of its own: the migrator's advisory lock ends with it, whatever happens, and no
        // statement timeout cuts a long migration.
        let mut connection = connecting
            .await
            .map_err(|_| OpenError::Connect(sqlx::Error::PoolTimedOut))?
            .map_err(OpenError::Connect)?;
        migrate::postgres().run_direct(None, &mut connection, false).await?;
        connection.close().await.map_err(OpenError::Connect)
    }
}

/// An open PostgreSQL database.
#[derive(Debug)]
pub(super) struct Backend {
    pool: PgPool,
}

impl Backend {
    async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self.pool.begin().await?)
    }
}
