//! The private PostgreSQL: a database for each test, faults, and what its settings promise.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use madang_test_kit::{Durability, PostgresServer, test_database, where_available};
use sqlx::{Connection as _, Executor as _, PgConnection};

async fn value(url: &str, query: &'static str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn each_test_has_its_own_database_and_it_is_dropped() {
    let first = test_database().await.unwrap();
    let second = test_database().await.unwrap();
    // Open until the end: a database is dropped although somebody is still connected.
    let mut connection = PgConnection::connect(first.url()).await.unwrap();
    sqlx::query("CREATE TABLE only_here (id int)").execute(&mut connection).await.unwrap();
    let others = "SELECT count(*)::text FROM pg_tables WHERE tablename = 'only_here'";
    assert_eq!(value(first.url(), others).await, "1");
    assert_eq!(value(second.url(), others).await, "0");

    let dropped = first.name().to_owned();
    drop(first);
    let mut connection = PgConnection::connect(second.url()).await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(dropped)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn text_is_utf8_and_hangul_are_letters() {
    let database = test_database().await.unwrap();
    assert_eq!(value(database.url(), "SHOW server_encoding").await, "UTF8");
    assert_eq!(value(database.url(), "SELECT ('마당' ~ '^[[:alpha:]]+$')::text").await, "true");
}

#[tokio::test]
async fn a_killed_server_comes_back_with_its_commits_and_its_port() {
    let server = PostgresServer::start(Durability::Fast).await.unwrap();
    let url = server.create_database("kept").await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query("CREATE TABLE kept (id int)").execute(&mut connection).await.unwrap();
    sqlx::query("INSERT INTO kept VALUES (7)").execute(&mut connection).await.unwrap();

    server.kill9().await.unwrap();
    assert!(!server.process().is_running());
    assert!(PgConnection::connect(&url).await.is_err());
    server.restart().await.unwrap();
    assert_eq!(value(&url, "SELECT id::text FROM kept").await, "7");
}

#[tokio::test]
async fn a_paused_server_keeps_its_connections_and_answers_later() {
    let server = PostgresServer::start(Durability::Fast).await.unwrap();
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    server.pause();
    {
        let answer = connection.ping();
        tokio::pin!(answer);
        let silence = std::time::Duration::from_millis(300);
        assert!(tokio::time::timeout(silence, &mut answer).await.is_err(), "a paused server answered");
        server.resume();
        answer.await.unwrap();
    }
}

#[tokio::test]
async fn durability_is_what_was_asked_for() {
    let real = PostgresServer::start(Durability::Real).await.unwrap();
    assert_eq!(value(&real.url("postgres"), "SHOW fsync").await, "on");
    assert_eq!(value(&real.url("postgres"), "SHOW synchronous_commit").await, "on");
    let fast = PostgresServer::start(Durability::Fast).await.unwrap();
    assert_eq!(value(&fast.url("postgres"), "SHOW fsync").await, "off");
    assert!(fast.process().usage().unwrap().resident_bytes > 1_000_000);
}

#[tokio::test]
async fn a_full_disk_refuses_and_a_released_one_does_not() {
    const DISK_BYTES: u64 = 192 << 20;
    let options = madang_test_kit::PostgresOptions { disk_bytes: Some(DISK_BYTES), ..Default::default() };
    // A disk needs root.
    let Some(server) = where_available(PostgresServer::start_configured(options).await) else { return };
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    connection.execute("CREATE TABLE heaps (text text)").await.unwrap();
    let disk = server.disk().unwrap();
    disk.fill().unwrap();
    let grow = "INSERT INTO heaps SELECT repeat('x', 1000) FROM generate_series(1, 20000)";
    assert!(connection.execute(grow).await.is_err());
    disk.release().unwrap();
    // It may have ended over it.
    if !server.process().is_running() {
        server.restart().await.unwrap();
    }
    server.ready().await.unwrap();
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    connection.execute(grow).await.unwrap();
    let path = disk.path().to_owned();
    drop((connection, server));
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    assert!(!mounts.contains(path.to_str().unwrap()), "{mounts}");
}
