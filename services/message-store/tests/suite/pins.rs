//! Pinned messages.

use std::sync::Arc;

use futures_util::future::join_all;
use madang_domain::{
    Code, Profile, Result, Role, RoomId, RoomRef, Seq, TopicId,
    event::{Event, EventBody, Pinned},
    limits::{PAGE_MAX_BYTES, ROOM_PINS_MAX},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, Changed, CreateRoom, DeleteRoom, ListPins, PageQuery, PutMember, RoomKind, SetPin,
    },
};

use crate::support::{Fixture, Words as _, assert_logged, message, room_of, seqs, user};

madang_test_kit::on_both!(
    a_pin_is_a_row_and_an_event_once,
    roles_decide_who_pins,
    both_users_of_a_direct_room_pin,
    only_messages_of_the_room_are_pinned,
    a_room_has_so_many_pins_and_no_more,
    pins_are_listed_newest_first,
    a_page_of_pins_is_bounded_in_bytes,
    pins_at_once_take_contiguous_places,
    a_pin_that_cannot_be_kept_leaves_no_event,
    the_pins_of_a_deleted_room_go_with_it,
);

async fn set(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    message: Seq,
    on: bool,
) -> Result<Changed<()>> {
    let room = RoomRef::Id(room);
    service.set_pin(SetPin { actor: Arc::clone(actor), room, message, on }).await
}

/// The code of a refusal.
fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

async fn pins(service: &Service, room: RoomId, user: &Profile) -> Vec<u64> {
    let page = PageQuery { limit: 200, cursor: None };
    let pins = service.list_pins(ListPins { user: user.id, room: RoomRef::Id(room), page }).await.unwrap();
    assert_eq!(pins.next, None);
    seqs(&pins.items)
}

async fn said(service: &Service, room: RoomId, actor: &Arc<Profile>, key: &str) -> Seq {
    service.say(room, actor, key).await.unwrap().seq
}

async fn a_pin_is_a_row_and_an_event_once(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let message = said(&service, room, &jun, "k").await;
    let unread = service.unread(room, &mina).await;
    for (on, place) in [(true, 4), (false, 5), (true, 6)] {
        let changed = set(&service, room, &mina, message, on).await.unwrap();
        let [Event { topic, seq, actor, subject, body, .. }] = &changed.events[..] else {
            panic!("{changed:?}")
        };
        assert_eq!((*topic, seq.get(), actor, subject), (TopicId::Room(room), place, &mina, &None));
        assert_eq!(body, &EventBody::Pinned(Pinned { message, on }));
        assert_logged(&service, room, &changed).await;
        let repeated = set(&service, room, &mina, message, on).await.unwrap();
        assert!(repeated.events.is_empty(), "{repeated:?}");
        assert_eq!(service.view(room, &mina).await.room.head, Seq::new(place), "a repeat appends nothing");
        let listed = if on { vec![message.get()] } else { Vec::new() };
        assert_eq!(pins(&service, room, &jun).await, listed, "members see them");
    }
    assert_eq!(seqs(&service.log(room).await), [1, 2, 3, 4, 5, 6]);
    assert_eq!(service.unread(room, &mina).await, unread, "a pin is no message");
}

async fn roles_decide_who_pins(fixture: Fixture) {
    let service = fixture.service().await;
    let [owner, moderator, member, stranger] = [1, 2, 3, 4].map(user);
    let room = service.given_room(&[&owner, &moderator, &member]).await;
    let put = PutMember {
        actor: Arc::clone(&owner),
        authority: Authority::User,
        room: RoomRef::Id(room),
        user: Arc::clone(&moderator),
        role: Role::Moderator,
    };
    service.put_member(put).await.unwrap();
    let message = said(&service, room, &member, "own").await;
    for pinned in [false, true] {
        for (actor, refused) in
            [(&member, Some(Code::PermissionDenied)), (&stranger, Some(Code::PermissionDenied))]
        {
            assert_eq!(code(set(&service, room, actor, message, !pinned).await), refused);
        }
        let may = if pinned { &moderator } else { &owner };
        assert_eq!(code(set(&service, room, may, message, !pinned).await), None);
    }
    assert_eq!(code(set(&service, room, &moderator, message, true).await), None);
    let list =
        ListPins { user: stranger.id, room: RoomRef::Id(room), page: PageQuery { limit: 1, cursor: None } };
    assert_eq!(code(service.list_pins(list).await), Some(Code::PermissionDenied));
}

async fn both_users_of_a_direct_room_pin(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let new = room_of(RoomKind::Direct, "Direct", &[&jun]);
    let created = service
        .create_room(CreateRoom { actor: Arc::clone(&mina), authority: Authority::User, room: new })
        .await
        .unwrap();
    let room = created.value.room.id;
    let message = said(&service, room, &mina, "k").await;
    assert_eq!(service.role(room, &mina).await, service.role(room, &jun).await);
    for actor in [&mina, &jun] {
        for on in [true, false] {
            assert_eq!(set(&service, room, actor, message, on).await.unwrap().events.len(), 1);
        }
    }
    assert_eq!(code(set(&service, room, &user(3), message, true).await), Some(Code::PermissionDenied));
}

async fn only_messages_of_the_room_are_pinned(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let other = service.given_room(&[&mina]).await;
    for number in 0..3 {
        said(&service, other, &mina, &format!("k{number}")).await;
    }
    let absent = said(&service, other, &mina, "last").await;
    assert_eq!(code(set(&service, other, &mina, absent, true).await), None);
    let joined = Seq::new(1);
    for message in [absent, joined, Seq::START, Seq::new(u64::MAX)] {
        for on in [true, false] {
            let refused = set(&service, room, &mina, message, on).await;
            assert_eq!(code(refused), Some(Code::NotFound), "{message} {on}");
        }
    }
    assert_eq!(pins(&service, room, &mina).await, [0; 0]);
    assert_eq!(seqs(&service.log(room).await), [1]);
    let nowhere = RoomId::new(uuid::Uuid::from_u128(7));
    assert_eq!(code(set(&service, nowhere, &mina, absent, true).await), Some(Code::NotFound));
}

async fn a_room_has_so_many_pins_and_no_more(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let keys: Vec<String> = (0..=ROOM_PINS_MAX).map(|number| format!("k{number}")).collect();
    let sends = join_all(keys.iter().map(|key| service.say(room, &mina, key))).await;
    let messages: Vec<Seq> = sends.into_iter().map(|sent| sent.unwrap().seq).collect();
    let (last, within) = messages.split_last().unwrap();
    for message in within {
        set(&service, room, &mina, *message, true).await.unwrap();
    }
    let head = service.view(room, &mina).await.room.head;
    let refused = set(&service, room, &mina, *last, true).await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
    assert!(refused.message.contains("at most 100 pinned messages"), "{}", refused.message);
    assert_eq!(code(set(&service, room, &mina, within[0], true).await), None, "a repeat is no further pin");
    assert_eq!(service.view(room, &mina).await.room.head, head, "a refusal appends nothing");
    set(&service, room, &mina, within[0], false).await.unwrap();
    set(&service, room, &mina, *last, true).await.unwrap();
    assert_eq!(pins(&service, room, &mina).await.len() as u64, ROOM_PINS_MAX);
    // Another room has a bound of its own.
    let other = service.given_room(&[&mina]).await;
    let message = said(&service, other, &mina, "other").await;
    assert_eq!(code(set(&service, other, &mina, message, true).await), None);
}

async fn pins_are_listed_newest_first(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let mut messages = Vec::new();
    for number in 0..5 {
        messages.push(said(&service, room, &mina, &format!("k{number}")).await);
    }
    // In another order than they were sent; the first is pinned anew.
    for (message, on) in [(1, true), (4, true), (0, true), (3, true), (2, true), (1, false), (1, true)] {
        set(&service, room, &mina, messages[message], on).await.unwrap();
    }
    let order = [1, 2, 3, 0, 4].map(|message: usize| messages[message].get());
    assert_eq!(pins(&service, room, &mina).await, order);
    let list = |limit, cursor| {
        let page = PageQuery { limit, cursor };
        service.list_pins(ListPins { user: mina.id, room: RoomRef::Id(room), page })
    };
    let first = list(2, None).await.unwrap();
    assert_eq!(seqs(&first.items), order[..2]);
    assert!(matches!(&first.items[0].body, EventBody::Message(said) if said.text == "text of k1"));
    // What is pinned meanwhile is before the first page, and what is unpinned is no more: neither moves the next one.
    set(&service, room, &mina, messages[2], false).await.unwrap();
    set(&service, room, &mina, messages[2], true).await.unwrap();
    let second = list(2, first.next).await.unwrap();
    assert_eq!(seqs(&second.items), order[2..4]);
    let third = list(2, second.next).await.unwrap();
    assert_eq!((seqs(&third.items), third.next), (order[4..].to_vec(), None));
    for (limit, cursor) in [(0, None), (201, None), (2, Some("p.1")), (2, Some("n.x"))] {
        let refused = list(limit, cursor.map(str::to_owned)).await;
        assert_eq!(code(refused), Some(Code::InvalidArgument), "{limit} {cursor:?}");
    }
}

async fn a_page_of_pins_is_bounded_in_bytes(fixture: Fixture) {
    /// 12,000 bytes: six of them fit into a page, of which the last one begins within it.
    const CHARS: usize = 4_000;
    const FIT: usize = PAGE_MAX_BYTES.div_ceil(CHARS * 3);
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let mut pinned = Vec::new();
    for number in 0..9 {
        let message = message(&"마".repeat(CHARS), &number.to_string());
        let seq = service
            .append(Append { room, actor: Arc::clone(&mina), authority: Authority::User, message })
            .await
            .unwrap()
            .seq;
        set(&service, room, &mina, seq, true).await.unwrap();
        pinned.insert(0, seq.get());
    }
    for (limit, most) in [(200, FIT), (9, FIT), (4, 4)] {
        let (mut listed, mut cursor, mut is_first) = (Vec::new(), None, true);
        while is_first || cursor.is_some() {
            let page = PageQuery { limit, cursor };
            let list = ListPins { user: mina.id, room: RoomRef::Id(room), page };
            let page = service.list_pins(list).await.unwrap();
            if is_first {
                assert_eq!(page.items.len(), most, "of {limit}");
            }
            listed.extend(seqs(&page.items));
            (cursor, is_first) = (page.next, false);
        }
        assert_eq!(listed, pinned, "by {limit}");
    }
}

async fn pins_at_once_take_contiguous_places(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let [service, _] = &replicas;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let message = said(service, room, &mina, "k").await;
    let at_once =
        join_all((0..10).map(|number| set(&replicas[number % 2], room, &mina, message, true))).await;
    let events: Vec<Event> = at_once.into_iter().flat_map(|changed| changed.unwrap().events).collect();
    assert_eq!(seqs(&events), [3], "one of them pinned it");
    let log = service.log(room).await;
    assert_eq!(seqs(&log), [1, 2, 3]);
    assert_eq!(log.last(), events.first());
}

async fn a_pin_that_cannot_be_kept_leaves_no_event(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let message = said(&service, room, &mina, "k").await;
    let check = "ALTER TABLE pins ADD CONSTRAINT refusal CHECK (message < 0)";
    let trigger = "CREATE TRIGGER refusal BEFORE INSERT ON pins BEGIN SELECT raise(ABORT, 'refused'); END";
    fixture.database().execute(check, trigger).await.unwrap();
    assert!(set(&service, room, &mina, message, true).await.is_err());
    assert_eq!(seqs(&service.log(room).await), [1, 2]);
    assert_eq!(pins(&service, room, &mina).await, [0; 0]);
    assert_eq!(said(&service, room, &mina, "after").await, Seq::new(3), "the place is free");
}

async fn the_pins_of_a_deleted_room_go_with_it(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let kept = service.given_room(&[&mina]).await;
    for room in [room, kept] {
        let message = said(&service, room, &mina, "k").await;
        set(&service, room, &mina, message, true).await.unwrap();
    }
    service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: RoomRef::Id(room),
        })
        .await
        .unwrap();
    assert_eq!(fixture.count("SELECT count(*) FROM pins").await, 1);
    assert_eq!(pins(&service, kept, &mina).await.len(), 1);
    assert_eq!(code(set(&service, room, &mina, Seq::new(2), true).await), Some(Code::NotFound));
}
