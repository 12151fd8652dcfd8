//! The faults of the reference site, each shown.

use madang_reference_tests::{Entry, PATIENCE, Side, Stage, View, eventually};
use serde_json::json;

/// The text of an alert.
const WRONG_ACCESS: &str = "올바르지 않은 접근";
/// What a page sees when a consumer raises: the server drops the connection.
const KILLED: Entry = Entry::Closed { code: 1006, clean: false };

#[tokio::test]
async fn anyone_speaks_as_anyone() {
    let stage = Stage::shared().await;
    let (mina, joon) = (stage.person("미나").await, stage.person("준").await);
    let room = stage.room("Bridge").await;
    let tab = stage.enter(Side::Reference, &mina, room, "mina").await;
    let forged = json!({"room_id": room.to_string(), "user_id": joon.id.to_string(), "message": "I am Joon"});
    tab.send(&forged.to_string()).await;
    tab.until_frame("sender_name", "준").await;
}

#[tokio::test]
async fn a_refused_socket_still_joins_the_group() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Harbour").await;
    let tab = stage.browser.open("reference", &mina, None, &View::room(room), "nobody").await;
    assert_eq!(tab.until_closed().await, [Entry::Error, Entry::Closed { code: 1006, clean: false }]);
    eventually(PATIENCE, "a channel in the group", async || {
        (stage.site.group_size(room).await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_tab_closing_removes_the_participant() {
    let stage = Stage::shared().await;
    let (mina, joon) = (stage.person("미나").await, stage.person("준").await);
    let room = stage.room("Ferry").await;
    let listener = stage.enter(Side::Reference, &joon, room, "joon").await;
    let stays = stage.enter(Side::Reference, &mina, room, "mina, first tab").await;
    let goes = stage.open(Side::Reference, &mina, &View::room(room), "mina, second tab").await;
    goes.close().await;
    listener.until_frame("response_type", "out").await;
    stays.until_frame("response_type", "out").await;
    assert_eq!(stage.site.participants(room).await, [joon.id], "and mina is still there");
}

#[tokio::test]
async fn a_missing_image_kills_the_socket() {
    let stage = Stage::shared().await;
    let mina = stage.site.sign_up("미나", None).await;
    let room = stage.room("Pier").await;
    let tab = stage.enter(Side::Reference, &mina, room, "mina").await;
    tab.say("hello").await;
    assert_eq!(tab.until_closed().await.last(), Some(&KILLED));
}

#[tokio::test]
async fn what_is_no_message_kills_the_socket() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Quay").await;
    for frame in ["{", r#"{"room_id":"1","user_id":"1"}"#] {
        let tab = stage.open(Side::Reference, &mina, &View::room(room), "mina").await;
        tab.send(r#"{"message":"no room"}"#).await;
        tab.until_frame("message", WRONG_ACCESS).await;
        tab.send(frame).await;
        let heard = tab.until_closed().await;
        assert_eq!(heard.last(), Some(&KILLED), "{frame}");
    }
}

#[tokio::test]
async fn an_alert_to_a_misspelt_group_goes_nowhere() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Cove").await;
    let tab = stage.open(Side::Reference, &mina, &View::Alarm, "mina").await;
    stage.site.invite(room, &mina).await;
    stage.notify(Side::Reference, &mina, &json!({"order": 7})).await;
    let heard = tab.until("a notice", |entries| entries.len() > 1).await;
    assert_eq!(heard, [Entry::Opened, Entry::Received(json!({"order": 7}))]);
}

#[tokio::test]
async fn a_repetition_is_saved_twice() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Lock").await;
    let tab = stage.enter(Side::Reference, &mina, room, "mina").await;
    let frame =
        json!({"room_id": room.to_string(), "user_id": mina.id.to_string(), "message": "once", "key": "a"});
    tab.send(&frame.to_string()).await;
    tab.send(&frame.to_string()).await;
    tab.until("both", |entries| entries.iter().filter(|entry| entry.has("message", "once")).count() == 2)
        .await;
    assert_eq!(stage.site.saved(room).await, ["once", "once"]);
}
