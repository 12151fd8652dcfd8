//! Flags, bans, mutes and invitation links, by REST, and what the sockets at another gateway hear of them.

use std::sync::Arc;

use madang_client::{Body, Client, Incoming, NewRoom, NoticeOf};
use madang_contract::{
    ClientFrame, ErrorFrame, EventBody, NoticeBody, Restricted, ServerFrame,
    rest::{BannedUser, Invitation, Member, Page, Room},
};
use madang_domain::{Code, Limit, MessageText, Role, RoomHistory, RoomId};
use madang_rpc::{Auth, around::Around};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    problems::AnyKey,
    support::{Gateway, PATIENCE, Services, Subscriber, User},
};

/// Two gateways, on which one user does more than the budget of a user allows at once.
async fn gateways(services: &Services) -> [Gateway; 2] {
    let gateway = || services.gateway_with(|settings| settings.sends_burst = 1_000);
    [gateway().await, gateway().await]
}

/// Calls a route, and answers the status and the body, if any.
async fn call(api: &Client, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let request = api.request(method, path);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
}

async fn done(api: &Client, method: Method, path: &str, body: Option<&Value>) {
    let (status, answer) = call(api, method, path, body).await;
    assert!(status.is_success(), "{status} {answer}");
}

async fn code(api: &Client, method: Method, path: &str, body: Option<&Value>) -> Code {
    let (_, answer) = call(api, method, path, body).await;
    serde_json::from_value(answer["code"].clone()).unwrap_or_else(|_| panic!("{answer} is no refusal"))
}

fn of_member(room: RoomId, user: &User, what: &str) -> String {
    format!("/v1/rooms/{room}/members/{}/{what}", user.profile.id)
}

/// What is heard next of a ban or a mute.
async fn restricted(subscriber: &mut Subscriber) -> (&'static str, Restricted) {
    let is_it = |body: &Body| matches!(body, Body::Known(EventBody::Banned { .. } | EventBody::Muted { .. }));
    match subscriber.event(is_it).await.body {
        Body::Known(EventBody::Banned { banned }) => ("banned", banned),
        Body::Known(EventBody::Muted { muted }) => ("muted", muted),
        other => panic!("{other:?}"),
    }
}

/// A public room of the first user at the first gateway, in which the second one is a member.
async fn room(minas: &Client, juns: &Client) -> RoomId {
    let room = minas.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    juns.join(room).await.unwrap();
    room
}

#[tokio::test]
async fn a_banned_user_hears_the_end_and_nothing_after_it() {
    let services = Services::start().await;
    let gateways = gateways(&services).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = room(&minas, &juns).await;
    let mut of_mina = gateways[0].subscribe(&mina, room).await;
    let mut of_jun = gateways[1].subscribe(&jun, room).await;

    let path = of_member(room, &jun, "ban");
    for _ in 0..2 {
        done(&minas, Method::POST, &path, Some(&json!({"reason": "스팸"}))).await;
    }
    let by = mina.profile.id;
    let told = Restricted { user: jun.profile.id, on: true, until: None, by };
    assert_eq!(restricted(&mut of_mina).await, ("banned", told));
    // At the other gateway the user's last event of the room is the end of the membership.
    let left = of_jun.event(|body| matches!(body, Body::Known(EventBody::Left { .. }))).await;
    loop {
        match of_jun.socket.next_frame(PATIENCE).await.unwrap() {
            Incoming::Event(event) => panic!("{event:?} after {left:?}"),
            Incoming::Notice(notice) => match notice.body {
                NoticeOf::Known(NoticeBody::Ban(ban)) => {
                    assert_eq!((ban.on, ban.reason.as_deref()), (true, Some("스팸")));
                    break;
                }
                other => panic!("{other:?}"),
            },
            _ => {}
        }
    }
    assert_eq!(juns.join(room).await.unwrap_err().code(), Some(Code::PermissionDenied));
    let added = minas.put_member(room, jun.profile.id, Role::Member).await;
    assert_eq!(added.unwrap_err().code(), Some(Code::FailedPrecondition));

    let (status, listed) = call(&minas, Method::GET, &format!("/v1/rooms/{room}/bans"), None).await;
    assert_eq!(status, StatusCode::OK);
    let listed: Page<BannedUser<'static>> = serde_json::from_value(listed).unwrap();
    let [banned] = &listed.items[..] else { panic!("{listed:?}") };
    assert_eq!((banned.user.user.id, banned.by, banned.until), (jun.profile.id, by, None));
    assert_eq!(banned.reason.as_deref(), Some("스팸"));

    for _ in 0..2 {
        done(&minas, Method::DELETE, &path, None).await;
    }
    assert!(!restricted(&mut of_mina).await.1.on);
    assert_eq!(juns.join(room).await.unwrap().role, Some(Role::Member));
    let notices = juns.inbox(None, 10).await.unwrap().items;
    let on: Vec<bool> = notices
        .iter()
        .filter_map(|notice| match &notice.body {
            NoticeOf::Known(NoticeBody::Ban(ban)) => Some(ban.on),
            _ => None,
        })
        .collect();
    assert_eq!(on, [false, true], "newest first");

    for (user, body) in [(&mina, json!({})), (&jun, json!({"until": "2020-01-01T00:00:00Z"}))] {
        let refused = code(&minas, Method::POST, &of_member(room, user, "ban"), Some(&body)).await;
        assert!(matches!(refused, Code::FailedPrecondition | Code::InvalidArgument), "{refused:?}");
    }
    let refused = code(&juns, Method::POST, &of_member(room, &mina, "ban"), Some(&json!({}))).await;
    assert_eq!(refused, Code::PermissionDenied);
}

#[tokio::test]
async fn a_muted_member_reads_and_does_not_speak() {
    let services = Services::start().await;
    let gateways = gateways(&services).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = room(&minas, &juns).await;
    let sent = juns.send_message(room, "before", None).await.unwrap();
    let mut of_jun = gateways[1].subscribe(&jun, room).await;

    let until = "2099-01-01T00:00:00.000Z";
    let path = of_member(room, &jun, "mute");
    done(&minas, Method::POST, &path, Some(&json!({"until": until}))).await;
    let (kind, muted) = restricted(&mut of_jun).await;
    assert_eq!((kind, muted.on, muted.until.map(|at| at.to_string())), ("muted", true, Some(until.into())));
    let frame = ClientFrame::Send {
        room: room.into(),
        key: "k".parse().unwrap(),
        text: MessageText::new("but").unwrap(),
        reply_to: None,
        attachments: Vec::new(),
        thread: None,
        in_room: false,
        metadata: None,
    };
    let answer = of_jun.socket.call(frame, PATIENCE).await.unwrap();
    let Incoming::Frame(ServerFrame::Error(ErrorFrame { code, retry_after_ms, message, .. })) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(code, Code::PermissionDenied);
    assert!(retry_after_ms.is_some() && message.contains(until), "{message}");
    let refused = juns.edit_message(room, &sent.id, "after").await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::PermissionDenied));
    let refused = juns.react(room, &sent.id, "👍", true).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::PermissionDenied));
    // The member hears the others, and is shown as muted.
    let heard = minas.send_message(room, "next", None).await.unwrap();
    let event = of_jun.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;
    assert_eq!(event.seq, heard.seq);
    let (_, members) = call(&juns, Method::GET, &format!("/v1/rooms/{room}/members"), None).await;
    let members: Page<Member<'static>> = serde_json::from_value(members).unwrap();
    let shown: Vec<Option<String>> =
        members.items.iter().map(|member| member.muted_until.map(|at| at.to_string())).collect();
    assert_eq!(shown, [None, Some(until.to_owned())]);
    done(&minas, Method::DELETE, &path, None).await;
    assert!(!restricted(&mut of_jun).await.1.on);
    juns.send_message(room, "again", None).await.unwrap();
}

#[tokio::test]
async fn flags_hold_at_every_gateway() {
    let services = Services::start().await;
    let gateways = gateways(&services).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = room(&minas, &juns).await;
    let mut of_jun = gateways[1].subscribe(&jun, room).await;
    let path = format!("/v1/rooms/{room}");
    let set = async |flags: Value| {
        let (status, answer) = call(&minas, Method::PATCH, &path, Some(&flags)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        serde_json::from_value::<Room<'static>>(answer).unwrap().flags
    };

    assert_eq!(set(json!({"slow_mode_s": 3_600})).await.slow_mode_s, 3_600);
    let event = of_jun.event(|body| matches!(body, Body::Known(EventBody::Room { .. }))).await;
    let Body::Known(EventBody::Room { properties }) = event.body else { panic!("{event:?}") };
    assert_eq!((properties.flags.slow_mode_s, properties.flags.announcement), (3_600, false));
    let shown = json!({"topic": " What to cook ", "avatar_url": "https://example.com/yard.png"});
    let (_, answer) = call(&minas, Method::PATCH, &path, Some(&shown)).await;
    assert_eq!(
        (&answer["topic"], &answer["slow_mode_s"]),
        (&json!("What to cook"), &json!(3_600)),
        "{answer}"
    );
    let event = of_jun.event(|body| matches!(body, Body::Known(EventBody::Room { .. }))).await;
    let Body::Known(EventBody::Room { properties }) = event.body else { panic!("{event:?}") };
    assert_eq!(properties.topic.as_deref(), Some("What to cook"));
    assert_eq!(properties.avatar_url.as_deref(), Some("https://example.com/yard.png"));
    assert_eq!(juns.room(&room.to_string()).await.unwrap().topic.as_deref(), Some("What to cook"));
    // The pause counts over both gateways.
    juns.send_message(room, "one", None).await.unwrap();
    let elsewhere = gateways[0].api().with_token(&jun.token);
    let message = format!("{path}/messages");
    let (status, refused) = call(&elsewhere, Method::POST, &message, Some(&json!({"text": "two"}))).await;
    assert_eq!(
        (status, &refused["limit"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!(Limit::SlowMode.as_str()))
    );
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 3_500_000, "{refused}");

    assert!(set(json!({"slow_mode_s": 0, "announcement": true})).await.announcement);
    assert_eq!(
        code(&juns, Method::POST, &message, Some(&json!({"text": "x"}))).await,
        Code::PermissionDenied
    );
    minas.send_message(room, "news", None).await.unwrap();
    set(json!({"announcement": false, "archived": true})).await;
    assert_eq!(
        code(&minas, Method::POST, &message, Some(&json!({"text": "x"}))).await,
        Code::FailedPrecondition
    );
    let flags = set(json!({"archived": false, "history": "joined"})).await;
    assert_eq!((flags.archived, flags.history), (false, RoomHistory::Joined));

    let hana = services.user("hana").await;
    let hanas = gateways[1].api().with_token(&hana.token);
    assert_eq!(hanas.join(room).await.unwrap().last_message, None);
    assert_eq!(hanas.messages(room, None, None, None).await.unwrap().items, []);
    minas.send_message(room, "since", None).await.unwrap();
    let listed = hanas.messages(room, None, None, None).await.unwrap().items;
    assert_eq!(listed.iter().map(|item| &*item.text).collect::<Vec<_>>(), ["since"]);

    for (flags, refusal) in [
        (json!({"slow_mode_s": 21_601}), Code::InvalidArgument),
        (json!({"history": "some"}), Code::InvalidArgument),
    ] {
        assert_eq!(code(&minas, Method::PATCH, &path, Some(&flags)).await, refusal, "{flags}");
    }
    assert_eq!(
        code(&juns, Method::PATCH, &path, Some(&json!({"archived": true}))).await,
        Code::PermissionDenied
    );
}

#[tokio::test]
async fn a_link_brings_users_into_a_private_room() {
    let services = Services::start().await;
    let gateways = gateways(&services).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = minas.create_room(&NewRoom::private("Yard", Vec::new())).await.unwrap().id;
    let mut of_mina = gateways[0].subscribe(&mina, room).await;
    let path = format!("/v1/rooms/{room}/invitations");
    let (status, made) = call(&minas, Method::POST, &path, Some(&json!({"uses": 1}))).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let made: Invitation<'static> = serde_json::from_value(made).unwrap();
    let secret = made.code.clone().unwrap();
    let accept = format!("/v1/invitations/{secret}");
    let (status, joined) = call(&juns, Method::POST, &accept, None).await;
    assert_eq!((status, &joined["role"]), (StatusCode::OK, &json!("member")));
    let event = of_mina
        .event(|body| match body {
            Body::Known(EventBody::Joined { joined }) => joined.user.id == jun.profile.id,
            _ => false,
        })
        .await;
    let Body::Known(EventBody::Joined { joined }) = event.body else { panic!("{event:?}") };
    assert_eq!(joined.by, jun.profile.id);

    let hana = services.user("hana").await;
    let hanas = gateways[0].api().with_token(&hana.token);
    assert_eq!(code(&hanas, Method::POST, &accept, None).await, Code::NotFound, "used up");
    let (_, made) = call(&minas, Method::POST, &path, Some(&json!({}))).await;
    let made: Invitation<'static> = serde_json::from_value(made).unwrap();
    let (_, listed) = call(&minas, Method::GET, &path, None).await;
    let listed: Page<Invitation<'static>> = serde_json::from_value(listed).unwrap();
    let shown: Vec<_> = listed.items.iter().map(|link| (&link.id, &link.code, link.used)).collect();
    assert_eq!(shown, [(&made.id, &None, 0)]);
    assert_eq!(code(&juns, Method::GET, &path, None).await, Code::PermissionDenied);
    assert_eq!(code(&juns, Method::POST, &path, Some(&json!({}))).await, Code::PermissionDenied);
    done(&minas, Method::DELETE, &format!("{path}/{}", made.id), None).await;
    let accept = format!("/v1/invitations/{}", made.code.unwrap());
    assert_eq!(code(&hanas, Method::POST, &accept, None).await, Code::NotFound, "revoked");
    let too_long = format!("/v1/invitations/{}", "x".repeat(65));
    assert_eq!(code(&hanas, Method::POST, &too_long, None).await, Code::InvalidArgument);
}

#[tokio::test]
async fn the_site_mutes_and_bans_and_ends_both() {
    let services = Services::start().await;
    let auth: Arc<dyn Auth> = Arc::new(Around::new(Arc::clone(&services.auth), AnyKey));
    let (first, second) = (services.gateway_with_auth(auth, |_| ()).await, services.gateway().await);
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (first.api().with_token(&mina.token), second.api().with_token(&jun.token));
    let site = first.api().with_token("mk_any");
    let room = room(&minas, &juns).await;
    let mut of_mina = second.subscribe(&mina, room).await;
    let of = |what: &str| format!("/v1/server/rooms/{room}/members/{}/{what}", jun.profile.id);
    let messages = format!("/v1/rooms/{room}/messages");
    let hello = json!({"text": "hello"});

    done(&site, Method::POST, &of("mute"), Some(&json!({"reason": "noise"}))).await;
    let (what, told) = restricted(&mut of_mina).await;
    // The site has no profile: the user stands in its place.
    assert_eq!((what, told.user, told.on, told.by), ("muted", jun.profile.id, true, jun.profile.id));
    assert_eq!(code(&juns, Method::POST, &messages, Some(&hello)).await, Code::PermissionDenied);
    done(&site, Method::DELETE, &of("mute"), None).await;
    assert!(!restricted(&mut of_mina).await.1.on);
    done(&juns, Method::POST, &messages, Some(&hello)).await;

    done(&site, Method::POST, &of("ban"), Some(&json!({}))).await;
    assert_eq!(restricted(&mut of_mina).await.0, "banned");
    assert_eq!(code(&juns, Method::POST, &messages, Some(&hello)).await, Code::PermissionDenied);
    assert_eq!(juns.join(room).await.unwrap_err().code(), Some(Code::PermissionDenied));
    done(&site, Method::DELETE, &of("ban"), None).await;
    juns.join(room).await.unwrap();

    let unknown = format!("/v1/server/rooms/{room}/members/ext:nobody/ban");
    assert_eq!(code(&site, Method::POST, &unknown, Some(&json!({}))).await, Code::NotFound);
    assert_eq!(code(&juns, Method::POST, &of("ban"), Some(&json!({}))).await, Code::Unauthenticated);
}
