//! Users as others see them, over two gateways and Redis: a status, when somebody was last seen, and what is hidden.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::time::Duration;

use madang_client::{Incoming, Socket, SocketError};
use madang_contract::{
    Answer, ClientFrame, OkFrame, ServerFrame,
    rest::{StatusChange, UserSettingsChanges},
};
use madang_domain::{RoomId, UserId};
use madang_e2e::{PATIENCE, Person, Stage, eventually, fast_sends, public_room};

/// How long who has gone counts as present, and some more.
const GONE: Duration = Duration::from_secs(15);
/// What must not come would have come by then.
const SILENCE: Duration = Duration::from_millis(500);

/// The next status of which a socket is told: whose it is, and the text.
async fn told(socket: &mut Socket) -> (UserId, Option<String>) {
    loop {
        if let Incoming::Frame(ServerFrame::Status(status)) =
            socket.next_frame(PATIENCE).await.expect("a status")
        {
            return (status.user, status.status.map(|status| status.text.to_string()));
        }
    }
}

async fn is_told_nothing(socket: &mut Socket) {
    loop {
        match socket.next_frame(SILENCE).await {
            Ok(Incoming::Frame(ServerFrame::Status(status))) => panic!("{status:?} is told"),
            Ok(_) => {}
            Err(SocketError::Deadline { .. }) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn is_present(socket: &mut Socket, room: RoomId, user: UserId) -> bool {
    let answer = socket.call(ClientFrame::Presence { room: room.into() }, PATIENCE).await.expect("an answer");
    let Incoming::Ok(OkFrame { answer: Answer::Presence(present), .. }) = answer else {
        panic!("no answer to `presence`: {answer:?}")
    };
    present.users.expect("names").iter().any(|present| present.id == user)
}

/// The next time that a socket is told of typing: whose it is, and whether it has begun.
async fn typing(socket: &mut Socket) -> (UserId, bool) {
    loop {
        if let Incoming::Frame(ServerFrame::Typing(typing)) =
            socket.next_frame(PATIENCE).await.expect("typing")
        {
            return (typing.user, typing.on);
        }
    }
}

#[tokio::test]
async fn typing_is_told_at_the_other_gateway_and_ends_with_the_one_that_dies() {
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon) =
        (Person::register(stage.gateway(0), "mina").await, Person::register(stage.gateway(1), "joon").await);
    let yard = public_room(&mina, "Yard", &[&joon]).await.id;
    let mut of_joon = joon.socket_in(&stage.gateway(1), yard).await;
    let mut of_mina = mina.socket_in(&stage.gateway(0), yard).await;
    for on in [true, false, true] {
        let frame = ClientFrame::Typing { room: yard.into(), on, thread: None };
        let answer = of_mina.call(frame, PATIENCE).await.expect("an answer");
        assert!(matches!(answer, Incoming::Ok(_)), "{answer:?}");
        assert_eq!(typing(&mut of_joon).await, (mina.id, on));
    }
    // Nobody says that it has ended.
    stage.cluster.gateway(0).kill9().await.expect("a kill");
    assert_eq!(typing(&mut of_joon).await, (mina.id, false));
}

#[tokio::test]
async fn a_status_and_the_last_visit_are_seen_at_the_other_gateway_and_can_be_hidden() {
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon, sora) = (
        Person::register(stage.gateway(0), "mina").await,
        Person::register(stage.gateway(1), "joon").await,
        Person::register(stage.gateway(1), "sora").await,
    );
    let yard = public_room(&mina, "Yard", &[&joon, &sora]).await.id;
    mina.api.block(sora.id).await.expect("a block");
    let mut of_joon = joon.socket_in(&stage.gateway(1), yard).await;
    let mut of_sora = sora.socket_in(&stage.gateway(1), yard).await;

    let text = Some("점심 식사 중".parse().expect("a status"));
    mina.api.put_status(&StatusChange { text, until: None }).await.expect("a status");
    assert_eq!(told(&mut of_joon).await, (mina.id, Some("점심 식사 중".to_owned())));
    is_told_nothing(&mut of_sora).await;
    let seen = async |person: &Person| person.api.person(mina.id).await.expect("a profile");
    assert_eq!(seen(&joon).await.status.expect("a status").text.as_str(), "점심 식사 중");
    assert_eq!(seen(&sora).await.status, None);

    // Present, then gone.
    let here = mina.socket_in(&stage.gateway(0), yard).await;
    while !is_present(&mut of_joon, yard, mina.id).await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(here);
    let last_seen = async || seen(&joon).await.last_seen;
    eventually(PATIENCE, "the last visit", last_seen).await;
    assert_eq!(seen(&sora).await.last_seen, None);

    // Hidden while present: nobody is told before the departure would be.
    let _here = mina.socket_in(&stage.gateway(0), yard).await;
    while !is_present(&mut of_joon, yard, mina.id).await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let changes = UserSettingsChanges {
        presence: Some(false),
        last_seen: Some(false),
        ..UserSettingsChanges::default()
    };
    mina.api.put_settings(&changes).await.expect("settings");
    assert_eq!(seen(&joon).await.last_seen, None);
    let gone = async {
        while is_present(&mut of_joon, yard, mina.id).await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(GONE, gone).await.expect("the presence ends");
}
