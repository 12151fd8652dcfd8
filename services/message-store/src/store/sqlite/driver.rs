//! What the files under `sql/` are compiled for here.

/// The database.
pub(super) type Db = sqlx::Sqlite;

/// What makes its connections.
pub(super) type Connector = madang_database::SqliteConnector;
