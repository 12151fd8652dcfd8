//! What users download of theirs.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    Code, Limit, Profile, RoomRef, UserId,
    event::{Event, EventBody},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{BeginExport, Export, ExportPage, Leave, Notify, ReadExport},
};

use crate::{
    deletions::delete,
    support::{Fixture, Words as _, user},
    threads::reply,
};

madang_test_kit::on_both!(an_export_has_all_that_is_the_users, an_export_is_the_users_for_an_hour);

async fn begin(service: &Service, user: &Profile) -> Export {
    service.begin_export(BeginExport { user: user.id }).await.unwrap()
}

/// All pages.
async fn read(service: &Service, user: UserId, export: &Export) -> Vec<ExportPage> {
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let id = export.id.clone();
        let page = service.read_export(ReadExport { user, id, cursor }).await.unwrap();
        cursor = page.next.clone();
        pages.push(page);
        if cursor.is_none() {
            return pages;
        }
        assert!(pages.len() < 1_000, "an export ends");
    }
}

async fn an_export_has_all_that_is_the_users(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let mut rooms = Vec::new();
    for number in 0..60 {
        let room = service.given_room(&[&jun, &mina]).await;
        if number % 10 == 0 {
            service.say(room, &mina, &format!("m{number}")).await.unwrap();
            service.say(room, &jun, &format!("j{number}")).await.unwrap();
        }
        rooms.push(room);
    }
    // More than a page of one room, one of them deleted; and a room that was left.
    for number in 0..250 {
        service.say(rooms[0], &mina, &format!("many{number}")).await.unwrap();
    }
    // In a thread, and one that was deleted there.
    let root = service.say(rooms[20], &jun, "root").await.unwrap().seq;
    reply(&service, rooms[20], &mina, root, "in a thread").await.unwrap();
    let gone = reply(&service, rooms[20], &mina, root, "deleted").await.unwrap().value.seq;
    delete(&service, rooms[20], &mina, gone).await.unwrap();
    let deleted = service.say(rooms[0], &mina, "deleted").await.unwrap().seq;
    delete(&service, rooms[0], &mina, deleted).await.unwrap();
    service.leave(Leave { actor: Arc::clone(&mina), room: RoomRef::Id(rooms[10]) }).await.unwrap();
    for number in 0..3 {
        let data = format!(r#"{{"number":{number}}}"#).into();
        service.notify(Notify { user: Arc::clone(&mina), data, key: None }).await.unwrap();
    }
    let export = begin(&service, &mina).await;
    // Another replica goes on with it.
    let pages = read(&fixture.service().await, mina.id, &export).await;
    let exported: Vec<_> = pages.iter().flat_map(|page| &page.rooms).map(|view| view.room.id).collect();
    let mut expected: Vec<_> = rooms.iter().copied().filter(|room| *room != rooms[10]).collect();
    expected.sort();
    assert_eq!(exported, expected);
    let messages: Vec<_> = pages.iter().flat_map(|page| &page.messages).collect();
    assert_eq!(messages.len(), 6 + 250 + 1);
    let text = |event: &Event| match &event.body {
        EventBody::Message(message) => message.text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(messages.iter().filter(|event| text(event) == "in a thread").count(), 1);
    assert!(messages.iter().all(|event| event.actor.id == mina.id
        && matches!(&event.body, EventBody::Message(message) if !message.text.is_empty())));
    assert!(messages.iter().any(|event| event.topic == rooms[10].into()), "also where the user was");
    let notices = pages.iter().map(|page| page.notices.len()).sum::<usize>();
    assert_eq!(
        notices,
        10 + 3,
        "as many invitations as one user's fill an inbox with, and those of the site"
    );
    assert!(pages.iter().all(|page| page.messages.len() <= 200 && page.rooms.len() <= 50));
}

async fn an_export_is_the_users_for_an_hour(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    service.given_room(&[&mina, &jun]).await;
    let export = begin(&service, &mina).await;
    let again = service.begin_export(BeginExport { user: mina.id }).await.unwrap_err();
    assert_eq!((again.code, again.limit), (Code::RateLimited, Some(Limit::Exports)));
    assert_eq!(again.retry_after, Some(Duration::from_secs(3_600)));
    begin(&service, &jun).await;
    let read = async |user: UserId, id: &str, cursor: Option<&str>| {
        let read = ReadExport { user, id: id.into(), cursor: cursor.map(str::to_owned) };
        service.read_export(read).await.map(drop).map_err(|error| error.code)
    };
    assert_eq!(read(mina.id, &export.id, None).await, Ok(()));
    assert_eq!(read(jun.id, &export.id, None).await, Err(Code::NotFound), "another's");
    assert_eq!(read(mina.id, "something", None).await, Err(Code::NotFound));
    assert_eq!(read(mina.id, &export.id, Some("m.7")).await, Err(Code::InvalidArgument));
    fixture.clock.advance(Duration::from_secs(3_600));
    assert_eq!(read(mina.id, &export.id, None).await, Err(Code::NotFound), "it has expired");
    begin(&service, &mina).await;
    assert_eq!(read(mina.id, &export.id, None).await, Err(Code::NotFound), "another one has its place");
}
