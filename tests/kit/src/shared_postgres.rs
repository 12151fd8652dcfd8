//! The PostgreSQL server that the tests of one process share.

use tokio::sync::OnceCell;

use crate::database::TestDatabase;
use crate::error::Result;
use crate::postgres_server::{Durability, PostgresServer};

/// Names a running server to use instead of a private one: the URL of a database on it and of a role that may create
/// databases. `make test` sets it. (Not `MADANG_…`: the services refuse settings that they do not know.)
pub const DATABASE_URL_VARIABLE: &str = "TEST_DATABASE_URL";

/// The server of this test process. A static is never dropped; the server ends with the process.
static SHARED: OnceCell<PostgresServer> = OnceCell::const_new();

/// A fresh database on the server that this process's tests share: the one that `TEST_DATABASE_URL` names, or a
/// private one that the first call starts (a second or so).
///
/// # Errors
/// When PostgreSQL is not installed, does not start, or refuses.
pub async fn test_database() -> Result<TestDatabase> {
    if let Ok(admin_url) = std::env::var(DATABASE_URL_VARIABLE) {
        return TestDatabase::create(&admin_url).await;
    }
    SHARED.get_or_try_init(|| PostgresServer::start(Durability::Fast)).await?.database().await
}
