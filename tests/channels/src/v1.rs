//! Madang's own protocol, for what the old one cannot say: where a client stopped, and that it says something again.

use madang_client::{ConnectOptions, Credential, Incoming, Socket};
use madang_contract::{ClientFrame, RoomSince, ServerFrame, Subscribe};
use madang_domain::Seq;
use serde_json::json;

use crate::{Madang, PATIENCE, Person, Room};

/// The messages of a room after a place, as they are replayed to a member who was away.
///
/// # Panics
/// When they are not in time.
pub async fn resume_messages(madang: &Madang, room: &Room, member: &Person, since: u64) -> Vec<String> {
    let mut socket = open(madang, member).await;
    let room = room.madang_id.parse().expect("a room's id");
    let since = RoomSince { room, since: Some(Seq::new(since)), epoch: None };
    let subscribe = Subscribe { rooms: vec![since], ..Default::default() };
    socket.send_frame(ClientFrame::Subscribe(subscribe)).await.expect("a request");
    let mut texts = Vec::new();
    loop {
        match socket.next_frame(PATIENCE).await.expect("a frame") {
            Incoming::Event(event) => texts.extend(event.message().map(|message| message.text.to_string())),
            Incoming::Frame(ServerFrame::CaughtUp(_)) => return texts,
            _ => {}
        }
    }
}

/// Says the same thing twice under one key, on two sockets, as a client does that heard no answer. Returns the two places.
///
/// # Panics
/// When it is refused.
pub async fn send_twice(madang: &Madang, room: &Room, member: &Person, text: &str, key: &str) -> [Seq; 2] {
    let frame = json!({"type": "send", "room": room.madang_id, "key": key, "text": text});
    let mut places = [Seq::START; 2];
    for place in &mut places {
        let frame: ClientFrame = serde_json::from_value(frame.clone()).expect("a frame");
        match open(madang, member).await.call(frame, PATIENCE).await.expect("an answer") {
            Incoming::Frame(ServerFrame::Ack(ack)) => *place = ack.seq,
            other => panic!("an `ack` was due, and {other:?} came"),
        }
    }
    places
}

async fn open(madang: &Madang, member: &Person) -> Socket {
    let base = madang.cluster().gateway(0).base_url();
    let token = Credential::Bearer(member.access.clone());
    let opened = Socket::open(&base, &token, &ConnectOptions::default()).await;
    opened.unwrap_or_else(|error| panic!("{} cannot open a socket: {error}", member.nickname)).0
}
