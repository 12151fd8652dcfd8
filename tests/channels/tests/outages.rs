//! The faults of the Django site that a crash, a pause or a Redis that is away brings out: shown there, and their
//! absence in Madang. One test at a time breaks the stage, and mends it.

use std::time::Duration;

use madang_channels_tests::{Entry, PATIENCE, Person, Room, Side, Stage, Tab, View, eventually};
use serde_json::json;

/// Of a channel in `channels_redis`, by default.
const CHANNEL_CAPACITY: usize = 100;
/// More than a channel holds.
const MANY: usize = 150;
/// The process that is broken, and the one that is not.
const BROKEN: usize = 0;
const WHOLE: usize = 1;
/// A gateway's lease, the grace, and what a busy machine adds.
const LEASE_AND_GRACE: Duration = Duration::from_secs(30);

async fn say_many(tab: &Tab, room: &Room, person: &Person) {
    for number in 0..MANY {
        let frame = json!({
            "room_id": room.id.to_string(), "user_id": person.id.to_string(), "message": number.to_string(),
        });
        tab.send(&frame.to_string()).await;
    }
    tab.until_frame("message", &(MANY - 1).to_string()).await;
}

/// The texts of a tab's messages.
fn texts(entries: &[Entry]) -> Vec<String> {
    let text = |entry: &Entry| match entry {
        Entry::Received(frame) if frame["response_type"] == "message" => {
            frame["message"].as_str().map(str::to_owned)
        }
        _ => None,
    };
    entries.iter().filter_map(text).collect()
}

fn is(entry: &Entry, response_type: &str, person: &Person) -> bool {
    matches!(entry, Entry::Received(frame)
        if frame["response_type"] == response_type && frame["user_id"] == person.id)
}

#[tokio::test]
async fn a_slow_process_drops_nothing() {
    let stage = Stage::breakable().await;
    let (mina, joon) = (stage.person("미나").await, stage.person("준").await);
    let room = stage.room("Weir").await;

    let listener = stage.enter_at(Side::Django, BROKEN, &joon, &room, "joon").await;
    let talker = stage.enter_at(Side::Django, WHOLE, &mina, &room, "mina").await;
    listener.until_frame("sender_name", "미나").await;
    stage.site.process(BROKEN).process().pause();
    say_many(&talker, &room, &mina).await;
    stage.site.process(BROKEN).process().resume();
    // The channel is empty again when something that is said now arrives.
    let heard = loop {
        talker.say("end").await;
        talker.until_frame("message", "end").await;
        let heard = texts(&listener.heard().await);
        if heard.iter().any(|text| text == "end") {
            break heard;
        }
    };
    let arrived = heard.iter().filter(|text| *text != "end").count();
    assert!((CHANNEL_CAPACITY..MANY).contains(&arrived), "{arrived} of {MANY} arrived");
    assert!(stage.site.saved(room.id).await.len() > MANY, "all were saved");

    let listener = stage.enter_at(Side::Madang, BROKEN, &joon, &room, "joon").await;
    let talker = stage.enter_at(Side::Madang, WHOLE, &mina, &room, "mina").await;
    listener.until_frame("sender_name", "미나").await;
    stage.madang.cluster().gateway(BROKEN).process().pause();
    say_many(&talker, &room, &mina).await;
    stage.madang.cluster().gateway(BROKEN).process().resume();
    let heard = texts(&listener.until_frame("message", &(MANY - 1).to_string()).await);
    let said: Vec<String> = (0..MANY).map(|number| number.to_string()).collect();
    assert_eq!(heard, said, "each once, in order");
}

#[tokio::test]
async fn what_is_saved_is_told_also_by_a_process_that_dies() {
    let stage = Stage::breakable().await;
    let (mina, joon) = (stage.person("미나").await, stage.person("준").await);
    let room = stage.room("Sluice").await;

    // The message is saved, the channel layer is away, and the process dies before it comes back.
    let listener = stage.enter_at(Side::Django, WHOLE, &joon, &room, "joon").await;
    let talker = stage.enter_at(Side::Django, BROKEN, &mina, &room, "mina").await;
    listener.until_frame("sender_name", "미나").await;
    stage.site.redis().pause();
    talker.say("kept").await;
    let saved = async || (stage.site.saved(room.id).await == ["kept"]).then_some(());
    eventually(PATIENCE, "a saved message", saved).await;
    stage.site.process(BROKEN).process().kill9().await.expect("a kill");
    stage.site.redis().resume();
    stage.site.process(BROKEN).restart().await;
    // Mina comes back, and is heard again. No `enter` says so: the crash has left her in the room.
    let view = View::room(room.id);
    let again = stage.open_at(Side::Django, BROKEN, &mina, &view, "mina, again").await;
    again.say("after").await;
    let heard = listener.until_frame("message", "after").await;
    assert_eq!(texts(&heard), ["after"], "what was saved before was told to nobody");

    let listener = stage.enter_at(Side::Madang, WHOLE, &joon, &room, "joon").await;
    let talker = stage.enter_at(Side::Madang, BROKEN, &mina, &room, "mina").await;
    listener.until_frame("sender_name", "미나").await;
    let cluster = stage.madang.cluster();
    cluster.redis().kill9().await.expect("a kill");
    talker.say("kept").await;
    let kept = async || (stage.saved(Side::Madang, &room).await == ["kept"]).then_some(());
    eventually(PATIENCE, "a kept message", kept).await;
    cluster.gateway(BROKEN).kill9().await.expect("a kill");
    cluster.redis().restart().await.expect("Redis");
    let heard = listener.until_frame("message", "kept").await;
    assert_eq!(texts(&heard), ["kept"]);
    cluster.gateway(BROKEN).restart().await.expect("a gateway");
}

#[tokio::test]
async fn whoever_was_on_a_process_that_died_goes_out() {
    let stage = Stage::breakable().await;
    let (mina, joon) = (stage.person("미나").await, stage.person("준").await);
    let room = stage.room("Landing").await;

    let listener = stage.enter_at(Side::Django, WHOLE, &joon, &room, "joon").await;
    let lost = stage.enter_at(Side::Django, BROKEN, &mina, &room, "mina").await;
    listener.until_frame("sender_name", "미나").await;
    stage.site.process(BROKEN).process().kill9().await.expect("a kill");
    lost.until_closed().await;
    stage.site.process(BROKEN).restart().await;
    assert_eq!(stage.site.participants(room.id).await, [joon.id, mina.id], "nothing would ever remove her");
    let view = View::room(room.id);
    let back = stage.open_at(Side::Django, BROKEN, &mina, &view, "mina, back").await;
    back.say("back").await;
    let heard = listener.until_frame("message", "back").await;
    let frames = |kind| heard.iter().filter(|entry| is(entry, kind, &mina)).count();
    assert_eq!((frames("enter"), frames("out")), (1, 0), "she neither went nor came");

    let listener = stage.enter_at(Side::Madang, WHOLE, &joon, &room, "joon").await;
    let lost = stage.enter_at(Side::Madang, BROKEN, &mina, &room, "mina").await;
    listener.until_frame("sender_name", "미나").await;
    stage.madang.cluster().gateway(BROKEN).kill9().await.expect("a kill");
    lost.until_closed().await;
    let out = |entries: &[Entry]| entries.iter().any(|entry| is(entry, "out", &mina));
    listener.until_within(LEASE_AND_GRACE, "mina's out", out).await;
    stage.madang.cluster().gateway(BROKEN).restart().await.expect("a gateway");
    let back = stage.enter_at(Side::Madang, BROKEN, &mina, &room, "mina, back").await;
    back.say("back").await;
    let heard = listener.until_frame("message", "back").await;
    let frames = |kind| heard.iter().filter(|entry| is(entry, kind, &mina)).count();
    assert_eq!((frames("enter"), frames("out")), (2, 1), "she went once, and came again");
}
