//! Direct rooms: two users, who may the same.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    Code, Profile, Role, RoomDetailChanges, RoomFlagChanges, RoomId, RoomName, Seq, TopicId,
    event::{EventBody, Joined, RoomChanged},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Authority, DeleteRoom, HistoryFrom, ListMembers, Read, Resolve, RoomKind, UpdateRoom},
};

use crate::support::{Fixture, Words as _, keys, page, room_of, user};

madang_test_kit::on_both!(
    both_may_the_same,
    who_deletes_a_direct_room_hides_it_for_oneself_until_the_next_message,
    whoever_opens_a_hidden_room_again_has_it_in_the_list,
    a_direct_room_of_an_earlier_version_has_no_owner_after_the_migration,
);

pub(crate) async fn direct_room(service: &Service, one: &Arc<Profile>, other: &Arc<Profile>) -> RoomId {
    service.make(one, room_of(RoomKind::Direct, "Direct", &[other])).await.unwrap().value.room.id
}

async fn delete(service: &Service, actor: &Arc<Profile>, room: RoomId) -> madang_domain::Result<()> {
    let deleted = service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(actor)),
            room: room.into(),
        })
        .await?;
    assert!(deleted.events.is_empty(), "hiding is no event: {deleted:?}");
    Ok(())
}

/// What the log says of who joined as what.
async fn joined(service: &Service, room: RoomId) -> Vec<EventBody> {
    let read = Read { topic: TopicId::Room(room), after: Seq::START, limit: 2 };
    service.read(read).await.unwrap().into_iter().map(|event| event.body).collect()
}

const BOTH_MEMBERS: [EventBody; 2] =
    [EventBody::Joined(Joined { role: Role::Member }), EventBody::Joined(Joined { role: Role::Member })];

async fn both_may_the_same(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, stranger) = (user(1), user(2), user(3));
    let room = direct_room(&service, &mina, &jun).await;
    assert_eq!(joined(&service, room).await, BOTH_MEMBERS);
    for (person, name) in [(&mina, "Mina's"), (&jun, "Jun's")] {
        assert_eq!(service.role(room, person).await, Role::Member);
        let change = UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(person)),
            room: room.into(),
            name: Some(RoomName::new(name).unwrap()),
            slug: None,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        };
        let changed = service.update_room(change).await.unwrap();
        assert!(matches!(
            &changed.events[0].body,
            EventBody::RoomChanged(RoomChanged { deleted: false, .. })
        ));
        delete(&service, person, room).await.unwrap();
    }
    let change = UpdateRoom {
        authority: Authority::User,
        actor: Some(Arc::clone(&stranger)),
        room: room.into(),
        name: None,
        slug: None,
        flags: RoomFlagChanges::default(),
        details: RoomDetailChanges::default(),
    };
    assert_eq!(service.update_room(change).await.unwrap_err().code, Code::PermissionDenied);
    assert_eq!(delete(&service, &stranger, room).await.unwrap_err().code, Code::PermissionDenied);
}

async fn who_deletes_a_direct_room_hides_it_for_oneself_until_the_next_message(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = direct_room(&service, &mina, &jun).await;
    let elsewhere = service.given_room(&[&mina, &jun]).await;
    service.say(room, &jun, "first").await.unwrap();
    for person in [&mina, &jun] {
        delete(&service, person, room).await.unwrap();
        delete(&service, person, room).await.unwrap();
        assert_eq!(service.listed(person).await, [elsewhere], "hidden");
        // What was said stays, and the room is one of the user's rooms still: the next message must reach them.
        let history = service.history_from(room, person, HistoryFrom::End, 1).await.unwrap();
        assert_eq!(keys(&history.events), ["first"]);
        let resolve = Resolve { user: person.id, rooms: Vec::new(), memberships: true };
        assert!(service.resolve(resolve).await.unwrap().memberships.contains(&room));
        let other = if person == &mina { &jun } else { &mina };
        assert_eq!(service.listed(other).await.contains(&room), person == &mina, "for oneself alone");
    }
    fixture.clock.advance(Duration::from_millis(1));
    service.say(room, &mina, "second").await.unwrap();
    for person in [&mina, &jun] {
        assert_eq!(service.listed(person).await, [room, elsewhere]);
        let history = service.history_from(room, person, HistoryFrom::End, 2).await.unwrap();
        assert_eq!(keys(&history.events), ["second", "first"]);
    }
    let members =
        service.list_members(ListMembers { user: Some(mina.id), room: room.into(), page: page(10) });
    assert_eq!(members.await.unwrap().items.len(), 2);
}

async fn whoever_opens_a_hidden_room_again_has_it_in_the_list(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = direct_room(&service, &mina, &jun).await;
    for person in [&mina, &jun] {
        delete(&service, person, room).await.unwrap();
    }
    assert_eq!(direct_room(&service, &jun, &mina).await, room);
    assert_eq!(service.listed(&jun).await, [room]);
    assert!(service.listed(&mina).await.is_empty(), "the other has not asked");
}

async fn a_direct_room_of_an_earlier_version_has_no_owner_after_the_migration(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = direct_room(&service, &mina, &jun).await;
    let owned = service.given_room(&[&mina, &jun]).await;
    // As the version before left it.
    for statement in [
        "UPDATE members SET role = 3 WHERE role = 1 AND read_seq = 1",
        "UPDATE events SET detail = '{\"role\":\"owner\"}' WHERE kind = 2 AND seq = 1",
        "ALTER TABLE members DROP COLUMN hidden_ordinal",
        "DELETE FROM message_store_migrations WHERE description LIKE 'direct rooms%'",
    ] {
        fixture.execute(statement).await;
    }
    let service = fixture.service().await;
    assert_eq!(
        (service.role(room, &mina).await, service.role(room, &jun).await),
        (Role::Member, Role::Member)
    );
    assert_eq!(joined(&service, room).await, BOTH_MEMBERS);
    delete(&service, &mina, room).await.unwrap();
    // Other rooms keep theirs.
    assert_eq!(service.role(owned, &mina).await, Role::Owner);
    let [owner, _] = &joined(&service, owned).await[..] else { panic!("two joined") };
    assert_eq!(owner, &EventBody::Joined(Joined { role: Role::Owner }));
}
