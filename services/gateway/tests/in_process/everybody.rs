//! Messages that mention everybody, and the JSON object of a message, over two gateways.

use std::sync::Arc;

use madang_client::{Body, Client, InboxNotice, Incoming, NewRoom, NoticeOf, Socket};
use madang_contract::{
    EventBody, Inbox, MentionedHere, Message, NoticeBody, ServerFrame, rest::RoomSettingsChanges,
};
use madang_domain::{MentionAll, MessageId, NotificationLevel, RoomId, Seq};
use madang_rpc::{Auth, around::Around};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    problems::AnyKey,
    support::{Gateway, PATIENCE, Services, Subscriber, User},
};

/// A socket of a user that follows the inbox alone.
async fn device(gateway: &Gateway, user: &User) -> Socket {
    let mut socket = gateway.socket(user).await;
    loop {
        if let Incoming::Frame(ServerFrame::Inbox(Inbox { .. })) = socket.next_frame(PATIENCE).await.unwrap()
        {
            return socket;
        }
    }
}

async fn next_notice(socket: &mut Socket) -> InboxNotice {
    loop {
        match socket.next_frame(PATIENCE).await.unwrap() {
            Incoming::Notice(notice) => return notice,
            Incoming::Frame(ServerFrame::MentionedHere(here)) => panic!("{here:?} comes in passing"),
            _other => {}
        }
    }
}

async fn next_here(socket: &mut Socket) -> MentionedHere<'static> {
    loop {
        match socket.next_frame(PATIENCE).await.unwrap() {
            Incoming::Frame(ServerFrame::MentionedHere(here)) => return here,
            Incoming::Notice(notice) => panic!("{notice:?} is a notice"),
            _other => {}
        }
    }
}

async fn message(subscriber: &mut Subscriber) -> Message<'static> {
    let event = subscriber.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;
    event.message().unwrap().clone()
}

async fn call(api: &Client, method: Method, path: &str, body: Value) -> Value {
    let request = api.request(method, path);
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn everybody_is_told_at_every_gateway_and_who_is_here_in_passing() {
    let services = Services::start().await;
    let (first, second) = (services.gateway().await, services.gateway().await);
    let (mina, jun, hana) =
        (services.user("mina").await, services.user("jun").await, services.user("hana").await);
    let away = services.user("sora").await;
    let of_mina = first.api().with_token(&mina.token);
    let [of_jun, of_hana, of_away] = [&jun, &hana, &away].map(|user| second.api().with_token(&user.token));
    let room = of_mina.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    for member in [&of_jun, &of_hana, &of_away] {
        member.join(room).await.unwrap();
    }
    let mut live = second.subscribe(&hana, room).await;
    let (mut juns, mut hanas) = (device(&second, &jun).await, device(&first, &hana).await);

    // A member's text is a plain one.
    of_jun.send_message(room, "@all?", None).await.unwrap();
    assert_eq!(message(&mut live).await.mentions_all, None);

    let all = of_mina.send_message(room, "lunch, @all", None).await.unwrap();
    assert_eq!(message(&mut live).await.mentions_all, Some(MentionAll::All));
    for device in [&mut juns, &mut hanas] {
        let notice = next_notice(device).await;
        let NoticeOf::Known(NoticeBody::Mention(mention)) = &notice.body else { panic!("{notice:?}") };
        assert_eq!((mention.room, mention.seq, mention.sender.id), (room, all.seq, mina.profile.id));
    }
    let history = of_jun.messages(room, None, None, None).await.unwrap().items;
    assert_eq!(history[0].mentions_all, Some(MentionAll::All));
    let kept = of_away.inbox(None, 50).await.unwrap();
    assert_eq!((kept.items.len(), kept.unread), (1, 1), "who is away finds it later");

    // Of `@here` a device hears that follows the inbox alone, and nobody later.
    let level = |notify| RoomSettingsChanges { notify: Some(notify), muted_until: None };
    of_jun.put_room_settings(room, &level(NotificationLevel::None)).await.unwrap();
    let here = of_mina.send_message(room, "still @here?", None).await.unwrap();
    assert_eq!(message(&mut live).await.mentions_all, Some(MentionAll::Here));
    let told = next_here(&mut hanas).await;
    let expected = (room, MessageId::new(here.seq), here.seq, mina.profile.id);
    assert_eq!((told.room, told.message, told.seq, told.sender.id), expected);
    of_jun.put_room_settings(room, &level(NotificationLevel::All)).await.unwrap();
    let again = of_mina.send_message(room, "and now @here?", None).await.unwrap();
    assert_eq!(next_here(&mut juns).await.seq, again.seq, "of the one before the level refused to tell");
    assert_eq!(next_here(&mut hanas).await.seq, again.seq);
    assert_eq!(of_away.inbox(None, 50).await.unwrap().head, Seq::new(1));

    // An edit says so, too.
    let plain = of_mina.send_message(room, "dinner", None).await.unwrap();
    of_mina.edit_message(room, &plain.seq.to_string(), "dinner, @all").await.unwrap();
    let edited = live.event(|body| matches!(body, Body::Known(EventBody::Edited { .. }))).await;
    let Body::Known(EventBody::Edited { edited }) = edited.body else { unreachable!("it is one") };
    assert_eq!(edited.mentions_all, Some(MentionAll::All));
    let notice = next_notice(&mut juns).await;
    let NoticeOf::Known(NoticeBody::Mention(mention)) = &notice.body else { panic!("{notice:?}") };
    assert_eq!(mention.seq, plain.seq);
}

async fn metadata_of(api: &Client, room: RoomId, seq: Seq) -> Value {
    let page = call(api, Method::GET, &format!("/v1/rooms/{room}/messages?limit=50"), Value::Null).await;
    let items = page["items"].as_array().unwrap();
    items.iter().find(|item| item["seq"] == json!(seq)).unwrap()["metadata"].clone()
}

#[tokio::test]
async fn a_message_carries_the_object_of_its_sender_or_of_the_site() {
    let services = Services::start().await;
    let auth: Arc<dyn Auth> = Arc::new(Around::new(Arc::clone(&services.auth), AnyKey));
    let (first, second) = (services.gateway_with_auth(auth, |_| ()).await, services.gateway().await);
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (of_mina, of_jun) = (first.api().with_token(&mina.token), second.api().with_token(&jun.token));
    let room = of_mina.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_jun.join(room).await.unwrap();
    let mut live = second.subscribe(&jun, room).await;
    let object = json!({"order": {"no": 7, "lines": ["국수"]}});
    let as_json = |message: &Message<'static>| {
        message.metadata.as_ref().map(|metadata| serde_json::from_str::<Value>(metadata.json()).unwrap())
    };

    // By REST, by the server API, and by a frame.
    let path = format!("/v1/rooms/{room}/messages");
    let sent = call(&of_mina, Method::POST, &path, json!({"text": "seoul", "metadata": object})).await;
    assert_eq!(as_json(&message(&mut live).await).as_ref(), Some(&object));
    let site = first.api().with_token("mk_any");
    let by_site = json!({"user": mina.profile.id, "text": "by the site", "metadata": object});
    let of_site = call(&site, Method::POST, &format!("/v1/server/rooms/{room}/messages"), by_site).await;
    assert_eq!(as_json(&message(&mut live).await).as_ref(), Some(&object));
    let mut socket = first.socket(&mina).await;
    let frame = madang_contract::ClientFrame::Send {
        room: room.into(),
        key: "k".parse().unwrap(),
        text: madang_domain::MessageText::new("by a frame").unwrap(),
        reply_to: None,
        attachments: Vec::new(),
        thread: None,
        in_room: false,
        metadata: Some(madang_domain::Metadata::new(&object.to_string()).unwrap()),
    };
    socket.call(frame, PATIENCE).await.unwrap();
    assert_eq!(as_json(&message(&mut live).await).as_ref(), Some(&object));

    // It is there in the history, by a replay and after an edit; and gone with the message.
    for sent in [&sent, &of_site] {
        let seq = serde_json::from_value(sent["seq"].clone()).unwrap();
        assert_eq!(metadata_of(&of_jun, room, seq).await, object);
    }
    let seq: Seq = serde_json::from_value(sent["seq"].clone()).unwrap();
    let edited = of_mina.edit_message(room, &seq.to_string(), "busan").await.unwrap();
    assert_eq!(as_json(&edited).as_ref(), Some(&object));
    assert_eq!(metadata_of(&of_jun, room, seq).await, object);
    of_mina.delete_message(room, &seq.to_string()).await.unwrap();
    assert_eq!(metadata_of(&of_jun, room, seq).await, Value::Null);

    // Of a message without one nothing is said, and what is no object is refused.
    let plain = of_mina.send_message(room, "plain", None).await.unwrap();
    assert_eq!(metadata_of(&of_jun, room, plain.seq).await, Value::Null);
    let large = json!({"a": "x".repeat(4_096)});
    for refused in [json!([]), json!("text"), json!(7), large] {
        let body = json!({"text": "refused", "metadata": refused});
        let answer = of_mina.request(Method::POST, &path).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let problem: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(problem["errors"][0]["pointer"], "/metadata", "{problem}");
    }
}
