//! Starts at once, a database that is absent, one that goes and comes back, settings that are wrong.

use std::{os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_auth::{Settings, migrate, start};
use madang_domain::Code;
use madang_kit::{Host, Lifecycle, Secret, clock::ManualClock};
use madang_rpc::auth::{Auth as _, GetKeys, ListRevocations, Login, Refresh, Token};
use madang_test_kit::{Durability, PostgresServer};

use crate::support::{PASSWORD, World, assert_code, client, host, login, password, register, username};

/// How long the tests wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

madang_test_kit::on_both!(several_migrate_at_once);

async fn several_migrate_at_once(world: World) {
    let (url, host) = (world.url(), world.host());
    for result in join_all((0..4).map(|_| migrate(&world.settings, &url, &host))).await {
        result.unwrap();
    }
    let service = world.service().await;
    register(&service, "mina").await;
    let tables = if url.expose().starts_with("sqlite") {
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite_%'"
    } else {
        "SELECT tablename::text FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    };
    let tables = world.texts(tables).await;
    assert!(tables.iter().any(|name| name == "auth_migrations"), "{tables:?}");
    for name in tables {
        assert!(name.starts_with("auth_"), "{name} may collide with another service's");
    }
}

fn cheap() -> Settings {
    Settings { argon2_memory_kib: 64, argon2_passes: 1, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_is_unavailable_and_comes_back_without_a_restart() {
    let postgres = PostgresServer::start(Durability::Fast).await.unwrap();
    let url: Secret = postgres.create_database("accounts").await.unwrap().into();
    let clock = Arc::new(ManualClock::default());
    let host = host(&clock);
    let service = start(&cheap(), &url, &host).await.unwrap();
    register(&service, "mina").await;
    let grant = login(&service, "mina").await;
    let jwks = service.get_keys(GetKeys).await.unwrap();

    postgres.stop().await.unwrap();
    let result = service
        .login(Login { username: username("mina"), password: password(PASSWORD), client: client(1) })
        .await;
    let error = assert_code(result, Code::Unavailable);
    assert!(error.retry_after.is_some());
    assert_code(
        service.refresh(Refresh { refresh_token: Token::new(&grant.refresh_token), client: client(1) }).await,
        Code::Unavailable,
    );
    assert_code(service.list_revocations(ListRevocations { cursor: None }).await, Code::Unavailable);
    assert_eq!(service.get_keys(GetKeys).await.unwrap(), jwks, "the public keys can still be had");
    clock.advance(cheap().key_overlap);
    assert_eq!(service.get_keys(GetKeys).await.unwrap(), jwks, "even when they should be looked at again");
    assert!(host.lifecycle.failure().is_none());

    postgres.restart().await.unwrap();
    let again = tokio::time::timeout(PATIENCE, async {
        loop {
            match service
                .login(Login { username: username("mina"), password: password(PASSWORD), client: client(1) })
                .await
            {
                Ok(grant) => break grant,
                Err(error) => assert_eq!(error.code, Code::Unavailable, "{error}"),
            }
        }
    });
    again.await.unwrap();
    service
        .refresh(Refresh { refresh_token: Token::new(&grant.refresh_token), client: client(1) })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_absent_at_start_is_waited_for() {
    let postgres = PostgresServer::start(Durability::Fast).await.unwrap();
    let url: Secret = postgres.create_database("accounts").await.unwrap().into();
    postgres.stop().await.unwrap();
    let host = host(&Arc::new(ManualClock::default()));
    let mut readiness = host.readiness.watch();
    let starting = tokio::spawn({
        let host = host.clone();
        async move { start(&cheap(), &url, &host).await }
    });
    let says_so = readiness.wait_for(|state| {
        let check = state.checks.iter().find(|check| check.name == "accounts");
        check.is_some_and(|check| check.failing.as_deref().is_some_and(|why| why.contains("cannot reach")))
    });
    drop(tokio::time::timeout(PATIENCE, says_so).await.unwrap().unwrap());
    assert!(!starting.is_finished());
    postgres.restart().await.unwrap();
    let service = tokio::time::timeout(PATIENCE, starting).await.unwrap().unwrap().unwrap();
    assert!(host.readiness.is_ready());
    register(&service, "mina").await;
}

#[tokio::test]
async fn a_start_that_waits_ends_when_the_process_does() {
    let host = Host::new("auth-test", Lifecycle::default()).unwrap();
    let mut readiness = host.readiness.watch();
    let starting = tokio::spawn({
        let host = host.clone();
        // The discard port: nobody listens.
        async move { start(&cheap(), &"postgres://nobody:hunter2@127.0.0.1:9/none".into(), &host).await }
    });
    drop(readiness.wait_for(|state| !state.checks.is_empty()).await.unwrap());
    host.lifecycle.stop();
    let error = tokio::time::timeout(PATIENCE, starting).await.unwrap().unwrap().unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_url_that_cannot_be_one_is_named_without_its_secrets() {
    let host = Host::new("auth-test", Lifecycle::default()).unwrap();
    for url in ["mysql://u:hunter2@h/d", "postgres://u:hunter2@h:notaport/d", "hunter2", "sqlite::memory:"] {
        let error = start(&cheap(), &url.into(), &host).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("MADANG_DATABASE_URL") && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_of_a_database_is_its_owners_alone() {
    let world = World::sqlite();
    let _service = world.service().await;
    let path = world.file();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", path.display());
        assert_eq!(mode(path.as_ref()), 0o600, "{path}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700, "the directory that was made for it");
}
