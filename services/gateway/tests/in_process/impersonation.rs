//! The site's backend as a user: an API key with the scope `impersonate`, and the header `Madang-User`.

use std::{any::Any, sync::Arc};

use madang_client::NewRoom;
use madang_contract::rest::{Access, CallerLimits, Method as RouteMethod, Route, all_routes};
use madang_domain::{Role, RoomId, UserId};
use madang_gateway::GatewaySettings;
use madang_rpc::{
    Auth,
    around::{Around, Call, Layer},
    auth::{ApiKey, Scope},
    method::Method as Rpc,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    rates::request_of,
    reads::path_of,
    support::{Gateway, Services, User},
};

/// Takes every API key for one with these scopes.
#[derive(Clone)]
struct KeyFor(Vec<Scope>);

impl<S: Sync> Layer<S> for KeyFor {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Rpc,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        if method.name == "verify_api_key" {
            let key: Box<dyn Any> =
                Box::new(ApiKey { id: "key".into(), name: "site".into(), scopes: self.0.clone() });
            let key = *key.downcast::<T>().expect("an API key");
            return Box::pin(async { Ok(key) });
        }
        call(service)
    }
}

const KEY: &str = "mk_key";
const USER: &str = "Madang-User";

async fn gateway(
    services: &Services,
    scopes: &[Scope],
    change: impl FnOnce(&mut GatewaySettings),
) -> Gateway {
    let auth: Arc<dyn Auth> = Arc::new(Around::new(Arc::clone(&services.auth), KeyFor(scopes.to_vec())));
    services.gateway_with_auth(auth, change).await
}

/// Who asks.
#[derive(Clone)]
enum By<'a> {
    /// A user with a token.
    Token(&'a User),
    /// The site's backend, with these values of the header.
    Key(Vec<String>),
    /// A user with a token who names another.
    TokenFor(&'a User, UserId),
}

fn key_as(user: &User) -> By<'static> {
    By::Key(vec![user.profile.id.to_string()])
}

async fn ask(
    gateway: &Gateway,
    by: &By<'_>,
    method: Method,
    path: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let bearer = match by {
        By::Token(user) | By::TokenFor(user, _) => user.token.as_str(),
        By::Key(_) => KEY,
    };
    let mut request = gateway.api().with_token(bearer).request(method, path);
    let named = match by {
        By::Token(_) => Vec::new(),
        By::Key(names) => names.clone(),
        By::TokenFor(_, other) => vec![other.to_string()],
    };
    for name in named {
        request = request.header(USER, name);
    }
    let request = if body.is_null() { request } else { request.json(body) };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
}

async fn get(gateway: &Gateway, by: &By<'_>, path: &str) -> (StatusCode, Value) {
    ask(gateway, by, Method::GET, path, &Value::Null).await
}

fn method(route: &Route) -> Method {
    Method::from_bytes(route.method.as_str().as_bytes()).unwrap()
}

/// All routes of users, those last after which there is nothing more to do.
fn routes() -> Vec<&'static Route> {
    const LAST: [&str; 4] = ["list_audit", "leave_room", "delete_room", "erase_me"];
    let mut routes: Vec<_> = all_routes().filter(|route| route.access.is_of_users()).collect();
    routes.sort_by_key(|route| LAST.iter().position(|last| *last == route.id).map_or(0, |at| at + 1));
    routes
}

/// Calls all routes of users as one of three, and answers each status with what the room's record says of who acted.
async fn walk(who: usize, by_key: bool) -> (Vec<(&'static str, StatusCode, Value)>, Vec<Value>) {
    let services = Services::start().await;
    // A user is not to be slowed down where the site is not.
    let ample = |settings: &mut GatewaySettings| {
        (settings.sends_per_second, settings.sends_burst) = (1_000_000, 1_000_000);
        (settings.reads_per_second, settings.reads_burst) = (1_000_000, 1_000_000);
    };
    let gateway = gateway(&services, &Scope::ALL, ample).await;
    let users = [services.user("mina").await, services.user("joon").await, services.user("eve").await];
    let room = scene(&gateway, &users).await;
    let other = &users[if who == 0 { 1 } else { 0 }];
    let by = if by_key { key_as(&users[who]) } else { By::Token(&users[who]) };
    let (mut answers, mut record) = (Vec::new(), Vec::new());
    for route in routes() {
        let (path, body) = if route.method == RouteMethod::Get {
            (path_of(route, &room.to_string(), other), Value::Null)
        } else {
            request_of(route, room, other, if route.id == "report_message" { "4" } else { "3" })
        };
        let (status, answer) = ask(&gateway, &by, method(route), &path, &body).await;
        if route.id == "list_audit" {
            record.extend(answer["items"].as_array().into_iter().flatten().cloned());
        }
        answers.push((route.id, status, answer["detail"].clone()));
    }
    (answers, record)
}

/// A public room of mina's with joon, and a message of each: the third and fourth events.
async fn scene(gateway: &Gateway, users: &[User; 3]) -> RoomId {
    let [mina, joon, _] = users;
    let api = |user: &User| gateway.api().with_token(&user.token);
    let room = api(mina).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    api(mina).put_member(room, joon.profile.id, Role::Member).await.unwrap();
    for user in [mina, joon] {
        api(user).send_message(room, "hello", None).await.unwrap();
    }
    room
}

/// An owner, a member and a stranger: as each of them the site gets the answers that the user gets, and is recorded.
#[tokio::test]
async fn the_site_may_what_the_user_may_on_every_route_but_those_of_sessions() {
    let (mut accepted, mut recorded) = (0, Vec::new());
    for who in 0..3 {
        let ((by_key, record), (by_token, own_record)) = tokio::join!(walk(who, true), walk(who, false));
        for ((id, status, detail), (_, as_user, _)) in by_key.iter().zip(&by_token) {
            let route = all_routes().find(|route| route.id == *id).unwrap();
            if route.access == Access::OwnSession {
                let detail = detail.as_str().unwrap_or_default();
                assert_eq!(*status, StatusCode::FORBIDDEN, "{id}: {detail}");
                assert!(detail.contains("the user's own session or password"), "{id}: {detail}");
                continue;
            }
            assert_eq!(status, as_user, "{id} as {who}: {detail}");
            accepted += usize::from(status.is_success());
        }
        // Also what the user does to the own messages, and additions of members.
        assert!(record.len() >= own_record.len(), "{record:?}, {own_record:?}");
        assert!(record.iter().all(|entry| entry["by_site"] == true), "{record:?}");
        assert!(own_record.iter().all(|entry| entry["by_site"] == false), "{own_record:?}");
        recorded.extend(record.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()));
    }
    assert!(accepted >= 60, "{accepted} requests were accepted");
    // Those of the owner, the latest first: nobody else may do what is recorded.
    let acts = [
        "message_deleted",
        "invitation_made",
        "words_set",
        "unbanned",
        "banned",
        "member_removed",
        "room_changed",
    ];
    assert_eq!(recorded, acts);
}

#[tokio::test]
async fn what_the_site_says_as_a_user_is_the_user_s_and_the_key_pays() {
    const MESSAGES: usize = 60;
    let services = Services::start().await;
    let slow = |settings: &mut GatewaySettings| settings.sends_per_second = 1;
    let gateway = gateway(&services, &[Scope::Impersonate], slow).await;
    let users = [services.user("mina").await, services.user("joon").await, services.user("eve").await];
    let room = scene(&gateway, &users).await;
    let [mina, joon, _] = &users;
    let left = async || {
        let (_, told) = get(&gateway, &By::Token(joon), "/v1/limits").await;
        let told: CallerLimits<'static> = serde_json::from_value(told).unwrap();
        let of = |name: &str| told.limits.iter().find(|limit| limit.limit == name).unwrap().left.unwrap();
        (of("user_sends"), of("address_sends"))
    };
    let (before, messages) = (left().await, format!("/v1/rooms/{room}/messages"));
    let text = json!({"text": "ordered", "key": "order-7"});
    for _ in 0..2 {
        let (status, sent) = ask(&gateway, &key_as(joon), Method::POST, &messages, &text).await;
        assert_eq!((status, &sent["id"]), (StatusCode::CREATED, &json!("5")));
    }
    let (_, page) = get(&gateway, &By::Token(mina), &messages).await;
    assert_eq!(page["items"][0]["sender"]["id"], json!(joon.profile.id));
    for _ in 0..MESSAGES {
        let text = json!({"text": "more than a user may"});
        assert_eq!(ask(&gateway, &key_as(joon), Method::POST, &messages, &text).await.0, StatusCode::CREATED);
    }
    let after = left().await;
    assert!(after.0 >= before.0 && after.1 >= before.1, "{before:?}, {after:?}");
    assert!(gateway.metric("madang_gateway_server_calls_total") >= MESSAGES as u64);
}

#[tokio::test]
async fn a_key_has_one_pace_for_all_users() {
    let services = Services::start().await;
    let gateway =
        gateway(&services, &[Scope::Impersonate], |settings| settings.server_calls_per_second = 1).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let mut refused = 0;
    for user in [&mina, &joon].into_iter().cycle().take(20) {
        let (status, answer) = get(&gateway, &key_as(user), "/v1/users/me").await;
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS && answer["limit"] == "server_calls");
    }
    assert!(refused >= 10, "{refused} of 20 were refused");
}

#[tokio::test]
async fn a_key_without_a_user_is_nobody_and_a_token_is_nobody_else() {
    let services = Services::start().await;
    let gateway = gateway(&services, &Scope::ALL, |_| ()).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let nobody = "01941f29-7c00-7000-8000-0000000000ab".to_owned();
    let (one, two) = (mina.profile.id.to_string(), joon.profile.id.to_string());
    for (names, status, said) in [
        (vec![], StatusCode::BAD_REQUEST, "name one user"),
        (vec![one.clone(), two], StatusCode::BAD_REQUEST, "name one user"),
        (vec!["mina".to_owned()], StatusCode::BAD_REQUEST, "must be an id"),
        (vec![String::new()], StatusCode::BAD_REQUEST, "must be an id"),
        (vec![nobody], StatusCode::NOT_FOUND, "there is no user"),
        (vec!["ext:7".to_owned()], StatusCode::NOT_FOUND, "there is no user"),
    ] {
        let (answered, problem) = get(&gateway, &By::Key(names.clone()), "/v1/users/me").await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(answered == status && detail.contains(said), "{names:?}: {answered}, {detail}");
    }
    // A token stays what it is, whatever stands beside it, also where there is nothing to parse.
    for path in ["/v1/users/me", "/v1/auth/sessions"] {
        for other in [mina.profile.id, joon.profile.id] {
            let (status, problem) = get(&gateway, &By::TokenFor(&joon, other), path).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains("of one user alone"), "{problem}");
        }
    }
    // By the site's own id, as it stands in paths; and nobody once the user is erased.
    let path = "/v1/server/users/ext:%EC%86%90%EB%8B%98-7";
    let key = By::Key(vec!["ext:%EC%86%90%EB%8B%98-7".to_owned()]);
    let (_, made) = ask(&gateway, &key, Method::PUT, path, &json!({"name": "손님"})).await;
    assert_eq!(made["external_id"], json!("손님-7"));
    assert_eq!(get(&gateway, &key, "/v1/users/me").await.1["id"], made["id"]);
    assert_eq!(
        ask(&gateway, &key, Method::DELETE, "/v1/users/me", &Value::Null).await.0,
        StatusCode::ACCEPTED
    );
    let by_id = By::Key(vec![made["id"].as_str().unwrap().to_owned()]);
    for gone in [&key, &by_id] {
        let (status, problem) = get(&gateway, gone, "/v1/users/me").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    }
}

#[tokio::test]
async fn only_a_key_that_is_good_and_has_the_scope_acts_as_a_user() {
    let services = Services::start().await;
    let others: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| *scope != Scope::Impersonate).collect();
    let without = gateway(&services, &others, |_| ()).await;
    let mina = services.user("mina").await;
    let (status, problem) = get(&without, &key_as(&mina), "/v1/users/me").await;
    assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("permission_denied")));
    assert!(problem["detail"].as_str().unwrap().contains("scope `impersonate`"), "{problem}");
    // The auth service knows no such key.
    let real = services.gateway().await;
    let (status, problem) = get(&real, &key_as(&mina), "/v1/users/me").await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthenticated")));
}
