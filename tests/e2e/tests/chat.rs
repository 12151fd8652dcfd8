//! Two users on different gateways talk; one is cut and misses nothing; Redis carries only what somebody listens to.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use madang_client::{Incoming, SessionOptions, Socket};
use madang_contract::{ClientFrame, RoomSince, ServerFrame, Subscribe};
use madang_domain::{Cursor, RoomId, Seq};
use madang_e2e::{
    COMPLETE_AGAIN, LIVE, Listener, PATIENCE, Person, Stage, ack, fast_sends, public_room, send_frame,
};
use madang_test_kit::{BreakableProxy, ClusterOptions};
use tokio::sync::OnceCell;

/// Three gateways, so that one of them has nobody who listens.
async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE.get_or_init(|| Stage::start(ClusterOptions { gateways: 3, ..fast_sends() })).await
}

/// The event that a socket gets next.
async fn next_event(socket: &mut Socket) -> (u64, String) {
    loop {
        if let Incoming::Event(event) = socket.next_frame(LIVE).await.expect("an event") {
            let text = event.message().map_or_else(String::new, |message| message.text.to_string());
            return (event.seq.get(), text);
        }
    }
}

async fn say(socket: &mut Socket, room: RoomId, text: &str) -> Seq {
    let key = format!("key of {text}");
    ack(socket.call(send_frame(room, &key, text), PATIENCE).await.expect("an answer")).seq
}

#[tokio::test]
async fn two_users_talk_through_the_ingress() {
    let stage = stage().await;
    let ingress = stage.ingress();
    let (mina, joon) = tokio::join!(Person::register(&ingress, "mina"), Person::register(&ingress, "joon"));
    let room = public_room(&mina, "Courtyard", &[&joon]).await.id;
    // The ingress sends each new socket to the gateway that holds the fewest; which ones it chose, Redis says.
    let mut mina = mina.socket_in(&ingress, room).await;
    let mut joon = joon.socket_in(&ingress, room).await;
    assert_eq!(stage.listeners_of(room).await.len(), 2, "the two are on two gateways");

    let first = say(&mut mina, room, "안녕하세요").await;
    assert_eq!(next_event(&mut joon).await, (first.get(), "안녕하세요".to_owned()));
    assert_eq!(
        next_event(&mut mina).await,
        (first.get(), "안녕하세요".to_owned()),
        "the sender hears it too"
    );
    let second = say(&mut joon, room, "반갑습니다").await;
    assert_eq!(second, first.next());
    assert_eq!(next_event(&mut mina).await, (second.get(), "반갑습니다".to_owned()));
}

#[tokio::test]
async fn who_was_cut_gets_exactly_what_was_missed() {
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Well", &[&joon]).await.id;
    let mut speaker = mina.socket_in(&stage.gateway(0), room).await;

    // Joon's line to the second gateway is one that breaks.
    let line = BreakableProxy::start(stage.cluster.gateway(1).address()).expect("a proxy");
    let options = SessionOptions::default();
    let base = format!("http://{}", line.address());
    let listener = Listener::start(vec![base], joon.bearer(), room, options).await;
    let before = say(&mut speaker, room, "before").await;
    listener.until_seq(LIVE, before).await;

    line.refuse().await;
    line.cut();
    listener.until(PATIENCE, "the cut", |heard| !heard.closes.is_empty()).await;
    let mut last = before;
    for number in 1..=50 {
        last = say(&mut speaker, room, &format!("missed {number}")).await;
    }
    assert_eq!(listener.heard().events.last().map(|event| event.seq), Some(before), "nothing came while cut");
    line.accept().expect("the line's port again");

    listener.until_seq(COMPLETE_AGAIN, last).await;
    let after = say(&mut speaker, room, "after").await;
    listener.until_seq(LIVE, after).await;
    listener.assert_whole(Seq::START, after);
    let expected: Vec<String> = ["before".to_owned()]
        .into_iter()
        .chain((1..=50).map(|number| format!("missed {number}")))
        .chain(["after".to_owned()])
        .collect();
    assert_eq!(listener.texts(), expected);

    // And PostgreSQL has each of them once.
    let log = stage.log_of(room).await;
    let texts: Vec<String> =
        log.iter().filter(|row| row.is_message()).filter_map(|row| row.text.clone()).collect();
    assert_eq!(texts, expected);
    assert_eq!(log.last().map(|row| row.seq), i64::try_from(after.get()).ok());
}

#[tokio::test]
async fn who_missed_more_than_is_replayed_pages_history() {
    // More than the 500 events that are replayed to one subscription.
    const MISSED: usize = 620;
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Granary", &[&joon]).await.id;
    let speaker = mina.listen(vec![stage.gateway(0)], room).await;
    let sends = (0..MISSED).map(|number| {
        let session = &speaker.session;
        async move { session.send(room, &format!("message {number}")).await.expect("a send") }
    });
    futures_util::future::join_all(sends).await;
    let last = say(&mut mina.socket(&stage.gateway(0)).await, room, "last").await;

    let listener = joon.listen(vec![stage.gateway(1)], room).await;
    listener.until_seq(PATIENCE, last).await;
    listener.assert_whole(Seq::START, last);
    speaker.until_seq(PATIENCE, last).await;
    speaker.assert_whole(Seq::START, last);

    // A raw socket is told so: no part of what was missed, but that it is not whole.
    let mut socket = joon.socket(&stage.gateway(2)).await;
    let since = RoomSince { room: room.into(), since: Some(Seq::START), epoch: None };
    let subscribe = ClientFrame::Subscribe(Subscribe { rooms: vec![since], ..Subscribe::default() });
    let answer = socket.call(subscribe, PATIENCE).await.expect("an answer");
    let Incoming::Frame(ServerFrame::Subscribed(subscribed)) = answer else { panic!("{answer:?}") };
    let madang_contract::SubscribedRoom::Open { head, from, complete, .. } = &subscribed.rooms[0] else {
        panic!("{subscribed:?}")
    };
    assert_eq!((*complete, *head, *from), (false, last, last));
    let next = socket.next_frame(PATIENCE).await.expect("a frame");
    assert!(matches!(next, Incoming::Frame(ServerFrame::CaughtUp(_))), "{next:?}");
}

#[tokio::test]
async fn a_cursor_of_another_epoch_is_not_trusted() {
    let stage = stage().await;
    let mina = Person::register(stage.gateway(0), "mina").await;
    let room = public_room(&mina, "Cellar", &[]).await.id;
    let mut socket = mina.socket(&stage.gateway(0)).await;
    let head = say(&mut socket, room, "one").await;
    let stranger = madang_domain::Epoch::new(0xdead_beef);
    let cursor = Cursor { seq: head, epoch: Some(stranger) };
    let since = RoomSince { room: room.into(), since: Some(cursor.seq), epoch: cursor.epoch };
    let subscribe = ClientFrame::Subscribe(Subscribe { rooms: vec![since], ..Subscribe::default() });
    let answer = socket.call(subscribe, PATIENCE).await.expect("an answer");
    let Incoming::Frame(ServerFrame::Subscribed(subscribed)) = answer else { panic!("{answer:?}") };
    let madang_contract::SubscribedRoom::Open { complete, epoch, .. } = &subscribed.rooms[0] else {
        panic!("{subscribed:?}")
    };
    assert!(!complete);
    assert_ne!(*epoch, stranger);
}

#[tokio::test]
async fn only_gateways_with_a_listener_receive_a_message() {
    const MARK: &str = "a text that is in no other message: hwangto";
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let shared = public_room(&mina, "Shared", &[&joon]).await.id;
    let alone = public_room(&mina, "Alone", &[&joon]).await.id;
    let mut sender = mina.socket_in(&stage.gateway(0), shared).await;
    let mut receiver = joon.socket_in(&stage.gateway(1), shared).await;
    // All who listen to this one are on the first gateway.
    let mut local = joon.socket_in(&stage.gateway(0), alone).await;
    let _sender_too = mina.socket_in(&stage.gateway(0), alone).await;

    let listeners = stage.listeners_of(shared).await;
    assert_eq!(listeners.len(), 2, "SMEMBERS of the shared room");
    assert_eq!(stage.listeners_of(alone).await.len(), 1, "SMEMBERS of the room on one gateway");

    let heard = say(&mut sender, shared, MARK).await;
    assert_eq!(next_event(&mut receiver).await.0, heard.get());
    let counts = stage.entries_with(MARK).await;
    assert_eq!(counts.len(), 3, "three gateways have an inbox: {counts:?}");
    let received: Vec<&String> =
        counts.iter().filter(|(_, count)| **count == 1).map(|(gateway, _)| gateway).collect();
    assert_eq!(
        (counts.values().sum::<usize>(), received.len()),
        (1, 1),
        "one entry in one inbox: {counts:?}"
    );
    assert!(listeners.contains(received[0]), "it went to a gateway that listens");

    // The room on one gateway: delivered, and no entry anywhere.
    const LOCAL_MARK: &str = "a text that stays in one gateway: ondol";
    say(&mut sender, alone, LOCAL_MARK).await;
    assert_eq!(next_event(&mut local).await.1, LOCAL_MARK);
    let counts = stage.entries_with(LOCAL_MARK).await;
    assert_eq!(counts.values().sum::<usize>(), 0, "{counts:?}");
}
