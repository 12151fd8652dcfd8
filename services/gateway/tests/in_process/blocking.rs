//! Blocked users, by REST.

use std::sync::Arc;

use madang_client::{Body, Client, Error, Incoming, NewRoom, NoticeOf};
use madang_contract::{ClientFrame, EventBody, NoticeBody, ServerFrame};
use madang_domain::{Code, Role, RoomKind, UserId};
use madang_rpc::{
    Auth, MessageStore as _,
    around::Around,
    store::{Block, Unblock},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    problems::AnyKey,
    support::{PATIENCE, Services, Subscriber, within},
};

/// The refusal of a call.
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Code {
    outcome.unwrap_err().code().expect("a refusal of the contract")
}

fn direct_with(user: UserId) -> NewRoom {
    NewRoom { kind: RoomKind::Direct, ..NewRoom::private("Direct", vec![user]) }
}

async fn status(api: &Client, method: Method, user: impl std::fmt::Display) -> StatusCode {
    let path = format!("/v1/users/me/blocked/{user}");
    api.request(method, &path).send().await.unwrap().status()
}

/// The kinds of the inbox's notices, oldest first.
async fn notices(api: &Client) -> Vec<&'static str> {
    let notices = api.inbox(None, 50).await.unwrap().items;
    let kind = |body: &NoticeOf| match body {
        NoticeOf::Known(NoticeBody::Mention(_)) => "mention",
        NoticeOf::Known(NoticeBody::Invite(_)) => "invite",
        _ => "other",
    };
    notices.iter().rev().map(|notice| kind(&notice.body)).collect()
}

#[tokio::test]
async fn blocked_users_are_listed_and_repeats_change_nothing() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let [mina, joon, sora] =
        [services.user("mina").await, services.user("joon").await, services.user("sora").await];
    let minas = gateway.api().with_token(&mina.token);
    for _ in 0..2 {
        for user in [&joon, &sora] {
            assert_eq!(status(&minas, Method::PUT, user.profile.id).await, StatusCode::NO_CONTENT);
        }
    }
    let first = minas.blocked(Some(1), None).await.unwrap();
    let second = minas.blocked(Some(1), first.next_cursor.as_deref()).await.unwrap();
    assert_eq!(second.next_cursor, None);
    let listed = [&first.items[0], &second.items[0]];
    assert_eq!(listed.map(|blocked| &*blocked.user.username), ["sora", "joon"]);
    assert!(listed[0].at > listed[1].at);
    let body: Value = minas.call(minas.request(Method::GET, "/v1/users/me/blocked")).await.unwrap();
    assert_eq!(body["items"][0]["user"]["id"], sora.profile.id.to_string());
    assert_eq!(body["items"][0].as_object().unwrap().len(), 2);

    let nobody = UserId::new(uuid::Uuid::from_u128(7));
    assert_eq!(refused(minas.block(mina.profile.id).await), Code::InvalidArgument);
    assert_eq!(refused(minas.block(nobody).await), Code::NotFound);
    assert_eq!(status(&minas, Method::PUT, "joon").await, StatusCode::BAD_REQUEST);
    assert_eq!(status(&gateway.api(), Method::PUT, joon.profile.id).await, StatusCode::UNAUTHORIZED);
    for _ in 0..2 {
        for user in [joon.profile.id, sora.profile.id, nobody] {
            assert_eq!(status(&minas, Method::DELETE, user).await, StatusCode::NO_CONTENT);
        }
    }
    assert_eq!(minas.blocked(None, None).await.unwrap().items, []);
}

#[tokio::test]
async fn who_is_blocked_does_not_reach_the_one_who_blocks() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let (mina, troll) = (services.user("mina").await, services.user("troll").await);
    let (minas, trolls) = (gateway.api().with_token(&mina.token), gateway.api().with_token(&troll.token));
    let yard = minas.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    trolls.join(yard).await.unwrap();
    let mut live = gateway.subscribe(&troll, yard).await;
    let direct = minas.create_room(&direct_with(troll.profile.id)).await.unwrap().id;
    let kept = trolls.send_message(direct, "hello", Some("k")).await.unwrap();
    minas.block(troll.profile.id).await.unwrap();

    assert_eq!(refused(trolls.send_message(direct, "hello?", None).await), Code::PermissionDenied);
    assert_eq!(refused(minas.send_message(direct, "go away", None).await), Code::FailedPrecondition);
    assert_eq!(refused(trolls.create_room(&direct_with(mina.profile.id)).await), Code::PermissionDenied);
    assert_eq!(refused(minas.create_room(&direct_with(troll.profile.id)).await), Code::FailedPrecondition);
    for api in [&minas, &trolls] {
        let history = api.messages(direct, None, None, None).await.unwrap();
        assert_eq!(history.items.len(), 1, "history stays");
    }
    let again = trolls.send_message(direct, "hello", Some("k")).await.unwrap();
    assert_eq!((again.seq, again.duplicate), (kept.seq, true));

    let trap = trolls.create_room(&NewRoom::private("Trap", vec![mina.profile.id])).await.unwrap();
    assert_eq!(trap.members, 1);
    assert!(trolls.put_member(trap.id, mina.profile.id, Role::Member).await.unwrap().invited);
    assert_eq!(refused(minas.join(trap.id).await), Code::PermissionDenied);
    trolls.send_message(yard, "look here, @mina", None).await.unwrap();
    assert_eq!(notices(&minas).await, Vec::<&str>::new());
    // The message is the same for all, live and in history.
    let said = live.event(|body| matches!(body, Body::Known(EventBody::Message { .. })));
    let Body::Known(EventBody::Message { message }) = said.await.body else { panic!("no message") };
    let page = minas.messages(yard, None, None, Some(1)).await.unwrap();
    assert_eq!((&message.mentions[..], &message.mentions), (&[mina.profile.id][..], &page.items[0].mentions));

    minas.unblock(troll.profile.id).await.unwrap();
    trolls.send_message(direct, "sorry", None).await.unwrap();
    trolls.send_message(yard, "sorry, @mina", None).await.unwrap();
    assert!(!trolls.put_member(trap.id, mina.profile.id, Role::Member).await.unwrap().invited);
    assert_eq!(notices(&minas).await, ["mention", "invite"]);
}

#[tokio::test]
async fn the_site_writes_for_whom_it_likes() {
    let services = Services::start().await;
    let auth: Arc<dyn Auth> = Arc::new(Around::new(Arc::clone(&services.auth), AnyKey));
    let gateway = services.gateway_with_auth(auth, |_| ()).await;
    let (mina, troll) = (services.user("mina").await, services.user("troll").await);
    let minas = gateway.api().with_token(&mina.token);
    let direct = minas.create_room(&direct_with(troll.profile.id)).await.unwrap().id;
    minas.block(troll.profile.id).await.unwrap();
    let site = gateway.api().with_token("mk_any");
    let send = site.request(Method::POST, &format!("/v1/server/rooms/{direct}/messages"));
    let body = json!({"user": troll.profile.id, "text": "From the shop to @mina"});
    assert_eq!(send.json(&body).send().await.unwrap().status(), StatusCode::CREATED);
    assert_eq!(notices(&minas).await, ["mention"]);
}

/// A message tells where the frames before it end: what was passed on before it has come by then.
async fn typing_before_a_message(subscriber: &mut Subscriber) -> Vec<bool> {
    let mut told = Vec::new();
    loop {
        match subscriber.socket.next_frame(PATIENCE).await.unwrap() {
            Incoming::Frame(ServerFrame::Typing(typing)) => told.push(typing.on),
            Incoming::Event(event) if matches!(event.body, Body::Known(EventBody::Message { .. })) => {
                return told;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn typing_does_not_reach_the_blocked_at_any_gateway() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let [mina, joon, sora] =
        [services.user("mina").await, services.user("joon").await, services.user("sora").await];
    let minas = gateways[0].api().with_token(&mina.token);
    let room = minas.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    for user in [&joon, &sora] {
        gateways[0].api().with_token(&user.token).join(room).await.unwrap();
    }
    let mut typist = gateways[0].subscribe(&mina, room).await;
    let mut blocked = [gateways[0].subscribe(&joon, room).await, gateways[1].subscribe(&joon, room).await];
    let mut other = gateways[1].subscribe(&sora, room).await;
    // Types, stops, and says something.
    let mut speak = async || {
        for on in [true, false] {
            let frame = ClientFrame::Typing { room: room.into(), on, thread: None };
            assert!(matches!(typist.socket.call(frame, PATIENCE).await.unwrap(), Incoming::Ok(_)));
        }
        minas.send_message(room, "hello", None).await.unwrap();
    };
    speak().await;
    for subscriber in [&mut other].into_iter().chain(&mut blocked) {
        assert_eq!(typing_before_a_message(subscriber).await, [true, false]);
    }
    // The gateway at which the block is made, and where she types, knows of it when it answers.
    assert_eq!(status(&minas, Method::PUT, joon.profile.id).await, StatusCode::NO_CONTENT);
    speak().await;
    assert_eq!(typing_before_a_message(&mut other).await, [true, false]);
    for subscriber in &mut blocked {
        assert!(typing_before_a_message(subscriber).await.is_empty());
    }
    // By another gateway it is told.
    let elsewhere = gateways[1].api().with_token(&mina.token);
    assert_eq!(status(&elsewhere, Method::DELETE, joon.profile.id).await, StatusCode::NO_CONTENT);
    let told = async {
        loop {
            speak().await;
            let [here, there] = &mut blocked;
            let told = (typing_before_a_message(here).await, typing_before_a_message(there).await);
            if told == (vec![true, false], vec![true, false]) {
                return;
            }
        }
    };
    within(PATIENCE, "the end of the block", told).await;
    // Whoever comes after a block reads of it.
    assert_eq!(status(&elsewhere, Method::PUT, joon.profile.id).await, StatusCode::NO_CONTENT);
    let third = services.gateway().await;
    let mut typist = third.subscribe(&mina, room).await;
    let frame = ClientFrame::Typing { room: room.into(), on: true, thread: None };
    assert!(matches!(typist.socket.call(frame, PATIENCE).await.unwrap(), Incoming::Ok(_)));
    third.api().with_token(&mina.token).send_message(room, "hello", None).await.unwrap();
    assert!(typing_before_a_message(&mut blocked[0]).await.is_empty());
}

#[tokio::test]
async fn a_block_that_was_not_heard_of_is_read_again_where_something_may_be_lost() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let [mina, joon, sora] =
        [services.user("mina").await, services.user("joon").await, services.user("sora").await];
    let minas = gateway.api().with_token(&mina.token);
    let room = minas.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    for user in [&joon, &sora] {
        gateway.api().with_token(&user.token).join(room).await.unwrap();
    }
    let mut typist = gateway.subscribe(&mina, room).await;
    let (mut of_joon, mut of_sora) =
        (gateway.subscribe(&joon, room).await, gateway.subscribe(&sora, room).await);
    for is_blocked in [true, false] {
        // Past the gateway, as where what was told of it is lost.
        let (actor, user) = (Arc::clone(&mina.profile), Arc::clone(&joon.profile));
        if is_blocked {
            services.store.block(Block { actor, user }).await.unwrap();
        } else {
            services.store.unblock(Unblock { actor: actor.id, user: user.id }).await.unwrap();
        }
        services.lose_a_gateway();
        let expected = if is_blocked { vec![] } else { vec![true, false] };
        let read_again = async {
            loop {
                for on in [true, false] {
                    let frame = ClientFrame::Typing { room: room.into(), on, thread: None };
                    assert!(matches!(typist.socket.call(frame, PATIENCE).await.unwrap(), Incoming::Ok(_)));
                }
                minas.send_message(room, "hello", None).await.unwrap();
                assert_eq!(typing_before_a_message(&mut of_sora).await, [true, false]);
                if typing_before_a_message(&mut of_joon).await == expected {
                    return;
                }
            }
        };
        within(PATIENCE, "the block, or its end", read_again).await;
    }
}
