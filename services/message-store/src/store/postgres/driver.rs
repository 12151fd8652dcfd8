//! What the files under `sql/` are compiled for here.

/// The texts of all rows in one, with commas between them.
macro_rules! joined_texts {
    ($text:literal) => {
        concat!("string_agg(", $text, ", ', ')")
    };
}

/// What ends a statement that locks a room's row. FOR NO KEY UPDATE is what `append_messages` takes, and it leaves the
/// foreign key of members alone.
macro_rules! locking {
    () => {
        " FOR NO KEY UPDATE"
    };
}

/// What ends a statement that shares the locks of the profiles `p`. KEY SHARE: a change of a profile does not wait for it.
macro_rules! sharing {
    () => {
        " FOR KEY SHARE OF p"
    };
}

/// What ends a statement that locks the profile `p` against those who share it.
macro_rules! excluding {
    () => {
        " FOR UPDATE OF p"
    };
}

/// A join of a table that is to be looked into after the one before it: the planner finds that by itself.
macro_rules! then_join {
    () => {
        " JOIN "
    };
}

/// The texts of the events that a statement of `within_bytes!` looks at. A long one is a reference until it is sent.
macro_rules! texts_looked_at {
    () => {
        ", e.text, e.detail"
    };
}

/// The texts of the events that fit: they are there already.
macro_rules! texts_that_fit {
    () => {
        ""
    };
}

/// The database.
pub(super) type Db = sqlx::Postgres;

/// What makes its connections.
pub(super) type Connector = madang_database::PostgresConnector;
