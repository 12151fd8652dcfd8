//! The process as others see it: gRPC, and its commands.

use std::sync::Arc;

use madang_domain::{Code, RoomId};
use madang_kit::{Host, Lifecycle, config, lifecycle::Outcome};
use madang_message_store::{Cli, run};
use madang_rpc::{MessageStoreClient, MessageStoreSettings};
use uuid::Uuid;

use crate::support::{Fixture, Words as _, seqs, user};

fn command(fixture: &Fixture, more: &[&str]) -> Cli {
    let mut args = vec!["madang-message-store", "--grpc-addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0"];
    args.extend(["--database-url", &fixture.url]);
    args.extend(more);
    config::try_parse_from(args, &config::Environment::new()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_grpc_and_ends_in_order() {
    let fixture = Fixture::sqlite();
    let host = Host::new("store-test", Lifecycle::default()).unwrap();
    let metrics = host.metrics.clone();
    let running = run(command(&fixture, &[]), host).await.unwrap();
    let grpc = running.address("grpc").unwrap();
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{grpc}")).unwrap().connect_lazy();
    let store = MessageStoreClient::new(channel, MessageStoreSettings::default());

    let mina = user(1);
    let room = store.given_room(&[&mina]).await;
    for number in 0..3 {
        store.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    let opened = store.open_since(room, &mina, Some((2, None))).await.unwrap();
    assert_eq!(seqs(&opened.events), [3, 4]);
    let nowhere = RoomId::new(Uuid::from_u128(9));
    assert_eq!(store.say(nowhere, &mina, "k").await.unwrap_err().code, Code::NotFound);
    assert_eq!(store.view(room, &mina).await.room.id, room);

    let text = metrics.render();
    for line in [
        r#"madang_store_batch_requests_sum{queue="append"} 4"#,
        r#"madang_store_call_duration_seconds_count{method="create_room",outcome="ok"} 1"#,
    ] {
        assert!(text.contains(line), "{text}");
    }
    drop(store);
    assert_eq!(running.stop().await, Outcome::Drained);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_commands_do_their_work_and_end() {
    let fixture = Fixture::sqlite();
    let mut epochs = Vec::new();
    for task in ["migrate", "new-epoch", "new-epoch"] {
        let lifecycle = Lifecycle::default();
        let host = Host::new("store-test", lifecycle.clone()).unwrap();
        let running = run(command(&fixture, &[task]), host).await.unwrap();
        assert!(lifecycle.is_stopping() && running.addresses().is_empty());
        epochs.push(fixture.count("SELECT epoch FROM log_epoch").await);
    }
    assert_ne!(epochs[0], epochs[1]);
    assert_ne!(epochs[1], epochs[2]);
    let service = fixture.service().await;
    let mina = Arc::clone(&user(1));
    let room = service.given_room(&[&mina]).await;
    let epoch = service.open_since(room, &mina, None).await.unwrap().epoch;
    assert_eq!(i64::from(epoch.get()), epochs[2]);
}
