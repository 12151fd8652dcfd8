//! What owners and moderators set of a room: who sends, how often, and what newcomers see.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    AvatarUrl, Code, Error, Limit, Profile, Receipts, Result, Role, RoomDetailChanges, RoomDetails,
    RoomFlagChanges, RoomFlags, RoomHistory, RoomId, RoomName, RoomRef, RoomTopic, Seq,
    event::{EventBody, RoomChanged},
    limits::SLOW_MODE_MAX_S,
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, Changed, HistoryFrom, Join, Leave, ListPins, ListRevisions, ListRooms, NewRoom,
        PutMember, RoomKind, RoomView, SetPin, UpdateRoom,
    },
};

use crate::{
    edits::{edit, said},
    reactions::react,
    support::{Fixture, Words as _, assert_logged, message, page, room_of, seqs, user, user_at},
};

madang_test_kit::on_both!(
    flags_are_set_and_told_once,
    what_a_room_shows_is_set_and_told_once,
    a_room_without_a_name_is_shown_by_its_members,
    in_an_announcement_room_moderators_speak,
    in_an_archived_room_nobody_speaks,
    in_slow_mode_members_wait_between_messages,
    messages_at_once_do_not_get_around_slow_mode,
    newcomers_see_what_was_said_since,
    what_newcomers_do_not_see_is_no_excerpt,
);

pub(crate) const NONE: RoomFlagChanges = RoomFlagChanges {
    announcement: None,
    archived: None,
    slow_mode_s: None,
    history: None,
    receipts: None,
    guests_send: None,
    members_add: None,
    members_pin: None,
    members_mention_all: None,
    edit_window_s: None,
};

pub(crate) async fn set(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    flags: RoomFlagChanges,
) -> Result<Changed<RoomView>> {
    let (actor, room) = (Arc::clone(actor), room.into());
    service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(actor),
            room,
            name: None,
            slug: None,
            flags,
            details: RoomDetailChanges::default(),
        })
        .await
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

async fn promote(service: &Service, room: RoomId, owner: &Arc<Profile>, user: &Arc<Profile>) {
    let (actor, user) = (Arc::clone(owner), Arc::clone(user));
    let (authority, role) = (Authority::User, Role::Moderator);
    service.put_member(PutMember { actor, authority, room: room.into(), user, role }).await.unwrap();
}

async fn send_as_site(service: &Service, room: RoomId, actor: &Arc<Profile>, key: &str) -> Result<Seq> {
    let (actor, message) = (Arc::clone(actor), message("by the site", key));
    let append = Append { room, actor, message, authority: Authority::Site };
    service.append(append).await.map(|appended| appended.seq)
}

async fn flags_are_set_and_told_once(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    assert_eq!(service.view(room, &mina).await.room.flags, RoomFlags::default());
    let changes = RoomFlagChanges {
        announcement: Some(true),
        archived: Some(true),
        slow_mode_s: Some(SLOW_MODE_MAX_S),
        history: Some(RoomHistory::Joined),
        receipts: Some(Receipts::Names),
        guests_send: Some(true),
        members_add: Some(true),
        members_pin: Some(true),
        members_mention_all: Some(true),
        edit_window_s: Some(60),
    };
    let flags = changes.applied_to(RoomFlags::default());
    let changed = set(&service, room, &mina, changes).await.unwrap();
    let (name, slug) = (changed.value.room.name.clone(), None);
    let told = EventBody::RoomChanged(RoomChanged {
        name,
        slug,
        flags,
        details: RoomDetails::default(),
        deleted: false,
    });
    assert_eq!(changed.events.iter().map(|event| &event.body).collect::<Vec<_>>(), [&told]);
    assert_logged(&service, room, &changed).await;
    assert_eq!(service.view(room, &jun).await.room.flags, flags);
    assert!(set(&service, room, &mina, changes).await.unwrap().events.is_empty(), "a repeat");
    // One flag leaves the others as they are.
    let changed =
        set(&service, room, &mina, RoomFlagChanges { archived: Some(false), ..NONE }).await.unwrap();
    assert_eq!(changed.value.room.flags, RoomFlags { archived: false, ..flags });
    let too_long = RoomFlagChanges { slow_mode_s: Some(SLOW_MODE_MAX_S + 1), ..NONE };
    let refused = set(&service, room, &mina, too_long).await.unwrap_err();
    assert_eq!((refused.code, &*refused.fields[0].pointer), (Code::InvalidArgument, "/slow_mode_s"));
}

async fn what_a_room_shows_is_set_and_told_once(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let set = async |actor: &Arc<Profile>, room: RoomId, details: RoomDetailChanges| {
        let update = UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(actor)),
            room: room.into(),
            name: None,
            slug: None,
            flags: NONE,
            details,
        };
        service.update_room(update).await
    };
    let topic = RoomTopic::new("  점심에 무엇을 먹을까 ").unwrap();
    let avatar_url = AvatarUrl::new("https://example.com/yard.png").unwrap();
    let both = RoomDetailChanges {
        topic: Some(Some(topic.clone())),
        avatar_url: Some(Some(avatar_url.clone())),
        unnamed: None,
    };
    let details = RoomDetails { topic: Some(topic), avatar_url: Some(avatar_url), unnamed: false };
    let changed = set(&mina, room, both.clone()).await.unwrap();
    assert_eq!(changed.value.room.details, details);
    let (name, flags) = (changed.value.room.name.clone(), RoomFlags::default());
    let body = RoomChanged { name, slug: None, flags, details: details.clone(), deleted: false };
    assert_eq!(
        changed.events.iter().map(|event| &event.body).collect::<Vec<_>>(),
        [&EventBody::RoomChanged(body)]
    );
    assert_logged(&service, room, &changed).await;
    assert_eq!(service.view(room, &jun).await.room.details, details);
    assert!(set(&mina, room, both.clone()).await.unwrap().events.is_empty(), "a repeat");
    // Another property leaves them as they are, and each goes alone.
    let archive = RoomFlagChanges { archived: Some(true), ..NONE };
    super::room_flags::set(&service, room, &mina, archive).await.unwrap();
    assert_eq!(service.view(room, &jun).await.room.details, details);
    let without_topic = RoomDetailChanges { topic: Some(None), ..RoomDetailChanges::default() };
    let changed = set(&mina, room, without_topic).await.unwrap();
    assert_eq!(changed.value.room.details, RoomDetails { topic: None, ..details });
    // As the name: owners, and not in a direct room.
    promote(&service, room, &mina, &jun).await;
    assert_eq!(code(set(&jun, room, both.clone()).await), Some(Code::PermissionDenied));
    let direct = service.make(&mina, room_of(RoomKind::Direct, "Two", &[&jun])).await.unwrap().value.room.id;
    assert_eq!(code(set(&mina, direct, both).await), Some(Code::FailedPrecondition));
}

async fn a_room_without_a_name_is_shown_by_its_members(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<_> = (1..=7).map(|number| user_at(number, &format!("사람 {number}"), 1)).collect();
    let new = |kind, members: &[&Arc<Profile>]| NewRoom { unnamed: true, ..room_of(kind, "Group", members) };
    let room = service.make(&people[0], new(RoomKind::Private, &[&people[1]])).await.unwrap().value.room;
    assert_eq!((&*room.name, room.details.unnamed), ("사람 2", true), "without oneself");
    let name_for = async |user: &Arc<Profile>| service.view(room.id, user).await.room.name.to_string();
    assert_eq!(name_for(&people[1]).await, "사람 1");
    for user in &people[2..] {
        fixture.clock.advance(Duration::from_millis(1));
        let put = PutMember {
            actor: Arc::clone(&people[0]),
            authority: Authority::User,
            room: room.id.into(),
            user: Arc::clone(user),
            role: Role::Member,
        };
        service.put_member(put).await.unwrap();
    }
    // Five of them: owners first, then by joining. In lists too.
    let five = "사람 1, 사람 2, 사람 3, 사람 4, 사람 5";
    assert_eq!(name_for(&people[6]).await, five);
    let list = ListRooms { user: Some(people[6].id), joinable: false, text: None, page: page(10) };
    assert_eq!(&*service.list_rooms(list).await.unwrap().items[0].room.name, five);
    // It follows their names and who they are.
    let renamed = user_at(1, &"긴".repeat(64), 2);
    service.say(room.id, &renamed, "k").await.unwrap();
    service.leave(Leave { actor: Arc::clone(&people[1]), room: room.id.into() }).await.unwrap();
    let name = name_for(&people[6]).await;
    assert!(name.starts_with(&format!("{}, 사람 3, 사람 4", "긴".repeat(64))), "{name}");
    assert!(name.chars().count() <= 100);
    // It can be given a name, and lose it; a public room cannot.
    let rename = async |room: RoomId, name: &str, unnamed: Option<bool>| {
        let update = UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&people[0])),
            room: room.into(),
            name: Some(RoomName::new(name).unwrap()),
            slug: None,
            flags: NONE,
            details: RoomDetailChanges { unnamed, ..RoomDetailChanges::default() },
        };
        service.update_room(update).await
    };
    let named = rename(room.id, "모임", None).await.unwrap();
    assert_eq!((&*named.value.room.name, named.value.room.details.unnamed), ("모임", false));
    let unnamed = rename(room.id, "Group", Some(true)).await.unwrap();
    assert_eq!(&*unnamed.value.room.name, "사람 3, 사람 4, 사람 5, 사람 6, 사람 7");
    let refused = service.make(&people[0], new(RoomKind::Public, &[])).await.unwrap_err();
    assert_eq!((refused.code, &*refused.fields[0].pointer), (Code::InvalidArgument, "/name"));
    let public = service.given_public_room(&people[0]).await;
    assert_eq!(code(rename(public, "Group", Some(true)).await), Some(Code::InvalidArgument));
    // A direct room is shown by the other user, and by a name once it has one.
    let direct = service.make(&people[0], new(RoomKind::Direct, &[&people[1]])).await.unwrap().value.room;
    assert_eq!(&*direct.name, "사람 2");
    let named = rename(direct.id, "둘", None).await.unwrap();
    assert_eq!((&*named.value.room.name, named.value.room.details.unnamed), ("둘", false));
}

async fn in_an_announcement_room_moderators_speak(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    promote(&service, room, &mina, &jun).await;
    let own = service.say(room, &hana, "before").await.unwrap().seq;
    set(&service, room, &mina, RoomFlagChanges { announcement: Some(true), ..NONE }).await.unwrap();
    for speaker in [&mina, &jun] {
        service.say(room, speaker, "news").await.unwrap();
    }
    let refused = service.say(room, &hana, "me too").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "permission_denied: only moderators send in an announcement room, and guests only where the room lets them"
    );
    assert_eq!(
        code(edit(&service, room, &hana, own, "by the back door").await),
        Some(Code::PermissionDenied)
    );
    react(&service, room, &hana, own, "👍", true).await.unwrap();
    send_as_site(&service, room, &hana, "site").await.unwrap();
    assert!(service.say(room, &hana, "before").await.unwrap().duplicate, "what is committed stays so");
    set(&service, room, &mina, RoomFlagChanges { announcement: Some(false), ..NONE }).await.unwrap();
    service.say(room, &hana, "me too").await.unwrap();
}

async fn in_an_archived_room_nobody_speaks(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let own = service.say(room, &mina, "before").await.unwrap().seq;
    set(&service, room, &mina, RoomFlagChanges { archived: Some(true), ..NONE }).await.unwrap();
    for speaker in [&mina, &jun] {
        assert_eq!(code(service.say(room, speaker, "new").await), Some(Code::FailedPrecondition));
        let reaction = react(&service, room, speaker, own, "👍", true).await;
        assert_eq!(code(reaction), Some(Code::FailedPrecondition));
    }
    assert_eq!(code(edit(&service, room, &mina, own, "new").await), Some(Code::FailedPrecondition));
    assert_eq!(code(send_as_site(&service, room, &mina, "site").await), Some(Code::FailedPrecondition));
    assert!(service.say(room, &mina, "before").await.unwrap().duplicate);
    assert_eq!(seqs(&service.log(room).await).len(), 4);
    set(&service, room, &mina, RoomFlagChanges { archived: Some(false), ..NONE }).await.unwrap();
    service.say(room, &jun, "new").await.unwrap();
}

async fn in_slow_mode_members_wait_between_messages(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let elsewhere = service.given_room(&[&mina, &jun]).await;
    set(&service, room, &mina, RoomFlagChanges { slow_mode_s: Some(10), ..NONE }).await.unwrap();
    service.say(room, &jun, "one").await.unwrap();
    fixture.clock.advance(Duration::from_secs(4));
    let Error { code, limit, retry_after, .. } = service.say(room, &jun, "two").await.unwrap_err();
    assert_eq!(
        (code, limit, retry_after),
        (Code::RateLimited, Some(Limit::SlowMode), Some(Duration::from_secs(6)))
    );
    // A repeat, another member, another room, a moderator and the site wait for nothing.
    assert!(service.say(room, &jun, "one").await.unwrap().duplicate);
    service.say(room, &hana, "two").await.unwrap();
    service.say(elsewhere, &jun, "two").await.unwrap();
    for key in ["one", "two"] {
        service.say(room, &mina, key).await.unwrap();
    }
    send_as_site(&service, room, &jun, "site").await.unwrap();
    // The site's message counts as one of the member's.
    fixture.clock.advance(Duration::from_secs(6));
    let refused = service.say(room, &jun, "two").await.unwrap_err();
    assert_eq!(refused.retry_after, Some(Duration::from_secs(4)));
    fixture.clock.advance(Duration::from_secs(4));
    service.say(room, &jun, "two").await.unwrap();
    set(&service, room, &mina, RoomFlagChanges { slow_mode_s: Some(0), ..NONE }).await.unwrap();
    service.say(room, &jun, "three").await.unwrap();
}

async fn messages_at_once_do_not_get_around_slow_mode(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    set(&service, room, &mina, RoomFlagChanges { slow_mode_s: Some(10), ..NONE }).await.unwrap();
    let keys: Vec<String> = (0..20).map(|number| format!("k{number}")).collect();
    let sends = keys.iter().map(|key| service.say(room, &jun, key));
    let outcomes = futures_util::future::join_all(sends).await;
    let appended = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(appended, 1, "{outcomes:?}");
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.retry_after, Some(Duration::from_secs(10)), "{refused:?}");
    }
}

async fn newcomers_see_what_was_said_since(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_public_room(&mina).await;
    let old = service.say(room, &mina, "old").await.unwrap().seq;
    let pin = SetPin { actor: Arc::clone(&mina), room: room.into(), message: old, on: true };
    service.set_pin(pin).await.unwrap();
    let join = async |user: &Arc<Profile>| {
        service.join(Join { actor: Arc::clone(user), room: room.into() }).await.unwrap().value
    };
    assert!(join(&jun).await.last_message.is_some(), "all, at first");
    set(&service, room, &mina, RoomFlagChanges { history: Some(RoomHistory::Joined), ..NONE }).await.unwrap();
    let seen = join(&hana).await;
    assert_eq!(seen.last_message, None);
    let joined = seen.room.head;

    // History, in both directions; and a cursor of before replays nothing.
    for from in [HistoryFrom::End, HistoryFrom::After(Seq::START), HistoryFrom::Before(joined.next())] {
        let page = service.history_from(room, &hana, from, 50).await.unwrap();
        assert_eq!((seqs(&page.events), page.more), (vec![joined.get()], false), "{from:?}");
    }
    let page = service.history_from(room, &hana, HistoryFrom::Before(joined), 50).await.unwrap();
    assert_eq!((page.events, page.more), (Vec::new(), false));
    let opened = service.open_since(room, &hana, Some((0, None))).await.unwrap();
    assert!(!opened.complete && opened.events.is_empty(), "{opened:?}");
    let opened = service.open_since(room, &hana, Some((joined.get() - 1, None))).await.unwrap();
    assert_eq!((opened.complete, seqs(&opened.events)), (true, vec![joined.get()]));
    // Pins, former texts, and what is done to a message of before.
    let pins = async |user: &Arc<Profile>| {
        let list = ListPins { user: user.id, room: room.into(), page: page_of(10) };
        service.list_pins(list).await.unwrap().items.len()
    };
    assert_eq!((pins(&jun).await, pins(&hana).await), (1, 0));
    assert_eq!(code(react(&service, room, &hana, old, "👍", true).await), Some(Code::NotFound));
    promote(&service, room, &mina, &hana).await;
    let revisions = ListRevisions { user: hana.id, room: room.into(), message: old, page: page_of(10) };
    assert_eq!(code(service.list_revisions(revisions).await), Some(Code::NotFound));
    // Others see all, and what is said from now on is seen by everybody.
    assert_eq!(service.history_from(room, &jun, HistoryFrom::End, 50).await.unwrap().events.len(), 7);
    let new = service.say(room, &mina, "new").await.unwrap().seq;
    let page = service.history_from(room, &hana, HistoryFrom::End, 1).await.unwrap();
    assert_eq!(seqs(&page.events), [new.get()]);
    assert_eq!(service.view(room, &hana).await.last_message.unwrap().seq, new);
    assert_eq!(service.unread(room, &hana).await, 1);
    // Who returns is a newcomer again.
    service.leave(Leave { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    let back = join(&jun).await.room.head;
    let page = service.history_from(room, &jun, HistoryFrom::End, 50).await.unwrap();
    assert_eq!(seqs(&page.events), [back.get()]);
    // And all of it is open again when the owner says so.
    set(&service, room, &mina, RoomFlagChanges { history: Some(RoomHistory::All), ..NONE }).await.unwrap();
    for newcomer in [&hana, &jun] {
        let opened = service.open_since(room, newcomer, Some((0, None))).await.unwrap();
        assert!(opened.complete, "{opened:?}");
    }
    assert_eq!(pins(&hana).await, 1);
}

fn page_of(limit: u32) -> madang_rpc::store::PageQuery {
    page(limit)
}

async fn what_newcomers_do_not_see_is_no_excerpt(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    let old = service.say(room, &mina, "old").await.unwrap().seq;
    set(&service, room, &mina, RoomFlagChanges { history: Some(RoomHistory::Joined), ..NONE }).await.unwrap();
    let answer = async |to: Seq, key: &str| {
        let message = madang_domain::event::Message { reply_to: Some(to), ..message("an answer", key) };
        let append = Append { room, actor: Arc::clone(&mina), message, authority: Authority::User };
        service.append(append).await.unwrap()
    };
    assert!(answer(old, "a").await.excerpt.is_some(), "everybody has seen it");
    service.join(Join { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    // The event goes to all alike, so it shows what all may see.
    let answered = answer(old, "b").await;
    assert_eq!(answered.excerpt, None);
    let page = service.history_from(room, &jun, HistoryFrom::End, 1).await.unwrap();
    assert_eq!((said(&page.events[0]).reply_to, &said(&page.events[0]).excerpt), (Some(old), &None));
    let opened = service.open_since(room, &jun, Some((answered.seq.get() - 1, None))).await.unwrap();
    assert_eq!(said(&opened.events[0]).excerpt, None);
    assert!(answer(answered.seq, "c").await.excerpt.is_some(), "what was said since, all see");
}
