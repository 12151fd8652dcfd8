//! The process is killed while it appends to SQLite.
//!
//! What a kill shows: an acknowledgement follows the commit, a batch is in the log as a whole or not at all, and SQLite
//! recovers from a log that ends in the middle of a transaction. What it cannot show: that a commit was synced. What a
//! killed process wrote is in the kernel's memory, and only the loss of power takes that away. The setting that decides
//! it is looked at in `crates/database/tests/durability.rs`.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use madang_rpc::{MessageStoreClient, MessageStoreSettings};
use madang_test_kit::{EitherDatabase, Home, Program, Service, ServiceSpec, free_address, require_disk};
use tokio::sync::watch;

use crate::{
    faults::{assert_log_is_what_was_acknowledged, send_until_told},
    support::{Words as _, user},
};

/// How long the test may take; one that runs into it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often the process is killed.
const KILLS: usize = 5;

/// How many messages are acknowledged between two kills, at least.
const ACKS_BETWEEN: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_message_outlives_a_killed_process_once() {
    const SENDERS: u128 = 12;
    let database = EitherDatabase::sqlite().unwrap();
    let home = Home::create("message-store", None).unwrap();
    require_disk(home.path()).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_madang-message-store"));
    let service = Service::start(ServiceSpec {
        name: "message-store".to_owned(),
        program: Program::MessageStore,
        binaries: binary.parent().unwrap().to_owned(),
        address: free_address().unwrap(),
        ops_address: free_address().unwrap(),
        settings: vec![("MADANG_DATABASE_URL".to_owned(), database.url().to_owned())],
        directory: home.path().to_owned(),
        log: home.join("message-store.log"),
        host: None,
    });
    let service = service.await.unwrap();
    let endpoint = tonic::transport::Endpoint::from_shared(service.base_url()).unwrap();
    let store = MessageStoreClient::new(endpoint.connect_lazy(), MessageStoreSettings::default());
    let people: Vec<_> = (0..SENDERS).map(user).collect();
    let room = store.given_room(&people.iter().collect::<Vec<_>>()).await;

    let (stop, acked, failed) = (AtomicBool::new(false), watch::Sender::new(0), watch::Sender::new(0));
    let sends = join_all(people.iter().enumerate().map(|(number, person)| {
        let (store, stop, acked, failed) = (&store, &stop, &acked, &failed);
        let name = number.to_string();
        async move { send_until_told(store, room, person, &name, stop, acked, failed).await }
    }));
    let kills = async {
        for _ in 0..KILLS {
            let before = *acked.borrow();
            acked.subscribe().wait_for(|count| *count > before + ACKS_BETWEEN).await.unwrap();
            let failures = *failed.borrow();
            service.kill9().await.unwrap();
            failed.subscribe().wait_for(|count| *count > failures).await.unwrap();
            service.restart().await.unwrap();
        }
        let before = *acked.borrow();
        acked.subscribe().wait_for(|count| *count > before + ACKS_BETWEEN).await.unwrap();
        stop.store(true, Ordering::Relaxed);
    };
    let (acks, ()) = tokio::time::timeout(PATIENCE, async { tokio::join!(sends, kills) }).await.unwrap();
    assert_log_is_what_was_acknowledged(&store, room, SENDERS as usize, acks).await;
    // What the database says of itself.
    assert_eq!(database.texts("PRAGMA integrity_check").await.unwrap(), ["ok"]);
}
