//! Reports, the audit log and word lists, by REST.

use madang_client::{Client, NewRoom};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Services;

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

#[tokio::test]
async fn a_report_is_made_once_listed_settled_and_recorded() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = minas.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    juns.join(room).await.unwrap();
    let sent = minas.send_message(room, "an offence", None).await.unwrap();
    let path = format!("/v1/rooms/{room}/messages/{}/report", sent.id);
    let (status, made) = call(&juns, Method::POST, &path, Some(&json!({"reason": "욕설"}))).await;
    assert_eq!(
        (status, &made["status"], &made["reason"]),
        (StatusCode::CREATED, &json!("open"), &json!("욕설"))
    );
    assert_eq!((&made["sender"]["name"], &made["reporter"]["name"]), (&json!("mina"), &json!("jun")));
    let (status, again) = call(&juns, Method::POST, &path, Some(&json!({"reason": "again"}))).await;
    assert_eq!((status, &again), (StatusCode::CREATED, &made));
    assert_eq!(
        call(&minas, Method::POST, &path, Some(&json!({}))).await.0,
        StatusCode::CONFLICT,
        "one's own"
    );

    let (_, listed) = call(&minas, Method::GET, "/v1/reports", None).await;
    assert_eq!(listed["items"], json!([made]));
    assert_eq!(call(&juns, Method::GET, "/v1/reports", None).await.1["items"], json!([]));
    let of_report = format!("/v1/reports/{}", made["id"].as_str().unwrap());
    let settle = json!({"status": "resolved"});
    assert_eq!(call(&juns, Method::PATCH, &of_report, Some(&settle)).await.0, StatusCode::FORBIDDEN);
    let (status, settled) = call(&minas, Method::PATCH, &of_report, Some(&settle)).await;
    assert_eq!((status, &settled["settled_by"]), (StatusCode::OK, &json!(mina.profile.id)));
    assert_eq!(call(&minas, Method::GET, "/v1/reports", None).await.1["items"], json!([]));
    let query = format!("/v1/reports?room={room}&status=resolved&limit=1");
    assert_eq!(call(&minas, Method::GET, &query, None).await.1["items"], json!([settled]));

    let audit = format!("/v1/rooms/{room}/audit");
    let (status, entries) = call(&minas, Method::GET, &audit, None).await;
    assert_eq!(status, StatusCode::OK);
    let entry = &entries["items"][0];
    assert_eq!((&entry["action"], &entry["message"]), (&json!("report_settled"), &json!(sent.id)));
    assert_eq!((&entry["by_site"], &entry["actor"]["username"]), (&json!(false), &json!("mina")));
    assert_eq!(call(&juns, Method::GET, &audit, None).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn words_of_a_room_are_not_accepted_at_any_gateway() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = minas.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    juns.join(room).await.unwrap();
    let (words, messages) = (format!("/v1/rooms/{room}/words"), format!("/v1/rooms/{room}/messages"));
    let list = json!({"words": ["바보"], "action": "refuse"});
    assert_eq!(call(&juns, Method::PUT, &words, Some(&list)).await.0, StatusCode::FORBIDDEN);
    let (status, set) = call(&minas, Method::PUT, &words, Some(&list)).await;
    assert_eq!((status, &set), (StatusCode::OK, &json!({"words": ["바보"], "action": "refuse"})));
    for text in ["바보", "바 보!", "ㅂㅏㅂㅗ"] {
        let (status, refused) = call(&juns, Method::POST, &messages, Some(&json!({"text": text}))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert_eq!(refused["errors"][0]["pointer"], "/text");
    }
    assert_eq!(
        call(&juns, Method::POST, &messages, Some(&json!({"text": "밥오"}))).await.0,
        StatusCode::CREATED
    );
    assert_eq!(call(&minas, Method::GET, &words, None).await.1, set);
    for (unfit, action) in [("...", "flag"), ("", "flag"), ("a", "burn")] {
        let unfit = json!({"words": [unfit], "action": action});
        assert_eq!(
            call(&minas, Method::PUT, &words, Some(&unfit)).await.0,
            StatusCode::BAD_REQUEST,
            "{unfit}"
        );
    }
}
