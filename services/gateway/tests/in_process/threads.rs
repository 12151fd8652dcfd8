//! Threads, by REST and by frames, over two gateways.

use madang_client::{Body, Error, Incoming, NewRoom, NoticeOf, RoomEvent};
use madang_contract::{
    Ack, ClientFrame, EventBody, NoticeBody, ServerFrame, Thread, ThreadRead, rest::ThreadPlace,
};
use madang_domain::{Code, MessageId, MessageText, RoomId, Seq};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{PATIENCE, Services, Subscriber};

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Code {
    match outcome {
        Err(Error::Problem(problem)) => problem.code,
        other => panic!("{other:?} is no refusal"),
    }
}

fn id(seq: Seq) -> MessageId {
    MessageId::new(seq)
}

/// What a message says of a thread.
fn thread_of(event: &RoomEvent) -> Option<Thread> {
    match &event.body {
        Body::Known(EventBody::Message { message }) => message.thread.clone(),
        Body::Known(EventBody::Deleted { deleted }) => deleted.thread.clone(),
        other => panic!("{other:?}"),
    }
}

async fn message(subscriber: &mut Subscriber) -> RoomEvent {
    subscriber.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await
}

fn send(room: RoomId, key: &str, thread: Option<MessageId>, in_room: bool) -> ClientFrame {
    ClientFrame::Send {
        room: room.into(),
        key: key.parse().unwrap(),
        text: MessageText::new(key).unwrap(),
        reply_to: None,
        attachments: Vec::new(),
        thread,
        in_room,
        metadata: None,
    }
}

#[tokio::test]
async fn a_thread_is_written_read_and_followed_over_two_gateways() {
    let services = Services::start().await;
    let (first, second) = (services.gateway().await, services.gateway().await);
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let of_mina = first.api().with_token(&mina.token);
    let of_joon = second.api().with_token(&joon.token);
    let room = of_mina.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_joon.join(room).await.unwrap();
    let root = of_mina.send_message(room, "lunch?", None).await.unwrap().seq;
    let mut here = first.subscribe(&mina, room).await;

    // By a frame at another gateway.
    let mut socket = second.socket(&joon).await;
    let answer = socket.call(send(room, "noodles", Some(id(root)), false), PATIENCE).await.unwrap();
    let Incoming::Frame(ServerFrame::Ack(Ack { seq, .. })) = answer else { panic!("{answer:?}") };
    let event = message(&mut here).await;
    let said = thread_of(&event).unwrap();
    assert_eq!((event.seq, said.root, said.in_room, said.replies), (seq, Some(id(root)), false, 1));
    assert_eq!((said.last_at, said.by), (Some(event.at), vec![joon.profile.id]));

    // The root's sender follows, and is told; the room's numbers know nothing of it.
    let told = loop {
        match here.socket.next_frame(PATIENCE).await.unwrap() {
            Incoming::Notice(notice) => break notice,
            _other => {}
        }
    };
    let NoticeOf::Known(NoticeBody::Reply(reply)) = told.body else { panic!("{told:?}") };
    assert_eq!((reply.room, reply.seq, &*reply.thread), (room, seq, root.to_string().as_str()));
    assert_eq!(reply.sender.id, joon.profile.id);
    let shown = of_mina.room(&room.to_string()).await.unwrap();
    assert_eq!((shown.unread, shown.last_message.map(|last| last.seq)), (Some(0), Some(root)));
    let listed = of_mina.threads(None, None).await.unwrap().items;
    let place = ThreadPlace { following: true, read: Seq::START, unread: 1 };
    assert_eq!((listed.len(), listed[0].place, listed[0].root.seq), (1, place, root));
    assert_eq!(listed[0].root.thread.as_ref().map(|thread| (thread.root, thread.replies)), Some((None, 1)));

    // By REST, in the room as well.
    let both = of_joon.send_in_thread(room, id(root), "at noon", Some("k"), true).await.unwrap();
    assert!(of_joon.send_in_thread(room, id(root), "at noon", Some("k"), true).await.unwrap().duplicate);
    assert!(thread_of(&message(&mut here).await).unwrap().in_room);
    assert_eq!(of_mina.room(&room.to_string()).await.unwrap().unread, Some(1));
    let page = of_mina.thread_messages(room, id(root), None, None, None).await.unwrap();
    let seqs: Vec<Seq> = page.items.iter().map(|item| item.seq).collect();
    assert_eq!((seqs, page.place.unread, page.root.seq, page.more), (vec![both.seq, seq], 2, root, false));
    let in_room: Vec<Seq> =
        of_mina.messages(room, None, None, None).await.unwrap().items.iter().map(|item| item.seq).collect();
    assert_eq!(in_room, [both.seq, root]);
    let place = of_mina.mark_thread_read(room, id(root), seq).await.unwrap();
    assert_eq!(place, ThreadPlace { following: true, read: seq, unread: 1 });

    // A deletion says what is left.
    of_joon.delete_message(room, &seq.to_string()).await.unwrap();
    let deleted = here.event(|body| matches!(body, Body::Known(EventBody::Deleted { .. }))).await;
    let left = thread_of(&deleted).unwrap();
    assert_eq!((left.root, left.replies, left.by), (Some(id(root)), 1, vec![joon.profile.id]));

    of_mina.unfollow_thread(room, id(root)).await.unwrap();
    assert!(of_mina.threads(None, None).await.unwrap().items.is_empty());
    assert!(of_mina.follow_thread(room, id(root)).await.unwrap().following);
}

#[tokio::test]
async fn what_is_no_thread_is_refused_by_its_code() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let (mina, eve) = (services.user("mina").await, services.user("eve").await);
    let (api, of_eve) = (gateway.api().with_token(&mina.token), gateway.api().with_token(&eve.token));
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let root = api.send_message(room, "root", None).await.unwrap().seq;
    let nested = api.send_in_thread(room, id(root), "reply", None, false).await.unwrap().seq;
    let nothing = id(Seq::new(99));
    assert_eq!(
        refused(api.send_in_thread(room, id(nested), "deeper", None, false).await),
        Code::InvalidArgument
    );
    assert_eq!(refused(api.send_in_thread(room, nothing, "nowhere", None, false).await), Code::NotFound);
    assert_eq!(refused(api.thread_messages(room, id(nested), None, None, None).await), Code::InvalidArgument);
    assert_eq!(refused(api.thread_messages(room, nothing, None, None, None).await), Code::NotFound);
    assert_eq!(refused(api.follow_thread(room, nothing).await), Code::NotFound);
    assert_eq!(
        refused(of_eve.send_in_thread(room, id(root), "hello", None, false).await),
        Code::PermissionDenied
    );
    assert_eq!(
        refused(of_eve.thread_messages(room, id(root), None, None, None).await),
        Code::PermissionDenied
    );
    assert_eq!(refused(of_eve.mark_thread_read(room, id(root), root).await), Code::PermissionDenied);
    // in_room is of a message in a thread, by either way.
    let path = format!("/v1/rooms/{room}/messages");
    let body = json!({"text": "hello", "in_room": true});
    let answer = api.request(Method::POST, &path).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/in_room", "{problem}");
    let mut socket = gateway.socket(&mina).await;
    let answer = socket.call(send(room, "k", None, true), PATIENCE).await.unwrap();
    let Incoming::Frame(ServerFrame::Error(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error.code, Code::InvalidArgument);
    assert_eq!(api.room(&room.to_string()).await.unwrap().head, nested, "refusals append nothing");
}

#[tokio::test]
async fn typing_says_in_which_thread() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let api = gateways[0].api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    gateways[1].api().with_token(&joon.token).join(room).await.unwrap();
    let mut typist = gateways[0].subscribe(&mina, room).await.socket;
    let mut other = gateways[1].subscribe(&joon, room).await;
    for thread in [None, Some(id(Seq::new(2))), Some(id(Seq::new(3))), None] {
        let frame = ClientFrame::Typing { room: room.into(), on: true, thread };
        let answer = typist.call(frame, PATIENCE).await.unwrap();
        assert!(matches!(answer, Incoming::Ok(_)), "{answer:?}");
        // In another place it is news at once.
        other
            .frame(
                |frame| matches!(frame, ServerFrame::Typing(typing) if typing.on && typing.thread == thread),
            )
            .await;
    }
}

#[tokio::test]
async fn the_users_other_devices_hear_what_was_read_and_followed() {
    let services = Services::start().await;
    let (first, second) = (services.gateway().await, services.gateway().await);
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let of_mina = first.api().with_token(&mina.token);
    let of_joon = second.api().with_token(&joon.token);
    let room = of_mina.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_joon.join(room).await.unwrap();
    let root = of_mina.send_message(room, "lunch?", None).await.unwrap().seq;
    let said = of_joon.send_in_thread(room, id(root), "noodles", Some("k"), false).await.unwrap().seq;
    let (mut here, mut there) = (first.subscribe(&mina, room).await, second.subscribe(&mina, room).await);
    let mut another = second.subscribe(&joon, room).await;
    let is_it = |frame: &Incoming| matches!(frame, Incoming::Frame(ServerFrame::ThreadRead(_)));
    let place = |following, read, unread| {
        ServerFrame::ThreadRead(ThreadRead { room, thread: id(root), following, read, unread })
    };
    of_mina.mark_thread_read(room, id(root), said).await.unwrap();
    for device in [&mut here, &mut there] {
        let Incoming::Frame(told) = device.next(is_it).await else { unreachable!("it is one") };
        assert_eq!(told, place(true, said, 0));
    }
    of_mina.unfollow_thread(room, id(root)).await.unwrap();
    let Incoming::Frame(told) = there.next(is_it).await else { unreachable!("it is one") };
    assert_eq!(told, place(false, Seq::START, 0));
    // A message comes behind what must not come.
    of_mina.send_message(room, "afterwards", None).await.unwrap();
    loop {
        match another.socket.next_frame(PATIENCE).await.unwrap() {
            frame if is_it(&frame) => panic!("{frame:?} is nobody else's"),
            Incoming::Event(_) => break,
            _other => {}
        }
    }
}
