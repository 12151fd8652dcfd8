//! What a subscription missed, when it is much: read as the socket takes it, and nothing of it is lost.

use std::time::Duration;

use madang_client::{Body, Client, Incoming, NewRoom};
use madang_contract::{ClientFrame, RoomSince, ServerFrame, Subscribe, SubscribedRoom};
use madang_domain::{RoomId, Seq};

use crate::support::{Gateway, PATIENCE, Services, User};

/// 12,000 bytes each.
const CHARS: usize = 4_000;

/// Says so many long messages; the last place.
async fn say(api: &Client, room: RoomId, messages: usize) -> Seq {
    let text = "마".repeat(CHARS);
    let mut last = Seq::START;
    for _ in 0..messages {
        last = api.send_message(room, &text, None).await.unwrap().seq;
    }
    last
}

struct Story {
    gateway: Gateway,
    // Dropped after the gateway.
    _services: Services,
    mina: User,
    room: RoomId,
    head: Seq,
}

impl Story {
    /// A room with more than a megabyte.
    async fn begin() -> Self {
        let services = Services::start().await;
        let gateway = services
            .gateway_with(|settings| {
                settings.sends_per_second = 1_000_000;
                settings.sends_burst = 1_000_000;
            })
            .await;
        let mina = services.user("mina").await;
        let api = gateway.api().with_token(&mina.token);
        let room = api.create_room(&NewRoom::public("Yard")).await.unwrap().id;
        let head = say(&api, room, 120).await;
        Self { gateway, _services: services, mina, room, head }
    }

    fn subscribe(&self) -> ClientFrame {
        let since = RoomSince { room: self.room.into(), since: Some(Seq::START), epoch: None };
        ClientFrame::Subscribe(Subscribe { rooms: vec![since], ..Subscribe::default() })
    }
}

#[tokio::test]
async fn a_long_replay_is_whole_and_in_order_also_where_messages_are_sent_meanwhile() {
    let story = Story::begin().await;
    let mut socket = story.gateway.socket(&story.mina).await;
    let answer = socket.call(story.subscribe(), PATIENCE).await.unwrap();
    let Incoming::Frame(ServerFrame::Subscribed(subscribed)) = answer else { panic!("{answer:?}") };
    let SubscribedRoom::Open { from, complete, head, .. } = &subscribed.rooms[0] else {
        panic!("{subscribed:?}")
    };
    assert_eq!((*from, *complete, *head), (Seq::START, true, story.head));
    let last = say(&story.gateway.api().with_token(&story.mina.token), story.room, 3).await;
    let (mut seen, mut caught_up) = (Seq::START, None);
    while seen < last {
        match socket.next_frame(PATIENCE).await.unwrap() {
            Incoming::Event(event) => {
                assert_eq!(event.seq, seen.next());
                assert!(matches!(event.body, Body::Known(_)), "{event:?}");
                seen = event.seq;
            }
            Incoming::Frame(ServerFrame::CaughtUp(frame)) => caught_up = Some((frame.seq, seen)),
            _ => {}
        }
    }
    assert_eq!(caught_up, Some((story.head, story.head)), "once, when all that was missed is written");
}

#[tokio::test]
async fn a_client_that_asks_for_history_and_does_not_read_it_stays() {
    let story = Story::begin().await;
    let mut socket = story.gateway.socket(&story.mina).await;
    let page = || ClientFrame::History {
        room: story.room.into(),
        before: None,
        after: Some(Seq::START),
        limit: Some(200),
    };
    // Ten megabytes: more than the buffers of the connection take, and forty times what may wait for a socket.
    let mut ids = Vec::new();
    for _ in 0..150 {
        ids.push(socket.send_frame(page()).await.unwrap());
    }
    // Nothing is read until nothing more is written.
    let (mut before, mut written) = (u64::MAX, 0);
    while before != written {
        before = written;
        tokio::time::sleep(Duration::from_millis(500)).await;
        written = story.gateway.metric("madang_gateway_sent_bytes_total");
    }
    for id in ids {
        let answer = socket.answer(&id, PATIENCE).await.unwrap();
        assert!(matches!(answer, Incoming::Ok(_)), "{answer:?}");
    }
}
