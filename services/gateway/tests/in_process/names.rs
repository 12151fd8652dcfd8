//! Names and texts of Unicode, and what a form is told of its fields.

use madang_client::{Body, Client, NewRoom};
use madang_contract::EventBody;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Services;

/// `한글각시` as a Mac may type it, in its letters.
const DECOMPOSED: &str =
    "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}\u{1100}\u{1161}\u{11a8}\u{1109}\u{1175}";
const PASSWORD: &str = "a long enough password";

async fn post(api: &Client, path: &str, body: Value) -> (StatusCode, Value) {
    answer(api, Method::POST, path, body).await
}

async fn answer(api: &Client, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let answer = api.request(method, path).json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Each field that a refusal names, with what is wrong with it.
fn fields(problem: &Value) -> Vec<(&str, &str)> {
    let told = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    told.iter().map(|field| (field["pointer"].as_str().unwrap(), field["detail"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_name_typed_on_any_machine_is_one_account() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let guest = gateway.api();
    let account = |name: &str| json!({"username": name, "password": PASSWORD});
    let (status, made) = post(&guest, "/v1/auth/register", account(DECOMPOSED)).await;
    assert_eq!((status, &made["user"]["username"]), (StatusCode::CREATED, &json!("한글각시")));
    for form in ["한글각시", DECOMPOSED, "한글각시 ", " 한글각시\u{a0}"] {
        let (status, tokens) = post(&guest, "/v1/auth/login", account(form)).await;
        assert_eq!((status, &tokens["user"]["id"]), (StatusCode::OK, &made["user"]["id"]), "{form:?}");
        let (status, problem) = post(&guest, "/v1/auth/register", account(form)).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::CONFLICT, &json!("/username")));
    }
    assert_eq!(post(&guest, "/v1/auth/register", account("jose\u{301}")).await.0, StatusCode::CREATED);
    assert_eq!(post(&guest, "/v1/auth/register", account("jos\u{435}\u{301}")).await.0, StatusCode::CONFLICT);

    // Whoever is mentioned in the one form hears of it in the other.
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    let other = gateway.api().with_token(made["access_token"].as_str().unwrap());
    let room = api.create_room(&NewRoom::public("Cafe\u{301}")).await.unwrap();
    assert_eq!(room.name, "Café");
    let (status, _) = post(&other, &format!("/v1/rooms/{}/join", room.id), json!({})).await;
    assert_eq!(status, StatusCode::OK);
    let mut subscriber = gateway.subscribe(&mina, room.id).await;
    let text = format!("@{DECOMPOSED}님, cafe\u{301}\u{202e}!");
    let messages = format!("/v1/rooms/{}/messages", room.id);
    assert_eq!(post(&api, &messages, json!({"text": text})).await.0, StatusCode::CREATED);
    let live = subscriber.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;
    let message = live.message().unwrap();
    assert_eq!(message.text, "@한글각시님, café!", "what is said live is what is kept");
    assert_eq!(json!(message.mentions), json!([made["user"]["id"]]));
    let kept = api.messages(room.id, None, None, None).await.unwrap().items.remove(0);
    assert_eq!(kept.text, message.text);
}

#[tokio::test]
async fn a_form_is_told_which_fields_are_wrong() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let (guest, api) = (gateway.api(), gateway.api().with_token(&mina.token));
    let (status, problem) =
        post(&guest, "/v1/auth/register", json!({"username": "a b", "password": PASSWORD})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["detail"], "username may contain only letters, digits, '_', '.' and '-'");
    assert_eq!(fields(&problem), [("/username", "may contain only letters, digits, '_', '.' and '-'")]);
    // One that only auth judges.
    let (_, problem) =
        post(&guest, "/v1/auth/register", json!({"username": "joon", "password": "short"})).await;
    assert_eq!(fields(&problem), [("/password", "must have at least 8 characters")]);

    let room = |slug: &str| json!({"name": "Courtyard", "kind": "public", "slug": slug});
    let (_, problem) = post(&api, "/v1/rooms", room("No Such")).await;
    let [("/slug", detail)] = fields(&problem)[..] else { panic!("{problem}") };
    assert_eq!(problem["detail"], format!("slug {detail}"));
    assert_eq!(post(&api, "/v1/rooms", room("courtyard")).await.0, StatusCode::CREATED);
    let (status, problem) = post(&api, "/v1/rooms", room("courtyard")).await;
    assert_eq!((status, fields(&problem)[0].0), (StatusCode::CONFLICT, "/slug"));

    for (method, path, body, pointer) in [
        (Method::POST, "/v1/rooms", json!({"name": "\u{200b}", "kind": "public"}), "/name"),
        (Method::POST, "/v1/rooms", json!({"name": "a\u{202e}b", "kind": "public"}), "/name"),
        (Method::POST, "/v1/rooms", json!({"name": "x", "kind": "secret"}), "/kind"),
        (Method::POST, "/v1/rooms", json!({"name": "x", "kind": "private", "members": ["x"]}), "/members/0"),
        (Method::PATCH, "/v1/users/me", json!({"name": "\u{3164}"}), "/name"),
        (Method::PATCH, "/v1/users/me", json!({"name": "a\u{e0041}"}), "/name"),
        (Method::PATCH, "/v1/users/me", json!({"avatar_url": "https://"}), "/avatar_url"),
        (Method::PATCH, "/v1/users/me", json!({"avatar_url": "https://h/\"><script>"}), "/avatar_url"),
        (Method::PATCH, "/v1/users/me", json!({"avatar_url": "https://u:p@h/a.png"}), "/avatar_url"),
        (Method::PATCH, "/v1/users/me", json!({"colour": "red"}), "/colour"),
        (Method::POST, "/v1/rooms/courtyard/messages", json!({"text": "\u{2800}"}), "/text"),
        (Method::POST, "/v1/rooms/courtyard/messages", json!({}), "/text"),
        (Method::POST, "/v1/rooms/courtyard/messages", json!({"text": "x", "reply_to": "0"}), "/reply_to"),
        (Method::PUT, "/v1/rooms/courtyard/read", json!({"seq": "x"}), "/seq"),
        (Method::PUT, "/v1/inbox/read", json!({"seq": -1}), "/seq"),
        (Method::POST, "/v1/auth/refresh", json!({"token": "x"}), "/token"),
    ] {
        let (status, problem) = answer(&api, method.clone(), path, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{method} {path} {body}: {problem}");
        assert_eq!(fields(&problem)[0].0, pointer, "{method} {path} {body}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.contains("deserialize") && !detail.contains(" column "), "{detail}");
    }
    // What was asked, what is said of it, and of which parameters.
    type Refused<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
    let queries: [Refused<'_>; 6] = [
        (
            "/v1/rooms/No%20Such",
            "the URL is invalid: room must be an id, a slug, or `ext:` and the site's id of the room",
            &[],
        ),
        (
            "/v1/rooms?limit=x",
            "the query's limit must be a whole number that is not negative",
            &[("/limit", "must be a whole number that is not negative")],
        ),
        ("/v1/rooms?limit=99999999999", "the query's limit is too large", &[("/limit", "is too large")]),
        (
            "/v1/rooms?scope=x",
            "the query's scope is not known here; expected `mine` or `public`",
            &[("/scope", "is not known here; expected `mine` or `public`")],
        ),
        ("/v1/rooms?limit=1&limit=2", "the query's limit stands twice", &[("/limit", "stands twice")]),
        ("/v1/search?limit=1", "the query's q is missing", &[("/q", "is missing")]),
    ];
    for (path, said, errors) in queries {
        let answer = api.request(Method::GET, path).send().await.unwrap();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["detail"], said, "{path}: {problem}");
        assert_eq!(
            if errors.is_empty() { Vec::new() } else { fields(&problem) },
            errors,
            "{path}: {problem}"
        );
    }
    for body in ["{", "{\"name\":}", "{\"name\":\"x\",}", "nonsense"] {
        let post = api.request(Method::POST, "/v1/rooms").header("content-type", "application/json");
        let problem: Value = post.body(body).send().await.unwrap().json().await.unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("the body is not JSON: "), "{body}: {detail}");
        assert!(!detail.contains(" line ") && !detail.contains(" column "), "{body}: {detail}");
    }
}
