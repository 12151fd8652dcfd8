//! What the files under `sql/` are compiled for here.

/// The texts of all rows in one, with commas between them.
macro_rules! joined_texts {
    ($text:literal) => {
        concat!("group_concat(", $text, ", ', ')")
    };
}

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

/// A join of a table that is to be looked into after the one before it. The planner would rather walk a room's log in its
/// order than look up the few messages of a thread.
macro_rules! then_join {
    () => {
        " CROSS JOIN "
    };
}

/// The texts of the events that a statement of `within_bytes!` looks at: none. They would be read and copied, all of them.
macro_rules! texts_looked_at {
    () => {
        ""
    };
}

/// The texts of the events that fit.
macro_rules! texts_that_fit {
    () => {
        ", (SELECT t.text FROM events t WHERE t.topic = v.topic AND t.seq = v.seq) AS text, \
         (SELECT t.detail FROM events t WHERE t.topic = v.topic AND t.seq = v.seq) AS detail"
    };
}

/// The database.
pub(super) type Db = sqlx::Sqlite;

/// What makes its connections.
pub(super) type Connector = madang_database::SqliteConnector;
