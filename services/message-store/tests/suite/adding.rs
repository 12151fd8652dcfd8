//! Nobody is made a member against their will.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_domain::{
    AddedBy, Code, Profile, Role, RoomId, TopicId, UserId,
    event::{EventBody, Invite, Joined},
};
use madang_kit::clock::Clock as _;
use madang_message_store::{Service, Settings};
use madang_rpc::{
    MessageStore as _,
    store::{
        Authority, Changed, CreateRoom, GetUserSettings, HistoryFrom, Inbox, Join, Leave, Member, NewRoom,
        Notify, PutMember, PutUserSettings, RemoveMember, RoomKind,
    },
};

use crate::support::{Fixture, Words as _, key, room_of, user};

madang_test_kit::on_both!(
    who_shares_no_room_invites_and_the_user_accepts_or_not,
    each_user_says_who_may_add,
    the_site_always_may,
    a_direct_room_waits_for_the_consent_of_the_other,
    a_flood_of_rooms_leaves_the_user_in_none,
    invitations_that_wait_for_an_answer_are_bounded,
    many_inviters_do_not_fill_one_users_list,
    one_users_additions_do_not_fill_an_inbox,
    one_users_invitations_do_not_fill_an_inbox,
    invitations_at_once_do_not_get_around_the_bound,
    an_invitation_ends_with_its_room,
);

/// The first page of an inbox, and how many of its notices tell of invitations by one user.
const FIRST_PAGE: u32 = 50;
const TOLD_MAX: usize = 10;

/// A service where it counts who shares a room, as by default.
async fn service(fixture: &mut Fixture) -> Service {
    fixture.settings = Settings::default();
    fixture.service().await
}

async fn put(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    user: &Arc<Profile>,
    authority: Authority,
) -> madang_domain::Result<Changed<Member>> {
    let (actor, user) = (Arc::clone(actor), Arc::clone(user));
    service.put_member(PutMember { actor, authority, room: room.into(), user, role: Role::Member }).await
}

async fn set(service: &Service, user: &Profile, added_by: AddedBy) {
    let put = PutUserSettings { added_by: Some(added_by), ..PutUserSettings::nothing(user.id) };
    assert_eq!(service.put_user_settings(put).await.unwrap().added_by, added_by);
    let get = GetUserSettings { user: user.id };
    assert_eq!(service.get_user_settings(get).await.unwrap().added_by, added_by);
}

async fn join(service: &Service, user: &Arc<Profile>, room: RoomId) -> Option<Code> {
    let joined = service.join(Join { actor: Arc::clone(user), room: room.into() }).await;
    joined.err().map(|error| error.code)
}

async fn leave(service: &Service, user: &Arc<Profile>, room: RoomId) -> Option<Code> {
    let left = service.leave(Leave { actor: Arc::clone(user), room: room.into() }).await;
    left.err().map(|error| error.code)
}

async fn who_shares_no_room_invites_and_the_user_accepts_or_not(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let (mina, jun, sora) = (user(1), user(2), user(3));
    let room = service.given_room(&[&mina]).await;
    let invited = put(&service, room, &mina, &jun, Authority::User).await.unwrap();
    assert!(invited.value.invited);
    let [notice] = &invited.events[..] else { panic!("{invited:?}") };
    assert_eq!((notice.topic, &notice.actor), (TopicId::Inbox(jun.id), &mina));
    assert!(matches!(&notice.body, EventBody::Invite(Invite { room: of, pending: true, .. }) if *of == room));
    assert_eq!(service.say(room, &jun, "k").await.unwrap_err().code, Code::PermissionDenied);
    assert!(service.listed(&jun).await.is_empty());
    // A repeat is no second invitation.
    let again = put(&service, room, &mina, &jun, Authority::User).await.unwrap();
    assert_eq!((again.value.invited, again.events.len()), (true, 0));

    let joined = service.join(Join { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    assert_eq!(joined.events.len(), 1, "who accepts finds no invitation: {joined:?}");
    assert_eq!(joined.events[0].body, EventBody::Joined(Joined { role: Role::Member }));
    // An invitation is used up.
    assert_eq!(leave(&service, &jun, room).await, None);
    assert_eq!(join(&service, &jun, room).await, Some(Code::PermissionDenied));

    // One may decline, and the inviter may take it back.
    put(&service, room, &mina, &jun, Authority::User).await.unwrap();
    assert_eq!(leave(&service, &jun, room).await, None);
    assert_eq!(join(&service, &jun, room).await, Some(Code::PermissionDenied));
    assert_eq!(leave(&service, &jun, room).await, Some(Code::PermissionDenied));
    put(&service, room, &mina, &jun, Authority::User).await.unwrap();
    let back = RemoveMember {
        actor: Arc::clone(&mina),
        authority: Authority::User,
        room: room.into(),
        user: jun.id,
    };
    assert!(service.remove_member(back.clone()).await.unwrap().events.is_empty());
    assert_eq!(service.remove_member(back).await.unwrap_err().code, Code::NotFound);
    assert_eq!(join(&service, &jun, room).await, Some(Code::PermissionDenied));

    // Who shares a room adds.
    let public = service.given_public_room(&sora).await;
    for person in [&mina, &jun] {
        assert_eq!(join(&service, person, public).await, None);
    }
    assert!(!put(&service, room, &mina, &jun, Authority::User).await.unwrap().value.invited);
    assert_eq!(service.role(room, &jun).await, Role::Member);
}

async fn each_user_says_who_may_add(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let (mina, open, closed) = (user(1), user(2), user(3));
    assert_eq!(
        service.get_user_settings(GetUserSettings { user: mina.id }).await.unwrap().added_by,
        AddedBy::Shared
    );
    set(&service, &open, AddedBy::Anyone).await;
    set(&service, &closed, AddedBy::Nobody).await;
    let public = service.given_public_room(&mina).await;
    assert_eq!(join(&service, &closed, public).await, None);
    let room = service.make(&mina, room_of(RoomKind::Private, "Yard", &[&open, &closed])).await.unwrap();
    assert_eq!(room.value.room.member_count, 2);
    let room = room.value.room.id;
    assert_eq!(service.role(room, &open).await, Role::Member);
    assert_eq!(service.say(room, &closed, "k").await.unwrap_err().code, Code::PermissionDenied);
    assert_eq!(join(&service, &closed, room).await, None);
}

async fn the_site_always_may(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let (mina, jun) = (user(1), user(2));
    set(&service, &jun, AddedBy::Nobody).await;
    let new = NewRoom { key: Some(key("k")), ..room_of(RoomKind::Private, "Yard", &[&jun]) };
    let by_site = CreateRoom { actor: Arc::clone(&mina), authority: Authority::Site, room: new };
    assert_eq!(service.create_room(by_site).await.unwrap().value.room.member_count, 2);
    let room = service.given_room(&[&mina]).await;
    assert!(put(&service, room, &mina, &jun, Authority::User).await.unwrap().value.invited);
    assert!(!put(&service, room, &jun, &jun, Authority::Site).await.unwrap().value.invited);
    assert_eq!(service.role(room, &jun).await, Role::Member);
    // The invitation is no way back.
    assert_eq!(leave(&service, &jun, room).await, None);
    assert_eq!(join(&service, &jun, room).await, Some(Code::PermissionDenied));
}

async fn a_direct_room_waits_for_the_consent_of_the_other(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let (mina, jun, sora) = (user(1), user(2), user(3));
    let direct = async |one: &Arc<Profile>, other: &Arc<Profile>| {
        service.make(one, room_of(RoomKind::Direct, "Direct", &[other])).await.unwrap()
    };
    let made = direct(&mina, &jun).await;
    let room = made.value.room.id;
    assert_eq!((made.value.room.member_count, made.events.len()), (1, 2), "one joined, one is invited");
    service.say(room, &mina, "hello").await.unwrap();
    assert_eq!(direct(&mina, &jun).await.events.len(), 0, "a repeat is no second invitation");
    assert_eq!(leave(&service, &jun, room).await, None, "jun declines");
    assert_eq!(service.say(room, &jun, "k").await.unwrap_err().code, Code::PermissionDenied);

    // Whoever of the two asks for the room is in it, from that time on.
    fixture.clock.advance(Duration::from_secs(60));
    let opened = direct(&jun, &mina).await;
    assert_eq!(opened.events[0].at, fixture.clock.now());
    assert_eq!((opened.value.room.id, opened.value.room.member_count), (room, 2));
    assert_eq!(opened.value.last_message.unwrap().actor, mina);
    let accepted = direct(&sora, &mina).await.value.room.id;
    assert_eq!(join(&service, &mina, accepted).await, None);
    assert_eq!(service.role(accepted, &mina).await, Role::Member);
}

async fn a_flood_of_rooms_leaves_the_user_in_none(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let (victim, flooder) = (user(1), user(2));
    for _ in 0..TOLD_MAX {
        let room = service.given_room(&[&flooder, &victim]).await;
        assert_eq!(service.view(room, &flooder).await.room.member_count, 1);
    }
    assert!(service.listed(&victim).await.is_empty());
}

async fn invitations_that_wait_for_an_answer_are_bounded(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let (mina, last) = (user(1), user(999));
    let people: Vec<_> = (10..110).map(user).collect();
    for _ in 0..2 {
        let everybody = people.iter().collect::<Vec<_>>();
        service.make(&mina, room_of(RoomKind::Private, "Yard", &everybody)).await.unwrap();
    }
    let room = service.given_room(&[&mina]).await;
    let refused = put(&service, room, &mina, &last, Authority::User).await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
    assert_eq!(fixture.count("SELECT count(*) FROM invitations").await, 200);
    // Another user's are counted apart.
    let juns = service.given_room(&[&user(2)]).await;
    assert!(put(&service, juns, &user(2), &last, Authority::User).await.is_ok());
}

async fn many_inviters_do_not_fill_one_users_list(mut fixture: Fixture) {
    const WAITING: usize = 200;
    const OF_VICTIM: &str = "SELECT count(*) FROM invitations";
    let service = service(&mut fixture).await;
    let (victim, friend) = (user(1), user(2));
    let mut rooms = Vec::new();
    for number in 0..WAITING + 5 {
        fixture.clock.advance(Duration::from_millis(1));
        rooms.push(service.given_room(&[&user(1_000 + number as u128), &victim]).await);
    }
    assert_eq!(fixture.count(OF_VICTIM).await, WAITING as i64);
    // Whoever comes after the flood can invite, even in the same moment as the last of it.
    let welcome = service.given_room(&[&friend, &victim]).await;
    assert_eq!(fixture.count(OF_VICTIM).await, WAITING as i64);
    assert_eq!(join(&service, &victim, rooms[5]).await, Some(Code::PermissionDenied), "the oldest have gone");
    assert_eq!(join(&service, &victim, rooms[6]).await, None);
    assert_eq!(join(&service, &victim, welcome).await, None);
    // What was dropped may be sent again, and repeats drop nothing.
    let inviter = user(1_005);
    for _ in 0..2 {
        assert!(put(&service, rooms[5], &inviter, &victim, Authority::User).await.unwrap().value.invited);
        assert_eq!(fixture.count(OF_VICTIM).await, WAITING as i64 - 1);
    }
}

/// Whose notices are on the first page of an inbox, newest first.
async fn first_page(service: &Service, user: &Profile) -> Vec<UserId> {
    let inbox = Inbox { user: user.id, from: HistoryFrom::End, limit: FIRST_PAGE };
    service.inbox(inbox).await.unwrap().events.iter().map(|notice| notice.actor.id).collect()
}

fn of(page: &[UserId], user: &Profile) -> usize {
    page.iter().filter(|actor| **actor == user.id).count()
}

/// Notices of something else, as many as a page has.
async fn a_page_of_others(service: &Service, user: &Arc<Profile>) {
    for _ in 0..FIRST_PAGE {
        let notice = Notify { user: Arc::clone(user), data: "{}".into(), key: None };
        service.notify(notice).await.unwrap();
    }
}

async fn one_users_additions_do_not_fill_an_inbox(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let (victim, friend, flooder) = (user(1), user(2), user(3));
    set(&service, &victim, AddedBy::Anyone).await;
    for _ in 0..3 {
        service.given_room(&[&friend, &victim]).await;
    }
    let mut room = service.given_room(&[&flooder, &victim]).await;
    for _ in 0..FIRST_PAGE {
        room = service.given_room(&[&flooder, &victim]).await;
    }
    // Who is put out and in again is told no more often.
    for _ in 0..5 {
        let (actor, user) = (Arc::clone(&flooder), victim.id);
        let remove = RemoveMember { actor, authority: Authority::User, room: room.into(), user };
        service.remove_member(remove).await.unwrap();
        let added = put(&service, room, &flooder, &victim, Authority::User).await.unwrap();
        assert_eq!((added.value.invited, added.events.len()), (false, 1), "a member, and no notice");
    }
    let page = first_page(&service, &victim).await;
    assert_eq!((of(&page, &flooder), of(&page, &friend), page.len()), (TOLD_MAX, 3, TOLD_MAX + 3));
    assert_eq!(service.listed(&victim).await.len(), 4 + FIRST_PAGE as usize, "a member of all of them");
    // Another user's are counted apart, and what has left the page counts no more.
    service.given_room(&[&friend, &victim]).await;
    assert_eq!(first_page(&service, &victim).await[0], friend.id);
    a_page_of_others(&service, &victim).await;
    service.given_room(&[&flooder, &victim]).await;
    assert_eq!(first_page(&service, &victim).await[0], flooder.id);
}

async fn one_users_invitations_do_not_fill_an_inbox(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let (victim, friend, flooder) = (user(1), user(2), user(3));
    service.given_room(&[&friend, &victim]).await;
    let mut room = service.given_room(&[&flooder, &victim]).await;
    for _ in 1..TOLD_MAX {
        room = service.given_room(&[&flooder, &victim]).await;
    }
    // An invitation of which nobody is told would be none: it is refused, and nothing is made.
    let refused = service.make(&flooder, room_of(RoomKind::Private, "Trap", &[&victim])).await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
    assert_eq!(service.listed(&flooder).await.len(), TOLD_MAX);
    // To take one back makes no room for another one.
    let back = RemoveMember {
        actor: Arc::clone(&flooder),
        authority: Authority::User,
        room: room.into(),
        user: victim.id,
    };
    service.remove_member(back).await.unwrap();
    let again = put(&service, room, &flooder, &victim, Authority::User).await.unwrap_err();
    assert_eq!(again.code, Code::FailedPrecondition);
    assert_eq!(join(&service, &victim, room).await, Some(Code::PermissionDenied), "there is no invitation");
    let page = first_page(&service, &victim).await;
    assert_eq!((of(&page, &flooder), of(&page, &friend)), (TOLD_MAX, 1));
    // Other users are invited, others invite, and the site adds whom it likes.
    assert!(put(&service, room, &flooder, &user(4), Authority::User).await.unwrap().value.invited);
    service.given_room(&[&friend, &victim]).await;
    assert!(!put(&service, room, &flooder, &victim, Authority::Site).await.unwrap().value.invited);
    assert_eq!(first_page(&service, &victim).await[..2], [flooder.id, friend.id]);

    a_page_of_others(&service, &user(5)).await;
    let of_other = service.given_room(&[&flooder]).await;
    assert!(put(&service, of_other, &flooder, &user(5), Authority::User).await.unwrap().value.invited);
}

async fn invitations_at_once_do_not_get_around_the_bound(mut fixture: Fixture) {
    fixture.settings = Settings::default();
    let replicas = [fixture.service().await, fixture.service().await];
    let (victim, flooder) = (user(1), user(2));
    let mut rooms = Vec::new();
    for _ in 0..3 * TOLD_MAX {
        rooms.push(replicas[0].given_room(&[&flooder]).await);
    }
    let invited = rooms.iter().enumerate().map(|(number, room)| {
        let service = &replicas[number % 2];
        put(service, *room, &flooder, &victim, Authority::User)
    });
    let invited = join_all(invited).await;
    assert_eq!(invited.iter().filter(|invited| invited.is_ok()).count(), TOLD_MAX);
    assert_eq!(of(&first_page(&replicas[0], &victim).await, &flooder), TOLD_MAX);
    assert_eq!(fixture.count("SELECT count(*) FROM invitations").await, TOLD_MAX as i64);
}

async fn an_invitation_ends_with_its_room(mut fixture: Fixture) {
    let service = service(&mut fixture).await;
    let mina = user(1);
    let room = service.given_room(&[&mina, &user(2)]).await;
    assert_eq!(fixture.count("SELECT count(*) FROM invitations").await, 1);
    service
        .delete_room(madang_rpc::store::DeleteRoom {
            authority: Authority::User,
            actor: Some(mina),
            room: room.into(),
        })
        .await
        .unwrap();
    assert_eq!(fixture.count("SELECT count(*) FROM invitations").await, 0);
}
