//! Names and texts of Unicode: one form each, also of what an earlier version recorded.

use std::sync::Arc;

use madang_domain::{
    Attachment, Code, Profile, RoomDetailChanges, RoomFlagChanges, RoomName, Username, event::EventBody,
};
use madang_rpc::{
    MessageStore as _,
    store::{Append, Authority, CreateRoom, RoomKind, UpdateRoom},
};

use crate::support::{Fixture, Words as _, message, room_of, user};

madang_test_kit::on_both!(
    the_names_of_an_earlier_version_get_their_form_once,
    a_text_is_composed_and_mentions_by_any_form,
    a_room_name_that_shows_nothing_is_refused_here_too,
    an_address_that_was_once_taken_is_refused_here_too,
);

/// `한글` in three letters a syllable.
const HANGUL_DECOMPOSED: &str = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}";

fn named(number: u128, name: &str) -> Arc<Profile> {
    Arc::new(Profile { username: Username::recorded(name).unwrap(), ..Profile::clone(&user(number)) })
}

async fn the_names_of_an_earlier_version_get_their_form_once(fixture: Fixture) {
    let (mina, hangul, filler) = (user(1), named(2, "한글"), named(3, "\u{3164}\u{3164}"));
    let service = fixture.service().await;
    let room = service.given_room(&[&mina, &hangul, &filler]).await;
    let blank = service.given_room(&[&mina]).await;
    service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: room.into(),
            name: Some(RoomName::new("안뜰").unwrap()),
            slug: None,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
        .await
        .unwrap();
    service.lifecycle().stop();
    service.lifecycle().finished().await;
    let decomposed = "\u{110b}\u{1161}\u{11ab}\u{1104}\u{1173}\u{11af}";
    let database = fixture.database();
    for statement in [
        "DELETE FROM text_forms".to_owned(),
        format!("UPDATE rooms SET name = '{decomposed}' WHERE name = '안뜰'"),
        "UPDATE rooms SET name = '\u{200b}' WHERE name = 'Room'".to_owned(),
        format!("UPDATE events SET detail = '{{\"name\":\"{decomposed}\",\"slug\":null}}' WHERE kind = 5"),
        format!(
            "UPDATE profiles SET username = '{HANGUL_DECOMPOSED}', name = 'Jose\u{301}', avatar_url = 'https://' WHERE username = '한글'"
        ),
    ] {
        database.execute(&statement, &statement).await.unwrap();
    }

    let (service, replica) = tokio::join!(fixture.service(), fixture.service());
    drop(replica);
    assert_eq!(service.view(room, &mina).await.room.name.as_str(), "안뜰");
    assert_eq!(service.view(blank, &mina).await.room.name.as_str(), "\u{200b}", "it stays readable");
    let renamed = service.log(room).await.pop().unwrap();
    assert!(matches!(&renamed.body, EventBody::RoomChanged(changed) if changed.name.as_str() == "안뜰"));
    assert_eq!(fixture.count("SELECT count(*) FROM rooms WHERE name = '안뜰'").await, 1);
    assert_eq!(
        fixture.count("SELECT count(*) FROM profiles WHERE username = '한글' AND name = 'José'").await,
        1
    );
    let text = format!("@{HANGUL_DECOMPOSED} @\u{3164}\u{3164}");
    let sent = service
        .append(Append { authority: Authority::User, room, actor: mina, message: message(&text, "k") })
        .await
        .unwrap();
    let mentioned: Vec<_> = sent.mentions.iter().map(|mentioned| mentioned.user).collect();
    assert_eq!(mentioned, [hangul.id, filler.id]);

    // It is done once: what comes later is by versions that write the form themselves.
    assert_eq!(fixture.count("SELECT count(*) FROM text_forms").await, 1);
    let again = format!("UPDATE rooms SET name = '{decomposed}' WHERE name = '안뜰'");
    database.execute(&again, &again).await.unwrap();
    let service = fixture.service().await;
    assert_eq!(fixture.count("SELECT count(*) FROM rooms WHERE name = '안뜰'").await, 0);
    assert_eq!(
        service.view(room, &user(1)).await.room.name.as_str(),
        "안뜰",
        "and read as such all the same"
    );
}

async fn a_text_is_composed_and_mentions_by_any_form(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, hangul, jose) = (user(1), named(2, "한글"), named(3, "josé"));
    let room = service.given_room(&[&mina, &hangul, &jose]).await;
    let text = format!("@{HANGUL_DECOMPOSED}님께, @Jose\u{301}: caf\u{65}\u{301} \u{202e}gnp.exe\u{7} 👨‍👩‍👧");
    let sent = service
        .append(Append {
            authority: Authority::User,
            room,
            actor: Arc::clone(&mina),
            message: message(&text, "k"),
        })
        .await
        .unwrap();
    let mentioned: Vec<_> = sent.mentions.iter().map(|mentioned| mentioned.user).collect();
    assert_eq!(mentioned, [hangul.id, jose.id]);
    let event = service.log(room).await.pop().unwrap();
    let EventBody::Message(said) = event.body else { panic!("{event:?} is no message") };
    assert_eq!(said.text, "@한글님께, @José: café gnp.exe 👨‍👩‍👧");
    for (nothing, key) in [("\u{200b}", "1"), ("\u{3164}", "2"), ("\u{202e}\u{7}", "3")] {
        let append = Append {
            authority: Authority::User,
            room,
            actor: Arc::clone(&mina),
            message: message(nothing, key),
        };
        let error = service.append(append).await.unwrap_err();
        assert_eq!((error.code, &*error.fields[0].pointer), (Code::InvalidArgument, "/text"), "{nothing:?}");
    }
}

/// Between the services a name travels as it may have been recorded.
async fn a_room_name_that_shows_nothing_is_refused_here_too(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let name = RoomName::recorded("\u{200b}").unwrap();
    let mut new = room_of(RoomKind::Private, "Room", &[]);
    new.name = name.clone();
    let error = service
        .create_room(CreateRoom { actor: Arc::clone(&mina), authority: Authority::User, room: new })
        .await
        .unwrap_err();
    assert_eq!((error.code, &*error.fields[0].pointer), (Code::InvalidArgument, "/name"));
    let room = service.given_room(&[&mina]).await.into();
    let change = UpdateRoom {
        authority: Authority::User,
        actor: Some(mina),
        room,
        name: Some(name),
        slug: None,
        flags: RoomFlagChanges::default(),
        details: RoomDetailChanges::default(),
    };
    assert_eq!(service.update_room(change).await.unwrap_err().code, Code::InvalidArgument);
}

/// So does a file's address.
async fn an_address_that_was_once_taken_is_refused_here_too(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let file =
        |url: &str| Attachment::recorded(url.to_owned(), "a", "image/png".to_owned(), 1).expect("recorded");
    let mut sent = message("a picture", "k");
    sent.attachments = vec![file("https://files.example/\"1"), file("https://user:password@files.example/2")];
    let append = Append { authority: Authority::User, room, actor: Arc::clone(&mina), message: sent.clone() };
    let error = service.append(append).await.unwrap_err();
    assert_eq!((error.code, &*error.fields[0].pointer), (Code::InvalidArgument, "/attachments/1/url"));
    sent.attachments.pop();
    service.append(Append { authority: Authority::User, room, actor: mina, message: sent }).await.unwrap();
}
