//! Profiles: what the store shows of a user is the present one.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_domain::{
    Profile, ReportStatus, Role, RoomId, RoomRef, Seq,
    event::{Event, EventBody, Message},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, Block, CreateRoom, HistoryFrom, Inbox, Join, Leave, ListAudit, ListBans,
        ListBlocked, ListInvitations, ListMembers, ListPins, ListReports, ListRooms, ListThreadMessages,
        ListThreads, MakeInvitation, PROFILE_ROOMS_MAX, PutMember, RememberProfile, RememberedProfile,
        ReportMessage, RoomKind, SetPin,
    },
};

use crate::{
    moderation::{Terms, ban},
    search::{query, settled},
    support::{Fixture, Words as _, message, page, room_of, user, user_at},
    threads::reply,
};

madang_test_kit::on_both!(
    a_changed_profile_is_shown_wherever_the_user_is_named,
    a_changed_profile_is_shown_in_every_other_list,
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
    let list = ListRooms { user: Some(reader.id), joinable: false, text: None, page: page(10) };
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

/// The names that the store shows of a user who has spoken, was banned, was blocked, was reported and invites, in every list
/// that names users and is not of [`names`]; each with the list's own.
async fn names_in_lists(service: &Service, room: RoomId, reader: &Profile) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    let mut shown = |list, profile: &Profile| {
        if profile.id != reader.id {
            names.push((list, profile.name.to_string()));
        }
    };
    let (user, all) = (reader.id, || page(50));
    for event in service.inbox(Inbox { user, from: HistoryFrom::End, limit: 50 }).await.unwrap().events {
        shown("notices", &event.actor);
    }
    for event in service.list_pins(ListPins { user, room: room.into(), page: all() }).await.unwrap().items {
        shown("pins", &event.actor);
    }
    let excerpts = |shown: &mut dyn FnMut(&'static str, &Profile), events: &[Event]| {
        for event in events {
            if let EventBody::Message(Message { excerpt: Some(excerpt), .. }) = &event.body {
                shown("excerpts", &excerpt.sender);
            }
        }
    };
    excerpts(&mut shown, &service.history_from(room, reader, HistoryFrom::End, 50).await.unwrap().events);
    excerpts(&mut shown, &service.open_since(room, reader, Some((0, None))).await.unwrap().events);
    for thread in service.list_threads(ListThreads { user, page: all() }).await.unwrap().items {
        shown("threads", &thread.root.actor);
        let from = HistoryFrom::After(Seq::START);
        let (room, thread) = (room.into(), thread.root.seq);
        let list = ListThreadMessages { user, room, thread, from, limit: 50 };
        let thread = service.list_thread_messages(list).await.unwrap();
        shown("a thread's root", &thread.root.actor);
        for event in &thread.messages {
            shown("a thread's messages", &event.actor);
        }
    }
    for found in &settled(service, &query(reader, "courtyard")).await.items {
        shown("search", &found.message.actor);
    }
    for banned in &service.list_bans(ListBans { user, room: room.into(), page: all() }).await.unwrap().items {
        shown("bans", &banned.user);
    }
    for blocked in &service.list_blocked(ListBlocked { user, page: all() }).await.unwrap().items {
        shown("blocked", &blocked.user);
    }
    let list = ListReports { user: None, room: Some(room.into()), status: ReportStatus::Open, page: all() };
    for report in &service.list_reports(list).await.unwrap().items {
        shown("reports, the sender", &report.sender);
        if let Some(reporter) = &report.reporter {
            shown("reports, the reporter", reporter);
        }
    }
    for entry in &service.list_audit(ListAudit { user, room: room.into(), page: all() }).await.unwrap().items
    {
        shown("the audit log, by whom", &entry.actor);
        if let Some(subject) = &entry.subject {
            shown("the audit log, of whom", subject);
        }
    }
    for invitation in &service.list_invitations(ListInvitations { user, room: room.into() }).await.unwrap() {
        shown("invitations", &invitation.by);
    }
    names
}

async fn a_changed_profile_is_shown_in_every_other_list(fixture: Fixture) {
    let (first, second) = (fixture.service().await, fixture.service().await);
    let (mina, jun, sora) = (user_at(1, "Mina", 5), user(2), user(3));
    let room = first.given_room(&[&jun, &mina, &sora]).await;
    let put = PutMember {
        actor: Arc::clone(&jun),
        authority: Authority::User,
        room: room.into(),
        user: Arc::clone(&mina),
        role: Role::Moderator,
    };
    first.put_member(put).await.unwrap();
    // She speaks, is answered, is pinned, mentions the reader, begins a thread that the reader follows, and writes in it.
    let append = async |actor: &Arc<Profile>, said| {
        let append = Append { room, actor: Arc::clone(actor), authority: Authority::User, message: said };
        first.append(append).await.unwrap().seq
    };
    let root = append(&mina, message("to the courtyard, @user-2", "root")).await;
    append(&jun, Message { reply_to: Some(root), ..message("yes", "answer") }).await;
    let pin = SetPin { actor: Arc::clone(&jun), room: room.into(), message: root, on: true };
    first.set_pin(pin).await.unwrap();
    reply(&first, room, &jun, root, "followed").await.unwrap();
    reply(&first, room, &mina, root, "in the thread").await.unwrap();
    // She invites, bans another, is reported and reports, is blocked, and is banned.
    let invitation = MakeInvitation {
        actor: Arc::clone(&mina),
        authority: Authority::User,
        room: room.into(),
        expires_at: None,
        uses: None,
    };
    first.make_invitation(invitation).await.unwrap();
    let terms = || Some(Terms { until: None, reason: None });
    ban(&first, room, &mina, &sora, terms()).await.unwrap();
    let own = append(&jun, message("mine", "own")).await;
    for (actor, message) in [(&mina, own), (&jun, root)] {
        let report = ReportMessage { actor: Arc::clone(actor), room: room.into(), message, reason: None };
        first.report_message(report).await.unwrap();
    }
    first.block(Block { actor: Arc::clone(&jun), user: Arc::clone(&mina) }).await.unwrap();
    ban(&first, room, &jun, &mina, terms()).await.unwrap();

    let of_mina = async |service: &Service, name: &str| -> BTreeSet<&'static str> {
        let named = names_in_lists(service, room, &jun).await.into_iter();
        named.filter(|(_, shown)| shown == name).map(|(list, _)| list).collect()
    };
    let lists = BTreeSet::from([
        "a thread's messages",
        "a thread's root",
        "bans",
        "blocked",
        "excerpts",
        "invitations",
        "notices",
        "pins",
        "reports, the reporter",
        "reports, the sender",
        "search",
        "the audit log, by whom",
        "the audit log, of whom",
        "threads",
    ]);
    assert_eq!(of_mina(&second, "Mina").await, lists);
    remember(&first, &user_at(1, "Mina Kim", 6)).await;
    for service in [&first, &second] {
        assert_eq!(of_mina(service, "Mina").await, BTreeSet::new(), "the name of before");
        assert_eq!(of_mina(service, "Mina Kim").await, lists);
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
