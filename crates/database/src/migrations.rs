//! Applying migrations.

use sqlx::{
    AssertSqlSafe, PgConnection,
    migrate::{Migrate, MigrateError, Migrator},
    query_scalar,
};

use crate::{DatabaseError, DatabaseResult};

/// The migrations of one service, compiled in.
#[derive(Debug)]
pub struct Migrations {
    migrator: Migrator,
    table: &'static str,
}

/// The schema is older than the service.
#[derive(Debug, thiserror::Error)]
#[error(
    "the schema lacks {missing} migrations of this version, and MADANG_MIGRATE is false: run the command `migrate` with a role that \
     may change the schema"
)]
struct SchemaIsOld {
    missing: usize,
}

impl Migrations {
    /// Migrations that are listed in `table` once they are applied. Services may share a database, so each has a table
    /// of its own.
    #[must_use]
    pub fn new(mut migrator: Migrator, table: &'static str) -> Self {
        migrator.dangerous_set_table_name(table);
        // During a rolling upgrade, or its reversal, an older replica starts on a newer schema. Migrations are written
        // so that it can work with the tables that it finds.
        migrator.set_ignore_missing(true);
        Self { migrator, table }
    }

    /// Applies what is not applied yet. On PostgreSQL the migrator takes an advisory lock of the database, so that
    /// replicas which start at once migrate one after the other. On SQLite the caller holds the write lock.
    ///
    /// # Errors
    /// When a migration fails, or one that was applied has changed since.
    pub async fn apply<C: Migrate>(self, connection: &mut C) -> DatabaseResult<()> {
        self.migrator.run_direct(None, connection, false).await.map_err(|error| match error {
            // A migration whose connection breaks rolls back: waiting helps.
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                DatabaseError::from(error)
            }
            other => DatabaseError::Defect(other.into()),
        })
    }

    /// The table that lists what is applied.
    pub(crate) const fn table(&self) -> &'static str {
        self.table
    }

    /// The versions of all migrations, in order.
    pub(crate) fn versions(&self) -> Vec<i64> {
        self.migrator.iter().map(|migration| migration.version).collect()
    }

    /// The tables that the migrations make, with the one that lists them; some may be gone since.
    pub(crate) fn tables(&self) -> Vec<String> {
        let mut tables = vec![self.table.to_owned()];
        for migration in self.migrator.iter() {
            let sql = migration.sql.as_str();
            let words: Vec<&str> = sql.split_whitespace().collect();
            for three in words.windows(3) {
                if let ["CREATE" | "UNLOGGED", "TABLE", name] = three {
                    let name =
                        name.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next();
                    tables.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
                }
            }
        }
        tables.sort();
        tables.dedup();
        tables
    }

    /// Checks that all are applied, which needs no right but to read.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] when some are not: waiting helps while another process migrates.
    pub async fn check(self, connection: &mut PgConnection) -> DatabaseResult<()> {
        let is_there: bool = query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(self.table)
            .fetch_one(&mut *connection)
            .await?;
        let applied: Vec<i64> = if is_there {
            // The table's name is one of the code's.
            let applied = format!("SELECT version FROM {} WHERE success", self.table);
            query_scalar(AssertSqlSafe(applied)).fetch_all(connection).await?
        } else {
            Vec::new()
        };
        let ours = self.migrator.iter().filter(|migration| !migration.migration_type.is_down_migration());
        match ours.filter(|migration| !applied.contains(&migration.version)).count() {
            0 => Ok(()),
            missing => Err(DatabaseError::Unavailable(SchemaIsOld { missing }.into())),
        }
    }
}
