//! Connections to PostgreSQL.

use std::{fmt, str::FromStr as _, time::Duration};

use async_trait::async_trait;
use madang_kit::login_is_cut;
use sqlx::{ConnectOptions as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::{Connect, DatabaseError, DatabaseResult, Migrations, UrlError};

/// How long the connection that migrates may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What each connection is set to, besides what the service asks for.
///
/// A commit is answered when it is on disk, whatever the database's default is; a stronger default is kept.
const SESSION_SETTINGS: &str = "\
    SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS setting (name, value) \
    UNION ALL SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/// Makes connections to a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresConnector {
    options: PgConnectOptions,
    statement_timeout: Duration,
    settings: Vec<(&'static str, &'static str)>,
}

impl fmt::Debug for PostgresConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold the password.
        f.debug_struct("PostgresConnector")
            .field("statement_timeout", &self.statement_timeout)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl PostgresConnector {
    /// For the database of a URL, which is not spoken to yet. A statement ends on the server after
    /// `statement_timeout`, and so does a transaction that rests: a caller who has gone must not go on holding locks.
    ///
    /// # Errors
    /// When the URL is malformed.
    pub fn new(url: &str, application_name: &str, statement_timeout: Duration) -> Result<Self, UrlError> {
        // It might be read all the same, as another host's.
        if login_is_cut(url) {
            return Err(UrlError::Login);
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| UrlError::Malformed)?;
        let options = options.application_name(application_name).disable_statement_logging();
        Ok(Self { options, statement_timeout, settings: Vec::new() })
    }

    /// Sets more of each session, by the names of PostgreSQL.
    #[must_use]
    pub fn with_settings(mut self, settings: &[(&'static str, &'static str)]) -> Self {
        self.settings.extend_from_slice(settings);
        self
    }

    /// A connection for migrations. It has no limit of time: an index of a large table takes as long as it takes, and a
    /// replica that starts second waits for the one that migrates. The migrator's lock ends with the connection.
    ///
    /// # Errors
    /// When the connection cannot be made in time.
    pub async fn connect_to_migrate(&self) -> DatabaseResult<PgConnection> {
        let connector = Self { statement_timeout: Duration::ZERO, ..self.clone() };
        match timeout(CONNECT_TIMEOUT, connector.connect()).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(DatabaseError::Unavailable("no connection was made in time".into())),
        }
    }

    /// Checks, on a connection of its own, that all migrations are applied.
    ///
    /// # Errors
    /// As [`Migrations::check`], and when the connection cannot be made.
    pub async fn check_migrations(&self, migrations: Migrations) -> DatabaseResult<()> {
        let mut connection = self.connect_to_migrate().await?;
        migrations.check(&mut connection).await?;
        Ok(sqlx::Connection::close(connection).await?)
    }

    /// Applies migrations on a connection of their own.
    ///
    /// # Errors
    /// When the connection cannot be made, or a migration fails.
    pub async fn migrate(&self, migrations: Migrations) -> DatabaseResult<()> {
        let mut connection = self.connect_to_migrate().await?;
        migrations.apply(&mut connection).await?;
        Ok(sqlx::Connection::close(connection).await?)
    }
}

#[async_trait]
impl Connect for PostgresConnector {
    type Connection = PgConnection;

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        let limit = self.statement_timeout.as_millis().to_string();
        let limits = [("statement_timeout", limit.as_str()), ("idle_in_transaction_session_timeout", &limit)];
        let settings = self.settings.iter().copied().chain(limits);
        let (names, values): (Vec<&str>, Vec<&str>) = settings.unzip();
        sqlx::query(SESSION_SETTINGS).bind(names).bind(values).execute(&mut connection).await?;
        Ok(connection)
    }

    async fn execute(connection: &mut PgConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(sqlx::raw_sql(statement)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_is_not_encoded_is_told_so() {
        let refusal = |url: &str| PostgresConnector::new(url, "test", Duration::ZERO).map(drop);
        for url in [
            "postgres://madang:pa#ss@localhost/madang",
            "postgres://madang:12#34@localhost/madang",
            "postgres://madang:12/34@localhost/madang",
            "postgres://madang:12?34@localhost/madang",
        ] {
            assert_eq!(refusal(url), Err(UrlError::Login), "{url}");
        }
        assert!(UrlError::Login.to_string().contains("%23"));
        assert_eq!(refusal("postgres://madang@localhost:port/madang"), Err(UrlError::Malformed));
        assert!(UrlError::Malformed.to_string().contains("%23"));
        for url in [
            "postgres://madang:pa%23ss@localhost/madang",
            "postgres://madang@localhost/madang?application_name=a@b",
            "postgres:///madang?host=/run/postgresql&user=a@b",
        ] {
            assert_eq!(refusal(url), Ok(()), "{url}");
        }
    }
}
