//! The migrations of both kinds of database, compiled in.

use sqlx::migrate::Migrator;

/// The table that remembers which migrations were applied. Not sqlx's own name for it: the message
/// store may live in the same database and has its own.
const TABLE: &str = "auth_migrations";

/// The migrations for PostgreSQL.
pub(super) fn postgres() -> Migrator {
    ours(sqlx::migrate!("migrations/postgres"))
}

/// The migrations for SQLite.
pub(super) fn sqlite() -> Migrator {
    ours(sqlx::migrate!("migrations/sqlite"))
}

fn ours(mut migrator: Migrator) -> Migrator {
    migrator.dangerous_set_table_name(TABLE);
    // A replica of the version before may start while a newer one has already migrated (a rolling
    // update, or its reversal); migrations are written so that it can work with the tables it finds.
    migrator.set_ignore_missing(true);
    migrator
}
