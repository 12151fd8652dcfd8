//! What `doctor` says of the messages: the database.

use madang_database::Examined;
use madang_kit::{Secret, clock::Clock, doctor::Finding};

use crate::{Settings, store};

/// Looks at what the service would meet.
pub async fn examine(settings: &Settings, database: &Secret, clock: &dyn Clock) -> Vec<Finding> {
    let database = Examined {
        about: "Database of the messages",
        url: database.expose(),
        postgres: store::postgres_migrations(),
        sqlite: store::sqlite_migrations(),
        // Batches have connections besides those, and one more saves profiles.
        connections: settings.connections + settings.append_workers + 1,
        migrate: settings.migrate,
    };
    madang_database::examine(database, clock).await
}
