//! Joining, leaving and roles.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_domain::{
    Code, Profile, Role, RoomId, RoomRef, Seq, UserId,
    event::{EventBody, Joined, Left, RoleChanged},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Authority, CreateRoom, Join, Leave, ListMembers, NewRoom, PageQuery, PutMember, RemoveMember,
        RoomKind,
    },
};

use crate::support::{Fixture, Words as _, assert_logged, key, page, room_of, user};

madang_test_kit::on_both!(
    joining_is_an_event_once,
    leaving_is_an_event_and_ends_the_right_to_speak,
    the_last_owner_who_leaves_hands_over,
    the_last_owner_stays_an_owner_while_there_are_others,
    roles_decide_who_may_change_whom,
    members_are_listed_by_rank,
    changes_and_appends_share_one_order,
    who_has_left_learns_nothing_by_repeating_the_creation,
);

async fn put(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    user: &Arc<Profile>,
    role: Role,
) -> Option<Code> {
    let put = service
        .put_member(PutMember {
            actor: Arc::clone(actor),
            authority: Authority::User,
            room: RoomRef::Id(room),
            user: Arc::clone(user),
            role,
        })
        .await;
    put.err().map(|error| error.code)
}

async fn remove(service: &Service, room: RoomId, actor: &Arc<Profile>, user: UserId) -> Option<Code> {
    service
        .remove_member(RemoveMember {
            actor: Arc::clone(actor),
            authority: Authority::User,
            room: RoomRef::Id(room),
            user,
        })
        .await
        .err()
        .map(|error| error.code)
}

async fn joining_is_an_event_once(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    service.say(room, &mina, "before").await.unwrap();
    let joins =
        join_all((0..5).map(|_| service.join(Join { actor: Arc::clone(&jun), room: RoomRef::Id(room) })))
            .await;
    let joins: Vec<_> = joins.into_iter().map(Result::unwrap).collect();
    let events: Vec<_> = joins.iter().flat_map(|changed| changed.events.clone()).collect();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.body, EventBody::Joined(Joined { role: Role::Member }));
    assert_eq!(event.subject.as_ref(), Some(&jun));
    assert_eq!((event.seq, &event.actor), (Seq::new(3), &jun));
    let view = service.view(room, &jun).await;
    assert_eq!((view.room.member_count, view.room.head), (2, Seq::new(3)));
    let membership = view.membership.unwrap();
    assert_eq!((membership.role, membership.read, membership.unread), (Role::Member, Seq::new(3), 0));

    let private = service.given_room(&[&mina]).await;
    let refused = service.join(Join { actor: jun, room: RoomRef::Id(private) }).await.unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
}

async fn leaving_is_an_event_and_ends_the_right_to_speak(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let changed = service.leave(Leave { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    assert_eq!(changed.events[0].body, EventBody::Left(Left {}));
    assert_eq!(changed.events[0].subject.as_ref(), Some(&jun));
    assert_eq!(changed.events[0].actor, jun);
    assert_logged(&service, room, &changed).await;
    assert_eq!(service.say(room, &jun, "k").await.unwrap_err().code, Code::PermissionDenied);
    let again = service.leave(Leave { actor: jun, room: RoomRef::Id(room) }).await.unwrap_err();
    assert_eq!(again.code, Code::PermissionDenied);
    assert_eq!(service.view(room, &mina).await.room.member_count, 1);
}

async fn the_last_owner_who_leaves_hands_over(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, sora, ara] = [1, 2, 3, 4].map(user);
    let room = service.given_room(&[&mina]).await;
    for (user, role) in [(&jun, Role::Member), (&sora, Role::Member), (&ara, Role::Moderator)] {
        fixture.clock.advance(Duration::from_millis(1));
        assert_eq!(put(&service, room, &mina, user, role).await, None);
    }
    let leave = async |user: &Arc<Profile>| {
        service.leave(Leave { actor: Arc::clone(user), room: RoomRef::Id(room) }).await.unwrap()
    };
    let owner = EventBody::RoleChanged(RoleChanged { role: Role::Owner });
    // To the moderator, although two members are older; then to the older one of them.
    for (leaving, heir) in [(&mina, &ara), (&ara, &jun)] {
        let left = leave(leaving).await;
        assert_eq!(left.events.len(), 2);
        assert_eq!((&left.events[0].body, left.events[0].subject.as_ref()), (&owner, Some(heir)));
        assert_eq!(left.events[1].body, EventBody::Left(Left {}));
        assert_logged(&service, room, &left).await;
        assert_eq!(service.role(room, heir).await, Role::Owner);
    }
    // Where another owner stays nobody is made one.
    assert_eq!(put(&service, room, &jun, &sora, Role::Owner).await, None);
    assert_eq!(leave(&jun).await.events.len(), 1);
    assert_eq!(leave(&sora).await.events.len(), 1, "the last member may go");
}

async fn the_last_owner_stays_an_owner_while_there_are_others(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    assert_eq!(put(&service, room, &mina, &mina, Role::Member).await, Some(Code::FailedPrecondition));
    assert_eq!(put(&service, room, &mina, &jun, Role::Owner).await, None);
    // Two owners: one leaves while the other one gives the role up. Whichever comes first, an owner is left.
    let (left, given_up) = tokio::join!(
        service.leave(Leave { actor: Arc::clone(&mina), room: RoomRef::Id(room) }),
        put(&service, room, &jun, &jun, Role::Member),
    );
    left.unwrap();
    assert!(matches!(given_up, None | Some(Code::FailedPrecondition)), "{given_up:?}");
    assert_eq!(service.role(room, &jun).await, Role::Owner);
}

async fn roles_decide_who_may_change_whom(fixture: Fixture) {
    let service = fixture.service().await;
    let [owner, moderator, second, member, new] = [1, 2, 3, 4, 5].map(user);
    let room = service.given_room(&[&owner, &moderator, &second, &member]).await;
    let denied = Some(Code::PermissionDenied);
    for user in [&moderator, &second] {
        let put = service
            .put_member(PutMember {
                actor: Arc::clone(&owner),
                authority: Authority::User,
                room: RoomRef::Id(room),
                user: Arc::clone(user),
                role: Role::Moderator,
            })
            .await;
        let changed = put.unwrap();
        assert_eq!(changed.value.role, Role::Moderator);
        assert_eq!(changed.events[0].body, EventBody::RoleChanged(RoleChanged { role: Role::Moderator }));
        assert_eq!(changed.events[0].subject.as_ref(), Some(user));
        assert_logged(&service, room, &changed).await;
    }
    // Members add nobody; moderators add members, and give no role.
    assert_eq!(put(&service, room, &member, &new, Role::Member).await, denied);
    assert_eq!(put(&service, room, &moderator, &new, Role::Moderator).await, denied);
    assert_eq!(put(&service, room, &moderator, &member, Role::Moderator).await, denied);
    assert_eq!(put(&service, room, &new, &new, Role::Member).await, denied);
    assert_eq!(put(&service, room, &moderator, &new, Role::Member).await, None);
    let same = service
        .put_member(PutMember {
            actor: Arc::clone(&owner),
            authority: Authority::User,
            room: RoomRef::Id(room),
            user: new.clone(),
            role: Role::Member,
        })
        .await
        .unwrap();
    assert!(same.events.is_empty(), "what changes nothing is no event");
    // One removes those of a lesser role.
    assert_eq!(remove(&service, room, &member, new.id).await, denied);
    assert_eq!(remove(&service, room, &moderator, second.id).await, denied);
    assert_eq!(remove(&service, room, &moderator, owner.id).await, denied);
    assert_eq!(remove(&service, room, &moderator, moderator.id).await, Some(Code::FailedPrecondition));
    assert_eq!(remove(&service, room, &moderator, user(9).id).await, Some(Code::NotFound));
    let removed = service
        .remove_member(RemoveMember {
            actor: Arc::clone(&moderator),
            authority: Authority::User,
            room: RoomRef::Id(room),
            user: new.id,
        })
        .await
        .unwrap();
    assert_eq!(removed.events[0].body, EventBody::Left(Left {}));
    assert_eq!(removed.events[0].subject.as_ref(), Some(&new));
    assert_eq!(removed.events[0].actor, moderator);
    assert_eq!(service.say(room, &new, "k").await.unwrap_err().code, Code::PermissionDenied);
}

async fn members_are_listed_by_rank(fixture: Fixture) {
    let service = fixture.service().await;
    let [owner, moderator, first, second] = [4, 3, 2, 1].map(user);
    let room = service.given_room(&[&owner]).await;
    for user in [&first, &second, &moderator] {
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(put(&service, room, &owner, user, Role::Member).await, None);
    }
    assert_eq!(put(&service, room, &owner, &moderator, Role::Moderator).await, None);
    // Whose role changed within the last moments may stand on the last page once more.
    fixture.clock.advance(Duration::from_secs(10));
    let expected = [&owner, &moderator, &first, &second].map(|user| user.id);
    for limit in [1, 3, 4] {
        let (mut listed, mut query) = (Vec::new(), page(limit));
        loop {
            let page = service
                .list_members(ListMembers { user: Some(first.id), room: RoomRef::Id(room), page: query })
                .await
                .unwrap();
            listed.extend(page.items.iter().map(|member| member.user.id));
            let Some(next) = page.next else { break };
            query = PageQuery { limit, cursor: Some(next) };
        }
        assert_eq!(listed, expected);
    }
}

async fn changes_and_appends_share_one_order(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let mina = user(0);
    let room = replicas[0].given_public_room(&mina).await;
    let work = (1..=20).map(|number| {
        let (service, mina) = (&replicas[number as usize % 2], &mina);
        async move {
            let person = user(number);
            service.join(Join { actor: Arc::clone(&person), room: RoomRef::Id(room) }).await.unwrap();
            service.say(room, &person, "hello").await.unwrap();
            service.say(room, mina, &format!("hello {number}")).await.unwrap();
            service.leave(Leave { actor: person, room: RoomRef::Id(room) }).await.unwrap();
        }
    });
    join_all(work).await;
    let log = replicas[1].log(room).await;
    assert_eq!(crate::support::seqs(&log), (1..=81).collect::<Vec<_>>());
    assert_eq!(replicas[0].view(room, &mina).await.room.member_count, 1);
    assert_eq!(replicas[0].unread(room, &mina).await, 20);
}

async fn who_has_left_learns_nothing_by_repeating_the_creation(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    for (number, kind) in [RoomKind::Private, RoomKind::Public].into_iter().enumerate() {
        let new = || NewRoom { key: Some(key(number.to_string())), ..room_of(kind, "Yard", &[&jun]) };
        let room = service.make(&mina, new()).await.unwrap().value.room.id;
        assert_eq!(service.make(&mina, new()).await.unwrap().value.room.id, room, "a repeat");
        assert_eq!(put(&service, room, &mina, &jun, Role::Owner).await, None);
        if number == 0 {
            service.leave(Leave { actor: Arc::clone(&mina), room: room.into() }).await.unwrap();
        } else {
            let demoted = put(&service, room, &jun, &mina, Role::Member).await;
            assert_eq!((demoted, remove(&service, room, &jun, mina.id).await), (None, None));
        }
        let repeated = service.make(&mina, new()).await;
        match kind {
            RoomKind::Public => {
                let view = repeated.unwrap().value;
                assert_eq!((view.room.id, view.membership), (room, None), "anybody sees a public room");
            }
            RoomKind::Private | RoomKind::Direct => {
                let refused = repeated.unwrap_err();
                assert_eq!(refused.code, Code::PermissionDenied);
                assert!(!refused.message.contains("Yard"), "{refused}");
            }
        }
        // The site may know, whoever it makes a room for.
        let by_site = CreateRoom { actor: Arc::clone(&mina), authority: Authority::Site, room: new() };
        assert_eq!(service.create_room(by_site).await.unwrap().value.room.id, room);
        assert_eq!(service.make(&jun, new()).await.unwrap().value.room.member_count, 1, "another's key");
    }
}
