//! The budgets from which users' commands are paid, by REST and by frames.

use std::{sync::Arc, time::Instant};

use futures_util::future::join_all;
use madang_client::{Incoming, NewRoom, Socket};
use madang_contract::{
    ClientFrame, ErrorFrame, ServerFrame,
    rest::{Method, Route, all_routes},
};
use madang_domain::{Emoji, IdempotencyKey, Limit, MessageId, MessageText, RoomId, Seq};
use madang_gateway::GatewaySettings;
use madang_rpc::{Auth, around::Around};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    problems::AnyKey,
    raw::{RawSocket, frame},
    support::{Gateway, PATIENCE, Services, User},
};

/// A gateway at which a user has one message a second.
async fn sparing_gateway(services: &Services) -> Gateway {
    let sparing = |settings: &mut GatewaySettings| {
        settings.sends_per_second = 1;
        settings.sends_burst = 1;
    };
    services.gateway_with(sparing).await
}

/// The user has spent all for ten seconds: the budget is of one message a second, and a changed profile costs ten.
async fn spend_all(gateway: &Gateway, user: &User) {
    let answer = call(gateway, user, reqwest::Method::PATCH, "/v1/users/me", json!({"name": "Spent"})).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

async fn call(
    gateway: &Gateway,
    user: &User,
    method: reqwest::Method,
    path: &str,
    body: Value,
) -> reqwest::Response {
    gateway.api().with_token(&user.token).request(method, path).json(&body).send().await.unwrap()
}

/// A refusal: the limit that it names.
async fn limit_of(refused: reqwest::Response, what: &str) -> String {
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{what}");
    let after = refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap();
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "rate_limited", "{what}: {problem}");
    let after_ms = problem["retry_after_ms"].as_u64().unwrap();
    assert!(after_ms > 0 && after * 1_000 >= after_ms, "{what}: {after} s for {after_ms} ms");
    problem["limit"].as_str().unwrap_or_else(|| panic!("{what} names no limit")).to_owned()
}

async fn refusal(socket: &mut Socket, frame: ClientFrame) -> ErrorFrame<'static> {
    let id = socket.send_frame(frame).await.unwrap();
    match socket.answer(&id, PATIENCE).await.unwrap() {
        Incoming::Frame(ServerFrame::Error(error)) => error,
        other => panic!("{other:?} is no refusal"),
    }
}

/// A request that a route would carry out: its path and body.
pub(crate) fn request_of(route: &Route, room: RoomId, user: &User, message: &str) -> (String, Value) {
    let body = match route.id {
        "create_room" => json!({"name": "Another", "kind": "private"}),
        "update_room" => json!({"name": "Renamed"}),
        "put_member" => json!({"role": "member"}),
        "send_message" | "edit_message" => json!({"text": "hello"}),
        "mark_read" | "mark_inbox_read" | "mark_thread_read" => json!({"seq": 1}),
        "update_me" => json!({"name": "Another"}),
        "ban" | "mute" => json!({"reason": "noise"}),
        "make_invitation" | "report_message" => json!({}),
        "settle_report" => json!({"status": "resolved"}),
        "put_words" => json!({"words": [], "action": "refuse"}),
        "change_password" => {
            json!({"current_password": "what it is", "new_password": "what it will be"})
        }
        "put_status" => json!({"text": "at lunch"}),
        "put_settings" => json!({"added_by": "nobody"}),
        "put_room_settings" => json!({"notify": "none"}),
        // What pays reads no body.
        "upload_file" => Value::Null,
        "delete_room" | "join_room" | "leave_room" | "remove_member" | "create_ticket" | "revoke_session"
        | "delete_message" | "add_reaction" | "remove_reaction" | "pin_message" | "unpin_message"
        | "erase_me" | "begin_export" | "block_user" | "unblock_user" | "unban" | "unmute"
        | "revoke_invitation" | "accept_invitation" | "dismiss_notice" | "follow_thread"
        | "unfollow_thread" => Value::Null,
        new => panic!("{new} writes: say here how it is called, and pay for it in its command"),
    };
    let path = route
        .path
        .replace("{room}", &room.to_string())
        .replace("{user}", &user.profile.id.to_string())
        .replace("{id}", message)
        .replace("{seq}", "1")
        .replace("{emoji}", ":wave:")
        .replace("{code}", "an-invitation-code")
        .replace("{report}", "1")
        .replace("{session}", "01a2024d-95d7-7ac3-8afb-e3a86cee2d1a");
    let path = if route.id == "upload_file" { format!("{path}?name=a") } else { path };
    (path, body)
}

#[tokio::test]
async fn whatever_a_user_writes_by_rest_is_paid_for() {
    let services = Services::start().await;
    let gateway = sparing_gateway(&services).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let room = gateway.api().with_token(&joon.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    spend_all(&gateway, &mina).await;
    let writes = all_routes().filter(|route| route.access.is_of_users() && route.method != Method::Get);
    // All at once, while there is nothing left.
    let calls = writes.map(async |route| {
        let (path, body) = request_of(route, room, &joon, "1");
        let method = reqwest::Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
        (route.id, call(&gateway, &mina, method, &path, body).await)
    });
    for (route, refused) in join_all(calls).await {
        assert_eq!(limit_of(refused, route).await, "user_sends", "{route}");
    }
}

#[tokio::test]
async fn whatever_a_user_writes_by_a_frame_is_paid_for() {
    let services = Services::start().await;
    // Another gateway keeps budgets of its own.
    let (gateway, another) = (sparing_gateway(&services).await, services.gateway().await);
    let mina = services.user("mina").await;
    let room = another.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let mut socket = gateway.subscribe(&mina, room).await.socket;
    spend_all(&gateway, &mina).await;
    for frame in [
        ClientFrame::Send {
            room: room.into(),
            key: IdempotencyKey::new("k").unwrap(),
            text: MessageText::new("hello").unwrap(),
            reply_to: None,
            attachments: Vec::new(),
            thread: None,
            in_room: false,
            metadata: None,
        },
        ClientFrame::Read { room: room.into(), seq: Seq::new(1) },
        ClientFrame::Received { room: room.into(), seq: Seq::new(1) },
        ClientFrame::Typing { room: room.into(), on: true, thread: None },
        ClientFrame::Pin { room: room.into(), message: MessageId::new(Seq::new(1)), on: true },
        ClientFrame::Edit {
            room: room.into(),
            message: MessageId::new(Seq::new(1)),
            text: MessageText::new("hello").unwrap(),
        },
        ClientFrame::Delete { room: room.into(), message: MessageId::new(Seq::new(1)) },
        ClientFrame::React {
            room: room.into(),
            message: MessageId::new(Seq::new(1)),
            emoji: Emoji::new("👍").unwrap(),
            on: true,
        },
    ] {
        // What writes nothing and reaches nobody is not paid for; a new frame has to be judged here.
        match &frame {
            ClientFrame::Send { .. }
            | ClientFrame::Read { .. }
            | ClientFrame::Received { .. }
            | ClientFrame::Typing { .. }
            | ClientFrame::Edit { .. }
            | ClientFrame::Delete { .. }
            | ClientFrame::React { .. }
            | ClientFrame::Pin { .. } => {}
            ClientFrame::Auth { .. }
            | ClientFrame::Subscribe(_)
            | ClientFrame::Unsubscribe { .. }
            | ClientFrame::History { .. }
            | ClientFrame::Presence { .. }
            | ClientFrame::Ping {} => unreachable!("it is not among these"),
        }
        let kind = frame.kind();
        let error = refusal(&mut socket, frame).await;
        assert_eq!(error.limit.as_deref(), Some("user_sends"), "{kind}: {error:?}");
        assert!(error.retry_after_ms.is_some_and(|after| after > 0), "{kind}: {error:?}");
    }
}

/// The Channels dialect has one frame, which has to be paid for like a send of the other one.
#[tokio::test]
async fn what_a_user_says_in_the_channels_dialect_is_paid_for() {
    let services = Services::start().await;
    let another = services.gateway().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.channels.channels_edge = Some(true);
            settings.sends_per_second = 1;
            settings.sends_burst = 1;
        })
        .await;
    let mina = services.user("mina").await;
    let api = another.api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let path = format!("/ws/chat/{room}/");
    let mut socket = RawSocket::open(gateway.address(), &path, Some(&mina.token), 64 * 1024).await;
    spend_all(&gateway, &mina).await;
    let said = json!({"room_id": room, "user_id": mina.profile.id, "message": "hello"}).to_string();
    socket.send(&frame(0x81, said.as_bytes())).await;
    let alert = socket.until_text(r#""response_type":"alert""#).await;
    assert!(alert.contains("너무 자주"), "{alert}");
    assert_eq!(gateway.metric(r#"madang_gateway_rate_limited_total{limit="user_sends"}"#), 1);
    assert!(api.messages(room, None, None, None).await.unwrap().items.is_empty(), "nothing was done");
}

#[tokio::test]
async fn what_is_refused_before_the_store_is_asked_is_paid_for_too() {
    let services = Services::start().await;
    let (gateway, another) = (sparing_gateway(&services).await, services.gateway().await);
    let somebody = services.user("somebody").await.profile.id;
    let reserved = json!({"name": "Mine", "kind": "private", "slug": "all"});
    let crowded = json!({"name": "Crowd", "kind": "private", "members": vec![somebody; 101]});
    let (post, patch) = (reqwest::Method::POST, reqwest::Method::PATCH);
    for (name, method, body, status, limit) in [
        ("mina", &post, reserved, StatusCode::CONFLICT, "user_sends"),
        ("joon", &post, crowded, StatusCode::PAYLOAD_TOO_LARGE, "member_additions"),
        ("sora", &patch, json!({"slug": "here"}), StatusCode::CONFLICT, "user_sends"),
    ] {
        let user = services.user(name).await;
        let own =
            another.api().with_token(&user.token).create_room(&NewRoom::public("Own")).await.unwrap().id;
        let path = if *method == post { "/v1/rooms".to_owned() } else { format!("/v1/rooms/{own}") };
        let first = call(&gateway, &user, method.clone(), &path, body.clone()).await;
        assert_eq!(first.status(), status, "{body}");
        let second = call(&gateway, &user, method.clone(), &path, body).await;
        assert_eq!(limit_of(second, name).await, limit);
    }
}

#[tokio::test]
async fn one_user_who_joins_and_leaves_without_end_is_slowed_down_and_nobody_else_is() {
    /// By the table of the rates: 40 messages at once, and four for a join or a leave.
    const AT_ONCE: f64 = 10.0;
    /// Of one message a second.
    const A_SECOND: f64 = 0.25;
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.sends_per_second = 1).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let room = gateway.api().with_token(&joon.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let begun = Instant::now();
    let (mut done, mut refused) = (0.0, 0);
    for number in 0..60 {
        let path = format!("/v1/rooms/{room}/{}", if number % 2 == 0 { "join" } else { "leave" });
        let answer = call(&gateway, &mina, reqwest::Method::POST, &path, Value::Null).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(limit_of(answer, &path).await, "user_sends");
            refused += 1;
        } else {
            done += 1.0;
        }
    }
    let most = (begun.elapsed().as_secs_f64() + 1.0).mul_add(A_SECOND, AT_ONCE);
    assert!(done >= AT_ONCE && done <= most, "{done} joins and leaves, of at most {most}");
    assert!(refused > 0);
    gateway.api().with_token(&joon.token).send_message(room, "hello", None).await.unwrap();
}

#[tokio::test]
async fn rooms_and_members_have_rates_of_their_own() {
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.sends_per_second = 1_000_000;
            settings.room_creations_per_minute = 1;
            settings.member_additions_per_minute = 2;
        })
        .await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let create = |members: Value| {
        call(&gateway, &mina, reqwest::Method::POST, "/v1/rooms", {
            json!({"name": "Trap", "kind": "private", "members": members})
        })
    };
    for _ in 0..4 {
        assert_eq!(create(json!([joon.profile.id])).await.status(), StatusCode::CREATED);
    }
    assert_eq!(limit_of(create(json!([])).await, "a fifth room").await, "room_creations");
    // Four of eight additions are left, and a role that is given is one, too.
    let owner = gateway.api().with_token(&joon.token);
    let room = owner.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    owner.put_member(room, mina.profile.id, madang_domain::Role::Owner).await.unwrap();
    let path = format!("/v1/rooms/{room}/members/{}", joon.profile.id);
    let put = |role: &str| call(&gateway, &mina, reqwest::Method::PUT, &path, json!({"role": role}));
    for role in ["member", "moderator", "member", "moderator"] {
        assert_eq!(put(role).await.status(), StatusCode::OK);
    }
    assert_eq!(limit_of(put("member").await, "a ninth addition").await, "member_additions");
}

#[tokio::test]
async fn an_address_has_a_budget_whoever_its_users_are() {
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.address_sends_per_second = 1;
            settings.trusted_proxies = 1;
        })
        .await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let from = |user: &User, address: &str| {
        let request = gateway.api().with_token(&user.token).request(reqwest::Method::PATCH, "/v1/users/me");
        request.header("x-forwarded-for", address).json(&json!({"name": "Busy"})).send()
    };
    // Two messages at once, and a profile costs ten: nothing is left for ten seconds.
    assert_eq!(from(&mina, "2001:db8::1").await.unwrap().status(), StatusCode::OK);
    let refused = from(&joon, "2001:db8::2").await.unwrap();
    assert_eq!(limit_of(refused, "the same network").await, "address_sends");
    assert_eq!(from(&joon, "203.0.113.9").await.unwrap().status(), StatusCode::OK, "and the user keeps all");
}

#[tokio::test]
async fn a_room_has_a_budget_which_no_stranger_uses_up() {
    /// Two at once, of which the joining is one, and one a second.
    const AT_ONCE: f64 = 1.0;
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.room_sends_per_second = 1).await;
    let [mina, joon, eve] =
        [services.user("mina").await, services.user("joon").await, services.user("eve").await];
    let api = |user: &User| gateway.api().with_token(&user.token);
    let room = api(&mina).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    api(&joon).join(room).await.unwrap();
    let send = |user: &User| {
        let (path, body) = (format!("/v1/rooms/{room}/messages"), json!({"text": "hello"}));
        api(user).request(reqwest::Method::POST, &path).json(&body).send()
    };
    for _ in 0..20 {
        assert_eq!(send(&eve).await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    let begun = Instant::now();
    let answers = join_all([&mina, &joon].into_iter().cycle().take(20).map(send)).await;
    let most = AT_ONCE + begun.elapsed().as_secs_f64() + 1.0;
    let (mut sent, mut refused) = (0.0, 0);
    for answer in answers {
        let answer = answer.unwrap();
        if answer.status() == StatusCode::CREATED {
            sent += 1.0;
        } else {
            assert_eq!(limit_of(answer, "a message").await, "room_sends");
            refused += 1;
        }
    }
    assert!(
        sent >= AT_ONCE && sent <= most && refused > 0,
        "{sent} sent, of at most {most}; {refused} refused"
    );
    let another = api(&mina).create_room(&NewRoom::public("Hall")).await.unwrap().id;
    api(&mina).send_message(another, "hello", None).await.unwrap();
}

/// Who uses another gateway has no second budget there: the limit, and what the second gateway grants by itself.
#[tokio::test]
async fn a_user_at_two_gateways_has_one_budget() {
    /// 40 at once of which the room cost four, and a quarter of 40 at the second gateway.
    const AT_ONCE: f64 = 36.0 + 10.0;
    /// A batch may be in hand at each, and a message be paid in part.
    const ROUNDING: f64 = 4.0 + 2.0;
    let services = Services::start().await;
    let sparing = |settings: &mut GatewaySettings| settings.sends_per_second = 1;
    let gateways = [services.gateway_with(sparing).await, services.gateway_with(sparing).await];
    let mina = services.user("mina").await;
    let begun = Instant::now();
    let api = |gateway: &Gateway| gateway.api().with_token(&mina.token);
    let room = api(&gateways[0]).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let (mut sent, mut refused) = (0.0, 0);
    for number in 0..120 {
        let (path, body) = (format!("/v1/rooms/{room}/messages"), json!({"text": "hello"}));
        let request = api(&gateways[number % 2]).request(reqwest::Method::POST, &path);
        let answer = request.json(&body).send().await.unwrap();
        if answer.status() == StatusCode::CREATED {
            sent += 1.0;
        } else {
            assert_eq!(limit_of(answer, "a message").await, "user_sends");
            refused += 1;
        }
    }
    let later = 1.25 * begun.elapsed().as_secs_f64();
    assert!(
        sent >= AT_ONCE - ROUNDING && sent <= AT_ONCE + ROUNDING + later,
        "{sent} sent, {later} of them later"
    );
    assert!(refused > 0);
}

/// A limit over all gateways, as the table of the rates has it: how much there is at once, and how much comes in a second.
struct OverGateways {
    limit: Limit,
    burst: u32,
    a_second: f64,
}

const OVER_GATEWAYS: [OverGateways; 6] = [
    OverGateways { limit: Limit::UserSends, burst: 40, a_second: 1.0 },
    OverGateways { limit: Limit::AddressSends, burst: 20, a_second: 10.0 },
    OverGateways { limit: Limit::RoomSends, burst: 20, a_second: 10.0 },
    OverGateways { limit: Limit::RoomCreations, burst: 24, a_second: 0.1 },
    OverGateways { limit: Limit::MemberAdditions, burst: 24, a_second: 0.1 },
    OverGateways { limit: Limit::ServerCalls, burst: 20, a_second: 20.0 },
];

/// Leaves one limit so small, and all others so large that they are not reached.
fn with_only(limit: Limit, settings: &mut GatewaySettings) {
    let small = |of, small, large| if limit == of { small } else { large };
    settings.trusted_proxies = 1;
    settings.sends_per_second = small(Limit::UserSends, 1, 1_000_000);
    settings.address_sends_per_second = small(Limit::AddressSends, 10, 0);
    settings.room_sends_per_second = small(Limit::RoomSends, 10, 100_000);
    settings.room_creations_per_minute = small(Limit::RoomCreations, 6, 100_000);
    settings.member_additions_per_minute = small(Limit::MemberAdditions, 6, 100_000);
    settings.server_calls_per_second = small(Limit::ServerCalls, 20, 100_000);
}

/// Whoever uses another gateway has no second budget there, of whatever is counted over all gateways.
#[tokio::test]
async fn each_limit_over_all_gateways_is_one_at_two() {
    let shared: Vec<Limit> = Limit::ALL.into_iter().filter(|limit| limit.counted().is_shared()).collect();
    assert!(shared.iter().all(|limit| OVER_GATEWAYS.iter().any(|of| of.limit == *limit)), "{shared:?}");
    let services = Services::start().await;
    let owner = services.user("owner").await;
    let first = services.gateway().await;
    for (row, OverGateways { limit, burst, a_second }) in OVER_GATEWAYS.into_iter().enumerate() {
        let name = limit.as_str();
        let (mina, joon) =
            (services.user(&format!("mina{row}")).await, services.user(&format!("joon{row}")).await);
        let api = first.api().with_token(&owner.token);
        let room = api.create_room(&NewRoom::public("Yard")).await.unwrap().id;
        // Paid by somebody else.
        api.put_member(room, mina.profile.id, madang_domain::Role::Owner).await.unwrap();
        api.put_member(room, joon.profile.id, madang_domain::Role::Member).await.unwrap();
        let gateway = || {
            let auth: Arc<dyn Auth> = Arc::new(Around::new(Arc::clone(&services.auth), AnyKey));
            services.gateway_with_auth(auth, |settings| with_only(limit, settings))
        };
        let gateways = [gateway().await, gateway().await];
        let begun = Instant::now();
        let (mut passed, mut refused) = (0.0, [0, 0]);
        // At once, so that little comes to be there meanwhile, however busy the machine is.
        let asked = (0..3 * burst).map(|number| {
            let role = if number / 2 % 2 == 0 { "moderator" } else { "member" };
            let (token, method, path, body) = match limit {
                Limit::RoomCreations => {
                    (&*mina.token, "POST", "/v1/rooms".to_owned(), json!({"name": "New", "kind": "private"}))
                }
                Limit::MemberAdditions => {
                    let path = format!("/v1/rooms/{room}/members/{}", joon.profile.id);
                    (&*mina.token, "PUT", path, json!({"role": role}))
                }
                Limit::ServerCalls => {
                    ("mk_any", "PATCH", format!("/v1/server/rooms/{room}"), json!({"name": "Yard"}))
                }
                _ => (&*mina.token, "POST", format!("/v1/rooms/{room}/messages"), json!({"text": "hello"})),
            };
            let at = usize::from(number % 2 == 1);
            let request = gateways[at].api().with_token(token).request(method.parse().unwrap(), &path);
            let request = request.header("x-forwarded-for", format!("203.0.113.{}", 10 + row));
            let answer = request.json(&body).send();
            async move { (at, answer.await.unwrap()) }
        });
        for (at, answer) in futures_util::future::join_all(asked).await {
            if answer.status().is_success() {
                passed += 1.0;
            } else {
                assert_eq!(limit_of(answer, name).await, name);
                refused[at] += 1;
            }
        }
        // A batch may be in hand at each gateway, and one be paid in part.
        let burst = f64::from(burst);
        let rounding = 2.0 * (burst / 20.0 + 1.0);
        let later = a_second * begun.elapsed().as_secs_f64();
        let most = burst * 1.25 + rounding + later;
        assert!(passed >= burst - rounding && passed <= most, "{passed} of {name} passed, at most {most}");
        assert!(refused.iter().all(|refused| *refused > 0), "{name}: {refused:?}");
    }
}
