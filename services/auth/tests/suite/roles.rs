//! Two roles of the database: one migrates, and one serves without a right to change the schema.

use std::time::Duration;

use madang_auth::{Settings, migrate, start};
use madang_kit::Secret;
use madang_test_kit::{EitherDatabase, ServeRole, test_database};
use tokio::time::timeout;

use crate::support::{World, client, login, refresh, register};

/// Longer than a start takes that has nothing to wait for.
const A_WHILE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_cannot_change_the_schema_serves() {
    let database = test_database().await.unwrap();
    let role = ServeRole::create(&database).await.unwrap();
    let owner = Secret::from(database.url());
    let world = World::from(EitherDatabase::Postgres(database));
    let settings = Settings { migrate: false, ..world.settings.clone() };
    let serve = Secret::from(role.url());

    // Until somebody has migrated, it waits.
    let host = world.host();
    assert!(timeout(A_WHILE, start(&settings, &serve, &host)).await.is_err(), "it waits");
    migrate(&settings, &owner, &world.host()).await.unwrap();

    let service = start(&settings, &serve, &world.host()).await.unwrap();
    let grant = register(&service, "mina").await;
    login(&service, "mina").await;
    refresh(&service, &grant.refresh_token, client(1)).await.unwrap();

    for statement in [
        "CREATE TABLE more (id int)",
        "ALTER TABLE auth_users ADD COLUMN more int",
        "DROP TABLE auth_users",
        "TRUNCATE auth_users",
    ] {
        assert!(!role.may(statement).await.unwrap(), "{statement}");
    }
}
