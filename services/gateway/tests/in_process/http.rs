//! Paths, methods and bodies that are not as they should be.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::Services;

#[tokio::test]
async fn what_is_wrong_is_a_problem_with_the_contracts_code() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    for (method, path, body, status, code) in [
        (Method::GET, "/v1/nowhere", None, StatusCode::NOT_FOUND, "not_found"),
        (Method::DELETE, "/v1/inbox", None, StatusCode::METHOD_NOT_ALLOWED, "invalid_argument"),
        (Method::GET, "/v1/rooms/no-such-room", None, StatusCode::NOT_FOUND, "not_found"),
        (Method::GET, "/v1/rooms?limit=0", None, StatusCode::BAD_REQUEST, "invalid_argument"),
        (Method::POST, "/v1/rooms", Some(json!({"name": ""})), StatusCode::BAD_REQUEST, "invalid_argument"),
        (
            Method::POST,
            "/v1/rooms",
            Some(json!({"name": "x", "kind": "public", "colour": "red"})),
            StatusCode::BAD_REQUEST,
            "invalid_argument",
        ),
    ] {
        let mut request = api.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json", "{method} {path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code, "{method} {path}: {problem}");
        assert_eq!(problem["status"], status.as_u16());
    }
}

#[tokio::test]
async fn a_request_without_a_credential_is_told_which_one_to_send() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let answer = gateway.api().request(Method::GET, "/v1/rooms").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], "Bearer");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "unauthenticated");
}
