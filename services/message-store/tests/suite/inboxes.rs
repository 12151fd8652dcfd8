//! Inboxes: notices of the site, invitations, reading them; and acting by the site's authority.

use std::sync::Arc;

use futures_util::future::join_all;
use madang_domain::{
    Code, Cursor, Epoch, ExternalId, Profile, Role, RoomRef, Seq, Timestamp, TopicId,
    event::{Event, EventBody, Invite},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Authority, Changed, CreateRoom, GetRoom, Heads, HistoryFrom, Inbox, InboxMark, Join, Leave,
        ListMembers, MarkInboxRead, MarkRead, NewRoom, Notify, OpenInbox, OpenedInbox, PutMember, Read,
        RemoveMember, Resolve, RoomKind,
    },
};

use crate::support::{Fixture, Words as _, key, room_of, seqs, slug, user, user_at};

madang_test_kit::on_both!(
    an_inbox_that_was_never_written_is_empty,
    notices_have_places_in_order,
    a_key_makes_a_notice_once,
    a_notice_is_a_small_object,
    an_inbox_is_opened_as_a_room_is,
    an_inbox_is_paged_and_read,
    who_is_added_by_another_is_invited,
    a_room_is_found_by_what_the_site_calls_it,
    the_site_acts_without_a_role,
    a_profile_keeps_what_the_site_calls_the_user,
);

async fn notify(service: &Service, user: &Arc<Profile>, data: &str) -> Changed<Event> {
    service.notify(Notify { user: Arc::clone(user), data: data.into(), key: None }).await.unwrap()
}

async fn open(service: &Service, user: &Profile, since: Option<(u64, Option<Epoch>)>) -> OpenedInbox {
    let since = since.map(|(seq, epoch)| Cursor { seq: Seq::new(seq), epoch });
    service.open_inbox(OpenInbox { user: user.id, since, replay_limit: 5 }).await.unwrap()
}

async fn an_inbox_that_was_never_written_is_empty(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let opened = open(&service, &mina, Some((0, None))).await;
    let (epoch, none) = (opened.epoch, Seq::START);
    let empty = OpenedInbox {
        epoch,
        head: none,
        read: none,
        unread: 0,
        complete: true,
        events: Vec::new(),
        user: None,
        hides_presence: false,
        hides_typing: false,
        hides_version: Timestamp::default(),
        blocks_version: Timestamp::default(),
        blocked: Vec::new(),
    };
    assert_eq!(opened, empty);
    let topic = TopicId::Inbox(mina.id);
    assert_eq!(
        service.heads(Heads { topics: vec![topic] }).await.unwrap(),
        [(topic, none)],
        "known, whoever asks"
    );
    assert!(service.read(Read { topic, after: none, limit: 10 }).await.unwrap().is_empty());
    let mark = service.mark_inbox_read(MarkInboxRead { user: mina.id, seq: Seq::new(7) }).await.unwrap();
    assert_eq!(mark, InboxMark { read: none, unread: 0 });
    let page = service.inbox(Inbox { user: mina.id, from: HistoryFrom::End, limit: 10 }).await.unwrap();
    assert_eq!((page.epoch, page.events.len(), page.head), (epoch, 0, none));
}

async fn notices_have_places_in_order(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let (mina, jun) = (user(1), user(2));
    let told = join_all((0..10).map(|n| {
        let (service, data) = (&replicas[n % 2], format!("{{\"n\":{n}}}"));
        let mina = Arc::clone(&mina);
        async move { service.notify(Notify { user: mina, data: data.into(), key: None }).await.unwrap() }
    }));
    let told = told.await;
    notify(&replicas[0], &jun, "{}").await;
    let mut places: Vec<u64> = told.iter().map(|changed| changed.value.seq.get()).collect();
    places.sort_unstable();
    assert_eq!(places, (1..=10).collect::<Vec<_>>());

    let topic = TopicId::Inbox(mina.id);
    let log = replicas[1].read(Read { topic, after: Seq::START, limit: 100 }).await.unwrap();
    assert_eq!(seqs(&log), (1..=10).collect::<Vec<_>>());
    assert!(log.windows(2).all(|two| two[0].at <= two[1].at));
    for changed in &told {
        assert_eq!(changed.events, std::slice::from_ref(&changed.value));
        let place = usize::try_from(changed.value.seq.get()).unwrap() - 1;
        assert_eq!(log[place], changed.value, "the log says what was told");
    }
    assert_eq!(replicas[0].heads(Heads { topics: vec![topic] }).await.unwrap(), [(topic, Seq::new(10))]);
}

async fn a_key_makes_a_notice_once(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let (mina, jun) = (user(1), user(2));
    let told = join_all((0..10).map(|n| {
        let data = format!("{{\"n\":{n}}}");
        replicas[n % 2].notify(Notify {
            user: Arc::clone(&mina),
            data: data.into(),
            key: Some(key("order-7")),
        })
    }));
    let told: Vec<_> = told.await.into_iter().map(Result::unwrap).collect();
    assert!(told.iter().all(|changed| changed.value == told[0].value), "{told:?}");
    assert_eq!(told.iter().filter(|changed| !changed.events.is_empty()).count(), 1);
    // The places that repeats would have taken are free.
    assert_eq!(notify(&replicas[0], &mina, "{}").await.value.seq, Seq::new(2));
    // Another's key is another's.
    let other =
        replicas[0].notify(Notify { user: jun, data: "{}".into(), key: Some(key("order-7")) }).await.unwrap();
    assert_eq!((other.value.seq, other.events.len()), (Seq::new(1), 1));
}

async fn a_notice_is_a_small_object(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    for data in ["", "[]", "\"text\"", "{\"a\":", &format!("{{\"a\":\"{}\"}}", "x".repeat(16 * 1024))] {
        let refused = service
            .notify(Notify { user: Arc::clone(&mina), data: data.into(), key: None })
            .await
            .unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
    }
    // As it was given, to the byte.
    let data = "{ \"z\": 1, \"a\": \"\\u0000 알림\", \"a\": 1e400 }";
    notify(&service, &mina, data).await;
    let events = open(&service, &mina, Some((0, None))).await.events;
    let [Event { body: EventBody::Custom(kept), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(kept.json(), data);
}

async fn an_inbox_is_opened_as_a_room_is(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    for _ in 0..7 {
        notify(&service, &mina, "{}").await;
    }
    let now = open(&service, &mina, None).await;
    assert_eq!((now.head, now.unread, now.complete, now.events.len()), (Seq::new(7), 7, true, 0));
    let since = async |seq, epoch| {
        let opened = open(&service, &mina, Some((seq, epoch))).await;
        (opened.complete, seqs(&opened.events))
    };
    assert_eq!(since(4, Some(now.epoch)).await, (true, vec![5, 6, 7]));
    assert_eq!(since(7, None).await, (true, vec![]));
    assert_eq!(since(1, None).await, (false, vec![]), "more than is replayed");
    assert_eq!(since(8, None).await, (false, vec![]), "of a lost future");
    let other = Epoch::new(now.epoch.get().wrapping_add(1));
    assert_eq!(since(4, Some(other)).await, (false, vec![]), "of another history");

    // Many of a moment, each its own.
    let people: Vec<_> = (10..40).map(user).collect();
    join_all(people.iter().map(|person| notify(&service, person, "{}"))).await;
    for opened in join_all(people.iter().map(|person| open(&service, person, Some((0, None))))).await {
        assert_eq!(seqs(&opened.events), [1]);
    }
}

async fn an_inbox_is_paged_and_read(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    for _ in 0..5 {
        notify(&service, &mina, "{}").await;
    }
    let page = async |from, limit| {
        let page = service.inbox(Inbox { user: mina.id, from, limit }).await.unwrap();
        assert_eq!(page.head, Seq::new(5));
        seqs(&page.events)
    };
    assert_eq!(page(HistoryFrom::End, 2).await, [5, 4]);
    assert_eq!(page(HistoryFrom::Before(Seq::new(4)), 9).await, [3, 2, 1]);
    assert_eq!(page(HistoryFrom::After(Seq::new(3)), 9).await, [4, 5]);
    assert_eq!(page(HistoryFrom::Before(Seq::new(1)), 9).await, Vec::<u64>::new());
    for limit in [0, 201] {
        let refused =
            service.inbox(Inbox { user: mina.id, from: HistoryFrom::End, limit }).await.unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
    }

    let mark = async |seq| {
        let InboxMark { read, unread } =
            service.mark_inbox_read(MarkInboxRead { user: mina.id, seq: Seq::new(seq) }).await.unwrap();
        (read.get(), unread)
    };
    assert_eq!(mark(3).await, (3, 2));
    assert_eq!(mark(2).await, (3, 2), "never back");
    assert_eq!(mark(u64::MAX).await, (5, 0), "never past the head");
    notify(&service, &mina, "{}").await;
    let opened = open(&service, &mina, None).await;
    assert_eq!((opened.read, opened.unread), (Seq::new(5), 1));
}

async fn who_is_added_by_another_is_invited(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, sora) = (user(1), user(2), user(3));
    let changed = service
        .create_room(CreateRoom {
            actor: Arc::clone(&mina),
            authority: Authority::User,
            room: room_of(RoomKind::Private, "Yard", &[&jun]),
        })
        .await
        .unwrap();
    let room = changed.value.room.id;
    let put = async |role| {
        let (mina, sora) = (Arc::clone(&mina), Arc::clone(&sora));
        service
            .put_member(PutMember {
                actor: mina,
                authority: Authority::User,
                room: room.into(),
                user: sora,
                role,
            })
            .await
            .unwrap()
            .events
    };
    let added = put(Role::Member).await;
    for (events, person) in [(&changed.events, &jun), (&added, &sora)] {
        let invitation = events.last().unwrap();
        let EventBody::Invite(Invite { room: of, name, pending: false }) = &invitation.body else {
            panic!("{invitation:?}")
        };
        assert_eq!((*of, name.as_str()), (room, "Yard"));
        assert_eq!((invitation.topic, &invitation.actor), (TopicId::Inbox(person.id), &mina));
        let replayed = open(&service, person, Some((0, None))).await.events;
        assert_eq!(replayed, std::slice::from_ref(invitation));
    }
    // Neither a change of role nor a repeat invites; nor does one's own doing.
    assert_eq!(put(Role::Moderator).await.len(), 1);
    assert_eq!(put(Role::Moderator).await.len(), 0);
    service.leave(Leave { actor: Arc::clone(&sora), room: room.into() }).await.unwrap();
    let public = service.given_public_room(&mina).await;
    service.join(Join { actor: Arc::clone(&sora), room: public.into() }).await.unwrap();
    assert_eq!(open(&service, &sora, None).await.head, Seq::new(1));
    assert_eq!(open(&service, &mina, None).await.head, Seq::START);
    // Who is refused invites nobody.
    let refused = service
        .put_member(PutMember {
            actor: jun,
            authority: Authority::User,
            room: room.into(),
            user: Arc::clone(&sora),
            role: Role::Member,
        })
        .await;
    assert_eq!(refused.unwrap_err().code, Code::PermissionDenied);
    assert_eq!(open(&service, &sora, None).await.head, Seq::new(1));
}

async fn a_room_is_found_by_what_the_site_calls_it(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let service = &replicas[0];
    let (mina, jun) = (user(1), user(2));
    let external = ExternalId::new("7").unwrap();
    let new =
        || NewRoom { external_id: Some(external.clone()), ..room_of(RoomKind::Private, "Seven", &[&jun]) };
    let made = join_all((0..8).map(|n| {
        let owner = if n % 3 == 0 { &mina } else { &jun };
        replicas[n % 2].create_room(CreateRoom {
            actor: Arc::clone(owner),
            authority: Authority::Site,
            room: new(),
        })
    }));
    let made: Vec<_> = made.await.into_iter().map(Result::unwrap).collect();
    let room = &made[0].value.room;
    assert_eq!(room.external_id, Some(external.clone()));
    assert!(made.iter().all(|changed| changed.value.room.id == room.id), "made once, whoever makes it");
    assert_eq!(made.iter().filter(|changed| !changed.events.is_empty()).count(), 1);

    let named = || RoomRef::External(external.clone());
    // A slug of the same text is another room's.
    let other = NewRoom { slug: Some(slug("7")), ..room_of(RoomKind::Public, "Slug", &[]) };
    let other = service
        .create_room(CreateRoom { actor: Arc::clone(&mina), authority: Authority::User, room: other })
        .await
        .unwrap()
        .value
        .room
        .id;
    let nowhere = RoomRef::External(ExternalId::new("8").unwrap());
    let asked = [named(), nowhere.clone(), RoomRef::Slug(slug("7")), RoomRef::Id(room.id)];
    let resolved = service
        .resolve(Resolve { user: mina.id, rooms: asked.to_vec(), memberships: false })
        .await
        .unwrap()
        .rooms;
    assert_eq!(resolved, [Some(room.id), None, Some(other), Some(room.id)]);
    assert_eq!(
        service.get_room(GetRoom { user: Some(jun.id), room: named() }).await.unwrap().room.id,
        room.id
    );
    assert_eq!(
        service.get_room(GetRoom { user: Some(jun.id), room: nowhere }).await.unwrap_err().code,
        Code::NotFound
    );
    service.mark_read(MarkRead { user: jun.id, room: named(), seq: Seq::new(1) }).await.unwrap();
    let left = service
        .put_member(PutMember {
            actor: jun.clone(),
            authority: Authority::Site,
            room: named(),
            user: user(5),
            role: Role::Member,
        })
        .await
        .unwrap();
    assert_eq!(left.events[0].topic, TopicId::Room(room.id));
}

async fn the_site_acts_without_a_role(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, sora) = (user(1), user(2), user(3));
    let room = service.given_room(&[&mina]).await;
    let put = async |actor: &Arc<Profile>, authority, user: &Arc<Profile>, role| {
        let put = service.put_member(PutMember {
            actor: Arc::clone(actor),
            authority,
            room: room.into(),
            user: Arc::clone(user),
            role,
        });
        put.await.map_err(|error| error.code)
    };
    let remove = async |actor: &Arc<Profile>, authority, user: &Profile| {
        let removed = service
            .remove_member(RemoveMember {
                actor: Arc::clone(actor),
                authority,
                room: room.into(),
                user: user.id,
            })
            .await;
        removed.map(drop).map_err(|error| error.code)
    };
    // Jun is no member, and still is made one in his own name: nobody invites him.
    assert_eq!(put(&jun, Authority::User, &jun, Role::Member).await.unwrap_err(), Code::PermissionDenied);
    let joined = put(&jun, Authority::Site, &jun, Role::Moderator).await.unwrap();
    assert_eq!((joined.value.role, joined.events.len(), &joined.events[0].actor), (Role::Moderator, 1, &jun));
    // In a stranger's name, with an invitation.
    let added = put(&sora, Authority::Site, &user(4), Role::Owner).await.unwrap();
    assert_eq!((added.value.role, added.events.len()), (Role::Owner, 2));
    assert_eq!(put(&sora, Authority::Site, &user(4), Role::Member).await.unwrap().value.role, Role::Member);

    // The last owner stays while there are others; then goes.
    assert_eq!(remove(&sora, Authority::User, &mina).await.unwrap_err(), Code::PermissionDenied);
    assert_eq!(remove(&sora, Authority::Site, &mina).await.unwrap_err(), Code::FailedPrecondition);
    remove(&jun, Authority::Site, &jun).await.unwrap();
    remove(&sora, Authority::Site, &user(4)).await.unwrap();
    remove(&sora, Authority::Site, &mina).await.unwrap();
    assert_eq!(remove(&sora, Authority::Site, &mina).await.unwrap_err(), Code::NotFound);
}

async fn a_profile_keeps_what_the_site_calls_the_user(fixture: Fixture) {
    let service = fixture.service().await;
    let called = |version, external: Option<&str>| {
        let profile = Profile::clone(&user_at(1, "Mina", version));
        let external_id = external.map(|text| ExternalId::new(text).unwrap());
        Arc::new(Profile { external_id, ..profile })
    };
    let room = service.given_public_room(&called(1, Some("site 7"))).await;
    let shown = async || {
        let replica = fixture.service().await;
        let log = replica.log(room).await;
        let user = log[0].subject.as_ref().unwrap();
        assert_eq!(&log[0].actor, user);
        let page = crate::support::page(10);
        let members =
            replica.list_members(ListMembers { user: Some(user.id), room: room.into(), page }).await.unwrap();
        assert_eq!(members.items[0].user.external_id, user.external_id);
        user.external_id.as_ref().map(ToString::to_string)
    };
    assert_eq!(shown().await.as_deref(), Some("site 7"));
    // A token that does not say it does not unsay it.
    service.say(room, &called(2, None), "k").await.unwrap();
    assert_eq!(shown().await.as_deref(), Some("site 7"));
}
