//! Blocked users, by REST.

use std::sync::Arc;

use madang_client::{Body, Client, Error, NewRoom, NoticeOf};
use madang_contract::{EventBody, NoticeBody};
use madang_domain::{Code, Role, RoomKind, UserId};
use madang_rpc::{Auth, around::Around};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{problems::AnyKey, support::Services};

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
