//! Starting: the database is made ready, once, or refused in words.

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use madang_domain::{Code, RoomRef};
use madang_message_store::{Authority, Service, migrate, start};
use madang_rpc::{MessageStore as _, store::GetRoom};
use madang_test_kit::{BreakableProxy, test_database};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::support::{Fixture, Words as _, user};

madang_test_kit::on_both!(
    replicas_that_start_at_once_migrate_once,
    a_command_migrates_and_starting_finds_it_done,
    data_outlives_the_service,
    a_stopped_service_refuses,
);

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn replicas_that_start_at_once_migrate_once(fixture: Fixture) {
    let (one, two, three, four) =
        tokio::join!(fixture.service(), fixture.service(), fixture.service(), fixture.service());
    let mina = user(1);
    let room = one.given_room(&[&mina]).await;
    let mut epochs = Vec::new();
    for service in [&one, &two, &three, &four] {
        epochs.push(service.open_since(room, &mina, None).await.unwrap().epoch);
    }
    epochs.dedup();
    assert_eq!(epochs.len(), 1, "one of them drew the epoch");
    assert_eq!(fixture.count("SELECT count(*) FROM message_store_migrations WHERE NOT success").await, 0);
}

async fn a_command_migrates_and_starting_finds_it_done(fixture: Fixture) {
    migrate(&fixture.settings, &fixture.secret(), &fixture.host()).await.unwrap();
    let applied = fixture.count("SELECT count(*) FROM message_store_migrations").await;
    assert!(applied > 0);
    let service = fixture.service().await;
    assert_eq!(fixture.count("SELECT count(*) FROM message_store_migrations").await, applied);
    service.given_room(&[&user(1)]).await;
}

async fn data_outlives_the_service(fixture: Fixture) {
    let mina = user(1);
    let first = fixture.service().await;
    let room = first.given_room(&[&mina]).await;
    first.say(room, &mina, "k").await.unwrap();
    first.lifecycle().stop();
    first.lifecycle().finished().await;
    let second = fixture.service().await;
    assert!(second.say(room, &mina, "k").await.unwrap().duplicate);
    assert_eq!(second.log(room).await.len(), 2);
}

async fn a_stopped_service_refuses(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    service.lifecycle().stop();
    // For a moment still: callers have not heard of it yet.
    assert!(service.say(room, &mina, "late").await.is_ok());
    service.lifecycle().finished().await;
    for error in [
        service.say(room, &mina, "too late").await.unwrap_err(),
        service.get_room(GetRoom { user: Some(mina.id), room: RoomRef::Id(room) }).await.unwrap_err(),
    ] {
        assert_eq!(error.code, Code::Unavailable);
        assert!(error.retry_after.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_of_a_database_are_their_owners_alone() {
    let fixture = Fixture::sqlite();
    let service = fixture.service().await;
    service.given_room(&[&user(1)]).await;
    let path = fixture.database().file().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", path.display());
        assert_eq!(mode(path.as_ref()), 0o600, "{path}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700, "the directory that was made for it");
}

async fn refusal(url: &str) -> String {
    let fixture = Fixture::of_url(url);
    let (host, secret) = (fixture.host(), fixture.secret());
    let started = tokio::time::timeout(Duration::from_secs(20), start(&fixture.settings, &secret, &host));
    words(&started.await.expect("it does not retry what cannot be mended").unwrap_err())
}

#[tokio::test]
async fn what_is_no_database_is_refused_by_the_settings_name() {
    for url in
        ["", "mysql://localhost/madang", "postgres://u:hunter2@[", "sqlite::memory:", "/var/lib/madang"]
    {
        let text = refusal(url).await;
        assert!(text.starts_with("MADANG_DATABASE_URL"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn a_postgresql_database_whose_text_is_not_utf_8_is_refused() {
    let database = test_database().await.unwrap();
    let mut admin = sqlx::PgConnection::connect(database.url()).await.unwrap();
    let name = format!("{}_c", database.name());
    let create = format!("CREATE DATABASE {name} LC_CTYPE 'C' LC_COLLATE 'C' TEMPLATE template0");
    admin.execute(AssertSqlSafe(create)).await.unwrap();
    let text = refusal(&database.url().replace(database.name(), &name)).await;
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
    assert!(text.contains("LC_CTYPE C") && text.contains("CREATE DATABASE"), "{text}");
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let database = test_database().await.unwrap();
    let (before, after) = database.url().split_once('@').unwrap();
    let text = refusal(&format!("{before}x@{after}")).await;
    assert!(text.contains("password"), "{text}");
}

/// A database that is not there yet is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_database_is_waited_for() {
    let database = test_database().await.unwrap();
    let (before, after) = database.url().split_once('@').unwrap();
    let (address, name) = after.split_once('/').unwrap();
    let proxy = BreakableProxy::start(address.parse().unwrap()).unwrap();
    proxy.refuse().await;
    let fixture = Fixture::of_url(format!("{before}@{}/{name}", proxy.address()));
    let host = fixture.host();
    let mut readiness = host.readiness.watch();
    let (settings, url) = (fixture.settings, fixture.secret());
    let starting = tokio::spawn(async move { start(&settings, &url, &host).await });
    let failing = |state: &madang_kit::health::State| {
        state
            .checks
            .iter()
            .any(|check| check.failing.as_deref().is_some_and(|reason| reason.contains("cannot reach")))
    };
    drop(tokio::time::timeout(Duration::from_secs(20), readiness.wait_for(failing)).await.unwrap().unwrap());
    proxy.accept().unwrap();
    let service: Service = starting.await.unwrap().unwrap();
    readiness.wait_for(madang_kit::health::State::is_ready).await.unwrap();
    service.given_room(&[&user(1)]).await;
}
