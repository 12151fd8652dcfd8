//! What a site's backend does with an API key, on a real cluster.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::time::Duration;

use madang_client::{Client, ConnectOptions, Credential, Socket, close_code};
use madang_domain::{Code, Seq, UserId};
use madang_e2e::{
    Backend, PATIENCE, Person, Stage, Standalone, eventually, fast_sends, keys, public_room, site_settings,
    site_token,
};
use madang_test_kit::Program;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{sync::OnceCell, time::Instant};

/// Nobody who was disconnected hears anything after this, on any gateway.
const DISCONNECTION_BOUND: Duration = Duration::from_secs(1);
/// A revoked key is refused after this: what gateways keep of an answer, and a call.
const KEY_BOUND: Duration = Duration::from_millis(5_500);
/// All scopes there are.
const ALL: [&str; 5] = ["rooms", "messages", "notices", "users", "tickets"];

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    let options = || {
        site_settings()
            .into_iter()
            .fold(fast_sends(), |options, (name, value)| options.with_setting(Program::Gateway, name, value))
    };
    STAGE.get_or_init(|| Stage::start(options())).await
}

fn code<T: std::fmt::Debug>(answer: Result<T, madang_client::Error>) -> Option<Code> {
    answer.expect_err("a refusal").code()
}

fn user_id(user: &Value) -> UserId {
    user["id"].as_str().and_then(|id| id.parse().ok()).expect("a user's id")
}

#[tokio::test]
async fn a_key_opens_what_it_is_for_until_it_is_revoked() {
    let stage = stage().await;
    let gateways = [stage.gateway(0), stage.gateway(1)];
    let all = Backend::new(stage, &gateways[0], &ALL).await;
    all.put_user("ext:key-7", &json!({"name": "Mina"})).await;
    let room = public_room(&Person::register(stage.ingress(), "joon").await, "Room", &[]).await.id;

    // Each scope opens its own routes and no others.
    let message = json!({"user": "ext:key-7", "text": "x"});
    let routes = [
        ("messages", Method::POST, format!("/rooms/{room}/messages"), &message),
        ("users", Method::PUT, "/users/ext:key-7".to_owned(), &json!({})),
        ("users", Method::POST, "/users/ext:key-none/disconnect".to_owned(), &json!({})),
        ("tickets", Method::POST, "/users/ext:key-none/ws-ticket".to_owned(), &json!({})),
    ];
    for scope in ALL {
        let backend = Backend::new(stage, &gateways[1], &[scope]).await;
        for (needed, method, path, body) in &routes {
            let answer = backend.call(method.clone(), path, body).await;
            let refused = answer.as_ref().err().and_then(madang_client::Error::problem);
            let no_scope = refused.is_some_and(|problem| problem.detail.contains("has not the scope"));
            assert_eq!(no_scope, scope != *needed, "{scope} at {path}: {answer:?}");
        }
    }

    // What is no key that is good opens nothing; neither does a user's token.
    let other = Backend::new(stage, &gateways[0], &ALL).await;
    let swapped = format!("mk_{}_{}", other.key_id(), all.key.splitn(3, '_').nth(2).unwrap());
    let joon = Person::register(stage.ingress(), "joon").await;
    for wrong in ["", "mk_", "nonsense", &swapped, &all.key[..all.key.len() - 1], &joon.grant.access_token] {
        let backend = Backend::with_key(&gateways[0], wrong);
        let answer = backend.call(Method::PUT, "/users/ext:key-7", &json!({})).await;
        assert_eq!(code(answer), Some(Code::Unauthenticated), "{wrong}");
    }
    // A key is nobody, where one has to be somebody.
    let somebody = Client::new(&gateways[0]).unwrap().with_token(&all.key);
    assert_eq!(code(somebody.me().await), Some(Code::Unauthenticated));

    let there = Backend::with_key(&gateways[1], &all.key);
    for backend in [&all, &there] {
        backend.put_user("ext:key-7", &json!({})).await;
    }
    let revoked = Instant::now();
    assert!(stage.keys(&["revoke", all.key_id()]).await.contains("revoked"));
    for backend in [&all, &there] {
        eventually(PATIENCE, "the end of a revoked key", async || {
            let answer = backend.call(Method::PUT, "/users/ext:key-7", &json!({})).await;
            answer.is_err_and(|error| error.code() == Some(Code::Unauthenticated)).then_some(())
        })
        .await;
    }
    let elapsed = revoked.elapsed();
    assert!(elapsed <= KEY_BOUND, "a revoked key was good for {elapsed:?}");
    let list = stage.keys(&["list"]).await;
    let line = list.lines().find(|line| line.starts_with(all.key_id())).expect("the key is listed");
    assert!(!line.ends_with("\t-") && !list.contains(&all.key[20..]), "{line}");
}

#[tokio::test]
async fn the_site_speaks_as_any_of_its_users() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &ALL).await;
    let joon = Person::register(stage.ingress(), "joon").await;
    let room = public_room(&joon, "Room", &[]).await.id;
    let heard = joon.listen(vec![stage.gateway(1)], room).await;
    let path = format!("/rooms/{room}/messages");

    let as_joon = json!({"user": joon.id, "text": "by the site", "key": "once"});
    let first = site.call(Method::POST, &path, &as_joon).await.unwrap();
    let again = site.call(Method::POST, &path, &as_joon).await.unwrap();
    assert_eq!(
        (&again["seq"], &again["id"], &again["duplicate"]),
        (&first["seq"], &first["id"], &json!(true))
    );
    let (status, by_header) = site.call_with_key(&path, &json!({"user": joon.id, "text": "x"}), "once").await;
    assert_eq!((status.as_u16(), &by_header["seq"]), (201, &first["seq"]));

    // Whom the site has never named is not there; who is no member may not speak.
    let nobody = json!({"user": "ext:speak-none", "text": "x"});
    assert_eq!(code(site.call(Method::POST, &path, &nobody).await), Some(Code::NotFound));
    let mina = user_id(&site.put_user("ext:speak-7", &json!({"name": "Mina", "username": "Mina.Kim"})).await);
    let as_mina = json!({"user": "ext:speak-7", "text": "안녕하세요"});
    assert_eq!(code(site.call(Method::POST, &path, &as_mina).await), Some(Code::PermissionDenied));
    for bad in [
        json!({"text": "x"}),
        json!({"user": "ext:", "text": "x"}),
        json!({"user": joon.id, "text": ""}),
        json!({"user": joon.id, "text": "x", "role": "owner"}),
    ] {
        assert_eq!(code(site.call(Method::POST, &path, &bad).await), Some(Code::InvalidArgument), "{bad}");
    }
    let seq = Seq::new(first["seq"].as_u64().expect("a seq"));
    heard.until_seq(PATIENCE, seq).await;
    assert_ne!(mina, joon.id);
}

#[tokio::test]
async fn the_site_makes_and_changes_its_users() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users"]).await;
    let made = site.put_user("ext:put-7", &json!({"username": "put.mina", "name": "Mina"})).await;
    assert_eq!(
        (&made["username"], &made["name"], &made["external_id"]),
        (&json!("put.mina"), &json!("Mina"), &json!("put-7"))
    );
    let picture = json!({"avatar_url": "https://example.org/m.png"});
    let changed = site.put_user("ext:put-7", &picture).await;
    assert_eq!(
        (&changed["id"], &changed["name"], &changed["avatar_url"]),
        (&made["id"], &json!("Mina"), &picture["avatar_url"])
    );
    let by_id =
        site.put_user(made["id"].as_str().unwrap(), &json!({"name": "김미나", "avatar_url": null})).await;
    assert_eq!(
        (&by_id["name"], &by_id["avatar_url"], &by_id["external_id"]),
        (&json!("김미나"), &Value::Null, &json!("put-7"))
    );
    // An id of the site's may hold what an address may not.
    let odd = site.put_user("ext:a%2Fb%20%EA%B0%80", &json!({})).await;
    assert_eq!(odd["external_id"], json!("a/b 가"));

    let joon = Person::register(stage.ingress(), "joon").await;
    let renamed = site.put_user(&joon.id.to_string(), &json!({"name": "Joon the second"})).await;
    assert_eq!((&renamed["name"], &renamed["external_id"]), (&json!("Joon the second"), &Value::Null));
    let path = format!("/users/{}", joon.id);
    let named = site.call(Method::PUT, &path, &json!({"username": "other"})).await;
    assert_eq!(code(named), Some(Code::FailedPrecondition));
    // A username that somebody has becomes another one.
    let second = site.put_user("ext:put-8", &json!({"username": "put.mina"})).await;
    assert!(second["username"].as_str().unwrap().starts_with("put.mina-"), "{second}");
    for (path, expected) in [
        ("/users/01941f29-7c00-7000-8000-0000000000ab", Code::NotFound),
        ("/users/mina", Code::InvalidArgument),
        ("/users/ext:", Code::InvalidArgument),
    ] {
        assert_eq!(code(site.call(Method::PUT, path, &json!({})).await), Some(expected), "{path}");
    }
}

#[tokio::test]
async fn the_site_lets_a_user_in_by_a_ticket() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users", "tickets"]).await;
    let mina = user_id(&site.put_user("ext:ticket-7", &json!({})).await);
    let made = site.call(Method::POST, "/users/ext:ticket-7/ws-ticket", &json!({})).await.unwrap();
    assert_eq!(made["expires_in"], json!(30));
    let ticket = Credential::Ticket(made["ticket"].as_str().expect("a ticket").to_owned());
    let (_socket, hello) =
        Socket::open(&stage.gateway(1), &ticket, &ConnectOptions::default()).await.expect("a socket");
    assert_eq!(hello.user.id, mina);
    let used = Socket::open(&stage.gateway(0), &ticket, &ConnectOptions::default()).await;
    let used = used.expect_err("a used ticket");
    assert_eq!(used.close().map(|close| close.code), Some(close_code::UNAUTHENTICATED), "{used}");
    let nobody = site.call(Method::POST, "/users/ext:ticket-none/ws-ticket", &json!({})).await;
    assert_eq!(code(nobody), Some(Code::NotFound));
}

#[tokio::test]
async fn who_is_disconnected_is_gone_from_every_gateway_within_a_second() {
    const TRIES: u32 = 12;
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users", "tickets"]).await;
    let gateways = [stage.gateway(0), stage.gateway(1)];
    let mut slowest = Duration::ZERO;
    for n in 0..TRIES {
        let user = 1_000 + u64::from(n);
        let token = site_token(user, &json!({}));
        let bystander = site_token(user + 500, &json!({}));
        let ticket_path = format!("/users/ext:{user}/ws-ticket");
        let mut sockets = Vec::new();
        for base in &gateways {
            let bearer = Credential::Bearer(token.clone());
            let (socket, _) =
                Socket::open(base, &bearer, &ConnectOptions::default()).await.expect("a socket");
            sockets.push(socket);
        }
        let by_ticket = site.call(Method::POST, &ticket_path, &json!({})).await.unwrap();
        let by_ticket = Credential::Ticket(by_ticket["ticket"].as_str().unwrap().to_owned());
        let opened = Socket::open(&gateways[1], &by_ticket, &ConnectOptions::default()).await;
        sockets.push(opened.expect("a socket by ticket").0);
        let unused = site.call(Method::POST, &ticket_path, &json!({})).await.unwrap();
        let stays = Credential::Bearer(bystander);
        let (mut stays, _) =
            Socket::open(&gateways[1], &stays, &ConnectOptions::default()).await.expect("a socket");

        let disconnected = Instant::now();
        site.call_for_nothing(Method::POST, &format!("/users/ext:{user}/disconnect")).await.unwrap();
        for socket in &mut sockets {
            let close = socket.closed(DISCONNECTION_BOUND * 5).await.expect("a close");
            assert_eq!(close.code, close_code::UNAUTHENTICATED, "{close}");
        }
        slowest = slowest.max(disconnected.elapsed());
        // Nothing that let the user in until then does so any more, and nobody else has noticed.
        let unused = Credential::Ticket(unused["ticket"].as_str().unwrap().to_owned());
        for (credential, why) in [(Credential::Bearer(token), "a token"), (unused, "a ticket")] {
            for base in &gateways {
                let refused = Socket::open(base, &credential, &ConnectOptions::default()).await;
                let refused = refused.expect_err(why);
                assert_eq!(
                    refused.close().map(|close| close.code),
                    Some(close_code::UNAUTHENTICATED),
                    "{why}"
                );
            }
        }
        stays.call(madang_contract::ClientFrame::Ping {}, PATIENCE).await.expect("the bystander's socket");
        // A token that is made later is as good as ever.
        let later = site_token(user, &json!({"iat": jsonwebtoken::get_current_timestamp() + 2}));
        Socket::open(&gateways[1], &Credential::Bearer(later), &ConnectOptions::default())
            .await
            .expect("with a new token");
    }
    println!("the slowest of {TRIES} disconnections took {slowest:?}");
    assert!(slowest <= DISCONNECTION_BOUND, "the slowest of {TRIES} took {slowest:?}");
}

#[tokio::test]
async fn a_disconnected_account_of_this_chat_signs_in_again() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users"]).await;
    let joon = Person::register(stage.ingress(), "joon").await;
    let mut socket = joon.socket(&stage.gateway(1)).await;
    site.call_for_nothing(Method::POST, &format!("/users/{}/disconnect", joon.id)).await.unwrap();
    let close = socket.closed(DISCONNECTION_BOUND * 5).await.expect("a close");
    assert_eq!(close.code, close_code::UNAUTHENTICATED);
    let guest = Client::new(&stage.ingress()).unwrap();
    assert_eq!(code(guest.refresh(&joon.grant.refresh_token).await), Some(Code::Unauthenticated));
    // At once, within the same second: what is new is good.
    let again = guest.login(&joon.username, joon.password()).await.unwrap();
    guest.with_token(&again.access_token).me().await.unwrap();
}

#[tokio::test]
async fn the_all_in_one_has_keys_and_a_pace_for_each() {
    const CALLS_PER_SECOND: &str = "5";
    let alone = Standalone::start(
        Program::AllInOne,
        &[("MADANG_DATA_DIR", "data"), ("MADANG_SERVER_CALLS_PER_SECOND", CALLS_PER_SECOND)],
    )
    .await;
    let data = alone.directory().join("data");
    let create = async || {
        let arguments = ["create", "--name", "site", "--scope", "users"];
        keys(Program::AllInOne, &arguments, "MADANG_DATA_DIR", &data).await
    };
    let base = alone.service.base_url();
    let (busy, calm) = (create().await, create().await);
    let (busy, calm) = (Backend::with_key(&base, busy.trim()), Backend::with_key(&base, calm.trim()));
    let mut refusals = Vec::new();
    for _ in 0..30 {
        if let Err(error) = busy.call(Method::PUT, "/users/ext:7", &json!({})).await {
            refusals.push(error);
        }
    }
    assert!(refusals.len() >= 15, "{} of 30 were refused", refusals.len());
    for refusal in &refusals {
        let problem = refusal.problem().expect("a problem");
        assert_eq!(problem.code, Code::RateLimited, "{problem:?}");
        assert!(problem.retry_after().is_some_and(|after| after <= Duration::from_secs(1)), "{problem:?}");
    }
    // Another key has a pace of its own.
    calm.put_user("ext:7", &json!({"name": "Mina"})).await;
    // Made-up keys wear out their own pace, not that of a key which has been good.
    let mut worn = 0;
    for n in 0..400 {
        let made_up = Backend::with_key(&base, &format!("mk_{n:016x}_{}", "A".repeat(43)));
        let answer = made_up.call(Method::PUT, "/users/ext:7", &json!({})).await;
        worn += usize::from(code(answer) == Some(Code::RateLimited));
    }
    assert!(worn > 0, "400 made-up keys were all looked up");
    calm.put_user("ext:7", &json!({"name": "Mina"})).await;
}
