//! The same key is the same message: twice, at once, through any gateway, by either door.

use futures_util::future::join_all;
use madang_domain::{RoomId, Seq};
use madang_e2e::{PATIENCE, Person, Stage, ack, fast_sends, public_room, send_frame};
use tokio::sync::OnceCell;

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE.get_or_init(|| Stage::start(fast_sends())).await
}

/// How often a key stands in PostgreSQL.
async fn count_in_log(stage: &Stage, room: RoomId, key: &str) -> usize {
    stage.log_of(room).await.iter().filter(|row| row.key.as_deref() == Some(key)).count()
}

#[tokio::test]
async fn the_same_key_through_two_gateways_is_one_event() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let room = public_room(&mina, "Kitchen", &[]).await.id;
    let mut first = mina.socket(&stage.gateway(0)).await;
    let mut second = mina.socket(&stage.gateway(1)).await;

    let original = ack(first.call(send_frame(room, "k1", "rice"), PATIENCE).await.unwrap());
    let repeat = ack(second.call(send_frame(room, "k1", "rice"), PATIENCE).await.unwrap());
    assert!(!original.duplicate && repeat.duplicate);
    assert_eq!((original.seq, &original.id, original.at), (repeat.seq, &repeat.id, repeat.at));
    assert_eq!(count_in_log(stage, room, "k1").await, 1);

    // What the repeat says does not count; the first one stands.
    let other_text = ack(second.call(send_frame(room, "k1", "barley"), PATIENCE).await.unwrap());
    assert_eq!((other_text.seq, other_text.duplicate), (original.seq, true));
    let texts: Vec<_> = stage.log_of(room).await.into_iter().filter_map(|row| row.text).collect();
    assert_eq!(texts, ["rice"]);

    // Another key is another message, with the next place.
    let next = ack(second.call(send_frame(room, "k2", "rice"), PATIENCE).await.unwrap());
    assert_eq!((next.seq, next.duplicate), (original.seq.next(), false));
}

#[tokio::test]
async fn a_key_counts_for_one_sender_in_one_room() {
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.ingress(), "mina"), Person::register(stage.ingress(), "joon"));
    let room = public_room(&mina, "Kitchen", &[&joon]).await.id;
    let elsewhere = public_room(&mina, "Pantry", &[]).await.id;
    let mine = mina.api.send_message(room, "mine", Some("k")).await.unwrap();
    let his = joon.api.send_message(room, "his", Some("k")).await.unwrap();
    let there = mina.api.send_message(elsewhere, "there", Some("k")).await.unwrap();
    assert!(!mine.duplicate && !his.duplicate && !there.duplicate);
    assert_eq!(his.seq, mine.seq.next());
}

#[tokio::test]
async fn of_many_at_once_one_wins() {
    const TRIES: usize = 16;
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let room = public_room(&mina, "Kitchen", &[]).await.id;
    let apis = [mina.at(&stage.gateway(0)), mina.at(&stage.gateway(1))];
    let mut sockets = Vec::new();
    for index in 0..2 {
        sockets.push(mina.socket(&stage.gateway(index)).await);
    }
    for round in 0..5 {
        let key = format!("round {round}");
        let by_rest = (0..TRIES).map(|number| {
            let (api, key) = (&apis[number % 2], &key);
            async move {
                let sent = api.send_message(room, "race", Some(key)).await.expect("a send");
                (sent.seq, sent.duplicate)
            }
        });
        let by_socket = sockets.iter_mut().map(|socket| {
            let frame = send_frame(room, &key, "race");
            async move {
                let ack = ack(socket.call(frame, PATIENCE).await.expect("an answer"));
                (ack.seq, ack.duplicate)
            }
        });
        let (mut outcomes, more) = tokio::join!(join_all(by_rest), join_all(by_socket));
        outcomes.extend(more);
        let seqs: std::collections::HashSet<Seq> = outcomes.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(seqs.len(), 1, "one place: {outcomes:?}");
        let originals = outcomes.iter().filter(|(_, duplicate)| !duplicate).count();
        assert_eq!(originals, 1, "one original: {outcomes:?}");
        assert_eq!(count_in_log(stage, room, &key).await, 1);
    }
}

#[tokio::test]
async fn rest_and_websocket_share_the_keys() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let room = public_room(&mina, "Kitchen", &[]).await.id;
    let mut socket = mina.socket_in(&stage.gateway(1), room).await;

    let by_rest = mina.at(&stage.gateway(0)).send_message(room, "soup", Some("a")).await.unwrap();
    let by_socket = ack(socket.call(send_frame(room, "a", "soup"), PATIENCE).await.unwrap());
    assert_eq!((by_rest.seq, by_rest.duplicate), (by_socket.seq, false));
    assert!(by_socket.duplicate);

    // The header says the same as the field.
    let request = mina.api.request(reqwest::Method::POST, &format!("/v1/rooms/{room}/messages"));
    let request = request.header("Idempotency-Key", "a").json(&serde_json::json!({"text": "soup"}));
    let by_header: madang_client::SentMessage = mina.api.call(request).await.unwrap();
    assert_eq!((by_header.seq, by_header.duplicate), (by_rest.seq, true));

    // Listeners hear it once: what follows it is the next message.
    let next = mina.api.send_message(room, "rice", Some("b")).await.unwrap();
    let mut heard = Vec::new();
    while heard.last() != Some(&next.seq) {
        if let madang_client::Incoming::Event(event) = socket.next_frame(PATIENCE).await.unwrap() {
            heard.push(event.seq);
        }
    }
    assert_eq!(heard, [by_rest.seq, next.seq]);
}

#[tokio::test]
async fn a_repeated_creation_is_the_same_room() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let create = async |base: String| {
        let api = mina.at(&base);
        let request = api.request(reqwest::Method::POST, "/v1/rooms").header("Idempotency-Key", "room-1");
        let request = request.json(&serde_json::json!({"name": "Yard", "kind": "public"}));
        api.call::<madang_client::Room>(request).await.unwrap().id
    };
    let (first, second) = (create(stage.gateway(0)).await, create(stage.gateway(1)).await);
    assert_eq!(first, second);
}
