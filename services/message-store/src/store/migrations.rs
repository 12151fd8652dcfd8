//! Applying migrations.

use sqlx::migrate::{Migrate, MigrateError, Migrator};

use super::{StoreError, StoreResult};

/// Where the applied migrations are listed. A name of its own, since services may share a database.
const TABLE: &str = "message_store_migrations";

/// Applies what is not applied yet. The caller holds the lock, or the database's driver takes it.
pub(super) async fn apply<C: Migrate>(mut migrator: Migrator, connection: &mut C) -> StoreResult<()> {
    migrator.dangerous_set_table_name(TABLE);
    // During a rolling upgrade an older replica starts on a newer schema, which is made to serve both.
    migrator.set_ignore_missing(true);
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => StoreError::from(error),
        other => StoreError::Defect(other.into()),
    })
}
