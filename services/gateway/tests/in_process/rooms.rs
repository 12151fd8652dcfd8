//! Rooms: whose they are, what they are called, and how many a user hears.

use std::collections::BTreeSet;

use madang_client::{Client, Incoming, NewRoom, Socket};
use madang_contract::{ClientFrame, ServerFrame, Subscribe, Subscribed, SubscribedRoom};
use madang_domain::{Code, IdempotencyKey, MessageText, RoomId, RoomKind};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{PATIENCE, Services, User};

/// The rooms to which one socket subscribes in these stories.
const SOCKET_ROOMS: usize = 10;

async fn status(api: &Client, method: Method, path: &str, body: &Value) -> StatusCode {
    api.request(method, path).json(body).send().await.unwrap().status()
}

async fn listed(api: &Client) -> Vec<RoomId> {
    api.rooms(None, None).await.unwrap().items.iter().map(|room| room.id).collect()
}

/// Subscribes to all of the user's rooms: which those are, and how many are left out.
async fn subscribe_to_all(socket: &mut Socket) -> (Vec<RoomId>, Option<u64>) {
    let all = ClientFrame::Subscribe(Subscribe { all: true, ..Subscribe::default() });
    let answer = socket.call(all, PATIENCE).await.unwrap();
    let Incoming::Frame(ServerFrame::Subscribed(Subscribed { rooms, left_out, .. })) = answer else {
        panic!("{answer:?}")
    };
    let room = |room: &SubscribedRoom<'_>| match room {
        SubscribedRoom::Open { room, .. } => *room,
        SubscribedRoom::Failed { room, error } => panic!("{room}: {error:?}"),
    };
    (rooms.iter().map(room).collect(), left_out)
}

#[tokio::test]
async fn users_cannot_take_what_is_reserved() {
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.reserved_slugs = vec!["support".parse().unwrap()];
            settings.sends_burst = 1_000;
        })
        .await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::private("Den", Vec::new()).slug("den")).await.unwrap().id;
    for slug in ["lobby", "support", "all", "here", "me", "42"] {
        let refused = api.create_room(&NewRoom::private("Mine", Vec::new()).slug(slug)).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::AlreadyExists), "{slug}");
        let renamed = status(&api, Method::PATCH, &format!("/v1/rooms/{room}"), &json!({"slug": slug})).await;
        assert_eq!(renamed, StatusCode::CONFLICT, "{slug}");
    }
    assert_eq!(api.room("den").await.unwrap().slug.as_deref(), Some("den"));
}

#[tokio::test]
async fn either_of_two_hides_their_room_for_oneself_and_neither_deletes_it() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let api = |user: &User| gateway.api().with_token(&user.token);
    let direct =
        |with: &User| NewRoom { kind: RoomKind::Direct, ..NewRoom::private("Direct", vec![with.profile.id]) };
    let room = api(&mina).create_room(&direct(&joon)).await.unwrap().id;
    api(&joon).send_message(room, "hello", Some("1")).await.unwrap();
    for (one, other) in [(&mina, &joon), (&joon, &mina)] {
        let deleted = status(&api(one), Method::DELETE, &format!("/v1/rooms/{room}"), &Value::Null).await;
        assert_eq!(deleted, StatusCode::NO_CONTENT);
        assert_eq!(listed(&api(one)).await, []);
        assert_eq!(listed(&api(other)).await, [room]);
        assert_eq!(api(other).messages(room, None, None, None).await.unwrap().items.len(), 1);
        assert_eq!(api(one).create_room(&direct(other)).await.unwrap().id, room, "it is opened again");
        assert_eq!(listed(&api(one)).await, [room]);
    }
}

#[tokio::test]
async fn who_sends_by_a_slug_learns_which_room_it_reached() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Yard").slug("yard")).await.unwrap().id;
    let send = api.request(Method::POST, "/v1/rooms/yard/messages").json(&json!({"text": "hello"}));
    let sent: Value = api.call(send).await.unwrap();
    assert_eq!(sent["room"], json!(room));
    let read = api.request(Method::PUT, "/v1/rooms/yard/read").json(&json!({"seq": 2}));
    let read: Value = api.call(read).await.unwrap();
    assert_eq!((&read["room"], &read["read"]), (&json!(room), &json!(2)));
    let by_slug = ClientFrame::Send {
        room: "yard".parse().unwrap(),
        key: IdempotencyKey::new("k").unwrap(),
        text: MessageText::new("hello").unwrap(),
        reply_to: None,
        attachments: Vec::new(),
        thread: None,
        in_room: false,
        metadata: None,
    };
    // A repeat says so, too.
    for _ in 0..2 {
        match gateway.socket(&mina).await.call(by_slug.clone(), PATIENCE).await.unwrap() {
            Incoming::Frame(ServerFrame::Ack(ack)) => assert_eq!(ack.room, room),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn who_is_put_into_more_rooms_than_a_socket_takes_hears_the_active_ones() {
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.max_socket_rooms = SOCKET_ROOMS).await;
    let (victim, friend, flooder) =
        (services.user("victim").await, services.user("friend").await, services.user("flooder").await);
    let api = |user: &User| gateway.api().with_token(&user.token);
    let mut own = BTreeSet::new();
    for number in 0..3 {
        let new = NewRoom::private(format!("Room {number}"), vec![victim.profile.id]);
        let room = api(&friend).create_room(&new).await.unwrap().id;
        api(&friend).send_message(room, "hello", Some("1")).await.unwrap();
        own.insert(room);
    }
    for number in 0..SOCKET_ROOMS {
        let new = NewRoom::private(format!("Flood {number}"), vec![victim.profile.id]);
        api(&flooder).create_room(&new).await.unwrap();
    }
    let first = listed(&api(&victim)).await;
    assert_eq!(first[..3].iter().copied().collect::<BTreeSet<_>>(), own, "the flood comes last");
    let mut socket = gateway.socket(&victim).await;
    for _ in 0..2 {
        let (rooms, left_out) = subscribe_to_all(&mut socket).await;
        assert_eq!((rooms.len(), left_out), (SOCKET_ROOMS, Some(3)));
        assert_eq!(rooms, first[..SOCKET_ROOMS], "the latest activity first");
    }
    // Who is in no more rooms than a socket takes hears all.
    let (rooms, left_out) = subscribe_to_all(&mut gateway.socket(&flooder).await).await;
    assert_eq!((rooms.len(), left_out), (SOCKET_ROOMS, None));
}
