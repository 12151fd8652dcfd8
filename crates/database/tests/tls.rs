//! PostgreSQL by TLS: verified by the authorities and by its host name.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::PathBuf, time::Duration};

use madang_database::{DatabaseError, PostgresConnector, verified_by};
use madang_kit::lifecycle::with_causes;
use madang_test_kit::{Authority, PostgresOptions, PostgresServer};
use tempfile::TempDir;

const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

struct Scene {
    directory: TempDir,
    authority: Authority,
    server: PostgresServer,
}

impl Scene {
    async fn new() -> Self {
        let authority = Authority::new("postgres").unwrap();
        let certificate = Some(authority.issue(&["localhost"]).unwrap());
        let options = PostgresOptions { certificate, ..PostgresOptions::default() };
        let server = PostgresServer::start_configured(options).await.unwrap();
        Self { directory: TempDir::new().unwrap(), authority, server }
    }

    /// The URL by a host name, with the authorities that verify the server.
    fn url(&self, host: &str, authority: &Authority) -> String {
        let file: PathBuf = self.directory.path().join("ca.pem");
        std::fs::write(&file, authority.pem()).unwrap();
        verified_by(&self.server.url("postgres").replace("127.0.0.1", host), &file).unwrap()
    }
}

/// Why no connection is made.
async fn refusal(url: &str) -> String {
    let connector = PostgresConnector::new(url, "test", STATEMENT_TIMEOUT).unwrap();
    let error = connector.connect_to_migrate().await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unavailable(_)), "a start waits and says so: {error:?}");
    with_causes(&error)
}

#[tokio::test]
async fn the_server_is_verified_by_its_authority_and_its_host_name() {
    let scene = Scene::new().await;
    let url = scene.url("localhost", &scene.authority);
    let connector = PostgresConnector::new(&url, "test", STATEMENT_TIMEOUT).unwrap();
    let mut connection = connector.connect_to_migrate().await.unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert!(sqlx::query_scalar::<_, bool>(encrypted).fetch_one(&mut connection).await.unwrap());

    let other_host = refusal(&scene.url("127.0.0.1", &scene.authority)).await;
    assert!(other_host.contains("not valid for name"), "{other_host}");
    let other = Authority::new("other").unwrap();
    let foreign = refusal(&scene.url("localhost", &other)).await;
    assert!(foreign.contains("UnknownIssuer"), "{foreign}");
    eprintln!("{other_host}\n{foreign}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to() {
    let scene = Scene::new().await;
    let plain = PostgresServer::start_configured(PostgresOptions::default()).await.unwrap();
    let file = scene.directory.path().join("ca.pem");
    std::fs::write(&file, scene.authority.pem()).unwrap();
    let url = verified_by(&plain.url("postgres").replace("127.0.0.1", "localhost"), &file).unwrap();
    let connector = PostgresConnector::new(&url, "test", STATEMENT_TIMEOUT).unwrap();
    let error = with_causes(&connector.connect_to_migrate().await.unwrap_err());
    assert!(error.contains("TLS"), "{error}");
}
