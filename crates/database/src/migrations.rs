//! Applying migrations.

use sqlx::migrate::{Migrate, MigrateError, Migrator};

use crate::{DatabaseError, DatabaseResult};

/// The migrations of one service, compiled in.
#[derive(Debug)]
pub struct Migrations(Migrator);

impl Migrations {
    /// Migrations that are listed in `table` once they are applied. Services may share a database, so each has a table
    /// of its own.
    #[must_use]
    pub fn new(mut migrator: Migrator, table: &'static str) -> Self {
        migrator.dangerous_set_table_name(table);
        // During a rolling upgrade, or its reversal, an older replica starts on a newer schema. Migrations are written
        // so that it can work with the tables that it finds.
        migrator.set_ignore_missing(true);
        Self(migrator)
    }

    /// Applies what is not applied yet. On PostgreSQL the migrator takes an advisory lock of the database, so that
    /// replicas which start at once migrate one after the other. On SQLite the caller holds the write lock.
    ///
    /// # Errors
    /// When a migration fails, or one that was applied has changed since.
    pub async fn apply<C: Migrate>(self, connection: &mut C) -> DatabaseResult<()> {
        self.0.run_direct(None, connection, false).await.map_err(|error| match error {
            // A migration whose connection breaks rolls back: waiting helps.
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                DatabaseError::from(error)
            }
            other => DatabaseError::Defect(other.into()),
        })
    }
}
