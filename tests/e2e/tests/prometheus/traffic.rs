//! What people do so that there is something to measure.

use std::time::Duration;

use madang_client::{NewRoom, Socket};
use madang_contract::ClientFrame;
use madang_domain::RoomId;
use madang_e2e::{PATIENCE, Person, Stage, ack, public_room, send_frame};
use serde_json::json;
use tokio::time::Instant;

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(200);

/// Some people talk for so long, by sockets on all gateways and by HTTP, and some are refused.
pub(crate) async fn talk(stage: &Stage, length: Duration) {
    let bases: Vec<String> = (0..2).map(|gateway| stage.gateway(gateway)).collect();
    let (mina, joon) = (Person::register(&bases[0], "mina").await, Person::register(&bases[1], "joon").await);
    let room = public_room(&mina, "Courtyard", &[&joon]).await.id;
    let mut sockets = [mina.socket_in(&bases[0], room).await, joon.socket_in(&bases[1], room).await];
    // More rooms than one may create in a minute.
    for number in 0..10 {
        let _ = mina.api.create_room(&NewRoom::public(format!("Room {number}"))).await;
    }
    let until = Instant::now() + length;
    let mut round = 0;
    while Instant::now() < until {
        round += 1;
        for (number, socket) in sockets.iter_mut().enumerate() {
            let key = format!("{number}-{round}");
            let sent =
                ack(socket.call(send_frame(room, &key, "안녕하세요"), PATIENCE).await.expect("an answer"));
            for frame in requests(room, sent.seq.get()) {
                socket.call(frame, PATIENCE).await.expect("an answer");
            }
        }
        by_http(&mina, &joon, room, round).await;
        // Somebody comes and goes.
        joon.socket_in(&bases[round % 2], room).await.close().await;
        tokio::time::sleep(PAUSE).await;
    }
    for socket in sockets {
        Socket::close(socket).await;
    }
}

/// A request of each kind.
fn requests(room: RoomId, seq: u64) -> Vec<ClientFrame> {
    let requests = [
        json!({"type": "read", "room": room, "seq": seq}),
        json!({"type": "typing", "room": room, "on": seq.is_multiple_of(2)}),
        json!({"type": "history", "room": room}),
        json!({"type": "presence", "room": room}),
        json!({"type": "ping"}),
    ];
    requests.into_iter().map(|frame| serde_json::from_value(frame).expect("a frame")).collect()
}

async fn by_http(mina: &Person, joon: &Person, room: RoomId, round: usize) {
    let path = format!("/v1/rooms/{room}/messages");
    let post = mina.api.request(reqwest::Method::POST, &path).json(&json!({"text": "hello"}));
    let _: serde_json::Value = mina.api.call(post).await.expect("a message by HTTP");
    mina.api.rooms(None, None).await.expect("rooms");
    mina.api.user(joon.id).await.expect("a user");
    joon.api.me().await.expect("an account");
    joon.api.ws_ticket().await.expect("a ticket");
    // Hashing is slow: not each time.
    if round % 5 == 1 {
        joon.api.login(&joon.username, joon.password()).await.expect("a sign-in");
        let wrong = joon.api.login(&joon.username, "a wrong password").await;
        assert!(wrong.is_err(), "signed in with a wrong password");
    }
}
