//! What `doctor` says of the accounts: whether the settings fit together, and the database.

use madang_database::Examined;
use madang_kit::{
    Secret,
    clock::Clock,
    doctor::{Finding, contradiction},
};

use crate::{Settings, store};

/// Looks at what the service would meet.
pub async fn examine(settings: &Settings, database: &Secret, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings: Vec<Finding> = settings.policy().err().iter().map(contradiction).collect();
    let database = Examined {
        about: "Database of the accounts",
        url: database.expose(),
        postgres: store::postgres_migrations(),
        sqlite: store::sqlite_migrations(),
        connections: settings.database_connections,
        migrate: settings.migrate,
    };
    findings.extend(madang_database::examine(database, clock).await);
    findings
}
