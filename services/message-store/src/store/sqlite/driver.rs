//! What the files under `sql/` are compiled for here.

/// What ends a statement that locks a room's row: nothing, for the write transaction has locked the whole database.
macro_rules! locking {
    () => {
        ""
    };
}

/// What ends a statement that shares the locks of the profiles `p`: nothing, as of `locking!`.
macro_rules! sharing {
    () => {
        ""
    };
}

/// What ends a statement that locks the profile `p` against those who share it: nothing, likewise.
macro_rules! excluding {
    () => {
        ""
    };
}

/// The database.
pub(super) type Db = sqlx::Sqlite;

/// What makes its connections.
pub(super) type Connector = madang_database::SqliteConnector;
