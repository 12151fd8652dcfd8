//! Guests: members who read, and write where the room lets them.

use madang_client::{Body, Client, Incoming, NewRoom};
use madang_contract::{ClientFrame, ErrorFrame, EventBody, ServerFrame};
use madang_domain::{Code, Emoji, MessageText, Role};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Gateway, PATIENCE, Services};

#[tokio::test]
async fn a_guest_reads_at_one_gateway_and_writes_as_the_owner_lets_guests_at_another() {
    let services = Services::start().await;
    let gateways: [Gateway; 2] = [services.gateway().await, services.gateway().await];
    let (mina, gus) = (services.user("mina").await, services.user("gus").await);
    let (minas, guses) =
        (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&gus.token));
    let room = minas.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    guses.join(room).await.unwrap();
    let mut of_gus = gateways[1].subscribe(&gus, room).await;
    let role = |body: &Body| matches!(body, Body::Known(EventBody::Role { .. }));

    assert_eq!(minas.put_member(room, gus.profile.id, Role::Guest).await.unwrap().role, Role::Guest);
    let Body::Known(EventBody::Role { role: told }) = of_gus.event(role).await.body else {
        panic!("no role")
    };
    assert_eq!((told.user, told.role), (gus.profile.id, Role::Guest));
    let shown = guses.room(&room.to_string()).await.unwrap();
    assert_eq!((shown.role, shown.flags.guests_send), (Some(Role::Guest), false));
    let said = minas.send_message(room, "welcome", None).await.unwrap();
    of_gus.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;

    // By REST and by frames.
    assert_eq!(
        guses.send_message(room, "hello", None).await.unwrap_err().code(),
        Some(Code::PermissionDenied)
    );
    let send = || ClientFrame::Send {
        room: room.into(),
        key: "k".parse().unwrap(),
        text: MessageText::new("hello").unwrap(),
        reply_to: None,
        attachments: Vec::new(),
        thread: None,
        in_room: false,
        metadata: None,
    };
    let (message, emoji) = (said.id.parse().unwrap(), Emoji::new("👍").unwrap());
    let react = || ClientFrame::React { room: room.into(), message, emoji: emoji.clone(), on: true };
    for frame in [send(), react()] {
        let answer = of_gus.socket.call(frame, PATIENCE).await.unwrap();
        let Incoming::Frame(ServerFrame::Error(ErrorFrame { code, .. })) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(code, Code::PermissionDenied);
    }

    let let_guests = async |api: &Client| {
        let path = format!("/v1/rooms/{room}");
        let answer =
            api.request(Method::PATCH, &path).json(&json!({"guests_send": true})).send().await.unwrap();
        answer.status()
    };
    assert_eq!(let_guests(&guses).await, StatusCode::FORBIDDEN);
    assert_eq!(let_guests(&minas).await, StatusCode::OK);
    let changed = of_gus.event(|body| matches!(body, Body::Known(EventBody::Room { .. }))).await;
    let Body::Known(EventBody::Room { properties }) = changed.body else { panic!("{changed:?}") };
    assert!(properties.flags.guests_send);
    for frame in [send(), react()] {
        let answer = of_gus.socket.call(frame, PATIENCE).await.unwrap();
        assert!(!matches!(answer, Incoming::Frame(ServerFrame::Error(_))), "{answer:?}");
    }
    let refused = guses.put_member(room, mina.profile.id, Role::Member).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::PermissionDenied));
}
