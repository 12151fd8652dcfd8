//! The JSON object that a sender's program keeps with a message.

use std::sync::Arc;

use madang_domain::{
    Authority, Metadata, Profile, RoomId, Seq,
    event::{Event, EventBody, InThread, Message, ThreadState},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Append, AppendInThread, DeleteMessage, HistoryFrom, Search, SetPin},
};

use crate::{
    edits::{edit, said},
    erasures::{WORD, erase, traces},
    support::{Fixture, Words as _, message, page, user},
};

madang_test_kit::on_both!(
    a_message_has_its_metadata_wherever_it_is_shown,
    a_deletion_removes_metadata,
    an_erasure_removes_metadata,
    a_plain_message_has_no_detail,
);

/// What PostgreSQL's `jsonb` would not keep: its order, its blanks, its numbers, and a NUL.
const JSON: &str = r#"{ "z": 1, "a": 12345678901234567890123, "edit": "\u0000 \"edit\":", "종류": [[]] }"#;

fn metadata() -> Metadata {
    Metadata::new(JSON).unwrap()
}

fn with_metadata(text: &str) -> Message {
    Message { metadata: Some(Box::new(metadata())), ..message(text, text) }
}

async fn send(service: &Service, room: RoomId, actor: &Arc<Profile>, message: Message) -> Seq {
    let append = Append { room, actor: Arc::clone(actor), message, authority: Authority::User };
    service.append(append).await.unwrap().seq
}

/// Checks that the message of a text among events has the metadata.
fn assert_shown(events: &[Event], text: &str) {
    let is_it = |event: &&Event| matches!(&event.body, EventBody::Message(said) if said.text == text);
    let event = events.iter().find(is_it).unwrap_or_else(|| panic!("{text} is not among {events:?}"));
    assert_eq!(said(event).metadata.as_deref(), Some(&metadata()), "{text}");
}

async fn a_message_has_its_metadata_wherever_it_is_shown(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun] = [1, 2].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    // By each of the ways in which a message is appended.
    let texts = ["seoul plain", "seoul @user-2", "seoul @all"];
    for text in texts {
        send(&service, room, &mina, with_metadata(text)).await;
    }
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let thread = Some(Box::new(InThread { root, in_room: true, state: ThreadState::default() }));
    let answer = Message { thread, ..with_metadata("seoul answer") };
    let append = Append { room, actor: Arc::clone(&mina), message: answer, authority: Authority::User };
    assert_shown(&service.append_in_thread(AppendInThread(append)).await.unwrap().events, "seoul answer");

    let plain = service
        .log(room)
        .await
        .into_iter()
        .find(|event| matches!(&event.body, EventBody::Message(said) if said.text == texts[0]));
    let plain = plain.unwrap().seq;
    let pin = SetPin { actor: Arc::clone(&mina), room: room.into(), message: plain, on: true };
    service.set_pin(pin).await.unwrap();
    fixture.await_index().await;
    let search = Search {
        user: jun.id,
        room: None,
        text: "seoul".parse().unwrap(),
        from: None,
        before: None,
        after: None,
        page: page(50),
    };
    let found = service.search(search).await.unwrap().items.into_iter().map(|found| found.message);
    let found: Vec<Event> = found.collect();
    let history = service.history_from(room, &jun, HistoryFrom::End, 50).await.unwrap().events;
    let opened = service.open_since(room, &jun, Some((0, None))).await.unwrap().events;
    for events in [service.log(room).await, history, opened, found] {
        for text in texts.into_iter().chain(["seoul answer"]) {
            assert_shown(&events, text);
        }
    }
    let list = madang_rpc::store::ListPins { user: jun.id, room: room.into(), page: page(5) };
    assert_shown(&service.list_pins(list).await.unwrap().items, texts[0]);

    // An edit keeps it, and a repeat of the message changes nothing.
    let edited = edit(&service, room, &mina, plain, "busan").await.unwrap();
    assert_shown(&[edited.value], "busan");
    assert_eq!(send(&service, room, &mina, message("other", texts[0])).await, plain);
    assert_shown(&service.log(room).await, "busan");
}

async fn a_deletion_removes_metadata(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let hidden = Metadata::new(&format!(r#"{{"order":"{WORD}"}}"#)).unwrap();
    let sent = Message { metadata: Some(Box::new(hidden)), ..message("an order", "k") };
    let sent = send(&service, room, &mina, sent).await;
    assert!(!traces(&fixture.dump().await).is_empty(), "the dump sees it");
    let actor = Some(Arc::clone(&mina));
    let delete = DeleteMessage { authority: Authority::User, actor, room, message: sent };
    service.delete_message(delete).await.unwrap();
    assert_eq!(traces(&fixture.dump().await), Vec::<String>::new());
    let log = service.log(room).await;
    assert_eq!(said(log.iter().find(|event| event.seq == sent).unwrap()).metadata, None);
}

async fn an_erasure_removes_metadata(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun] = [1, 2].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    let hidden = Metadata::new(&format!(r#"{{"order":"{WORD}"}}"#)).unwrap();
    let sent = Message { metadata: Some(Box::new(hidden)), ..message("an order", "k") };
    send(&service, room, &jun, sent).await;
    assert!(!traces(&fixture.dump().await).is_empty(), "the dump sees it");
    erase(&service, jun.id).await;
    assert_eq!(traces(&fixture.dump().await), Vec::<String>::new());
}

async fn a_plain_message_has_no_detail(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    service.say(room, &mina, "plain").await.unwrap();
    let rows = "SELECT count(*) FROM events WHERE kind = 1 AND detail IS NULL";
    assert_eq!(fixture.count(rows).await, 1);
    send(&service, room, &mina, with_metadata("other")).await;
    assert_eq!(fixture.count(rows).await, 1);
}
