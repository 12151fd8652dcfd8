//! Receipts over two gateways: who reads at one is counted at the other; what is received; and a start by `sync`.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use madang_client::{Incoming, Socket};
use madang_contract::{ClientFrame, Delivered, Mark, Read, RoomSince, ServerFrame, Subscribe};
use madang_domain::Seq;
use madang_e2e::{PATIENCE, Person, Stage, fast_sends, public_room};

/// The next frame that is of use.
async fn next<T>(socket: &mut Socket, what: &str, of: impl Fn(ServerFrame<'static>) -> Option<T>) -> T {
    loop {
        if let Incoming::Frame(frame) = socket.next_frame(PATIENCE).await.expect(what)
            && let Some(found) = of(frame)
        {
            return found;
        }
    }
}

async fn marks(socket: &mut Socket) -> Read {
    let is_it = |frame| match frame {
        ServerFrame::Read(read) if read.marks.is_some() => Some(read),
        _ => None,
    };
    next(socket, "the marks", is_it).await
}

async fn delivered(socket: &mut Socket) -> Delivered {
    let is_it = |frame| match frame {
        ServerFrame::Delivered(delivered) => Some(delivered),
        _ => None,
    };
    next(socket, "what is delivered", is_it).await
}

fn mark(seq: Seq, members: u64) -> Mark {
    Mark { seq, members, users: Vec::new() }
}

#[tokio::test]
async fn who_reads_at_one_gateway_is_counted_at_the_other() {
    let stage = Stage::start(fast_sends()).await;
    let mina = Person::register(stage.gateway(0), "mina").await;
    let joon = Person::register(stage.gateway(1), "joon").await;
    let room = public_room(&mina, "Yard", &[&joon]).await.id;
    let mut of_mina = mina.socket_in(&stage.gateway(0), room).await;
    let mut of_joon = joon.socket_in(&stage.gateway(1), room).await;
    let sent = mina.api.send_message(room, "have you read this?", None).await.expect("a message").seq;

    let received = ClientFrame::Received { room: room.into(), seq: sent };
    of_joon.call(received, PATIENCE).await.expect("an answer");
    assert_eq!(delivered(&mut of_mina).await.marks, [mark(sent, 2)]);
    let told = marks(&mut of_mina).await;
    assert_eq!(told.marks.map(|marks| marks.len()), Some(2), "it is not read yet");

    of_joon.call(ClientFrame::Read { room: room.into(), seq: sent }, PATIENCE).await.expect("an answer");
    let all = Read::of_members(room, 2, Seq::START, vec![mark(sent, 2)]);
    assert_eq!(marks(&mut of_mina).await, all);
    while marks(&mut of_joon).await != all {}
    assert_eq!(mina.api.reads(room).await.expect("the marks").marks, [mark(sent, 2)]);

    // A device that starts has all by one call, and goes on from there.
    let text = format!("@{}, and this?", joon.username);
    let second = mina.api.send_message(room, &text, None).await.expect("a message").seq;
    let start = joon.api.sync(None, None).await.expect("the start");
    let synced = start.rooms.iter().find(|synced| synced.room.id == room).expect("the room");
    assert_eq!((synced.cursor.seq, synced.room.unread, synced.mentions), (second, Some(1), 1));
    assert_eq!(synced.room.last_message.as_ref().map(|last| last.seq), Some(second));
    let third = mina.api.send_message(room, "later", None).await.expect("a message").seq;
    let mut device = joon.socket(&stage.gateway(0)).await;
    let since = RoomSince { room: room.into(), since: Some(second), epoch: Some(synced.cursor.epoch) };
    let subscribe = ClientFrame::Subscribe(Subscribe { rooms: vec![since], ..Subscribe::default() });
    device.call(subscribe, PATIENCE).await.expect("an answer");
    let event = loop {
        if let Incoming::Event(event) = device.next_frame(PATIENCE).await.expect("an event") {
            break event;
        }
    };
    assert_eq!(event.seq, third);
}
