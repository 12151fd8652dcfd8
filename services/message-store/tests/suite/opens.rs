//! Opening subscriptions: where one stands, and what one missed.

use futures_util::future::join_all;
use madang_domain::{
    Code, Cursor, Epoch, Role, RoomDetailChanges, RoomFlagChanges, RoomId, RoomRef, Seq, TopicId,
};
use madang_message_store::renew_epoch;
use madang_rpc::{
    MessageStore as _,
    store::{Authority, Heads, Join, Leave, Open, Opened, Resolve, UpdateRoom},
};
use uuid::Uuid;

use crate::support::{Fixture, Words as _, seqs, user};

madang_test_kit::on_both!(
    what_was_missed_is_whole_or_none,
    a_cursor_of_another_history_is_not_trusted,
    only_members_open,
    many_open_at_once,
    rooms_are_resolved_whoever_asks,
);

async fn what_was_missed_is_whole_or_none(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    for number in 0..6 {
        service.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    let opened = service.open_since(room, &jun, None).await.unwrap();
    let expected = Opened {
        epoch: opened.epoch,
        head: Seq::new(8),
        member_count: 2,
        role: Role::Member,
        read: Seq::new(2),
        complete: true,
        events: Vec::new(),
    };
    assert_eq!(opened, expected);

    let missed = service.open_since(room, &jun, Some((5, Some(opened.epoch)))).await.unwrap();
    assert_eq!((missed.complete, seqs(&missed.events)), (true, vec![6, 7, 8]));
    assert_eq!(missed.events, service.log(room).await[5..]);
    let none = service.open_since(room, &jun, Some((8, None))).await.unwrap();
    assert_eq!((none.complete, none.events.len()), (true, 0));

    let with_limit = async |replay_limit| {
        let since = Some(Cursor { seq: Seq::new(5), epoch: None });
        let opened = service.open(Open { user: jun.id, room, since, replay_limit }).await.unwrap();
        (opened.complete, seqs(&opened.events))
    };
    assert_eq!(with_limit(3).await, (true, vec![6, 7, 8]));
    assert_eq!(with_limit(2).await, (false, vec![]));
}

async fn a_cursor_of_another_history_is_not_trusted(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    service.say(room, &mina, "k").await.unwrap();
    let epoch = service.open_since(room, &mina, None).await.unwrap().epoch;
    // The head is 2: this client has seen what is no more.
    assert!(!service.open_since(room, &mina, Some((3, Some(epoch)))).await.unwrap().complete);
    let other = Epoch::new(epoch.get().wrapping_add(1));
    assert!(!service.open_since(room, &mina, Some((1, Some(other)))).await.unwrap().complete);

    // Another replica starts with the same history; a renewed one is seen by those that run already.
    let second = fixture.service().await;
    assert_eq!(second.open_since(room, &mina, None).await.unwrap().epoch, epoch);
    let renewed = renew_epoch(&fixture.settings, &fixture.secret(), &fixture.host()).await.unwrap();
    assert_ne!(renewed, epoch);
    for service in [&service, &second] {
        let opened = service.open_since(room, &mina, Some((1, Some(epoch)))).await.unwrap();
        assert_eq!((opened.epoch, opened.complete, opened.events.len()), (renewed, false, 0));
    }
}

async fn only_members_open(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, stranger) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    let refused = service.open_since(room, &stranger, None).await.unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
    let nowhere = RoomId::new(Uuid::from_u128(9));
    assert_eq!(service.open_since(nowhere, &mina, None).await.unwrap_err().code, Code::NotFound);
    service.join(Join { actor: stranger.clone(), room: RoomRef::Id(room) }).await.unwrap();
    assert!(service.open_since(room, &stranger, None).await.is_ok());
    service.leave(Leave { actor: stranger.clone(), room: RoomRef::Id(room) }).await.unwrap();
    assert_eq!(service.open_since(room, &stranger, None).await.unwrap_err().code, Code::PermissionDenied);
}

async fn many_open_at_once(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<_> = (0..20).map(user).collect();
    let members: Vec<_> = people.iter().collect();
    let mut rooms = Vec::new();
    for _ in 0..5 {
        let room = service.given_room(&members).await;
        for person in &people[..10] {
            service.say(room, person, "hello").await.unwrap();
        }
        rooms.push(room);
    }
    // 20 founding events and 10 messages in each.
    let opens = people.iter().enumerate().flat_map(|(number, person)| {
        let service = &service;
        rooms.iter().map(move |room| async move {
            let since = 20 + (number as u64 % 10);
            (since, service.open_since(*room, person, Some((since, None))).await.unwrap())
        })
    });
    for (since, opened) in join_all(opens).await {
        assert!(opened.complete);
        assert_eq!(seqs(&opened.events), (since + 1..=30).collect::<Vec<_>>());
    }
}

async fn rooms_are_resolved_whoever_asks(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let (one, two) = (service.given_room(&[&mina]).await, service.given_room(&[&jun, &mina]).await);
    let yard = crate::support::slug("yard");
    service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(mina.clone()),
            room: RoomRef::Id(one),
            name: None,
            slug: Some(Some(yard.clone())),
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
        .await
        .unwrap();
    let nowhere = RoomRef::Id(RoomId::new(Uuid::from_u128(9)));
    let asked = [RoomRef::Id(two), RoomRef::Slug(yard), nowhere, RoomRef::Slug(crate::support::slug("none"))];
    let resolved =
        service.resolve(Resolve { user: jun.id, rooms: asked.to_vec(), memberships: true }).await.unwrap();
    assert_eq!(resolved.rooms, [Some(two), Some(one), None, None]);
    assert_eq!(resolved.memberships, [two]);
    let mine =
        service.resolve(Resolve { user: mina.id, rooms: Vec::new(), memberships: true }).await.unwrap();
    assert_eq!(mine.memberships.len(), 2);
    assert!(
        service
            .resolve(Resolve { user: mina.id, rooms: asked[..1].to_vec(), memberships: false })
            .await
            .unwrap()
            .memberships
            .is_empty()
    );

    let topics =
        [TopicId::Room(one), TopicId::Room(RoomId::new(Uuid::from_u128(9))), TopicId::Inbox(mina.id)];
    // Mina was added to the second room by another, which is in her inbox; nobody's inbox is unknown.
    let heads = service.heads(Heads { topics: topics.to_vec() }).await.unwrap();
    assert_eq!(heads, [(TopicId::Room(one), Seq::new(1 + 1)), (TopicId::Inbox(mina.id), Seq::new(1))]);
    let too_many = vec![RoomRef::Id(one); 1_001];
    assert_eq!(
        service
            .resolve(Resolve { user: mina.id, rooms: too_many.clone(), memberships: false })
            .await
            .unwrap_err()
            .code,
        Code::InvalidArgument
    );
}
