//! An API key: what it opens, for how long, and how fast it may be used.

use std::time::Duration;

use futures_util::future::join_all;
use madang_client::Client;
use madang_domain::Code;
use madang_e2e::{Backend, PATIENCE, Person, Standalone, eventually, keys, public_room};
use madang_test_kit::Program;
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use crate::{ALL, code, stage};

/// A revoked key is refused after this: what gateways keep of an answer, and a call.
const KEY_BOUND: Duration = Duration::from_millis(5_500);

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
            let no_scope = refused.is_some_and(|problem| problem.detail.contains("does not have the scope"));
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
    // To be somebody is another scope.
    let somebody = Client::new(&gateways[0]).unwrap().with_token(&all.key);
    assert_eq!(code(somebody.me().await), Some(Code::PermissionDenied));

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
    // At once, so that a busy machine does not slow them below the pace.
    let said = json!({});
    let calls = (0..30).map(|_| busy.call(Method::PUT, "/users/ext:7", &said));
    let refusals: Vec<_> = join_all(calls).await.into_iter().filter_map(Result::err).collect();
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
