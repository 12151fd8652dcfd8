//! Two roles of the database: one migrates, and one serves without a right to change the schema.

use std::time::Duration;

use madang_domain::RoomRef;
use madang_kit::Secret;
use madang_message_store::{Authority, Settings, migrate, start};
use madang_rpc::{MessageStore as _, store::DeleteRoom};
use madang_test_kit::{ServeRole, test_database};
use tokio::time::timeout;

use crate::support::{Fixture, Words as _, user};

/// Longer than a start takes that has nothing to wait for.
const A_WHILE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_cannot_change_the_schema_serves() {
    let database = test_database().await.unwrap();
    let role = ServeRole::create(&database).await.unwrap();
    let fixture = Fixture::of_url(role.url());
    let settings = Settings { migrate: false, ..fixture.settings };

    // Until somebody has migrated, it waits, and says so in its readiness.
    let (host, serve) = (fixture.host(), fixture.secret());
    let early = start(&settings, &serve, &host);
    assert!(timeout(A_WHILE, early).await.is_err(), "it waits");
    migrate(&settings, &Secret::from(database.url()), &fixture.host()).await.unwrap();

    let service = start(&settings, &serve, &fixture.host()).await.unwrap();
    let (mina, juno) = (user(1), user(2));
    let room = service.given_room(&[&mina, &juno]).await;
    service.say(room, &mina, "k").await.unwrap();
    assert!(service.say(room, &mina, "k").await.unwrap().duplicate);
    assert!(service.open_since(room, &juno, Some((0, None))).await.unwrap().complete);
    let delete = DeleteRoom { authority: Authority::User, actor: Some(mina), room: RoomRef::Id(room) };
    service.delete_room(delete).await.unwrap();

    for statement in [
        "CREATE TABLE more (id int)",
        "ALTER TABLE events ADD COLUMN more int",
        "DROP TABLE events",
        "TRUNCATE events",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ] {
        assert!(!role.may(statement).await.unwrap(), "{statement}");
    }
    assert!(role.may("DELETE FROM events WHERE false").await.unwrap());
}
