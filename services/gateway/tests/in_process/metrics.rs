//! What an operator sees of clients: requests, frames, closes, refusals and deliveries.

use std::time::Duration;

use madang_client::{Body, Client, ConnectOptions, Credential, NewRoom, Socket};
use madang_contract::{ClientFrame, EventBody};
use madang_domain::{IdempotencyKey, MessageText};
use serde_json::json;

use crate::support::{Gateway, PATIENCE, Services, within};

/// Looks again and again: nobody tells that a number has changed.
async fn eventually<T>(awaited: &str, look: impl Fn() -> Option<T>) -> T {
    let looking = async {
        loop {
            match look() {
                Some(seen) => return seen,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    within(PATIENCE, awaited, looking).await
}

/// Waits until a metric has this value: what is counted behind an answer may come after it.
async fn until(gateway: &Gateway, metric: &str, value: u64) {
    let awaited = format!("{metric} to be {value}");
    eventually(&awaited, || (gateway.metric_if_shown(metric)? == value).then_some(())).await;
}

#[tokio::test]
async fn requests_are_told_apart_by_route_and_status_and_never_by_what_clients_choose() {
    let services = Services::start().await;
    let gateway = services.gateway_under("/chat").await;
    let mina = services.user("mina").await;
    let api = Client::new(&format!("{}/chat", gateway.base())).unwrap().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap();
    for _ in 0..2 {
        api.room(&room.id.to_string()).await.unwrap();
    }
    api.room("there-is-none").await.unwrap_err();
    let nowhere = api.request(reqwest::Method::from_bytes(b"BREW").unwrap(), "/coffee").send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
    let count = |method: &str, route: &str, status: u16| {
        format!(
            "http_server_request_duration_seconds_count{{http_request_method=\"{method}\",\
             http_response_status_code=\"{status}\",http_route=\"{route}\"}}"
        )
    };
    until(&gateway, &count("POST", "/chat/v1/rooms", 201), 1).await;
    until(&gateway, &count("GET", "/chat/v1/rooms/{room}", 200), 2).await;
    until(&gateway, &count("GET", "/chat/v1/rooms/{room}", 404), 1).await;
    until(&gateway, &count("_OTHER", "_OTHER", 404), 1).await;
    let text = gateway.metrics();
    assert!(!text.contains(&room.id.to_string()) && !text.contains("coffee"), "{text}");
}

#[tokio::test]
async fn deliveries_frames_and_closes_are_counted() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let room =
        gateway.api().with_token(&mina.token).create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    gateway.api().with_token(&joon.token).join(room).await.unwrap();
    let mut listeners = [gateway.subscribe(&mina, room).await, gateway.subscribe(&joon, room).await];
    let before = gateway.metric("madang_gateway_delivery_duration_seconds_count");
    for number in 0..3 {
        let send = ClientFrame::Send {
            room: room.into(),
            key: IdempotencyKey::new(format!("{number}")).unwrap(),
            text: MessageText::new("hello").unwrap(),
            reply_to: None,
            attachments: Vec::new(),
            thread: None,
            in_room: false,
            metadata: None,
        };
        listeners[0].socket.send_frame(send).await.unwrap();
    }
    for listener in &mut listeners {
        for _ in 0..3 {
            listener.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;
        }
    }
    // Three messages for two sockets; what was replayed to them before does not count.
    until(&gateway, "madang_gateway_delivery_duration_seconds_count", before + 6).await;
    assert_eq!(gateway.metric("madang_gateway_delivery_duration_seconds_bucket{le=\"10\"}"), before + 6);
    until(&gateway, "madang_gateway_outbox_bytes", 0).await;
    assert_eq!(gateway.metric("madang_gateway_frames_received_total{type=\"send\"}"), 3);
    assert_eq!(gateway.metric("madang_gateway_frames_received_total{type=\"subscribe\"}"), 2);
    let sends = "madang_gateway_command_duration_seconds_count{command=\"send\",outcome=\"ok\"}";
    assert_eq!(gateway.metric(sends), 3);
    assert_eq!(gateway.metric("madang_gateway_sessions"), 2);
    assert_eq!(gateway.metric("madang_gateway_admissions_total{outcome=\"admitted\"}"), 2);
    assert_eq!(gateway.metric("madang_gateway_admission_delay_seconds_count"), 2);

    listeners[0].socket.send_text("{").await.unwrap();
    until(&gateway, "madang_gateway_frames_received_total{type=\"invalid\"}", 1).await;
    let [speaker, listener] = listeners;
    listener.socket.close().await;
    until(&gateway, "madang_gateway_closed_total{reason=\"by_client\"}", 1).await;
    drop(speaker);
    until(&gateway, "madang_gateway_sessions", 0).await;
}

#[tokio::test]
async fn whoever_is_refused_is_counted_with_the_reason() {
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.room_creations_per_minute = 1).await;
    let mina = services.user("mina").await;
    let wrong = Credential::Bearer("wrong".to_owned());
    Socket::open(&gateway.base(), &wrong, &ConnectOptions::default()).await.unwrap_err();
    let refused = |reason: &str| format!("madang_gateway_refused_handshakes_total{{reason=\"{reason}\"}}");
    until(&gateway, &refused("bad_credential"), 1).await;

    let ws = reqwest::Client::new().get(format!("{}/v1/ws", gateway.base()));
    let handshake = ws
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
        .header("origin", "https://elsewhere.example");
    assert_eq!(handshake.send().await.unwrap().status(), 403);
    until(&gateway, &refused("origin"), 1).await;

    let api = gateway.api().with_token(&mina.token);
    let create =
        || api.request(reqwest::Method::POST, "/v1/rooms").json(&json!({"name": "R", "kind": "public"}));
    let mut limited = 0;
    for _ in 0..6 {
        limited += u64::from(create().send().await.unwrap().status() == 429);
    }
    assert!(limited > 0);
    until(&gateway, "madang_gateway_rate_limited_total{limit=\"room_creations\"}", limited).await;
    assert_eq!(gateway.metric("madang_gateway_rate_limited_total{limit=\"user_sends\"}"), 0);
}

#[tokio::test]
async fn ages_connections_and_the_bus_are_looked_at() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let _socket = gateway.socket(&mina).await;
    assert_eq!(gateway.metric("madang_gateway_max_connections"), 100_000);
    assert!(gateway.metric("madang_gateway_connections") >= 1);
    until(&gateway, "madang_bus_shards{status=\"healthy\"}", 1).await;
    let seconds = |metric: &str| {
        let text = gateway.metrics();
        let line = text.lines().find(|line| line.starts_with(metric))?.to_owned();
        line.rsplit(' ').next()?.parse::<f64>().ok()
    };
    for metric in ["madang_gateway_revocations_lag_seconds", "madang_gateway_verification_keys_age_seconds"] {
        let shown = eventually(metric, || seconds(metric)).await;
        assert!(shown < PATIENCE.as_secs_f64() + Duration::from_secs(60).as_secs_f64(), "{metric}: {shown}");
    }
}
