//! Appends and subscriptions that leave together.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{future::join_all, poll};
use madang_domain::{Code, Cursor, Seq};
use madang_proto::store::v1::{
    self as wire, append_outcome::Outcome, message_store_service_client::MessageStoreServiceClient,
};
use madang_rpc::{
    MessageStore, MessageStoreClient, MessageStoreSettings,
    client::BatchSettings,
    store::{BATCH_MAX_ITEMS, Open, REPLAY_MAX_BYTES},
};
use tokio::time::timeout;
use tonic::Request;

use crate::{
    scripted::{Script, Scripted, append, file, room_id, user_id},
    served::Served,
};

/// Longer than anything takes that is not held up.
const PATIENCE: Duration = Duration::from_secs(10);

fn store() -> (Served, MessageStoreClient) {
    let served = Served::new(&Arc::new(Scripted::default()));
    let client = MessageStoreClient::new(served.channel(), MessageStoreSettings::default());
    (served, client)
}

#[tokio::test]
async fn one_append_is_one_call() {
    let (served, store) = store();
    assert_eq!(store.append(append(7, "41")).await.unwrap().seq, Seq::new(41));
    assert_eq!(served.rpcs(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_appends_are_far_fewer_calls_and_each_has_its_outcome() {
    let (served, store) = store();
    let outcomes = join_all((1..=100).map(|n: u64| {
        let text = if n.is_multiple_of(10) { format!("방{n}") } else { n.to_string() };
        let store = &store;
        async move { (n, store.append(append(n.into(), &text)).await) }
    }))
    .await;
    for (n, outcome) in outcomes {
        if n.is_multiple_of(10) {
            let error = outcome.unwrap_err();
            assert_eq!(error.code, Code::PermissionDenied);
            assert_eq!(error.message, format!("방{n}에 쓸 수 없습니다"));
        } else {
            assert_eq!(outcome.unwrap().seq, Seq::new(n));
        }
    }
    assert!(served.rpcs() < 50, "{} calls", served.rpcs());
}

#[tokio::test]
async fn a_batch_never_passes_what_a_server_takes() {
    let served = Served::new(&Arc::new(Scripted::default()));
    let append_settings = BatchSettings {
        items_max: 10_000,
        weight_max: usize::MAX,
        in_flight_max: 1,
        overlap_after: Duration::ZERO,
        pace_max: Duration::ZERO,
        queue_max: 2_000,
    };
    let settings = MessageStoreSettings { append: append_settings, ..MessageStoreSettings::default() };
    let store = MessageStoreClient::new(served.channel(), settings);
    let outcomes = join_all((1..=1_200).map(|_| store.append(append(7, "1")))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(served.rpcs(), 3, "512, 512 and 176");
}

#[tokio::test]
async fn subscriptions_are_opened_together_and_their_replays_are_bounded() {
    let (served, store) = store();
    // 100 events of 64 KiB each: two such replays fit into one answer, the third does not.
    let open = |n, since| Open { user: user_id(n), room: room_id(n), since, replay_limit: 100 };
    let cursor = Some(Cursor { seq: Seq::START, epoch: None });
    let opened = join_all([
        store.open(open(1, cursor)),
        store.open(open(2, cursor)),
        store.open(open(3, cursor)),
        store.open(open(4, None)),
    ])
    .await;
    let seen: Vec<_> =
        opened.into_iter().map(Result::unwrap).map(|opened| (opened.complete, opened.events.len())).collect();
    assert_eq!(seen, [(true, 100), (true, 100), (false, 0), (true, 0)]);
    assert_eq!(served.rpcs(), 1);
    assert!((2 * 100 * 64 * 1024..3 * 100 * 64 * 1024).contains(&REPLAY_MAX_BYTES));
}

/// Appends whose calls cannot leave before a first one is done: they gather meanwhile.
fn one_at_a_time() -> MessageStoreSettings {
    let append = BatchSettings {
        items_max: 128,
        weight_max: usize::MAX,
        in_flight_max: 1,
        overlap_after: Duration::ZERO,
        pace_max: Duration::ZERO,
        queue_max: 2_000,
    };
    MessageStoreSettings { append, ..MessageStoreSettings::default() }
}

/// One that takes long in the store does not hold plain ones of its moment up, whatever makes it slow.
#[tokio::test]
async fn a_slow_append_holds_no_plain_one_of_its_moment_up() {
    let with_file = {
        let mut append = append(7, "1");
        append.message.attachments = vec![file()];
        append.message.reply_to = None;
        append
    };
    for slow in [with_file, append(7, "1")] {
        let scripted = Arc::new(Script::gated_appends());
        let served = Served::new(&scripted);
        let store = Arc::new(MessageStoreClient::new(served.channel(), one_at_a_time()));
        let plain = || {
            let mut append = append(7, "2");
            append.message.reply_to = None;
            append
        };
        // All four are asked for before the first call leaves, the slow one first.
        let mut slow = Box::pin(store.append(slow));
        assert!(poll!(slow.as_mut()).is_pending());
        let plain = join_all((0..3).map(|_| store.append(plain())));
        let outcomes = timeout(PATIENCE, plain).await.expect("they wait for the slow one");
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert!(poll!(slow.as_mut()).is_pending(), "the store is still at it");
        scripted.0.gate.as_ref().unwrap().add_permits(1);
        assert_eq!(slow.await.unwrap().seq, Seq::new(1));
    }
}

/// Those with files are many calls at once, and so many that none waits for another's turn in the store.
#[tokio::test]
async fn appends_with_files_wait_for_no_other_with_files() {
    let scripted = Arc::new(Script::gated_appends());
    let served = Served::new(&scripted);
    let store = Arc::new(MessageStoreClient::new(served.channel(), one_at_a_time()));
    let with_file = |text| {
        let mut append = append(7, text);
        append.message.attachments = vec![file()];
        append
    };
    let slow = tokio::spawn({
        let (store, slow) = (Arc::clone(&store), with_file("1"));
        async move { store.append(slow).await }
    });
    // It has arrived.
    scripted.0.held.notified().await;
    assert_eq!(store.append(with_file("3")).await.unwrap().seq, Seq::new(3));
    assert!(!slow.is_finished());
    assert_eq!(served.rpcs(), 2, "each is a call");
    scripted.0.gate.as_ref().unwrap().add_permits(1);
    assert!(slow.await.unwrap().is_ok());
}

fn wire_append(text: &str) -> wire::Append {
    wire::Append {
        room: vec![7; 16].into(),
        actor: Some(madang_proto::types::v1::Profile {
            id: vec![1; 16].into(),
            username: "mina".into(),
            name: "Mina".into(),
            avatar_url: None,
            external_id: None,
            version: 0,
        }),
        message: Some(madang_proto::types::v1::Message {
            text: text.into(),
            key: "k".into(),
            ..Default::default()
        }),
        authority: wire::Authority::User.into(),
    }
}

fn with_deadline<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(std::time::Duration::from_secs(5));
    request
}

#[tokio::test]
async fn a_malformed_append_fails_alone() {
    let served = Served::new(&Arc::new(Scripted::default()));
    let mut rpc = MessageStoreServiceClient::new(served.channel());
    let malformed = wire::Append { room: vec![1].into(), ..wire_append("2") };
    let appends = vec![wire_append("1"), malformed, wire_append("3")];
    let answer = rpc.append(with_deadline(wire::AppendRequest { appends })).await.unwrap().into_inner();
    let outcomes: Vec<_> = answer.outcomes.into_iter().map(|outcome| outcome.outcome.unwrap()).collect();
    let [Outcome::Appended(first), Outcome::Failure(second), Outcome::Appended(third)] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    assert_eq!((first.seq, third.seq), (1, 3));
    assert_eq!(second.code, "invalid_argument");
    assert_eq!(second.message, "room: must be the 16 bytes of a UUID");
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_refused() {
    let scripted = Arc::new(Scripted::default());
    let served = Served::new(&scripted);
    let mut rpc = MessageStoreServiceClient::new(served.channel());
    let appends = vec![wire_append("1"); BATCH_MAX_ITEMS + 1];
    let status = rpc.append(with_deadline(wire::AppendRequest { appends })).await.unwrap_err();
    assert_eq!(status.metadata().get("madang-code").unwrap(), "invalid_argument");
    assert_eq!(scripted.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_request_without_what_it_needs_names_the_field() {
    let served = Served::new(&Arc::new(Scripted::default()));
    let mut rpc = MessageStoreServiceClient::new(served.channel());
    let request =
        wire::CreateRoomRequest { actor: wire_append("").actor, name: "마당".into(), ..Default::default() };
    let status = rpc.create_room(with_deadline(request)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert_eq!(status.message(), "kind: is missing");
}

#[tokio::test]
async fn callers_that_leave_do_not_disturb_the_others() {
    let (_served, store) = store();
    let store = Arc::new(store);
    let mut waiting = HashSet::new();
    for n in 1..=20_u64 {
        let mine = Arc::clone(&store);
        let task = tokio::spawn(async move { mine.append(append(7, &n.to_string())).await });
        if n.is_multiple_of(2) {
            tokio::task::yield_now().await;
            task.abort();
            assert!(task.await.is_err());
        } else {
            waiting.insert(n);
            assert_eq!(task.await.unwrap().unwrap().seq, Seq::new(n));
        }
    }
    assert_eq!(waiting.len(), 10);
}
