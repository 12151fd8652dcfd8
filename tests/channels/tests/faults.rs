//! The faults of the Django site, each shown there, and its absence in Madang.
//!
//! `tests/outages.rs` has those that take a crash to see.

use madang_channels_tests::{
    Entry, PATIENCE, Person, Room, STORE_CONNECTIONS_MAX, Side, Stage, View, eventually, resume_messages,
    send_twice,
};
use serde_json::{Value, json};

/// The text of an alert.
const WRONG_ACCESS: &str = "올바르지 않은 접근";
/// What a page sees when a consumer raises: the server drops the connection.
const KILLED: Entry = Entry::Closed { code: 1006, clean: false };
/// What a page sees of a socket that is closed before it is accepted.
const REFUSED: [Entry; 2] = [Entry::Error, Entry::Closed { code: 1006, clean: false }];

fn frame(room: &Room, person: &Person, text: &str) -> String {
    json!({"room_id": room.id.to_string(), "user_id": person.id.to_string(), "message": text}).to_string()
}

fn count(entries: &[Entry], field: &str, text: &str) -> usize {
    entries.iter().filter(|entry| entry.has(field, text)).count()
}

/// How often a user is said to have gone.
fn outs(entries: &[Entry], person: &Person) -> usize {
    let gone = |entry: &&Entry| match entry {
        Entry::Received(frame) => frame["response_type"] == "out" && frame["user_id"] == person.id,
        _ => false,
    };
    entries.iter().filter(gone).count()
}

#[tokio::test]
async fn nobody_speaks_as_somebody_else() {
    let stage = Stage::shared().await;
    let (mina, joon) = (stage.person("미나").await, stage.person("준").await);
    let room = stage.room("Bridge").await;

    let tab = stage.enter(Side::Django, &mina, &room, "mina").await;
    tab.send(&frame(&room, &joon, "I am Joon")).await;
    let heard = tab.until_frame("message", "I am Joon").await;
    assert_eq!(count(&heard, "sender_name", "준"), 1, "the Django site believes it");

    let tab = stage.enter(Side::Madang, &mina, &room, "mina").await;
    tab.send(&frame(&room, &joon, "I am Joon")).await;
    tab.until_frame("message", WRONG_ACCESS).await;
    tab.send(&frame(&room, &mina, "I am Mina")).await;
    tab.until_frame("message", "I am Mina").await;
    assert_eq!(stage.saved(Side::Madang, &room).await, ["I am Mina"]);
}

#[tokio::test]
async fn a_refused_socket_joins_nothing() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Harbour").await;
    let view = View::room(room.id);

    let tab = stage.open_with(Side::Django, &mina, None, &view, "nobody").await;
    assert_eq!(tab.until_closed().await, REFUSED);
    eventually(PATIENCE, "the refused socket's channel in the group", async || {
        (stage.site.group_size(room.id).await == 1).then_some(())
    })
    .await;

    for token in [None, Some("nonsense")] {
        let tab = stage.open_with(Side::Madang, &mina, token, &view, "nobody").await;
        assert_eq!(tab.until_closed().await, REFUSED);
    }
    assert!(stage.madang.listeners(&room).await.is_empty(), "no gateway listens for a refused socket");
    // The one who may come in is the one for whom a gateway listens.
    let tab = stage.enter(Side::Madang, &mina, &room, "mina").await;
    assert_eq!(stage.madang.listeners(&room).await.len(), 1);
    assert_eq!(tab.heard().await.len(), 2, "opened, and her own enter");
}

#[tokio::test]
async fn nothing_is_joined_before_the_handshake_ends() {
    let stage = Stage::shared().await;
    let (mina, joon) = (stage.person("미나").await, stage.person("준").await);
    let room = stage.room("Pontoon").await;

    // A socket to no room is never accepted; it was in the group of that room all the same.
    stage.site.watch_redis().await;
    let nowhere = View::Room("888888888".to_owned());
    let tab = stage.open_with(Side::Django, &mina, Some(&mina.access), &nowhere, "mina").await;
    assert_eq!(tab.until_closed().await, REFUSED);
    assert!(stage.site.redis_saw(&["ZADD", "asgi:group:chat_888888888"]).await);

    // Joon talks while Mina's tabs open: whatever comes to one comes after its handshake.
    let talker = stage.enter(Side::Madang, &joon, &room, "joon").await;
    for round in 0..5 {
        for number in 0..10 {
            talker.send(&frame(&room, &joon, &format!("{round}.{number}"))).await;
        }
        let tab = stage.open(Side::Madang, &mina, &View::room(room.id), "mina").await;
        talker.send(&frame(&room, &joon, &format!("{round}.end"))).await;
        let heard = tab.until_frame("message", &format!("{round}.end")).await;
        assert_eq!(heard.first(), Some(&Entry::Opened));
    }
}

#[tokio::test]
async fn a_tab_that_closes_is_not_a_user_who_goes() {
    let stage = Stage::shared().await;
    let (mina, joon, sora) =
        (stage.person("미나").await, stage.person("준").await, stage.person("소라").await);
    let room = stage.room("Ferry").await;
    let view = View::room(room.id);

    let listener = stage.enter(Side::Django, &joon, &room, "joon").await;
    let stays = stage.enter(Side::Django, &mina, &room, "mina, first tab").await;
    let goes = stage.open(Side::Django, &mina, &view, "mina, second tab").await;
    goes.close().await;
    listener.until_frame("response_type", "out").await;
    stays.until_frame("response_type", "out").await;
    assert_eq!(stage.site.participants(room.id).await, [joon.id], "and Mina is still there");

    let listener = stage.enter(Side::Madang, &joon, &room, "joon").await;
    let stays = stage.enter(Side::Madang, &mina, &room, "mina, first tab").await;
    let goes = stage.open(Side::Madang, &mina, &view, "mina, second tab").await;
    let other = stage.enter(Side::Madang, &sora, &room, "sora").await;
    goes.close().await;
    // Had Mina's tab counted, her `out` would have been due before Sora's.
    other.close().await;
    let heard = listener.until("sora's out", |entries| outs(entries, &sora) == 1).await;
    assert_eq!(outs(&heard, &mina), 0);
    stays.close().await;
    listener.until("mina's out", |entries| outs(entries, &mina) == 1).await;
}

#[tokio::test]
async fn history_comes_in_pages_and_from_a_cursor() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Archive").await;

    for side in [Side::Django, Side::Madang] {
        let tab = stage.enter(side, &mina, &room, "mina").await;
        for text in ["one", "two", "three"] {
            tab.say(text).await;
            tab.until_frame("message", text).await;
        }
    }

    // There: a page that is opened again knows nothing, and the route gives all or nothing.
    let again = stage.open(Side::Django, &mina, &View::room(room.id), "mina, again").await;
    again.say("four").await;
    assert_eq!(count(&again.until_frame("message", "four").await, "response_type", "message"), 1);
    assert_eq!(stage.saved(Side::Django, &room).await, ["one", "two", "three", "four"]);

    let newest = stage.madang.history(&room, &mina, "limit=2").await;
    let (texts, seqs) = (column(&newest, "text"), column(&newest, "seq"));
    assert_eq!(texts, ["three", "two"]);
    let older = stage.madang.history(&room, &mina, &format!("limit=2&before={}", seqs[1])).await;
    assert_eq!(column(&older, "text"), ["one"]);
    // Whoever was away says what it has seen, and is told the rest: here all after "one".
    let seen = column(&older, "seq")[0].as_u64().expect("a place");
    assert_eq!(resume_messages(&stage.madang, &room, &mina, seen).await, ["two", "three"]);
}

fn column(page: &Value, field: &str) -> Vec<Value> {
    let items = page["items"].as_array().unwrap_or_else(|| panic!("no items in {page}"));
    items.iter().map(|item| item[field].clone()).collect()
}

#[tokio::test]
async fn an_invitation_arrives() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Cove").await;

    // The invitation goes to a group whose name is misspelt; what is sent after it arrives.
    let tab = stage.open(Side::Django, &mina, &View::Alarm, "mina").await;
    stage.invite(Side::Django, &room, &mina).await;
    stage.notify(Side::Django, &mina, &json!({"order": 7})).await;
    let heard = tab.until("a notice", |entries| entries.len() > 1).await;
    assert_eq!(heard, [Entry::Opened, Entry::Received(json!({"order": 7}))]);

    let tab = stage.open(Side::Madang, &mina, &View::Alarm, "mina").await;
    stage.invite(Side::Madang, &room, &mina).await;
    stage.notify(Side::Madang, &mina, &json!({"order": 7})).await;
    let heard = tab.until("two notices", |entries| entries.len() > 2).await;
    assert!(heard[1].has("notice", "invite"), "{heard:?}");
    assert_eq!(heard[2], Entry::Received(json!({"order": 7})));
}

#[tokio::test]
async fn a_missing_image_is_null() {
    let stage = Stage::shared().await;
    let mina = stage.faceless_person("미나").await;
    let room = stage.room("Pier").await;

    let tab = stage.enter(Side::Django, &mina, &room, "mina").await;
    tab.say("hello").await;
    assert_eq!(tab.until_closed().await.last(), Some(&KILLED));

    let tab = stage.enter(Side::Madang, &mina, &room, "mina").await;
    tab.say("hello").await;
    let heard = tab.until_frame("message", "hello").await;
    let Some(Entry::Received(message)) = heard.last() else { panic!("a frame: {heard:?}") };
    assert!(message.get("profile").is_some_and(Value::is_null), "{message}");
}

#[tokio::test]
async fn what_is_no_message_is_answered() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Quay").await;
    let no_message = json!({"room_id": room.id.to_string(), "user_id": mina.id.to_string()}).to_string();
    let wrong = ["{", no_message.as_str(), "[]", "null"];

    for wrong in wrong {
        let tab = stage.open(Side::Django, &mina, &View::room(room.id), "mina").await;
        tab.send(wrong).await;
        assert_eq!(tab.until_closed().await.last(), Some(&KILLED), "{wrong}");
    }

    let tab = stage.enter(Side::Madang, &mina, &room, "mina").await;
    for wrong in wrong {
        tab.send(wrong).await;
    }
    tab.say("still here").await;
    let heard = tab.until_frame("message", "still here").await;
    assert_eq!(count(&heard, "response_type", "alert"), wrong.len(), "{heard:?}");
}

#[tokio::test]
async fn a_repetition_is_saved_once() {
    let stage = Stage::shared().await;
    let mina = stage.person("미나").await;
    let room = stage.room("Lock").await;

    // A front end that heard no answer says it again, and adds a key by which one may know it.
    let mut once: Value = serde_json::from_str(&frame(&room, &mina, "once")).expect("a frame");
    once["key"] = "a".into();

    let tab = stage.enter(Side::Django, &mina, &room, "mina").await;
    for _ in 0..2 {
        tab.send(&once.to_string()).await;
    }
    tab.until("both", |entries| count(entries, "message", "once") == 2).await;
    assert_eq!(stage.saved(Side::Django, &room).await, ["once", "once"]);

    let tab = stage.enter(Side::Madang, &mina, &room, "mina").await;
    for _ in 0..2 {
        tab.send(&once.to_string()).await;
    }
    // The same from the site's back end, and from a client of `/v1/ws`.
    let first = stage.madang.send(&room, &mina, "again", "b").await;
    assert_eq!(stage.madang.send(&room, &mina, "again", "b").await, first);
    let [first, second] = send_twice(&stage.madang, &room, &mina, "and again", "c").await;
    assert_eq!(first, second);
    tab.say("end").await;
    let heard = tab.until_frame("message", "end").await;
    let said = ["once", "again", "and again", "end"];
    assert_eq!(said.map(|text| count(&heard, "message", text)), [1; 4]);
    assert_eq!(stage.saved(Side::Madang, &room).await, said);
}

/// Of the table's rows this one cannot be shown at the site: this version of Channels runs all queries of a process in
/// one thread, with one connection, and every socket waits for it. Madang's stores have a pool each.
#[tokio::test]
async fn sockets_open_no_database_connections() {
    const TABS: usize = 12;
    let stage = Stage::shared().await;
    let room = stage.room("Reservoir").await;
    let mina = stage.person("미나").await;
    let mut tabs = vec![stage.enter(Side::Madang, &mina, &room, "mina").await];
    for _ in 1..TABS {
        tabs.push(stage.open(Side::Madang, &mina, &View::room(room.id), "mina").await);
    }
    for (index, tab) in tabs.iter().enumerate() {
        tab.say(&format!("{index}")).await;
    }
    for index in 0..TABS {
        tabs[0].until_frame("message", &index.to_string()).await;
    }
    let connections = stage.madang.store_connections().await;
    assert!(connections <= STORE_CONNECTIONS_MAX, "{connections} connections");
}
