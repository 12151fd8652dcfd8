//! What the dialect can be told.

use madang_client::NewRoom;
use madang_e2e::{FrontEnd, PATIENCE, Person, Standalone, public_room};
use madang_test_kit::Program;
use reqwest::Method;
use serde_json::json;

use crate::{clock, places::stage, refusal, says};

#[tokio::test]
async fn paths_zone_and_default_room_are_settings() {
    let settings = [
        ("MADANG_BASE_PATH", "/app"),
        ("MADANG_CHANNELS_PATH", "/"),
        ("MADANG_CHANNELS_TIME_ZONE", "UTC"),
        ("MADANG_CHANNELS_DEFAULT_ROOM", "plaza"),
    ];
    let madang = Standalone::start(Program::AllInOne, &settings).await;
    let root = madang.service.base_url();
    let base = format!("{root}/app");
    let mina = Person::register(&*base, "mina").await;
    let room = public_room(&mina, "Courtyard", &[]).await.id;
    let mut socket = FrontEnd::open(&base, &format!("/chat/{room}/"), &mina).await;
    socket.send(says(room, &mina, "hello")).await;
    let frame = socket.until_type("message").await;
    let logged = mina.api.messages(room, None, None, None).await.expect("the history").items;
    assert_eq!(frame["time"], clock(&logged[0].at.to_string(), 0));

    FrontEnd::open(&base, "/chat/", &mina).await.close().await;
    mina.api.room("plaza").await.expect("the default room");
    let wrong = refusal(&root, &format!("/chat/{room}/"), &[]).await;
    assert_eq!(wrong.status, 404);
    assert!(wrong.problem["detail"].as_str().unwrap_or_default().contains("/app/chat/{room}"), "{wrong:?}");
}

#[tokio::test]
async fn the_edge_can_be_switched_off() {
    let madang = Standalone::start(Program::AllInOne, &[("MADANG_CHANNELS_EDGE", "false")]).await;
    let base = madang.service.base_url();
    let mina = Person::register(&*base, "mina").await;
    let path = format!("/ws/chat/?token={}", mina.grant.access_token);
    assert_eq!(refusal(&base, &path, &[]).await.status, 404);
}

#[tokio::test]
async fn a_setting_that_cannot_be_stops_the_start() {
    for (name, value) in [("MADANG_CHANNELS_TIME_ZONE", "Seoul"), ("MADANG_CHANNELS_PATH", "ws")] {
        let madang = Standalone::spawn(Program::AllInOne, &[(name, value)]);
        let status = madang.service.process().exited(PATIENCE).await.expect("an end");
        assert_eq!(status.code(), Some(2), "{name}={value}");
        assert!(madang.log().contains(name), "{}", madang.log());
    }
}

#[tokio::test]
async fn a_name_of_an_earlier_version_still_counts_and_is_warned_of() {
    let settings = [("MADANG_REFERENCE_PATH", "/old"), ("MADANG_REFERENCE_DEFAULT_ROOM", "plaza")];
    let madang = Standalone::start(Program::AllInOne, &settings).await;
    let base = madang.service.base_url();
    let mina = Person::register(&*base, "mina").await;
    FrontEnd::open(&base, "/old/chat/", &mina).await.close().await;
    mina.api.room("plaza").await.expect("the default room");
    let log = madang.log();
    for (old, new) in [
        ("MADANG_REFERENCE_PATH", "MADANG_CHANNELS_PATH"),
        ("MADANG_REFERENCE_DEFAULT_ROOM", "MADANG_CHANNELS_DEFAULT_ROOM"),
    ] {
        let warned = |line: &str| line.contains("WARN") && line.contains(old) && line.contains(new);
        assert!(log.lines().any(warned), "no warning of {old}: {log}");
    }
    // Both names at once is an error, for nobody could say which was meant.
    let both = [("MADANG_REFERENCE_PATH", "/old"), ("MADANG_CHANNELS_PATH", "/new")];
    let refused = Standalone::spawn(Program::AllInOne, &both);
    let status = refused.service.process().exited(PATIENCE).await.expect("an end");
    assert_eq!(status.code(), Some(2), "{}", refused.log());
}

/// A user's private room may have had the slug before it was reserved.
#[tokio::test]
async fn a_default_room_that_is_not_public_is_told_to_the_operator_and_can_be_mended() {
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(0), "joon"));
    let slug = format!("den-{}", std::process::id());
    let private = NewRoom::private("Den", Vec::new()).slug(&*slug);
    let room = mina.api.create_room(&private).await.expect("a room").id;
    let (auth, store) = (stage.cluster.auth(0).base_url(), stage.cluster.message_store(0).base_url());
    let settings = [
        ("MADANG_AUTH_URL", &*auth),
        ("MADANG_STORE_URL", &*store),
        ("MADANG_CHANNELS_EDGE", "true"),
        ("MADANG_CHANNELS_DEFAULT_ROOM", &*slug),
    ];
    let gateway = Standalone::start(Program::Gateway, &settings).await;
    let base = gateway.service.base_url();
    let path = format!("/ws/chat/?token={}", joon.grant.access_token);
    for _ in 0..2 {
        let refused = refusal(&base, &path, &[]).await;
        assert_eq!(refused.status, 503, "it is not the user's fault: {refused:?}");
    }
    let log = gateway.log();
    let told = |line: &&str| line.contains("ERROR") && line.contains(&slug);
    assert_eq!(log.lines().filter(told).count(), 1, "once a minute is enough: {log}");

    // Its owner gives the slug up, and the configuration takes it without its rest.
    let unnamed = mina.api.request(Method::PATCH, &format!("/v1/rooms/{room}")).json(&json!({"slug": null}));
    mina.api.call_for_nothing(unnamed).await.expect("the slug is given up");
    FrontEnd::open(&base, "/ws/chat/", &joon).await.close().await;
    assert_ne!(joon.api.room(&slug).await.expect("the default room").id, room);
}
