//! Rooms: whose they are, what they are called, and how many a user hears.

use std::collections::BTreeSet;

use madang_client::{Body, Client, Incoming, NewRoom, Socket};
use madang_contract::{ClientFrame, EventBody, ServerFrame, Subscribe, Subscribed, SubscribedRoom};
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
async fn a_group_without_a_name_is_shown_by_its_members_at_every_gateway() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let json = async |api: &Client, method: Method, path: &str, body: &Value| {
        let answer = api.request(method, path).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let new = json!({"kind": "private", "members": [jun.profile.id]});
    let (status, group) = json(&minas, Method::POST, "/v1/rooms", &new).await;
    assert_eq!((status, &group["name"], &group["unnamed"]), (201, &json!(&*jun.profile.name), &json!(true)));
    let room: RoomId = serde_json::from_value(group["id"].clone()).unwrap();
    assert_eq!(juns.room(&room.to_string()).await.unwrap().name, &*mina.profile.name);
    let mut of_jun = gateways[1].subscribe(&jun, room).await;
    let path = format!("/v1/rooms/{room}");
    for (name, unnamed) in [(json!("모임"), None), (Value::Null, Some(json!(true)))] {
        let (status, changed) = json(&minas, Method::PATCH, &path, &json!({"name": name})).await;
        assert_eq!((status, changed.get("unnamed")), (200, unnamed.as_ref()));
        let event = of_jun.event(|body| matches!(body, Body::Known(EventBody::Room { .. }))).await;
        let Body::Known(EventBody::Room { properties }) = event.body else { panic!("{event:?}") };
        assert_eq!(properties.unnamed, unnamed.is_some());
    }
    let (status, refused) = json(&minas, Method::POST, "/v1/rooms", &json!({"kind": "public"})).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (400, &json!("/name")), "{refused}");
}

#[tokio::test]
async fn public_rooms_are_found_by_a_text_in_their_names() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let minas = gateways[0].api().with_token(&mina.token);
    for name in ["서울 마당", "부산 마당", "Lunch"] {
        minas.create_room(&NewRoom::public(name)).await.unwrap();
    }
    let api = gateways[1].api().with_token(&jun.token);
    let asked = async |query: &str| {
        let answer = api.request(reqwest::Method::GET, &format!("/v1/rooms?{query}")).send().await.unwrap();
        let (status, body) = (answer.status(), answer.json::<serde_json::Value>().await.unwrap());
        let names = body["items"].as_array().map(|items| {
            items.iter().map(|room| room["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        });
        (status.as_u16(), names)
    };
    let both = Some(vec!["부산 마당".to_owned(), "서울 마당".to_owned()]);
    assert_eq!(asked("scope=public&q=%EB%A7%88%EB%8B%B9").await, (200, both));
    assert_eq!(asked("scope=public&q=lunch").await, (200, Some(vec!["Lunch".to_owned()])));
    assert_eq!(asked("scope=public&q=nothing").await, (200, Some(vec![])));
    assert_eq!(asked("scope=public&q=").await, (400, None));
    assert_eq!(asked("q=lunch").await, (400, None), "of one's own rooms the client has the names");
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
