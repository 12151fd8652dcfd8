//! What users download of theirs.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    Code, Limit, Profile, RoomFlagChanges, RoomHistory, RoomId, RoomRef, UserId,
    event::{Event, EventBody, Message},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Append, Authority, BeginExport, Export, ExportPage, Join, Leave, Notify, ReadExport},
};

use crate::{
    deletions::delete,
    moderation::{Terms, ban},
    reactions::react,
    room_flags::{NONE, set},
    support::{Fixture, Words as _, message, user},
    threads::reply,
};

madang_test_kit::on_both!(
    an_export_has_all_that_is_the_users,
    an_export_is_the_users_for_an_hour,
    an_export_shows_of_others_what_the_user_still_sees,
    a_long_log_is_exported_in_bounded_pages,
);

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

/// Lets a user answer a message of another, who reacts to the answer.
async fn answered(service: &Service, room: RoomId, [mina, jun]: [&Arc<Profile>; 2]) {
    let original = service.say(room, jun, "original").await.unwrap().seq;
    let answer = Message { reply_to: Some(original), ..message("an answer", "answer") };
    let (actor, authority) = (Arc::clone(mina), Authority::User);
    let answer = service.append(Append { room, actor, message: answer, authority }).await.unwrap().seq;
    react(service, room, jun, answer, "👍", true).await.unwrap();
}

async fn an_export_shows_of_others_what_the_user_still_sees(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let mut rooms = Vec::new();
    for _ in 0..4 {
        let room = service.given_public_room(&jun).await;
        service.join(Join { actor: Arc::clone(&mina), room: room.into() }).await.unwrap();
        answered(&service, room, [&mina, &jun]).await;
        rooms.push(room);
    }
    let [here, left, banned, back] = rooms[..] else { panic!("four") };
    let leave = async |room: RoomId| {
        service.leave(Leave { actor: Arc::clone(&mina), room: room.into() }).await.unwrap();
    };
    leave(left).await;
    ban(&service, banned, &jun, &mina, Some(Terms { until: None, reason: None })).await.unwrap();
    leave(back).await;
    let joined = RoomFlagChanges { history: Some(RoomHistory::Joined), ..NONE };
    set(&service, back, &jun, joined).await.unwrap();
    service.join(Join { actor: Arc::clone(&mina), room: back.into() }).await.unwrap();

    let export = begin(&service, &mina).await;
    let pages = read(&service, mina.id, &export).await;
    let shown = |room: RoomId| {
        let event = pages.iter().flat_map(|page| &page.messages).find(|event| event.topic == room.into());
        match &event.unwrap().body {
            EventBody::Message(message) => {
                assert_eq!(message.text, "an answer", "what the user said is the user's");
                let reactions = message.changes.as_ref().map_or(0, |changes| changes.reactions.len());
                (message.excerpt.as_ref().map(|excerpt| excerpt.text.clone()), reactions)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(shown(here), (Some("text of original".to_owned()), 1));
    assert_eq!(shown(left), (None, 0), "of a room that was left");
    assert_eq!(shown(banned), (None, 0), "of a room with a ban");
    assert_eq!(shown(back), (None, 1), "of before the user came back");
}

async fn a_long_log_is_exported_in_bounded_pages(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&jun, &mina]).await;
    service.say(room, &mina, "first").await.unwrap();
    // 25,000 events of others.
    let filler = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 25000) \
         INSERT INTO events (topic, seq, kind, actor, at, ordinal, detail) \
         SELECT r.id, r.head + n, 5, r.creator, r.active_at, r.messages, '{}' FROM rooms r, s; \
         UPDATE rooms SET head = head + 25000";
    fixture.execute(filler).await;
    service.say(room, &mina, "last").await.unwrap();
    let export = begin(&service, &mina).await;
    let pages = read(&service, mina.id, &export).await;
    let messages: Vec<_> = pages.iter().map(|page| page.messages.len()).collect();
    // After the rooms and the question which have something: three pages of at most 10,000 events.
    assert_eq!(messages, [0, 0, 1, 0, 1, 0, 0]);
}
