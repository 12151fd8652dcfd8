//! The faults that sites with Django Channels know, and their absence: who speaks as another, sockets refused and joined,
//! tabs, crashes, losses and repetitions.

use std::{path::PathBuf, time::Duration};

use madang_client::NewRoom;
use madang_domain::RoomId;
use madang_e2e::{
    COMPLETE_AGAIN, FrontEnd, LEASE, LogRow, PATIENCE, PRESENCE_PULSE, Person, Stage, eventually,
    logs_contain, public_room,
};
use madang_test_kit::ClusterOptions;
use serde_json::{Value, json};

use crate::{
    places::{options, stage},
    room_path, says,
};

/// A dead gateway's users leave when its lease and the grace of a second are over.
const LEASE_AND_GRACE: Duration = Duration::from_secs(LEASE.as_secs() + 1 + PRESENCE_PULSE.as_secs());
/// The messages that the channel layer of old held before it dropped more without a word.
const CHANNEL_CAPACITY: usize = 100;

fn is_message(text: &str) -> impl Fn(&Value) -> bool {
    move |frame| frame["message"] == text
}

fn is_presence(response_type: &str, user: &Person) -> impl Fn(&Value) -> bool {
    move |frame| frame["response_type"] == response_type && frame["user_id"] == json!(user.id)
}

/// The texts of a room's log, in order.
async fn logged(stage: &Stage, room: RoomId) -> Vec<String> {
    let log = stage.log_of(room).await;
    log.into_iter().filter(LogRow::is_message).filter_map(|row| row.text).collect()
}

#[tokio::test]
async fn nobody_speaks_as_another_and_who_is_refused_is_nowhere() {
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "미나"), Person::register(stage.gateway(1), "준"));
    let room = mina.api.create_room(&NewRoom::private("Bridge", vec![])).await.expect("a room").id;
    let mut watcher = FrontEnd::open(&stage.gateway(0), &room_path(room), &mina).await;
    watcher.until("her own coming", is_presence("enter", &mina)).await;
    let refused = format!("{}?token={}&id={}", room_path(room), joon.grant.access_token, mina.id);
    for gateway in [stage.gateway(0), stage.gateway(1)] {
        let refusal = FrontEnd::try_open(&gateway, &refused, &[]).await.expect_err("a refusal");
        assert_eq!(refusal.status, 403);
    }
    watcher.send(json!({"room_id": room, "user_id": joon.id, "message": "I am Joon"}).to_string()).await;
    assert_eq!(watcher.next().await["response_type"], "alert", "and nobody has come in before it");
    watcher.send(says(room, &mina, "I am Mina")).await;
    assert_eq!(watcher.next().await["sender"], json!(mina.id));
    assert_eq!(logged(stage, room).await, ["I am Mina"]);
}

#[tokio::test]
async fn a_token_in_the_address_is_in_no_log_even_at_debug() {
    const TEXT: &str = "a text that is in no log: hanok";
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "미나").await;
    let room = public_room(&mina, "Well", &[]).await.id;
    let token = &mina.grant.access_token;
    let mut socket = FrontEnd::open(&stage.ingress(), &room_path(room), &mina).await;
    socket.send(says(room, &mina, TEXT)).await;
    socket.until("the text", is_message(TEXT)).await;
    socket.close().await;
    let wrong = [format!("/chat/{room}/"), room_path(format!("none-{room}"))];
    for path in &wrong {
        let address = format!("{path}?token={token}");
        FrontEnd::try_open(&stage.ingress(), &address, &[]).await.expect_err("a refusal");
    }
    // The ingress writes its line after the end of a socket: until then no log says anything.
    for path in wrong.iter().chain([&room_path(room)]) {
        stage.until_logged(path, 1).await;
    }
    let logs: Vec<_> = stage.cluster.processes().into_iter().map(|entry| entry.log).collect();
    for secret in [token.as_str(), TEXT] {
        assert_eq!(logs_contain(logs.iter().map(PathBuf::as_path), secret), Vec::<String>::new());
    }
}

#[tokio::test]
async fn more_than_a_channel_held_arrives_whole_and_in_order() {
    const MESSAGES: usize = 3 * CHANNEL_CAPACITY;
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "미나"), Person::register(stage.gateway(1), "준"));
    let room = public_room(&mina, "Harbour", &[]).await.id;
    let mut speaker = FrontEnd::open(&stage.gateway(0), &room_path(room), &mina).await;
    // This one reads nothing until all is said.
    let mut listener = FrontEnd::open(&stage.gateway(1), &room_path(room), &joon).await;
    let texts: Vec<String> = (0..MESSAGES).map(|number| format!("message {number}")).collect();
    for batch in texts.chunks(CHANNEL_CAPACITY / 2) {
        for text in batch {
            speaker.send(says(room, &mina, text)).await;
        }
        // At the pace that frames of one socket may have: the last of them is heard before the next are sent.
        speaker.until("the last of a batch", is_message(&batch[batch.len() - 1])).await;
    }
    let frames = listener.all_until(PATIENCE, "the last one", is_message(&texts[MESSAGES - 1])).await;
    let messages: Vec<&str> = frames
        .iter()
        .filter(|frame| frame["response_type"] == "message")
        .filter_map(|frame| frame["message"].as_str())
        .collect();
    assert_eq!(messages, texts);
}

#[tokio::test]
async fn a_repetition_with_a_key_is_one_message() {
    let stage = stage().await;
    let mina = Person::register(stage.gateway(0), "미나").await;
    let room = public_room(&mina, "Lock", &[]).await.id;
    let mut first = FrontEnd::open(&stage.gateway(0), &room_path(room), &mina).await;
    let mut second = FrontEnd::open(&stage.gateway(1), &room_path(room), &mina).await;
    let keyed = json!({"room_id": room, "user_id": mina.id, "message": "once", "key": "a"}).to_string();
    for socket in [&mut first, &mut second] {
        socket.send(&*keyed).await;
        socket.send(&*keyed).await;
    }
    // What has no key, as of old, is a message each time.
    second.until("the one", is_message("once")).await;
    second.send(says(room, &mina, "twice")).await;
    second.send(says(room, &mina, "twice")).await;
    for _ in 0..2 {
        second.until("the other", is_message("twice")).await;
    }
    second.send(says(room, &mina, "end")).await;
    let frames = first.all_until(PATIENCE, "the end", is_message("end")).await;
    let heard: Vec<&Value> = frames.iter().map(|frame| &frame["message"]).filter(|m| m.is_string()).collect();
    assert_eq!(heard, ["once", "twice", "twice", "end"]);
    assert_eq!(logged(stage, room).await, ["once", "twice", "twice", "end"]);
}

#[tokio::test]
async fn who_is_removed_is_told_by_a_close_and_hears_nothing_more() {
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "미나"), Person::register(stage.gateway(1), "준"));
    let room = mina.api.create_room(&NewRoom::private("Cove", vec![joon.id])).await.expect("a room").id;
    let mut watcher = FrontEnd::open(&stage.gateway(0), &room_path(room), &mina).await;
    let mut removed = FrontEnd::open(&stage.gateway(1), &room_path(room), &joon).await;
    watcher.until("joon's coming", is_presence("enter", &joon)).await;
    mina.api.remove_member(room, joon.id).await.expect("a removal");
    watcher.send(says(room, &mina, "among ourselves")).await;
    loop {
        match removed.next_or_closed(PATIENCE).await {
            Some(Ok(frame)) => assert_ne!(frame["message"], "among ourselves", "{frame}"),
            other => break assert_eq!(other.map(Result::unwrap_err), Some(4403)),
        }
    }
    watcher.until("joon's going", is_presence("out", &joon)).await;
    let query = format!("{}?token={}", room_path(room), joon.grant.access_token);
    let refusal = FrontEnd::try_open(&stage.gateway(1), &query, &[]).await.expect_err("a refusal");
    assert_eq!(refusal.status, 403);
}

#[tokio::test]
async fn killed_gateways_leave_nobody_behind_and_take_nobody_away() {
    let stage = Stage::start(ClusterOptions { gateways: 3, ..options() }).await;
    let (mina, joon, sora) = tokio::join!(
        Person::register(stage.gateway(0), "미나"),
        Person::register(stage.gateway(1), "준"),
        Person::register(stage.gateway(2), "소라"),
    );
    let room = public_room(&mina, "Ferry", &[]).await.id;
    let mut watcher = FrontEnd::open(&stage.gateway(2), &room_path(room), &sora).await;
    // A tab of Mina's on each of the two that will die; Joon is on the first alone.
    let _first = FrontEnd::open(&stage.gateway(0), &room_path(room), &mina).await;
    let _second = FrontEnd::open(&stage.gateway(1), &room_path(room), &mina).await;
    watcher.until("mina's coming", is_presence("enter", &mina)).await;
    let _joon = FrontEnd::open(&stage.gateway(0), &room_path(room), &joon).await;
    watcher.until("joon's coming", is_presence("enter", &joon)).await;

    stage.cluster.gateway(0).kill9().await.expect("a kill");
    let frames = watcher.all_until(LEASE_AND_GRACE, "joon's going", is_presence("out", &joon)).await;
    assert_eq!(frames.len(), 1, "mina has another tab: {frames:?}");
    watcher.send(says(room, &sora, "one is left")).await;
    let frames = watcher.all_until(PATIENCE, "a message", is_message("one is left")).await;
    assert_eq!(frames.len(), 1, "{frames:?}");

    stage.cluster.gateway(1).kill9().await.expect("a kill");
    let frames = watcher.all_until(LEASE_AND_GRACE, "mina's going", is_presence("out", &mina)).await;
    assert_eq!(frames.len(), 1, "{frames:?}");
    // Once: whoever goes later is the next.
    let passer_by = FrontEnd::open(&stage.gateway(2), &room_path(room), &joon).await;
    watcher.until("joon's coming", is_presence("enter", &joon)).await;
    passer_by.close().await;
    let frames = watcher.all_until(PATIENCE, "joon's going", is_presence("out", &joon)).await;
    assert_eq!(frames.len(), 1, "{frames:?}");
}

#[tokio::test]
async fn what_is_saved_is_heard_though_its_gateway_died() {
    const SPEAKERS: usize = 6;
    let stage = Stage::start(options()).await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "미나"), Person::register(stage.gateway(1), "준"));
    let room = public_room(&mina, "Pier", &[]).await.id;
    let mut listener = FrontEnd::open(&stage.gateway(1), &room_path(room), &joon).await;
    let mut speakers = Vec::new();
    for _ in 0..SPEAKERS {
        speakers.push(FrontEnd::open(&stage.gateway(0), &room_path(room), &mina).await);
    }
    for (number, speaker) in speakers.iter_mut().enumerate() {
        for message in 0..20 {
            speaker.send(says(room, &mina, &format!("{number}-{message}"))).await;
        }
    }
    let first = listener.until_type("message").await;
    stage.cluster.gateway(0).kill9().await.expect("a kill");

    // The store may still commit what it had in hand; in the end the listener has heard what the log has, in its order.
    let mut heard = vec![first];
    let log = eventually(COMPLETE_AGAIN, "the listener to have heard all that is saved", async || {
        let log = logged(&stage, room).await;
        while heard.len() < log.len() {
            heard.push(listener.until_type("message").await);
        }
        (logged(&stage, room).await.len() == heard.len()).then_some(log)
    })
    .await;
    let heard: Vec<&str> = heard.iter().filter_map(|frame| frame["message"].as_str()).collect();
    assert_eq!(heard, log);
    // The room goes on.
    listener.send(says(room, &joon, "after")).await;
    assert_eq!(listener.until_type("message").await["message"], "after");
}

#[tokio::test]
async fn an_outage_is_an_alert_and_a_restart_a_close() {
    let stage = Stage::start(ClusterOptions { message_store: 1, ..options() }).await;
    let mina = Person::register(stage.gateway(0), "미나").await;
    let room = public_room(&mina, "Quay", &[]).await.id;
    let mut socket = FrontEnd::open(&stage.gateway(0), &room_path(room), &mina).await;
    socket.until("her own coming", is_presence("enter", &mina)).await;

    stage.cluster.message_store(0).kill9().await.expect("a kill");
    socket.send(says(room, &mina, "into the void")).await;
    let alert = socket.next().await;
    assert_eq!(alert["response_type"], "alert", "{alert}");
    let query = format!("{}?token={}", room_path(room), mina.grant.access_token);
    let refusal = FrontEnd::try_open(&stage.gateway(1), &query, &[]).await.expect_err("a refusal");
    assert_eq!(refusal.status, 503, "{refusal:?}");
    assert!(refusal.retry_after.is_some(), "{refusal:?}");

    stage.cluster.message_store(0).restart().await.expect("a restart");
    eventually(COMPLETE_AGAIN, "the store to be used again", async || {
        socket.send(says(room, &mina, "it lives")).await;
        let frame = socket.next().await;
        (frame["response_type"] == "message").then_some(())
    })
    .await;

    // A gateway that stops says it by the close alone: front ends of old know no word for it.
    let gateway = stage.cluster.gateway(0);
    let (stopped, frames) = tokio::join!(gateway.stop(), async {
        let mut frames = Vec::new();
        loop {
            match socket.next_or_closed(PATIENCE).await {
                Some(Ok(frame)) => frames.push(frame),
                Some(Err(code)) => return (code, frames),
                None => panic!("the socket was not closed"),
            }
        }
    });
    stopped.expect("an end in good order");
    let (code, frames) = frames;
    assert_eq!(code, 1012);
    assert!(frames.iter().all(|frame| frame["response_type"].is_string()), "{frames:?}");
}
