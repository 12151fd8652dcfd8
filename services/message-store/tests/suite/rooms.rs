//! Rooms: making, finding, changing and deleting them.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_domain::{
    Code, Profile, Role, RoomDetailChanges, RoomDetails, RoomFlagChanges, RoomFlags, RoomId, RoomName,
    RoomRef, Seq, TopicId,
    event::{EventBody, Joined, RoomChanged},
};
use madang_rpc::{
    MessageStore as _,
    store::{
        Authority, CreateRoom, DeleteRoom, GetRoom, Heads, Join, Leave, ListMembers, NewRoom, PutMember,
        Read, RemoveMember, Resolve, RoomKind, RoomView, UpdateRoom,
    },
};

use crate::support::{Fixture, Words as _, assert_logged, key, page, room_of, seqs, slug, user};

madang_test_kit::on_both!(
    a_room_begins_with_its_members,
    a_creation_with_a_key_is_made_once,
    a_direct_room_between_two_is_made_once,
    a_slug_is_given_once,
    rooms_show_to_whom_they_may,
    only_owners_change_a_room,
    a_deleted_room_is_gone_with_what_was_said,
    a_deletion_that_nobody_published_is_found_in_the_log,
    a_room_that_an_earlier_version_deleted_is_purged,
);

async fn a_room_begins_with_its_members(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let new = room_of(RoomKind::Private, "Yard", &[&jun, &mina, &jun]);
    let changed = service
        .create_room(CreateRoom { actor: Arc::clone(&mina), authority: Authority::User, room: new })
        .await
        .unwrap();
    let RoomView { room, membership, last_message } = &changed.value;
    assert_eq!((room.kind, room.name.as_str(), room.member_count), (RoomKind::Private, "Yard", 2));
    assert_eq!((room.head, room.slug.as_ref(), last_message), (Seq::new(2), None, &None));
    assert_eq!(membership.unwrap().role, Role::Owner);
    let joined = |user: &Arc<Profile>, role| (Some(Arc::clone(user)), EventBody::Joined(Joined { role }));
    // Jun's invitation is the last, in the inbox.
    let (events, invitation) = changed.events.split_at(2);
    let bodies: Vec<_> = events.iter().map(|event| (event.subject.clone(), event.body.clone())).collect();
    assert_eq!(bodies, [joined(&mina, Role::Owner), joined(&jun, Role::Member)]);
    assert_eq!(seqs(events), [1, 2]);
    assert_eq!((invitation.len(), invitation[0].topic), (1, TopicId::Inbox(jun.id)));
    assert!(changed.events.iter().all(|event| event.actor == mina));
    assert_logged(&service, room.id, &changed).await;
    assert_eq!(service.unread(room.id, &mina).await, 0);
}

async fn a_creation_with_a_key_is_made_once(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let mina = user(1);
    let new = || NewRoom { key: Some(key("k")), ..room_of(RoomKind::Public, "Yard", &[]) };
    let made = join_all((0..10).map(|number| {
        replicas[number % 2].create_room(CreateRoom {
            actor: Arc::clone(&mina),
            authority: Authority::User,
            room: new(),
        })
    }))
    .await;
    let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();
    assert!(made.iter().all(|changed| changed.value.room.id == made[0].value.room.id));
    assert_eq!(made.iter().filter(|changed| !changed.events.is_empty()).count(), 1);
    let another = replicas[0]
        .create_room(CreateRoom { actor: user(2), authority: Authority::User, room: new() })
        .await
        .unwrap();
    assert_ne!(another.value.room.id, made[0].value.room.id);
}

async fn a_direct_room_between_two_is_made_once(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, third) = (user(1), user(2), user(3));
    let direct = |members: &[&Arc<Profile>]| room_of(RoomKind::Direct, "Direct", members);
    let (one, two) = tokio::join!(
        service.create_room(CreateRoom {
            actor: Arc::clone(&mina),
            authority: Authority::User,
            room: direct(&[&jun])
        }),
        service.create_room(CreateRoom {
            actor: Arc::clone(&jun),
            authority: Authority::User,
            room: direct(&[&mina])
        }),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.value.room.id, two.value.room.id);
    assert_eq!(one.events.len() + two.events.len(), 3, "made once, with two members, one of them invited");

    for members in [&[][..], &[&mina], &[&jun, &third]] {
        let refused = service
            .create_room(CreateRoom {
                actor: Arc::clone(&mina),
                authority: Authority::User,
                room: direct(members),
            })
            .await
            .unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
    }
    let room = RoomRef::Id(one.value.room.id);
    let fixed = |error: madang_domain::Error| assert_eq!(error.code, Code::FailedPrecondition);
    fixed(service.leave(Leave { actor: Arc::clone(&mina), room: room.clone() }).await.unwrap_err());
    fixed(
        service
            .put_member(PutMember {
                actor: Arc::clone(&mina),
                authority: Authority::User,
                room: room.clone(),
                user: Arc::clone(&third),
                role: Role::Member,
            })
            .await
            .unwrap_err(),
    );
    fixed(
        service
            .remove_member(RemoveMember {
                actor: Arc::clone(&mina),
                authority: Authority::User,
                room: room.clone(),
                user: jun.id,
            })
            .await
            .unwrap_err(),
    );
    let joining = service.join(Join { actor: third, room }).await.unwrap_err();
    assert_eq!(joining.code, Code::PermissionDenied);
}

async fn a_slug_is_given_once(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let new = || NewRoom { slug: Some(slug("yard")), ..room_of(RoomKind::Public, "Yard", &[]) };
    let made = join_all((0..6).map(|number| {
        replicas[number % 2].create_room(CreateRoom {
            actor: user(number as u128),
            authority: Authority::User,
            room: new(),
        })
    }))
    .await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert!(made.iter().flat_map(|made| made.as_ref().err()).all(|error| error.code == Code::AlreadyExists));

    let (mina, service) = (user(9), &replicas[0]);
    let room = service.given_public_room(&mina).await;
    let give = |text: &str| {
        service.update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: RoomRef::Id(room),
            name: None,
            slug: Some(Some(slug(text))),
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
    };
    assert_eq!(give("yard").await.unwrap_err().code, Code::AlreadyExists);
    assert_eq!(give("garden").await.unwrap().value.room.slug, Some(slug("garden")));
    assert_eq!(
        service
            .get_room(GetRoom { user: Some(mina.id), room: RoomRef::Slug(slug("garden")) })
            .await
            .unwrap()
            .room
            .id,
        room
    );
    service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: RoomRef::Id(room),
            name: None,
            slug: Some(None),
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
        .await
        .unwrap();
    let gone = service
        .get_room(GetRoom { user: Some(mina.id), room: RoomRef::Slug(slug("garden")) })
        .await
        .unwrap_err();
    assert_eq!(gone.code, Code::NotFound);
}

async fn rooms_show_to_whom_they_may(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, stranger) = (user(1), user(2));
    let public = service.given_public_room(&mina).await;
    let private = service.given_room(&[&mina]).await;
    service.say(public, &mina, "k").await.unwrap();
    let seen = service.view(public, &stranger).await;
    assert_eq!((seen.membership, seen.last_message), (None, None), "what was said shows to members alone");
    let refused =
        service.get_room(GetRoom { user: Some(stranger.id), room: RoomRef::Id(private) }).await.unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
    let nowhere = RoomRef::Id(RoomId::new(uuid::Uuid::from_u128(9)));
    assert_eq!(
        service.get_room(GetRoom { user: Some(mina.id), room: nowhere }).await.unwrap_err().code,
        Code::NotFound
    );
    let members = service
        .list_members(ListMembers { user: Some(stranger.id), room: RoomRef::Id(public), page: page(10) })
        .await
        .unwrap_err();
    assert_eq!(members.code, Code::PermissionDenied);
}

async fn only_owners_change_a_room(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let name = |text| Some(RoomName::new(text).unwrap());
    service
        .put_member(PutMember {
            actor: Arc::clone(&mina),
            authority: Authority::User,
            room: RoomRef::Id(room),
            user: Arc::clone(&jun),
            role: Role::Moderator,
        })
        .await
        .unwrap();
    let refused = service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&jun)),
            room: RoomRef::Id(room),
            name: name("Jun's"),
            slug: None,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
    assert_eq!(
        service
            .delete_room(DeleteRoom { authority: Authority::User, actor: Some(jun), room: RoomRef::Id(room) })
            .await
            .unwrap_err()
            .code,
        Code::PermissionDenied
    );

    let changed = service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: RoomRef::Id(room),
            name: name("Garden"),
            slug: None,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
        .await
        .unwrap();
    assert_eq!(changed.value.room.name.as_str(), "Garden");
    let named = RoomName::new("Garden").unwrap();
    let renamed = RoomChanged {
        name: named,
        slug: None,
        flags: RoomFlags::default(),
        details: RoomDetails::default(),
        deleted: false,
    };
    assert_eq!(changed.events[0].body, EventBody::RoomChanged(renamed));
    assert_logged(&service, room, &changed).await;
    let same = service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(mina),
            room: RoomRef::Id(room),
            name: name("Garden"),
            slug: None,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
        .await
        .unwrap();
    assert!(same.events.is_empty(), "what changes nothing is no event");
}

async fn a_deleted_room_is_gone_with_what_was_said(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let new = NewRoom { slug: Some(slug("yard")), ..room_of(RoomKind::Private, "Yard", &[&jun]) };
    let room = service
        .create_room(CreateRoom { actor: Arc::clone(&mina), authority: Authority::User, room: new })
        .await
        .unwrap()
        .value
        .room
        .id;
    service.say(room, &jun, "k").await.unwrap();
    let changed = service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: RoomRef::Slug(slug("yard")),
        })
        .await
        .unwrap();
    let [event] = &changed.events[..] else { panic!("{changed:?}") };
    assert_eq!((event.topic, event.seq), (TopicId::Room(room), Seq::new(4)));
    assert!(matches!(event.body, EventBody::RoomChanged(RoomChanged { deleted: true, .. })));

    let gone = |code| assert_eq!(code, Code::NotFound);
    gone(service.get_room(GetRoom { user: Some(mina.id), room: RoomRef::Id(room) }).await.unwrap_err().code);
    gone(service.say(room, &jun, "k").await.unwrap_err().code);
    gone(service.open_since(room, &jun, Some((1, None))).await.unwrap_err().code);
    gone(service.history_from(room, &jun, madang_rpc::store::HistoryFrom::End, 10).await.unwrap_err().code);
    assert!(
        service
            .resolve(Resolve { user: jun.id, rooms: Vec::new(), memberships: true })
            .await
            .unwrap()
            .memberships
            .is_empty()
    );
    // The slug is its owner's again.
    let new = NewRoom { slug: Some(slug("yard")), ..room_of(RoomKind::Public, "Yard", &[]) };
    assert!(service.make(&mina, new).await.is_ok());
}

/// How long the log of a deleted room is kept.
pub(crate) const TOMBSTONE_KEPT: Duration = Duration::from_secs(3_600);

async fn a_deletion_that_nobody_published_is_found_in_the_log(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let topic = TopicId::Room(room);
    let delete = |room| DeleteRoom {
        authority: Authority::User,
        actor: Some(Arc::clone(&mina)),
        room: RoomRef::Id(room),
    };
    let read = |after| Read { topic, after: Seq::new(after), limit: 10 };
    let heads = || Heads { topics: vec![topic] };
    service.say(room, &jun, "k").await.unwrap();
    let missed = service.read(read(1)).await.unwrap();
    // Another room is deleted a moment earlier.
    let earlier = service.given_room(&[&mina]).await;
    service.delete_room(delete(earlier)).await.unwrap();
    fixture.clock.advance(Duration::from_millis(1));
    let deletion = service.delete_room(delete(room)).await.unwrap().events.remove(0);

    // What a gateway missed before the deletion lies before it: a log without gaps.
    assert_eq!(service.heads(heads()).await.unwrap(), [(topic, deletion.seq)]);
    let log = service.read(read(1)).await.unwrap();
    assert_eq!(log, [&missed[..], std::slice::from_ref(&deletion)].concat());
    assert_eq!(service.read(read(deletion.seq.get())).await.unwrap(), []);

    // A replica that starts looks for tombstones that have served their time. This one has not, by a moment.
    fixture.clock.advance(TOMBSTONE_KEPT);
    let second = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM purges", 1).await;
    assert_eq!(second.heads(heads()).await.unwrap(), [(topic, deletion.seq)]);

    fixture.clock.advance(Duration::from_millis(1));
    let third = fixture.service().await;
    fixture.await_no_events().await;
    assert!(third.heads(heads()).await.unwrap().is_empty());
    assert_eq!(third.read(read(0)).await.unwrap_err().code, Code::NotFound);
}

async fn a_room_that_an_earlier_version_deleted_is_purged(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let topic = TopicId::Room(room);
    service
        .delete_room(DeleteRoom { authority: Authority::User, actor: Some(mina), room: RoomRef::Id(room) })
        .await
        .unwrap();
    fixture.execute("UPDATE purges SET head = NULL").await;
    assert!(service.heads(Heads { topics: vec![topic] }).await.unwrap().is_empty());
    let read = service.read(Read { topic, after: Seq::START, limit: 10 }).await;
    assert_eq!(read.unwrap_err().code, Code::NotFound);
    fixture.clock.advance(TOMBSTONE_KEPT * 2);
    let _second = fixture.service().await;
    fixture.await_no_events().await;
}
