//! Lists of rooms, and of members: their order, and what happens while they are paged.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_domain::{Code, Profile, Role, RoomId, RoomRef, SearchText, Slug, UserId, limits::PAGE_MAX_BYTES};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, DeleteRoom, Join, ListBans, ListMembers, ListRooms, NewRoom, PageQuery, PutMember,
        Resolve, RoomKind,
    },
};
use proptest::{
    collection::vec,
    strategy::{Strategy, ValueTree as _},
    test_runner::TestRunner,
};

use crate::{
    moderation::{Terms, ban},
    support::{Fixture, Words as _, message, page, room_of, user},
};

madang_test_kit::on_both!(
    rooms_are_listed_by_activity,
    empty_rooms_of_others_come_after_those_in_which_something_was_said,
    public_rooms_are_listed_for_those_who_may_join,
    public_rooms_are_found_by_name_and_slug,
    a_page_of_rooms_is_bounded_in_bytes,
    a_room_that_becomes_active_while_the_list_is_paged_is_on_a_page,
    a_member_whose_role_changes_while_the_list_is_paged_is_on_a_page,
    a_ban_that_is_imposed_again_while_the_list_is_paged_is_on_a_page,
);

/// By how much a commit may come later than the time that it writes.
const COMMIT_DELAY: Duration = Duration::from_secs(10);

/// Generated histories of each list.
const HISTORIES: u32 = 24;
const ROOMS: usize = 9;

/// All pages of a list.
async fn all_pages(service: &Service, user: &Profile, joinable: bool, limit: u32) -> Vec<RoomId> {
    let (mut rooms, mut query) = (Vec::new(), page(limit));
    loop {
        let list = ListRooms { user: Some(user.id), joinable, text: None, page: query };
        let page = service.list_rooms(list).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        rooms.extend(page.items.iter().map(|view| view.room.id));
        let Some(next) = page.next else { return rooms };
        query = PageQuery { limit, cursor: Some(next) };
    }
}

async fn rooms_are_listed_by_activity(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let mut rooms = Vec::new();
    for _ in 0..5 {
        fixture.clock.advance(Duration::from_millis(1));
        rooms.push(service.given_room(&[&mina, &jun]).await);
    }
    fixture.clock.advance(Duration::from_millis(1));
    service.say(rooms[1], &jun, "k").await.unwrap();
    let expected = [rooms[1], rooms[4], rooms[3], rooms[2], rooms[0]];
    // What happened within the last moments may stand on the last page once more.
    fixture.clock.advance(COMMIT_DELAY);
    for limit in [1, 2, 5, 200] {
        assert_eq!(all_pages(&service, &mina, false, limit).await, expected);
    }
    let first = &service
        .list_rooms(ListRooms { user: Some(mina.id), joinable: false, text: None, page: page(1) })
        .await
        .unwrap()
        .items[0];
    assert_eq!(first.membership.unwrap().unread, 1);
    assert_eq!(first.last_message.as_ref().unwrap().actor, jun);
    assert!(all_pages(&service, &user(3), false, 10).await.is_empty());

    for (limit, cursor) in [(0, None), (201, None), (10, Some("a.nonsense")), (10, Some("p.1"))] {
        let query = PageQuery { limit, cursor: cursor.map(str::to_owned) };
        assert_eq!(
            service
                .list_rooms(ListRooms { user: Some(mina.id), joinable: false, text: None, page: query })
                .await
                .unwrap_err()
                .code,
            Code::InvalidArgument
        );
    }
}

async fn public_rooms_are_listed_for_those_who_may_join(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let mut rooms = Vec::new();
    for _ in 0..4 {
        fixture.clock.advance(Duration::from_millis(1));
        rooms.insert(0, service.given_public_room(&mina).await);
    }
    service.given_room(&[&mina]).await;
    assert_eq!(all_pages(&service, &jun, true, 3).await, rooms);
    service.join(Join { actor: Arc::clone(&jun), room: RoomRef::Id(rooms.remove(2)) }).await.unwrap();
    assert_eq!(all_pages(&service, &jun, true, 1).await, rooms);
    assert!(all_pages(&service, &mina, true, 10).await.is_empty());
}

async fn public_rooms_are_found_by_name_and_slug(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let mut made = Vec::new();
    let rooms = [
        (RoomKind::Public, "서울 마당", Some("seoul")),
        (RoomKind::Public, "Lunch at Noon", None),
        (RoomKind::Public, "100% lunch", Some("full_lunch")),
        (RoomKind::Private, "Lunch in private", None),
        (RoomKind::Public, "부산 마당", None),
    ];
    for (kind, name, slug) in rooms {
        fixture.clock.advance(Duration::from_millis(1));
        let slug = slug.map(|slug| Slug::new(slug).unwrap());
        let room = NewRoom { slug, ..room_of(kind, name, &[]) };
        made.push(service.make(&mina, room).await.unwrap().value.room.id);
    }
    let found = async |text: &str, limit: u32| {
        let (mut found, mut query) = (Vec::new(), page(limit));
        loop {
            let text = Some(SearchText::new(text).unwrap());
            let list = ListRooms { user: Some(jun.id), joinable: true, text, page: query };
            let page = service.list_rooms(list).await.unwrap();
            found.extend(page.items.iter().map(|view| view.room.id));
            let Some(next) = page.next else { return found };
            query = PageQuery { limit, cursor: Some(next) };
        }
    };
    // The newest first, page by page; whatever the case; never what is not to be joined.
    for limit in [1, 10] {
        assert_eq!(found("마당", limit).await, [made[4], made[0]]);
        assert_eq!(found("LUNCH", limit).await, [made[2], made[1]]);
    }
    assert_eq!(found("Seoul", 10).await, [made[0]], "by its slug");
    // What LIKE reads as more than itself.
    assert_eq!(found("0% l", 10).await, [made[2]]);
    assert_eq!(found("l_l", 10).await, [made[2]], "in its slug alone");
    assert!(found("%%", 10).await.is_empty());
    assert!(found("\\", 10).await.is_empty());
    service.join(Join { actor: Arc::clone(&jun), room: RoomRef::Id(made[4]) }).await.unwrap();
    assert_eq!(found("마당", 10).await, [made[0]]);
}

async fn empty_rooms_of_others_come_after_those_in_which_something_was_said(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, flooder) = (user(1), user(2), user(3));
    let spoken = service.given_room(&[&mina, &jun]).await;
    service.say(spoken, &jun, "k").await.unwrap();
    fixture.clock.advance(Duration::from_millis(1));
    let own = service.given_room(&[&mina]).await;
    let mut floods = Vec::new();
    for _ in 0..3 {
        fixture.clock.advance(Duration::from_millis(1));
        floods.insert(0, service.given_room(&[&flooder, &mina]).await);
    }
    // What happens in an empty room, but for a message, does not lift it either.
    let put = PutMember {
        actor: Arc::clone(&flooder),
        authority: Authority::User,
        room: floods[2].into(),
        user: Arc::clone(&jun),
        role: Role::Member,
    };
    service.put_member(put).await.unwrap();
    let expected = [&[own, spoken], &floods[..]].concat();
    assert_eq!(service.listed(&mina).await, expected);
    assert_eq!(service.listed(&flooder).await.len(), 3);
    let resolve = Resolve { user: mina.id, rooms: Vec::new(), memberships: true };
    let resolved = service.resolve(resolve).await.unwrap();
    assert_eq!((resolved.memberships, resolved.memberships_total), (expected, 5));
    fixture.clock.advance(Duration::from_millis(1));
    service.say(floods[1], &flooder, "k").await.unwrap();
    assert_eq!(service.listed(&mina).await[0], floods[1]);
}

async fn a_page_of_rooms_is_bounded_in_bytes(fixture: Fixture) {
    /// 12,000 bytes: six of them fit into a page, of which the last one begins within it.
    const CHARS: usize = 4_000;
    const FIT: usize = PAGE_MAX_BYTES.div_ceil(CHARS * 3);
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let mut rooms = Vec::new();
    for number in 0..9 {
        fixture.clock.advance(Duration::from_millis(1));
        let room = service.given_room(&[&mina, &jun]).await;
        let message = message(&"마".repeat(CHARS), &number.to_string());
        service
            .append(Append { room, actor: Arc::clone(&mina), authority: Authority::User, message })
            .await
            .unwrap();
        rooms.insert(0, room);
    }
    fixture.clock.advance(COMMIT_DELAY);
    let first = service
        .list_rooms(ListRooms { user: Some(jun.id), joinable: false, text: None, page: page(200) })
        .await
        .unwrap();
    let ids: Vec<RoomId> = first.items.iter().map(|view| view.room.id).collect();
    assert_eq!(ids, rooms[..FIT]);
    // Whoever goes on comes to the end, whatever the limit.
    for limit in [1, 5, 6, 7, 9, 200] {
        assert_eq!(all_pages(&service, &jun, false, limit).await, rooms, "{limit}");
    }
    // What has moved since the first page is bounded, too, and all of it comes.
    for (number, room) in rooms.iter().enumerate() {
        fixture.clock.advance(Duration::from_millis(1));
        let message = message(&"마".repeat(CHARS), &format!("again-{number}"));
        service
            .append(Append { room: *room, actor: Arc::clone(&mina), authority: Authority::User, message })
            .await
            .unwrap();
    }
    let (mut query, mut again) = (PageQuery { limit: 200, cursor: first.next }, BTreeSet::new());
    while query.cursor.is_some() {
        let page = service
            .list_rooms(ListRooms { user: Some(jun.id), joinable: false, text: None, page: query })
            .await
            .unwrap();
        assert!(page.items.len() <= FIT + 1, "{} rooms", page.items.len());
        again.extend(page.items.iter().map(|view| view.room.id));
        query = PageQuery { limit: 200, cursor: page.next };
    }
    assert_eq!(again, rooms.iter().copied().collect());
}

/// What happens before each page: which rooms or members, so many.
fn happenings() -> impl Strategy<Value = Vec<Vec<usize>>> {
    vec(vec(0..ROOMS, 0..4), ROOMS)
}

fn drawn<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

async fn a_room_that_becomes_active_while_the_list_is_paged_is_on_a_page(fixture: Fixture) {
    // The second replica's clock is behind, within what is allowed.
    let replicas = [fixture.service().await, fixture.service().await];
    let behind = Fixture::of_url(fixture.url.clone());
    let late = behind.service().await;
    let mut runner = TestRunner::deterministic();
    for number in 0..HISTORIES {
        let (mina, jun) = (user(1000 + u128::from(number)), user(1));
        let mut rooms = Vec::new();
        for place in 0..ROOMS {
            fixture.clock.advance(Duration::from_secs(1));
            let room = if place % 3 == 0 {
                let direct = room_of(RoomKind::Direct, "Direct", &[&mina]);
                replicas[0].make(&user(2000 + 10 * u128::from(number) + place as u128), direct).await
            } else {
                replicas[0].make(&jun, room_of(RoomKind::Private, "Room", &[&mina])).await
            };
            let room = room.unwrap().value.room.id;
            if place % 2 == 0 {
                replicas[0].say(room, &mina, "first").await.unwrap();
            }
            rooms.push(room);
        }
        fixture.clock.advance(COMMIT_DELAY);
        let happenings = drawn(&mut runner, &happenings());
        let (mut seen, mut query) = (BTreeSet::new(), page(1 + number % 3));
        for (turn, places) in happenings.iter().cycle().enumerate() {
            let list = ListRooms { user: Some(mina.id), joinable: false, text: None, page: query.clone() };
            let listed = replicas[turn % 2].list_rooms(list).await.unwrap();
            assert!(listed.items.len() <= query.limit as usize);
            seen.extend(listed.items.iter().map(|view| view.room.id));
            let Some(next) = listed.next else { break };
            assert!(turn < 10 * ROOMS, "the list comes to an end");
            query.cursor = Some(next);
            for place in places {
                fixture.clock.advance(Duration::from_millis(1));
                behind.clock.set(fixture.clock_behind(COMMIT_DELAY / 2));
                let speaker = if place % 2 == 0 { &replicas[0] } else { &late };
                speaker.say(rooms[*place], &mina, &format!("turn {turn}")).await.unwrap();
            }
        }
        assert_eq!(seen, rooms.into_iter().collect::<BTreeSet<_>>(), "history {number}: {happenings:?}");
    }
}

async fn a_member_whose_role_changes_while_the_list_is_paged_is_on_a_page(fixture: Fixture) {
    let service = fixture.service().await;
    let owner = user(0);
    let mut runner = TestRunner::deterministic();
    for number in 0..HISTORIES {
        let people: Vec<_> = (1..=ROOMS as u128).map(user).collect();
        let room = service.given_room(&[&owner]).await;
        let put = async |person: &Arc<Profile>, role| {
            fixture.clock.advance(Duration::from_millis(1));
            let (actor, user) = (Arc::clone(&owner), Arc::clone(person));
            let put = PutMember { actor, authority: Authority::User, room: room.into(), user, role };
            service.put_member(put).await.unwrap();
        };
        for person in &people {
            put(person, Role::Member).await;
        }
        fixture.clock.advance(COMMIT_DELAY);
        let happenings = drawn(&mut runner, &happenings());
        let (mut seen, mut query): (BTreeSet<UserId>, _) = (BTreeSet::new(), page(1 + number % 3));
        for (turn, places) in happenings.iter().cycle().enumerate() {
            let list = ListMembers { user: Some(owner.id), room: room.into(), page: query.clone() };
            let listed = service.list_members(list).await.unwrap();
            seen.extend(listed.items.iter().map(|member| member.user.id));
            let Some(next) = listed.next else { break };
            assert!(turn < 10 * ROOMS, "the list comes to an end");
            query.cursor = Some(next);
            for place in places {
                let role = if turn % 3 == 2 { Role::Member } else { Role::Moderator };
                put(&people[*place], role).await;
            }
        }
        let everybody = people.iter().chain([&owner]).map(|person| person.id);
        assert_eq!(seen, everybody.collect::<BTreeSet<_>>(), "history {number}: {happenings:?}");
        service
            .delete_room(DeleteRoom {
                authority: Authority::User,
                actor: Some(Arc::clone(&owner)),
                room: room.into(),
            })
            .await
            .unwrap();
    }
}

async fn a_ban_that_is_imposed_again_while_the_list_is_paged_is_on_a_page(fixture: Fixture) {
    let service = fixture.service().await;
    let owner = user(0);
    let mut runner = TestRunner::deterministic();
    for number in 0..HISTORIES {
        let people: Vec<_> = (1..=ROOMS as u128).map(user).collect();
        let room = service.given_room(&[&owner]).await;
        let ban = async |person: &Arc<Profile>, reason: &str| {
            fixture.clock.advance(Duration::from_millis(1));
            let terms = Terms { until: None, reason: Some(reason) };
            ban(&service, room, &owner, person, Some(terms)).await.unwrap();
        };
        for person in &people {
            ban(person, "noise").await;
        }
        fixture.clock.advance(COMMIT_DELAY);
        let happenings = drawn(&mut runner, &happenings());
        let (mut seen, mut query): (BTreeSet<UserId>, _) = (BTreeSet::new(), page(1 + number % 3));
        for (turn, places) in happenings.iter().cycle().enumerate() {
            let list = ListBans { user: owner.id, room: room.into(), page: query.clone() };
            let listed = service.list_bans(list).await.unwrap();
            assert!(listed.items.len() <= query.limit as usize);
            seen.extend(listed.items.iter().map(|banned| banned.user.id));
            let Some(next) = listed.next else { break };
            assert!(turn < 10 * ROOMS, "the list comes to an end");
            query.cursor = Some(next);
            for place in places {
                ban(&people[*place], &format!("turn {turn}")).await;
            }
        }
        let everybody = people.iter().map(|person| person.id);
        assert_eq!(seen, everybody.collect::<BTreeSet<_>>(), "history {number}: {happenings:?}");
    }
}
