//! How far the members of a room have read it: by the route, and told to the members together.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_client::{Incoming, NewRoom};
use madang_contract::{ClientFrame, Mark, Read, ServerFrame};
use madang_domain::{Code, Receipts, RoomId, Seq, UserId};
use madang_gateway::GatewaySettings;
use madang_rpc::{
    MessageStore,
    around::{Around, Call, Layer},
    method::Method as Rpc,
};
use serde_json::json;

use crate::support::{Gateway, PATIENCE, Services, Subscriber, User, within};

/// What is told at once, or in the moment for which moves are collected, comes long before this.
const SOON: Duration = Duration::from_secs(2);

impl Subscriber {
    /// The next marks of the room's members.
    async fn marks(&mut self) -> Read {
        loop {
            if let Incoming::Frame(ServerFrame::Read(read)) = self.socket.next_frame(PATIENCE).await.unwrap()
                && read.marks.is_some()
            {
                return read;
            }
        }
    }

    /// The marks once one of them stands there.
    async fn marks_with(&mut self, seq: Seq, members: u64) -> Read {
        loop {
            let read = self.marks().await;
            if read.marks.iter().flatten().any(|mark| (mark.seq, mark.members) == (seq, members)) {
                return read;
            }
        }
    }
}

async fn show(gateway: &Gateway, owner: &User, room: RoomId, receipts: Receipts) {
    let request = gateway.api().with_token(&owner.token);
    let request = request.request(reqwest::Method::PATCH, &format!("/v1/rooms/{room}"));
    let answer = request.json(&json!({ "receipts": receipts })).send().await.unwrap();
    assert_eq!(answer.status(), reqwest::StatusCode::OK);
    let room: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(room["receipts"], json!(receipts));
}

fn mark(seq: Seq, members: u64, users: &[UserId]) -> Mark {
    Mark { seq, members, users: users.to_vec() }
}

#[tokio::test]
async fn members_at_every_gateway_are_told_how_far_the_others_have_read() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (of_mina, of_jun) =
        (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = of_mina.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_jun.join(room).await.unwrap();
    let sent = of_mina.send_message(room, "have you read this?", None).await.unwrap();
    let mut here = gateways[0].subscribe(&mina, room).await;
    let mut there = gateways[1].subscribe(&jun, room).await;

    let before = of_mina.reads(room).await.unwrap();
    assert_eq!((before.receipts, before.members, before.from), (Receipts::Count, 2, Seq::START));
    assert_eq!(before.marks, [mark(Seq::new(2), 1, &[]), mark(sent.seq, 1, &[])]);

    of_jun.mark_read(room, sent.seq).await.unwrap();
    let all = vec![mark(sent.seq, 2, &[])];
    for told in [within(SOON, "here", here.marks()).await, within(SOON, "there", there.marks()).await] {
        assert_eq!(told, Read::of_members(room, 2, Seq::START, all.clone()), "no names");
    }
    assert_eq!(of_mina.reads(room).await.unwrap().marks, all);

    // With names, both are named; from then on, by what is told too.
    show(&gateways[0], &mina, room, Receipts::Names).await;
    let mut both = [mina.profile.id, jun.profile.id];
    both.sort_unstable();
    for subscriber in [&mut here, &mut there] {
        let named = within(SOON, "with names", subscriber.marks()).await;
        assert_eq!(named.marks.unwrap(), [mark(sent.seq, 2, &both)]);
    }

    // Nothing is shown: the own other devices alone hear of it.
    show(&gateways[0], &mina, room, Receipts::None).await;
    let second = of_mina.send_message(room, "and this?", None).await.unwrap();
    of_jun.mark_read(room, second.seq).await.unwrap();
    let own = loop {
        match there.socket.next_frame(PATIENCE).await.unwrap() {
            Incoming::Frame(ServerFrame::Read(read)) => break read,
            _ => continue,
        }
    };
    assert_eq!(own, Read::own(room, jun.profile.id, second.seq));
    let hidden = of_mina.reads(room).await.unwrap();
    assert_eq!((hidden.receipts, hidden.marks.len()), (Receipts::None, 0));
    // What would have been told would have come by the time that a later change of the room is.
    show(&gateways[0], &mina, room, Receipts::Count).await;
    let again = within(SOON, "shown again", here.marks()).await;
    assert_eq!(again.marks.unwrap(), [mark(second.seq, 2, &[])]);
}

/// Counts how often read marks are read from the store.
#[derive(Clone, Default)]
struct Counted(Arc<std::sync::atomic::AtomicU64>);

impl<S: Sync> Layer<S> for Counted {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Rpc,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        if method.name == "get_reads" {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        call(service)
    }
}

#[tokio::test]
async fn a_burst_of_marks_is_told_in_few_frames() {
    let services = Services::start().await;
    let counted = Counted::default();
    let store = Arc::new(Around::new(Arc::clone(&services.store), counted.clone())) as Arc<dyn MessageStore>;
    let ample = |settings: &mut GatewaySettings| settings.sends_burst = 10_000;
    let gateway = services.gateway_of(Arc::clone(&services.auth), store, ample).await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let mut people = Vec::new();
    for number in 0..10 {
        let person = services.user(&format!("reader-{number}")).await;
        gateway.api().with_token(&person.token).join(room).await.unwrap();
        people.push(person);
    }
    let mut last = Seq::START;
    for number in 0..20 {
        last = api.send_message(room, &format!("{number}"), None).await.unwrap().seq;
    }
    let mut subscriber = gateway.subscribe(&mina, room).await;
    let began = tokio::time::Instant::now();
    // Ten readers read twenty messages one after another.
    join_all(people.iter().map(async |person| {
        let mut socket = gateway.socket(person).await;
        for seq in last.get() - 19..=last.get() {
            let frame = ClientFrame::Read { room: room.into(), seq: Seq::new(seq) };
            socket.call(frame, PATIENCE).await.unwrap();
        }
    }))
    .await;
    let read = within(SOON, "all have read", subscriber.marks_with(last, 11)).await;
    assert_eq!(read.marks.unwrap().len(), 1);
    let moments = u64::try_from(began.elapsed().as_millis() / 250).unwrap() + 2;
    let calls = counted.0.load(std::sync::atomic::Ordering::Relaxed);
    assert!(calls <= moments, "{calls} reads in {moments} moments of 200 moves");
}

#[tokio::test]
async fn messages_alone_cause_no_read_of_marks() {
    let services = Services::start().await;
    let counted = Counted::default();
    let store = Arc::new(Around::new(Arc::clone(&services.store), counted.clone())) as Arc<dyn MessageStore>;
    let gateway = services.gateway_of(Arc::clone(&services.auth), store, |_| ()).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let api = gateway.api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let mut subscriber = gateway.subscribe(&mina, room).await;
    gateway.api().with_token(&jun.token).join(room).await.unwrap();
    for number in 0..5 {
        api.send_message(room, &format!("{number}"), None).await.unwrap();
    }
    // A move is told; all that was noted before it would be read by then.
    let sent = api.send_message(room, "last", None).await.unwrap();
    gateway.api().with_token(&jun.token).mark_read(room, sent.seq).await.unwrap();
    within(SOON, "the move", subscriber.marks_with(sent.seq, 2)).await;
    assert_eq!(counted.0.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn who_leaves_is_counted_no_more_and_strangers_are_refused() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (api, of_jun) = (gateway.api().with_token(&mina.token), gateway.api().with_token(&jun.token));
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_jun.join(room).await.unwrap();
    let mut subscriber = gateway.subscribe(&mina, room).await;
    of_jun.leave(room).await.unwrap();
    let told = within(SOON, "who is left", subscriber.marks()).await;
    assert_eq!(told.members, Some(1));
    match of_jun.reads(room).await {
        Err(madang_client::Error::Problem(problem)) => assert_eq!(problem.code, Code::PermissionDenied),
        other => panic!("{other:?} is no refusal"),
    }
}

#[tokio::test]
async fn members_are_told_what_the_devices_of_the_others_have_received() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (api, of_jun) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_jun.join(room).await.unwrap();
    let sent = api.send_message(room, "is this delivered?", None).await.unwrap();
    let mut sender = gateways[0].subscribe(&mina, room).await;
    let mut device = gateways[1].subscribe(&jun, room).await.socket;
    let frame = || ClientFrame::Received { room: room.into(), seq: sent.seq };
    let answer = device.call(frame(), PATIENCE).await.unwrap();
    assert!(matches!(answer, Incoming::Ok(_)), "{answer:?}");
    let told = async {
        loop {
            if let Incoming::Frame(ServerFrame::Delivered(told)) =
                sender.socket.next_frame(PATIENCE).await.unwrap()
            {
                return told;
            }
        }
    };
    let told = within(SOON, "what the device has received", told).await;
    assert_eq!((told.room, told.marks), (room, vec![mark(sent.seq, 2, &[])]));
    // It is not read yet.
    let reads = api.reads(room).await.unwrap();
    assert_eq!(reads.marks, [mark(Seq::new(2), 1, &[]), mark(sent.seq, 1, &[])]);
    assert_eq!(reads.delivered, Some(vec![mark(sent.seq, 2, &[])]));
    // Only who subscribes has received anything.
    let mut elsewhere = gateways[1].socket(&jun).await;
    match elsewhere.call(frame(), PATIENCE).await.unwrap() {
        Incoming::Frame(ServerFrame::Error(error)) => assert_eq!(error.code, Code::FailedPrecondition),
        other => panic!("{other:?} is no refusal"),
    }
}
