//! Pinned messages, by REST and by frames.

use madang_client::{Body, ConnectOptions, Credential, Error, Incoming, NewRoom, Socket};
use madang_contract::{Answer, ClientFrame, ErrorFrame, EventBody, OkFrame, Pinned, ServerFrame};
use madang_domain::{Code, MessageId, RoomId};

use crate::support::{PATIENCE, Services, Subscriber};

/// The refusal of a call.
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Code {
    match outcome {
        Err(Error::Problem(problem)) => problem.code,
        other => panic!("{other:?} is no refusal"),
    }
}

/// The next pin that a socket hears of, with its place.
async fn heard(subscriber: &mut Subscriber) -> (u64, Pinned) {
    let event = subscriber.event(|body| matches!(body, Body::Known(EventBody::Pinned { .. }))).await;
    match event.body {
        Body::Known(EventBody::Pinned { pinned }) => (event.seq.get(), pinned),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pin_reaches_the_room_whichever_way_it_is_made() {
    let services = Services::start().await;
    // One user pins more here than the budget of a user allows at once.
    let gateway = || services.gateway_with(|settings| settings.sends_burst = 1_000);
    let gateways = [gateway().await, gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let api = gateways[0].api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let of_jun = gateways[1].api().with_token(&jun.token);
    of_jun.join(room).await.unwrap();
    let sent = of_jun.send_message(room, "the rules", None).await.unwrap();
    let message: MessageId = sent.id.parse().unwrap();
    let mut subscriber = gateways[1].subscribe(&jun, room).await;
    let pinned = |on| Pinned { message, on, by: mina.profile.id };

    api.pin(room, &sent.id).await.unwrap();
    assert_eq!(heard(&mut subscriber).await, (4, pinned(true)));
    api.pin(room, &sent.id).await.unwrap();
    let listed = of_jun.pins(room, None, None).await.unwrap();
    assert_eq!((listed.items.len(), listed.next_cursor), (1, None));
    assert_eq!((&listed.items[0].id, &*listed.items[0].text), (&sent.id.clone().into(), "the rules"));

    let credential = Credential::Bearer(mina.token.clone());
    let (mut socket, _) =
        Socket::open(&gateways[0].base(), &credential, &ConnectOptions::default()).await.unwrap();
    let frame = |room: RoomId, message, on| ClientFrame::Pin { room: room.into(), message, on };
    let done = |answer: &Incoming| matches!(answer, Incoming::Ok(OkFrame { answer: Answer::Done {}, .. }));
    for _ in 0..2 {
        let answer = socket.call(frame(room, message, false), PATIENCE).await.unwrap();
        assert!(done(&answer), "{answer:?}");
    }
    assert_eq!(heard(&mut subscriber).await, (5, pinned(false)), "of two that are the same, one is told");
    assert!(api.pins(room, None, None).await.unwrap().items.is_empty());
    let answer = socket.call(frame(room, message, true), PATIENCE).await.unwrap();
    assert!(done(&answer), "{answer:?}");
    assert_eq!(heard(&mut subscriber).await, (6, pinned(true)));
    api.unpin(room, &sent.id).await.unwrap();
    assert_eq!(heard(&mut subscriber).await, (7, pinned(false)));
    api.unpin(room, &sent.id).await.unwrap();

    // Who may not, and what is no message of the room.
    assert_eq!(refused(of_jun.pin(room, &sent.id).await), Code::PermissionDenied);
    assert_eq!(refused(of_jun.unpin(room, &sent.id).await), Code::PermissionDenied);
    assert_eq!(refused(api.pin(room, "1").await), Code::NotFound);
    assert_eq!(refused(api.unpin(room, "99").await), Code::NotFound);
    assert_eq!(refused(api.pin(room, "01").await), Code::InvalidArgument);
    let nobodys = MessageId::new(room_head(&api, room).await.next());
    let answer = socket.call(frame(room, nobodys, true), PATIENCE).await.unwrap();
    let Incoming::Frame(ServerFrame::Error(ErrorFrame { code, .. })) = answer else { panic!("{answer:?}") };
    assert_eq!(code, Code::NotFound);
    assert_eq!(room_head(&api, room).await.get(), 7, "refusals and repeats append nothing");
}

async fn room_head(api: &madang_client::Client, room: RoomId) -> madang_domain::Seq {
    api.room(&room.to_string()).await.unwrap().head
}
