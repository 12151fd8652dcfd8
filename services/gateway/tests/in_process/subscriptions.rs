//! Subscriptions that are refused: nothing is made for them, and they have a rate.

use madang_client::{Incoming, NewRoom, Socket};
use madang_contract::{ClientFrame, ErrorFrame, RoomSince, ServerFrame, Subscribe, SubscribedRoom};
use madang_domain::{Code, RoomId, RoomKind, RoomRef, Seq};
use madang_kit::clock::{SystemClock, SystemRandom, new_id};

use crate::{
    raw::ask,
    support::{Gateway, PATIENCE, Services, User},
};

const HUBS: &str = "madang_gateway_hubs";

async fn subscribe(
    socket: &mut Socket,
    rooms: impl IntoIterator<Item = RoomRef>,
) -> Result<Vec<Code>, ErrorFrame<'static>> {
    let rooms =
        rooms.into_iter().map(|room| RoomSince { room, since: Some(Seq::START), epoch: None }).collect();
    let frame = ClientFrame::Subscribe(Subscribe { rooms, ..Subscribe::default() });
    match socket.call(frame, PATIENCE).await {
        Ok(Incoming::Frame(ServerFrame::Subscribed(subscribed))) => {
            let failed = |room: &SubscribedRoom<'_>| match room {
                SubscribedRoom::Failed { error, .. } => Some(error.code),
                SubscribedRoom::Open { .. } => None,
            };
            Ok(subscribed.rooms.iter().filter_map(failed).collect())
        }
        Ok(Incoming::Frame(ServerFrame::Error(error))) => Err(error),
        other => panic!("{other:?}"),
    }
}

fn nowhere() -> RoomRef {
    RoomRef::Id(RoomId::new(new_id(&SystemClock, &SystemRandom)))
}

async fn private_room(gateway: &Gateway, owner: &User) -> RoomId {
    let room = NewRoom { kind: RoomKind::Private, ..NewRoom::public("Closet") };
    gateway.api().with_token(&owner.token).create_room(&room).await.unwrap().id
}

#[tokio::test]
async fn no_hub_is_made_for_a_room_that_is_not_there_or_not_the_users() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let (eve, mina) = (services.user("eve").await, services.user("mina").await);
    let closet = private_room(&gateway, &mina).await;
    let mut socket = gateway.socket(&eve).await;
    let refused = subscribe(&mut socket, (0..50).map(|_| nowhere())).await.unwrap();
    assert_eq!(refused, [Code::NotFound; 50]);
    let refused = subscribe(&mut socket, [closet.into(), nowhere()]).await.unwrap();
    assert_eq!(refused, [Code::PermissionDenied, Code::NotFound]);
    assert_eq!(gateway.metric(HUBS), 1, "that of the user's inbox");
    // Whose room it is subscribes, and then there is a hub.
    let mut socket = gateway.subscribe(&mina, closet).await;
    gateway.api().with_token(&mina.token).send_message(closet, "hello", None).await.unwrap();
    socket.event(|_| true).await;
    assert_eq!(gateway.metric(HUBS), 3, "two inboxes and the room");
}

#[tokio::test]
async fn refused_subscriptions_have_a_rate_of_which_others_feel_nothing() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let (eve, mina) = (services.user("eve").await, services.user("mina").await);
    let mut socket = gateway.socket(&eve).await;
    // Two hundred at once and two a second: what has been refused beyond is owed for.
    let mut frames = 0;
    let error = loop {
        match subscribe(&mut socket, (0..100).map(|_| nowhere())).await {
            Ok(refused) => assert_eq!(refused.len(), 100),
            Err(error) => break error,
        }
        frames += 1;
        assert!(frames < 5, "{frames} frames");
    };
    assert!(frames >= 2, "{frames} frames");
    assert_eq!((error.code, error.limit.as_deref()), (Code::RateLimited, Some("refused_subscriptions")));
    assert!(error.retry_after_ms.is_some_and(|after| after > 0), "{error:?}");
    // Another socket of the same user has no more, and names that nobody has are refused as well.
    let mut another = gateway.socket(&eve).await;
    let name = |number: u32| format!("no-such-slug-{number}").parse().unwrap();
    for _ in 0..2 {
        let _ = subscribe(&mut another, (0..100).map(name)).await;
    }
    let error = subscribe(&mut another, (0..100).map(name)).await.unwrap_err();
    assert_eq!(error.limit.as_deref(), Some("refused_subscriptions"));
    let closet = private_room(&gateway, &mina).await;
    assert_eq!(subscribe(&mut gateway.socket(&mina).await, [closet.into()]).await.unwrap(), []);
}

/// The other dialect names its room in the path: it is judged before the upgrade.
#[tokio::test]
async fn the_channels_dialect_makes_no_hub_for_a_room_that_it_refuses() {
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.channels.channels_edge = Some(true);
            // More handshakes than a client makes: their own rates are not what is tested.
            settings.max_user_sockets = 10_000;
            settings.admissions_per_second = 1_000_000;
        })
        .await;
    let (eve, mina) = (services.user("eve").await, services.user("mina").await);
    let closet = private_room(&gateway, &mina).await;
    let handshake = async |room: String, token: &str| {
        let request = format!(
            "GET /ws/chat/{room}/ HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        ask(gateway.address(), request.as_bytes()).await.status
    };
    for number in 0..20 {
        assert_eq!(handshake(format!("no-such-room-{number}"), &eve.token).await, 403);
    }
    assert_eq!(handshake(closet.to_string(), &eve.token).await, 403);
    assert_eq!(gateway.metric_if_shown(HUBS).unwrap_or(0), 0);
    // A refusal costs what one of the other dialect does: two hundred at once, and two a second.
    let mut refused = 21;
    let beyond = loop {
        match handshake(format!("no-such-room-{refused}"), &eve.token).await {
            403 => refused += 1,
            status => break status,
        }
        assert!(refused < 1_000, "there is no rate");
    };
    assert!(beyond == 429 && refused >= 200, "{beyond} after {refused}");
    let error = subscribe(&mut gateway.socket(&eve).await, [nowhere()]).await.unwrap_err();
    assert_eq!(error.limit.as_deref(), Some("refused_subscriptions"));
    assert_eq!(handshake(closet.to_string(), &mina.token).await, 101);
}
