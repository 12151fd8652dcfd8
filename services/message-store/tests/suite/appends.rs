//! Appending: one order, once each, by members alone.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_domain::{
    Attachment, AttachmentUrl, Code, FileName, MediaType, RoomDetailChanges, RoomFlagChanges, RoomId,
    RoomRef, Seq, event::EventBody,
};
use madang_rpc::{
    MessageStore as _,
    store::{Append, Appended, Authority, Leave, UpdateRoom},
};
use uuid::Uuid;

use crate::support::{Fixture, Words as _, keys, message, seqs, user, user_at};

madang_test_kit::on_both!(
    seqs_are_contiguous_under_many_senders_at_two_replicas,
    batches_of_many_rooms_do_not_block_each_other,
    one_key_through_two_replicas_is_one_event,
    a_refused_append_fails_alone,
    a_message_that_the_database_refuses_fails_alone,
    a_message_is_kept_as_it_was_sent,
    time_does_not_go_back_in_a_room,
    a_later_profile_shows_in_what_was_said_before,
    who_left_still_learns_that_a_message_was_committed,
);

async fn seqs_are_contiguous_under_many_senders_at_two_replicas(fixture: Fixture) {
    const SENDERS: u128 = 50;
    const EACH: usize = 8;
    let replicas = [fixture.service().await, fixture.service().await];
    let people: Vec<_> = (0..SENDERS).map(user).collect();
    let members: Vec<_> = people.iter().collect();
    let rooms = [replicas[0].given_room(&members).await, replicas[0].given_room(&members).await];

    let sends = people.iter().enumerate().map(|(number, person)| {
        let service = &replicas[number % 2];
        async move {
            for count in 0..EACH {
                let room = rooms[(number + count) % 2];
                service.say(room, person, &format!("{number}-{count}")).await.unwrap();
            }
        }
    });
    join_all(sends).await;

    for room in rooms {
        let log = replicas[1].log(room).await;
        let messages = 25 * EACH;
        assert_eq!(seqs(&log), (1..=50 + messages as u64).collect::<Vec<_>>());
        assert_eq!(keys(&log).into_iter().collect::<BTreeSet<_>>().len(), messages);
        let view = replicas[0].view(room, &people[0]).await;
        assert_eq!(view.room.head, Seq::new(50 + messages as u64));
        assert_eq!(view.last_message, log.last().cloned());
    }
}

async fn batches_of_many_rooms_do_not_block_each_other(fixture: Fixture) {
    const ROOMS: usize = 16;
    const ROUNDS: usize = 12;
    let replicas = [fixture.service().await, fixture.service().await];
    let mina = user(1);
    let members = [&mina];
    let rooms = join_all((0..ROOMS).map(|_| replicas[0].given_room(&members))).await;
    // Each replica's batches name all rooms, the one's forwards and the other's backwards.
    for round in 0..ROUNDS {
        let names: Vec<_> = (0..2 * ROOMS).map(|number| format!("{round}-{number}")).collect();
        let sends = names.iter().enumerate().map(|(number, name)| {
            let place = if number < ROOMS { number } else { 2 * ROOMS - 1 - number };
            replicas[number / ROOMS].say(rooms[place], &mina, name)
        });
        for answer in join_all(sends).await {
            answer.unwrap();
        }
    }
    for room in rooms {
        assert_eq!(seqs(&replicas[0].log(room).await), (1..=1 + 2 * ROUNDS as u64).collect::<Vec<_>>());
    }
}

async fn one_key_through_two_replicas_is_one_event(fixture: Fixture) {
    const TRIES: usize = 40;
    let replicas = [fixture.service().await, fixture.service().await];
    let (mina, other) = (user(1), user(2));
    let room = replicas[0].given_room(&[&mina, &other]).await;

    let sends = (0..TRIES).map(|number| replicas[number % 2].say(room, &mina, "once"));
    let answers: Vec<Appended> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| (answer.seq, answer.at) == (answers[0].seq, answers[0].at)));
    assert_eq!(answers.iter().filter(|answer| !answer.duplicate).count(), 1);

    let again = replicas[1].say(room, &mina, "once").await.unwrap();
    assert_eq!(again, Appended { duplicate: true, ..answers[0].clone() });
    assert_eq!(keys(&replicas[0].log(room).await), ["once"]);
    // The key is the sender's own, and the room's.
    assert!(!replicas[0].say(room, &other, "once").await.unwrap().duplicate);
    let second = replicas[0].given_room(&[&mina]).await;
    assert!(!replicas[0].say(second, &mina, "once").await.unwrap().duplicate);
}

async fn a_refused_append_fails_alone(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, stranger) = (user(1), user(2));
    let room = service.given_room(&[&mina]).await;
    let nowhere = RoomId::new(Uuid::from_u128(9));

    // At once, so that they share batches.
    let mut sends = Vec::new();
    for number in 0..30 {
        sends.push((service.say(room, &mina, &format!("good {number}")).await, true));
    }
    let key = |number: usize| format!("mixed {number}");
    let names: Vec<_> = (0..90).map(key).collect();
    let mixed = join_all(names.iter().enumerate().map(|(number, name)| match number % 3 {
        0 => service.say(room, &mina, name),
        1 => service.say(room, &stranger, name),
        _ => service.say(nowhere, &mina, name),
    }))
    .await;
    for (number, answer) in mixed.into_iter().enumerate() {
        match number % 3 {
            0 => assert!(!answer.unwrap().duplicate),
            1 => assert_eq!(answer.unwrap_err().code, Code::PermissionDenied),
            _ => assert_eq!(answer.unwrap_err().code, Code::NotFound),
        }
    }
    assert!(sends.into_iter().all(|(answer, good)| answer.is_ok() == good));
    assert_eq!(seqs(&service.log(room).await), (1..=61).collect::<Vec<_>>());
}

async fn a_message_that_the_database_refuses_fails_alone(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    fixture.refuse_text("text of 20").await;
    let names: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    let answers = join_all(names.iter().map(|name| service.say(room, &mina, name))).await;
    for (number, answer) in answers.into_iter().enumerate() {
        match number {
            20 => assert_eq!(answer.unwrap_err().code, Code::Internal),
            _ => assert!(!answer.unwrap().duplicate),
        }
    }
    assert_eq!(seqs(&service.log(room).await), (1..=40).collect::<Vec<_>>());

    let text = "a\0b";
    let blank =
        Append { authority: Authority::User, room, actor: Arc::clone(&mina), message: message(text, "nul") };
    assert_eq!(service.append(blank).await.unwrap_err().code, Code::InvalidArgument);
}

async fn a_message_is_kept_as_it_was_sent(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let mut sent = message("안녕, 마당! \u{1F3E1}\n\"quoted\" {braces}", "k,\"}{");
    sent.reply_to = Some(Seq::new(1));
    sent.attachments.push(Attachment {
        url: AttachmentUrl::new("https://example.org/a.png").unwrap(),
        name: FileName::new("a.png").unwrap(),
        content_type: MediaType::new("image/png").unwrap(),
        size_bytes: u64::from(u32::MAX) + 1,
        file: None,
        image: None,
    });
    let append = Append { authority: Authority::User, room, actor: Arc::clone(&mina), message: sent.clone() };
    let appended = service.append(append).await.unwrap();

    let log = service.log(room).await;
    let event = log.last().unwrap();
    assert_eq!((event.seq, event.at), (appended.seq, appended.at));
    assert_eq!(event.body, EventBody::Message(sent));
    assert_eq!(event.actor, mina);
    assert_eq!(service.view(room, &mina).await.last_message.as_ref(), Some(event));
}

async fn time_does_not_go_back_in_a_room(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let first = service.say(room, &mina, "first").await.unwrap();
    fixture.clock.advance(Duration::from_secs(5));
    let second = service.say(room, &mina, "second").await.unwrap();
    fixture.clock.set(first.at);
    let third = service.say(room, &mina, "third").await.unwrap();
    assert_eq!(second.at.since(first.at), Duration::from_secs(5));
    assert_eq!(third.at, second.at);
    let slug = Some(Some(crate::support::slug("yard")));
    let changed = service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(mina),
            room: RoomRef::Id(room),
            name: None,
            slug,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
        .await
        .unwrap();
    assert_eq!(changed.events[0].at, second.at);
}

async fn a_later_profile_shows_in_what_was_said_before(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let (old, new) = (user_at(1, "Mina", 10), user_at(1, "Mina Kim", 20));
    let room = replicas[0].given_room(&[&old]).await;
    let names = async |service: &madang_message_store::Service| {
        let log = service.log(room).await;
        log.iter().map(|event| event.actor.name.to_string()).collect::<BTreeSet<_>>()
    };
    replicas[0].say(room, &old, "one").await.unwrap();
    assert_eq!(names(&replicas[0]).await, BTreeSet::from(["Mina".to_owned()]));
    replicas[0].say(room, &new, "two").await.unwrap();
    assert_eq!(names(&replicas[0]).await, BTreeSet::from(["Mina Kim".to_owned()]));
    // A token from before, at a replica that knows neither.
    replicas[1].say(room, &old, "three").await.unwrap();
    assert_eq!(names(&replicas[1]).await, BTreeSet::from(["Mina Kim".to_owned()]));
    let log = replicas[0].log(room).await;
    assert!(log[0].subject.as_ref() == Some(&new), "{:?}", log[0]);
}

async fn who_left_still_learns_that_a_message_was_committed(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let first = service.say(room, &jun, "k").await.unwrap();
    service.leave(Leave { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    assert_eq!(service.say(room, &jun, "k").await.unwrap(), Appended { duplicate: true, ..first });
    assert_eq!(service.say(room, &jun, "another").await.unwrap_err().code, Code::PermissionDenied);
}
