//! Profiles: what the store shows of a user is the present one.

use std::{sync::Arc, time::Duration};

use madang_domain::{Profile, Role, RoomId, RoomRef, event::EventBody};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Authority, CreateRoom, HistoryFrom, Join, Leave, ListMembers, ListRooms, PROFILE_ROOMS_MAX,
        PutMember, RememberProfile, RememberedProfile, RoomKind,
    },
};

use crate::support::{Fixture, Words as _, page, room_of, user, user_at};

madang_test_kit::on_both!(
    a_changed_profile_is_shown_wherever_the_user_is_named,
    an_older_profile_never_replaces_a_later_one,
    the_rooms_of_a_change_are_those_of_the_user,
    one_change_is_told_to_so_many_rooms_and_no_more,
);

async fn remember(service: &Service, user: &Arc<Profile>) -> RememberedProfile {
    service.remember_profile(RememberProfile { user: Arc::clone(user) }).await.unwrap()
}

/// The names that the store shows of a user: in the list of members, in history, in replay, in the log as gateways read
/// it, and in the user's place as the last who spoke.
async fn names(service: &Service, room: RoomId, reader: &Profile, of: &Profile) -> Vec<String> {
    let list = ListMembers { user: Some(reader.id), room: RoomRef::Id(room), page: page(10) };
    let members = service.list_members(list).await.unwrap().items;
    let mut names: Vec<String> = members
        .iter()
        .filter(|member| member.user.id == of.id)
        .map(|member| member.user.name.to_string())
        .collect();
    let history = service.history_from(room, reader, HistoryFrom::End, 10).await.unwrap().events;
    let replay = service.open_since(room, reader, Some((0, None))).await.unwrap().events;
    let log = service.log(room).await;
    for events in [history, replay, log] {
        let said = events.iter().filter(|event| matches!(event.body, EventBody::Message(_)));
        names.extend(said.map(|event| event.actor.name.to_string()));
        let joined = events.iter().filter_map(|event| event.subject.as_ref()).filter(|user| user.id == of.id);
        names.extend(joined.map(|user| user.name.to_string()));
    }
    let list = ListRooms { user: Some(reader.id), joinable: false, page: page(10) };
    let rooms = service.list_rooms(list).await.unwrap().items;
    names.extend(
        rooms.into_iter().filter_map(|view| view.last_message).map(|last| last.actor.name.to_string()),
    );
    names
}

async fn a_changed_profile_is_shown_wherever_the_user_is_named(fixture: Fixture) {
    let (first, second) = (fixture.service().await, fixture.service().await);
    let (mina, jun) = (user_at(1, "Mina", 5), user(2));
    let room = first.given_room(&[&jun, &mina]).await;
    first.say(room, &mina, "k").await.unwrap();
    let shown = names(&second, room, &jun, &mina).await;
    assert_eq!(shown, vec!["Mina"; 8], "one member, three times a message and an arrival, one last message");
    // By another replica than the one that is asked, and the user says nothing.
    let renamed = user_at(1, "Mina Kim", 6);
    assert_eq!(remember(&first, &renamed).await, RememberedProfile { user: renamed, rooms: vec![room] });
    for service in [&first, &second] {
        assert_eq!(names(service, room, &jun, &mina).await, vec!["Mina Kim"; 8]);
    }
}

async fn an_older_profile_never_replaces_a_later_one(fixture: Fixture) {
    let (first, second) = (fixture.service().await, fixture.service().await);
    let (mina, jun) = (user_at(1, "Mina", 5), user(2));
    let room = first.given_room(&[&jun, &mina]).await;
    let (then, now) = (user_at(1, "Then", 6), user_at(1, "Now", 7));
    assert_eq!(remember(&first, &now).await.user, now);
    for service in [&first, &second] {
        assert_eq!(remember(service, &then).await.user, now, "the answer is the present one");
        service.say(room, &mina, "with the token of before").await.unwrap();
        assert!(names(service, room, &jun, &mina).await.iter().all(|name| name == "Now"));
    }
    // A repeat answers as the first time.
    assert_eq!(remember(&second, &now).await, RememberedProfile { user: now, rooms: vec![room] });
}

async fn the_rooms_of_a_change_are_those_of_the_user(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    assert_eq!(
        remember(&service, &mina).await,
        RememberedProfile { user: Arc::clone(&mina), rooms: Vec::new() }
    );
    let quiet = service.given_room(&[&jun, &mina]).await;
    fixture.clock.advance(Duration::from_secs(1));
    let public = service.given_public_room(&jun).await;
    fixture.clock.advance(Duration::from_secs(1));
    let left = service.given_room(&[&mina, &jun]).await;
    let put = PutMember {
        actor: Arc::clone(&mina),
        authority: Authority::User,
        room: left.into(),
        user: Arc::clone(&jun),
        role: Role::Owner,
    };
    service.put_member(put).await.unwrap();
    service.leave(Leave { actor: Arc::clone(&mina), room: left.into() }).await.unwrap();
    assert_eq!(
        remember(&service, &mina).await.rooms,
        [quiet],
        "a room that anybody may join is not the user's"
    );
    fixture.clock.advance(Duration::from_secs(1));
    service.join(Join { actor: Arc::clone(&mina), room: public.into() }).await.unwrap();
    assert_eq!(
        remember(&service, &mina).await.rooms,
        [public, quiet],
        "the one that was active last comes first"
    );
    fixture.clock.advance(Duration::from_secs(1));
    service.say(quiet, &jun, "k").await.unwrap();
    assert_eq!(remember(&service, &mina).await.rooms, [quiet, public]);
}

async fn one_change_is_told_to_so_many_rooms_and_no_more(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let first = service.given_room(&[&mina, &jun]).await;
    fixture.clock.advance(Duration::from_secs(1));
    for _ in 0..PROFILE_ROOMS_MAX {
        let new = room_of(RoomKind::Private, "Room", &[]);
        let create = CreateRoom { actor: Arc::clone(&mina), authority: Authority::User, room: new };
        service.create_room(create).await.unwrap();
    }
    let rooms = remember(&service, &mina).await.rooms;
    assert_eq!((rooms.len(), rooms.contains(&first)), (PROFILE_ROOMS_MAX as usize, false));
}
