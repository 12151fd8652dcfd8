//! A role that serves and cannot change the schema.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::database::TestDatabase;
use crate::error::{Error, Result};
use crate::random::random_hex;

/// What an administrator runs once.
const ROLES: &str = include_str!("../../../deploy/postgres/roles.sql");

/// A role of its own for one database, as `deploy/postgres/roles.sql` makes it. It goes with the database's server.
#[derive(Debug)]
pub struct ServeRole {
    url: String,
}

impl ServeRole {
    /// Makes the role. The role of the database's own URL migrates.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn create(database: &TestDatabase) -> Result<Self> {
        let (name, password) = (format!("serve_{}", random_hex()), random_hex());
        let url = database.url();
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
        let server = rest.split_once('@').map_or(rest, |(_, server)| server);
        let owner =
            rest.split_once('@').map_or("madang", |(login, _)| login.split(':').next().unwrap_or(login));
        let roles = ROLES
            .replace("madang_serve", &name)
            .replace("FOR ROLE madang ", &format!("FOR ROLE \"{owner}\" "));
        let made = async {
            let mut connection = PgConnection::connect(url).await?;
            connection.execute(sqlx::raw_sql(AssertSqlSafe(roles))).await?;
            let password = format!("ALTER ROLE {name} PASSWORD '{password}'");
            connection.execute(sqlx::raw_sql(AssertSqlSafe(password))).await?;
            connection.close().await
        };
        made.await.map_err(Error::postgres("make a role"))?;
        Ok(Self { url: format!("{scheme}://{name}:{password}@{server}") })
    }

    /// The URL of the database for this role.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether the role may execute a statement. It is rolled back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn may(&self, statement: &str) -> Result<bool> {
        let tried = async {
            let mut connection = PgConnection::connect(&self.url).await?;
            connection.execute("BEGIN").await?;
            let tried = connection.execute(sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))).await;
            match tried {
                Ok(_) => Ok(true),
                // insufficient_privilege
                Err(error)
                    if error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref()
                        == Some("42501") =>
                {
                    Ok(false)
                }
                Err(error) => Err(error),
            }
        };
        tried.await.map_err(Error::postgres(statement.to_owned()))
    }
}
