//! What a client needs to start, and the subscription that goes on from it.

use madang_client::{Incoming, NewRoom};
use madang_contract::{ClientFrame, RoomSince, ServerFrame, Subscribe};
use madang_domain::Seq;
use madang_gateway::GatewaySettings;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Services};

#[tokio::test]
async fn a_subscription_with_the_cursor_neither_loses_nor_doubles_while_others_write() {
    const MESSAGES: u64 = 120;
    let services = Services::start().await;
    let ample = |settings: &mut GatewaySettings| settings.sends_burst = 10_000;
    let gateways = [services.gateway_with(ample).await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let of_mina = gateways[0].api().with_token(&mina.token);
    let of_jun = gateways[1].api().with_token(&jun.token);
    let room = of_mina.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_jun.join(room).await.unwrap();
    of_mina.send_message(room, "@jun, the first", None).await.unwrap();
    let done = CancellationToken::new();
    let at_end = done.clone().drop_guard();
    let writing = tokio::spawn(async move {
        let _at_end = at_end;
        let mut last = Seq::START;
        for number in 0..MESSAGES {
            let text = format!("message {number}");
            last = of_mina.send_message(room, &text, None).await.unwrap().seq;
        }
        last
    });
    let mut covered = Vec::new();
    while !writing.is_finished() {
        let page = of_jun.sync(None, None).await.unwrap();
        assert_eq!((page.rooms.len(), page.next_cursor, page.inbox.unread), (1, None, 1));
        let synced = &page.rooms[0];
        assert_eq!((synced.mentions, synced.cursor.seq), (1, synced.room.head));
        // What is counted as unread, and the last message, are of the cursor's moment: nothing of after it.
        let (read, unread) = (synced.room.read.unwrap(), synced.room.unread.unwrap());
        assert_eq!(unread, synced.cursor.seq.since(read));
        assert_eq!(synced.room.last_message.as_ref().unwrap().seq, synced.cursor.seq);

        let mut socket = gateways[1].socket(&jun).await;
        let since = Some(synced.cursor.seq);
        let room_since = RoomSince { room: room.into(), since, epoch: Some(synced.cursor.epoch) };
        let frame = ClientFrame::Subscribe(Subscribe { rooms: vec![room_since], ..Subscribe::default() });
        let answer = socket.call(frame, PATIENCE).await.unwrap();
        assert!(matches!(answer, Incoming::Frame(ServerFrame::Subscribed(_))), "{answer:?}");
        let mut seen = synced.cursor.seq;
        let mut after_catch_up = 0;
        let mut caught_up = false;
        while !caught_up || after_catch_up < 3 {
            let frame = tokio::select! {
                biased;
                frame = socket.next_frame(PATIENCE) => frame.unwrap(),
                () = done.cancelled(), if caught_up => break,
            };
            match frame {
                Incoming::Event(event) => {
                    assert_eq!(event.seq, seen.next(), "neither a gap nor a repeat");
                    seen = event.seq;
                    after_catch_up += u64::from(caught_up);
                }
                Incoming::Frame(ServerFrame::CaughtUp(_)) => caught_up = true,
                _ => {}
            }
        }
        covered.push(synced.cursor.seq);
    }
    let last = writing.await.unwrap();
    assert!(covered.len() > 1 && covered.iter().any(|seq| *seq < last), "{covered:?} up to {last}");
}
