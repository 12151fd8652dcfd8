//! Databases are made and dropped on a PostgreSQL server.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::error::{Error, Result};

/// Makes a database whose text is UTF-8, whatever the server's own default is.
pub(crate) async fn create_database(admin_url: &str, name: &str) -> Result<()> {
    let statement = format!(
        "CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
    );
    execute(admin_url, statement).await.map_err(Error::postgres(format!("create the database {name}")))
}

/// Drops a database, disconnecting whoever still uses it.
pub(crate) async fn drop_database(admin_url: &str, name: &str) -> Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
    execute(admin_url, statement).await.map_err(Error::postgres(format!("drop the database {name}")))
}

async fn execute(admin_url: &str, statement: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(admin_url).await?;
    // Names are the kit's own or a test's literal.
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.close().await
}
