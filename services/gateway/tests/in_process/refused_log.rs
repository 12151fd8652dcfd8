//! The gateway's own lines of those who are refused at the door: with what they call themselves and from where, and with
//! nothing that is secret.

use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use madang_kit::clock::{SystemClock, SystemRandom, new_id};
use madang_test_kit::CapturedLog;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Gateway, Services};

/// The gateway's lines that say "refused".
fn refused(log: &CapturedLog) -> Vec<Value> {
    let mut lines = log.lines("refused");
    lines.retain(|line| line["target"] == "madang_gateway::log");
    lines
}

/// The fields of a line that say who was refused, and why.
fn fields(line: &Value) -> [&str; 4] {
    let subject = line.get("account").or(line.get("api_key")).unwrap_or(&Value::Null);
    [&line["event"], subject, &line["address"], &line["reason"]]
        .map(|field| field.as_str().unwrap_or("nothing"))
}

async fn send(gateway: &Gateway, method: Method, path: &str, bearer: &str, body: Value) -> StatusCode {
    let request = gateway.api().request(method, path).header("x-forwarded-for", "203.0.113.9");
    request.bearer_auth(bearer).json(&body).send().await.unwrap().status()
}

#[tokio::test]
async fn sign_ins_and_keys_that_are_refused_here_are_logged_with_account_and_address() {
    const SECRET: &str = "correct horse battery";
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.trusted_proxies = 1).await;
    let (log, _guard) = CapturedLog::begin();
    // A name that nobody can have: auth is not asked.
    let login = json!({"username": "a\nb", "password": SECRET});
    assert_eq!(send(&gateway, Method::POST, "/v1/auth/login", "", login).await, StatusCode::UNAUTHORIZED);
    // A key that nobody has, and what is not even like one.
    let secret = "A".repeat(43);
    let key = format!("mk_0123456789abcdef_{secret}");
    let user = new_id(&SystemClock, &SystemRandom);
    let path = format!("/v1/server/users/{user}/disconnect");
    for bearer in [key.as_str(), SECRET] {
        let status = send(&gateway, Method::POST, &path, bearer, json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let lines = refused(&log);
    let seen: Vec<_> = lines.iter().map(fields).collect();
    assert_eq!(
        seen,
        [
            ["login", "a\\nb", "203.0.113.9", "no_username"],
            ["api_key", "0123456789abcdef", "203.0.113.9", "unauthenticated"],
            ["api_key", "nothing", "203.0.113.9", "unauthenticated"],
        ]
    );
    assert!(!log.text().contains(SECRET) && !log.text().contains(&secret));
    // Strangers cause the lines, so there are only so many: two hundred at once, and twenty a second.
    let began = Instant::now();
    let flood = (0..600).map(|_| {
        let login = json!({"username": "a\nb", "password": SECRET});
        send(&gateway, Method::POST, "/v1/auth/login", "", login)
    });
    // So many connections at once as a busy machine can serve.
    stream::iter(flood).buffer_unordered(16).collect::<Vec<_>>().await;
    let most = began.elapsed().as_secs_f64().mul_add(20.0, 201.0);
    let lines = u32::try_from(refused(&log).len()).unwrap();
    assert!(lines >= 200 && f64::from(lines) <= most, "{lines} lines, of at most {most}");
}
