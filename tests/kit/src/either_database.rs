//! A database of either kind, for suites that hold on both.

use std::path::PathBuf;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::database::TestDatabase;
use crate::disk::data_directory;
use crate::error::Result;
use crate::shared_postgres::test_database;

/// A database that one test has for itself: of PostgreSQL, or a file of SQLite. It ends with this value.
#[derive(Debug)]
pub enum EitherDatabase {
    /// On the server that this process's tests share.
    Postgres(TestDatabase),
    /// A file in a directory that is yet to be made.
    Sqlite {
        /// Where the file is, by URL.
        url: String,
        /// Above the database's own directory.
        directory: TempDir,
    },
}

impl EitherDatabase {
    /// A PostgreSQL database.
    ///
    /// # Errors
    /// As [`test_database`].
    pub async fn postgres() -> Result<Self> {
        test_database().await.map(Self::Postgres)
    }

    /// An SQLite database, whose file and directory the service makes.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn sqlite() -> Result<Self> {
        let directory = data_directory("sqlite")?;
        let url = format!("sqlite://{}", directory.path().join("new/test.db").display());
        Ok(Self::Sqlite { url, directory })
    }

    /// The URL by which to connect.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Postgres(database) => database.url(),
            Self::Sqlite { url, .. } => url,
        }
    }

    /// The file of an SQLite database.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Postgres(_) => None,
            Self::Sqlite { url, .. } => url.strip_prefix("sqlite://").map(PathBuf::from),
        }
    }

    /// The first column of each row, as text, past the service.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn texts(&self, sql: &str) -> sqlx::Result<Vec<String>> {
        // Statements are a test's own.
        let query = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres(database) => {
                let mut connection = PgConnection::connect(database.url()).await?;
                sqlx::query_scalar(query).fetch_all(&mut connection).await
            }
            Self::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await?;
                sqlx::query_scalar(query).fetch_all(&mut connection).await
            }
        }
    }

    /// The number that a statement gives, past the service.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn number(&self, sql: &str) -> sqlx::Result<i64> {
        let query = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres(database) => {
                let mut connection = PgConnection::connect(database.url()).await?;
                sqlx::query_scalar(query).fetch_one(&mut connection).await
            }
            Self::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await?;
                sqlx::query_scalar(query).fetch_one(&mut connection).await
            }
        }
    }

    /// Executes the statement of the database's own kind, past the service.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn execute(&self, postgres: &str, sqlite: &str) -> sqlx::Result<()> {
        match self {
            Self::Postgres(database) => {
                let mut connection = PgConnection::connect(database.url()).await?;
                connection.execute(AssertSqlSafe(postgres.to_owned())).await.map(drop)
            }
            Self::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await?;
                connection.execute(AssertSqlSafe(sqlite.to_owned())).await.map(drop)
            }
        }
    }
}

/// Makes of each function two tests, one on PostgreSQL and one on SQLite. The function takes a fixture of the suite's,
/// which is made `From` an [`EitherDatabase`].
#[macro_export]
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let database = $crate::EitherDatabase::postgres().await.unwrap();
                super::$test(database.into()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$test($crate::EitherDatabase::sqlite().unwrap().into()).await;
            }
        }
    )+};
}
