//! What a connection is set to, so that a commit which was answered is on the disk.
//!
//! No kill of a process shows this: what the process wrote is in the kernel's memory, and outlives it whether or not it
//! was synced. Only the loss of power does. So the settings themselves are looked at.

use std::time::Duration;

use madang_database::{Connect as _, Migrations, PostgresConnector, SqliteConnector};
use madang_test_kit::{data_directory, test_database};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, migrate::Migrator};

#[tokio::test]
async fn sqlite_syncs_at_every_commit() {
    let directory = data_directory("durability").unwrap();
    let url = format!("sqlite://{}", directory.path().join("new/test.db").display());
    let connector = SqliteConnector::new(&url).unwrap();
    connector.migrate(Migrations::new(Migrator::DEFAULT, "migrations")).await.unwrap();
    let mut connection = connector.connect().await.unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut connection).await.unwrap();
    assert_eq!(synchronous, 2, "FULL: the log is synced at every commit, not at checkpoints alone");
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.unwrap();
    assert_eq!(journal, "wal");
}

#[tokio::test]
async fn postgresql_answers_a_commit_when_it_is_on_the_disk_whatever_the_default_is() {
    let database = test_database().await.unwrap();
    let connector = PostgresConnector::new(database.url(), "test", Duration::from_secs(5)).unwrap();
    let connector = connector.with_settings(&[("jit", "off")]);
    for (default, kept) in [("off", "on"), ("remote_apply", "remote_apply")] {
        let mut admin = PgConnection::connect(database.url()).await.unwrap();
        let set = format!("ALTER DATABASE \"{}\" SET synchronous_commit = '{default}'", database.name());
        admin.execute(AssertSqlSafe(set)).await.unwrap();
        let mut connection = connector.connect().await.unwrap();
        let setting = async |connection: &mut PgConnection, name: &str| -> String {
            let query = sqlx::query_scalar("SELECT current_setting($1)").bind(name.to_owned());
            query.fetch_one(connection).await.unwrap()
        };
        assert_eq!(setting(&mut connection, "synchronous_commit").await, kept);
        assert_eq!(setting(&mut connection, "statement_timeout").await, "5s");
        assert_eq!(setting(&mut connection, "idle_in_transaction_session_timeout").await, "5s");
        assert_eq!(setting(&mut connection, "jit").await, "off");
        let mut migrating = connector.connect_to_migrate().await.unwrap();
        assert_eq!(setting(&mut migrating, "statement_timeout").await, "0");
    }
}
