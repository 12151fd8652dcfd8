//! Edits, deletions, reactions and replies, by REST and by frames.

use madang_client::{Body, Error, Incoming, NewRoom, RoomEvent};
use madang_contract::{
    Answer, ClientFrame, Deleted, Edited, ErrorFrame, EventBody, OkFrame, Reaction, ServerFrame,
};
use madang_domain::{Code, Emoji, MessageId, MessageText, Role, Seq};

use crate::support::{Gateway, PATIENCE, Services, Subscriber};

/// The refusal of a call.
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Code {
    match outcome {
        Err(Error::Problem(problem)) => problem.code,
        other => panic!("{other:?} is no refusal"),
    }
}

/// The next change of a message that a socket hears of.
async fn heard(subscriber: &mut Subscriber) -> RoomEvent {
    subscriber
        .event(|body| {
            matches!(
                body,
                Body::Known(
                    EventBody::Edited { .. } | EventBody::Deleted { .. } | EventBody::Reaction { .. }
                )
            )
        })
        .await
}

fn edited(event: &RoomEvent) -> &Edited<'static> {
    match &event.body {
        Body::Known(EventBody::Edited { edited }) => edited,
        other => panic!("{other:?}"),
    }
}

fn deleted(event: &RoomEvent) -> Deleted {
    match &event.body {
        Body::Known(EventBody::Deleted { deleted }) => deleted.clone(),
        other => panic!("{other:?}"),
    }
}

fn reaction(event: &RoomEvent) -> &Reaction<'static> {
    match &event.body {
        Body::Known(EventBody::Reaction { reaction }) => reaction,
        other => panic!("{other:?}"),
    }
}

/// Two gateways, on which one user does more than the budget of a user allows at once.
async fn gateways(services: &Services) -> [Gateway; 2] {
    let gateway = || services.gateway_with(|settings| settings.sends_burst = 1_000);
    [gateway().await, gateway().await]
}

#[tokio::test]
async fn an_edit_reaches_the_room_whichever_way_it_is_made() {
    let services = Services::start().await;
    let gateways = gateways(&services).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let api = gateways[0].api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let of_jun = gateways[1].api().with_token(&jun.token);
    of_jun.join(room).await.unwrap();
    let sent = of_jun.send_message(room, "frist", None).await.unwrap();
    let message: MessageId = sent.id.parse().unwrap();
    let mut subscriber = gateways[0].subscribe(&mina, room).await;

    let shown = of_jun.edit_message(room, &sent.id, "first").await.unwrap();
    assert_eq!((&*shown.text, shown.seq, &*shown.id), ("first", sent.seq, &*sent.id));
    let event = heard(&mut subscriber).await;
    let told = edited(&event);
    assert_eq!((told.message, told.text.as_deref(), told.edited_at), (message, Some("first"), event.at));
    assert_eq!(shown.edited_at, Some(event.at));
    assert_eq!(
        of_jun.edit_message(room, &sent.id, "first").await.unwrap(),
        shown,
        "a repeat is answered alike"
    );

    let mut socket = gateways[1].socket(&jun).await;
    let text = MessageText::new("first, @mina").unwrap();
    let frame = |room| ClientFrame::Edit { room, message, text: text.clone() };
    let answer = socket.call(frame(room.into()), PATIENCE).await.unwrap();
    assert!(matches!(answer, Incoming::Ok(OkFrame { answer: Answer::Done {}, .. })), "{answer:?}");
    assert_eq!(edited(&heard(&mut subscriber).await).mentions, [mina.profile.id]);
    let inbox = api.inbox(None, 10).await.unwrap();
    assert_eq!(inbox.items.len(), 1, "who is newly named is told");

    // Who may not, and what is no message of the room.
    assert_eq!(refused(api.edit_message(room, &sent.id, "x").await), Code::PermissionDenied);
    assert_eq!(refused(of_jun.edit_message(room, "99", "x").await), Code::NotFound);
    assert_eq!(refused(of_jun.edit_message(room, &sent.id, " ").await), Code::InvalidArgument);
    let former = api.revisions(room, &sent.id, None, None).await.unwrap().items;
    let former: Vec<_> = former.iter().map(|revision| (revision.revision, revision.text.as_str())).collect();
    assert_eq!(former, [(1, "first"), (0, "frist")]);
    assert_eq!(refused(of_jun.revisions(room, &sent.id, None, None).await), Code::PermissionDenied);
    api.put_member(room, jun.profile.id, Role::Moderator).await.unwrap();
    assert_eq!(of_jun.revisions(room, &sent.id, Some(1), None).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_deletion_reaches_the_room_and_leaves_a_place() {
    let services = Services::start().await;
    let gateways = gateways(&services).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let api = gateways[0].api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let of_jun = gateways[1].api().with_token(&jun.token);
    of_jun.join(room).await.unwrap();
    let by_jun = of_jun.send_message(room, "a secret", Some("k")).await.unwrap();
    let by_mina = api.send_message(room, "another", None).await.unwrap();
    let mut subscriber = gateways[1].subscribe(&jun, room).await;

    assert_eq!(refused(of_jun.delete_message(room, &by_mina.id).await), Code::PermissionDenied);
    assert_eq!(refused(of_jun.delete_message(room, "1").await), Code::NotFound);
    for _ in 0..2 {
        api.delete_message(room, &by_jun.id).await.unwrap();
    }
    let message = by_jun.id.parse().unwrap();
    let event = heard(&mut subscriber).await;
    assert_eq!(
        (event.seq.get(), deleted(&event)),
        (5, Deleted { message, by: mina.profile.id, thread: None })
    );
    let mut socket = gateways[0].socket(&mina).await;
    let frame = ClientFrame::Delete { room: room.into(), message: by_mina.id.parse().unwrap() };
    let answer = socket.call(frame, PATIENCE).await.unwrap();
    assert!(matches!(answer, Incoming::Ok(OkFrame { answer: Answer::Done {}, .. })), "{answer:?}");
    assert_eq!(heard(&mut subscriber).await.seq.get(), 6, "of two that are the same, one is told");

    let listed = of_jun.messages(room, None, None, None).await.unwrap().items;
    let shown: Vec<_> = listed.iter().map(|item| (item.seq, &*item.text, item.deleted)).collect();
    assert_eq!(shown, [(by_mina.seq, "", true), (by_jun.seq, "", true)]);
    let view = of_jun.room(&room.to_string()).await.unwrap();
    assert_eq!(view.unread, Some(0));
    assert!(view.last_message.unwrap().deleted);
    assert!(of_jun.send_message(room, "a secret", Some("k")).await.unwrap().duplicate);

    // Whoever comes later, with whatever cursor, receives nothing of it.
    let mut late = gateways[0].socket(&mina).await;
    let since = madang_contract::RoomSince { room: room.into(), since: Some(Seq::START), epoch: None };
    let frame =
        ClientFrame::Subscribe(madang_contract::Subscribe { rooms: vec![since], ..Default::default() });
    late.call(frame, PATIENCE).await.unwrap();
    loop {
        match late.next_frame(PATIENCE).await.unwrap() {
            Incoming::Frame(ServerFrame::CaughtUp(_)) => break,
            other => assert!(!format!("{other:?}").contains("secret"), "{other:?}"),
        }
    }
}

#[tokio::test]
async fn reactions_reach_the_room_and_are_counted() {
    let services = Services::start().await;
    let gateways = gateways(&services).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let api = gateways[0].api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let of_jun = gateways[1].api().with_token(&jun.token);
    of_jun.join(room).await.unwrap();
    let sent = of_jun.send_message(room, "a message", None).await.unwrap();
    let message: MessageId = sent.id.parse().unwrap();
    let mut subscriber = gateways[0].subscribe(&mina, room).await;

    let told =
        |user, emoji: &str, on, count| Reaction { message, user, emoji: emoji.to_owned().into(), on, count };
    for _ in 0..2 {
        of_jun.react(room, &sent.id, "👍", true).await.unwrap();
    }
    assert_eq!(reaction(&heard(&mut subscriber).await), &told(jun.profile.id, "👍", true, 1));
    let mut socket = gateways[0].socket(&mina).await;
    let frame = |emoji: &str, on| ClientFrame::React {
        room: room.into(),
        message,
        emoji: Emoji::new(emoji).unwrap(),
        on,
    };
    for (emoji, on) in [("👍", true), (":party:", true), ("👍", false), ("👍", false)] {
        let answer = socket.call(frame(emoji, on), PATIENCE).await.unwrap();
        assert!(matches!(answer, Incoming::Ok(OkFrame { answer: Answer::Done {}, .. })), "{answer:?}");
    }
    assert_eq!(reaction(&heard(&mut subscriber).await), &told(mina.profile.id, "👍", true, 2));
    assert_eq!(reaction(&heard(&mut subscriber).await), &told(mina.profile.id, ":party:", true, 1));
    assert_eq!(reaction(&heard(&mut subscriber).await), &told(mina.profile.id, "👍", false, 1));

    for (reader, own) in [(&api, [false, true]), (&of_jun, [true, false])] {
        let listed = reader.messages(room, None, None, None).await.unwrap().items;
        let shown: Vec<_> =
            listed[0].reactions.iter().map(|of| (of.emoji.as_str(), of.count, of.me)).collect();
        assert_eq!(shown, [("👍", 1, Some(own[0])), (":party:", 1, Some(own[1]))]);
    }
    of_jun.react(room, &sent.id, "👍", false).await.unwrap();
    assert_eq!(reaction(&heard(&mut subscriber).await).count, 0);
    for emoji in ["x", "👍👍", ":A:", "%00"] {
        assert_eq!(refused(api.react(room, &sent.id, emoji, true).await), Code::InvalidArgument, "{emoji}");
    }
    assert_eq!(refused(api.react(room, "1", "👍", true).await), Code::NotFound);
    let frame = ClientFrame::React {
        room: room.into(),
        message: MessageId::new(Seq::new(99)),
        emoji: Emoji::new("👍").unwrap(),
        on: true,
    };
    let answer = socket.call(frame, PATIENCE).await.unwrap();
    let Incoming::Frame(ServerFrame::Error(ErrorFrame { code, .. })) = answer else { panic!("{answer:?}") };
    assert_eq!(code, Code::NotFound);
}

#[tokio::test]
async fn a_reply_shows_what_it_answers() {
    let services = Services::start().await;
    let gateways = gateways(&services).await;
    let mina = services.user("mina").await;
    let api = gateways[0].api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let sent = api.send_message(room, "the question", None).await.unwrap();
    let mut subscriber = gateways[1].subscribe(&mina, room).await;
    let mut socket = gateways[0].socket(&mina).await;
    let frame = ClientFrame::Send {
        room: room.into(),
        key: "answer".parse().unwrap(),
        text: MessageText::new("the answer").unwrap(),
        reply_to: Some(sent.id.parse().unwrap()),
        attachments: Vec::new(),
        thread: None,
        in_room: false,
        metadata: None,
    };
    socket.call(frame, PATIENCE).await.unwrap();
    let event = subscriber.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;
    let Body::Known(EventBody::Message { message }) = event.body else { panic!("{event:?}") };
    let excerpt = message.excerpt.unwrap();
    assert_eq!((&*excerpt.text, excerpt.sender.id), ("the question", mina.profile.id));
    api.delete_message(room, &sent.id).await.unwrap();
    let listed = api.messages(room, None, None, Some(1)).await.unwrap().items;
    assert_eq!((listed[0].reply_to.as_deref(), &listed[0].excerpt), (Some(&*sent.id), &None));
}
