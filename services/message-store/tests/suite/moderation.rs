//! Bans and mutes.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    Code, Profile, Reason, Restriction, Result, Role, RoomId, Timestamp, TopicId,
    event::{Event, EventBody, Restricted, RestrictionNotice},
};
use madang_kit::clock::Clock as _;
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Authority, BannedUser, Changed, HistoryFrom, Inbox, Join, Leave, ListBans, ListMembers, Member,
        PageQuery, PutMember, RemoveMember, Restrict, RoomKind,
    },
};

use crate::{
    blocks::block,
    edits::edit,
    reactions::react,
    support::{Fixture, Words as _, assert_logged, page, room_of, seqs, user},
};

madang_test_kit::on_both!(
    a_ban_ends_the_membership_and_keeps_the_user_out,
    a_ban_ends_by_itself_or_by_a_moderator,
    who_is_no_member_can_be_banned,
    bans_and_mutes_do_not_fill_an_inbox,
    who_blocks_a_moderator_is_not_told_of_what_the_moderator_does,
    bans_are_listed_for_moderators,
    a_mute_silences_until_it_ends,
    a_mute_outlasts_leaving_and_returning,
    the_site_bans_and_mutes_too,
    what_cannot_be_imposed_is_refused,
);

pub(crate) struct Terms<'a> {
    pub(crate) until: Option<Timestamp>,
    pub(crate) reason: Option<&'a str>,
}

/// Without an end or a reason.
const FOR_GOOD: Terms<'_> = Terms { until: None, reason: None };

async fn restrict(
    service: &Service,
    room: RoomId,
    (actor, authority): (&Arc<Profile>, Authority),
    user: &Arc<Profile>,
    kind: Restriction,
    terms: Option<Terms<'_>>,
) -> Result<Changed<()>> {
    let on = terms.is_some();
    let Terms { until, reason } = terms.unwrap_or(FOR_GOOD);
    let reason = reason.map(|reason| Reason::new(reason).unwrap());
    let (actor, room, user) = (Arc::clone(actor), room.into(), Arc::clone(user));
    service.restrict(Restrict { actor, authority, room, user, kind, on, until, reason }).await
}

pub(crate) async fn ban(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    user: &Arc<Profile>,
    terms: Option<Terms<'_>>,
) -> Result<Changed<()>> {
    restrict(service, room, (actor, Authority::User), user, Restriction::Ban, terms).await
}

async fn mute(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    user: &Arc<Profile>,
    terms: Option<Terms<'_>>,
) -> Result<Changed<()>> {
    restrict(service, room, (actor, Authority::User), user, Restriction::Mute, terms).await
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

async fn join(service: &Service, room: RoomId, user: &Arc<Profile>) -> Result<()> {
    service.join(Join { actor: Arc::clone(user), room: room.into() }).await.map(drop)
}

async fn add(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    user: &Arc<Profile>,
    authority: Authority,
) -> Result<Member> {
    let (actor, user, role) = (Arc::clone(actor), Arc::clone(user), Role::Member);
    let put = PutMember { actor, authority, room: room.into(), user, role };
    service.put_member(put).await.map(|changed| changed.value)
}

/// What the inbox of a user has, oldest first.
async fn told(service: &Service, user: &Profile) -> Vec<EventBody> {
    let from = HistoryFrom::After(madang_domain::Seq::START);
    let page = service.inbox(Inbox { user: user.id, from, limit: 200 }).await.unwrap();
    page.events.into_iter().map(|event| event.body).collect()
}

/// The kinds of events of a room, and whom they are about.
fn kinds(events: &[Event], room: RoomId) -> Vec<(i16, Option<madang_domain::UserId>)> {
    let of_room = events.iter().filter(|event| event.topic == TopicId::Room(room));
    of_room.map(|event| (event.body.number(), event.subject.as_ref().map(|user| user.id))).collect()
}

async fn bans(service: &Service, room: RoomId, user: &Profile) -> Result<Vec<BannedUser>> {
    let list = ListBans { user: user.id, room: room.into(), page: page(200) };
    service.list_bans(list).await.map(|page| page.items)
}

async fn a_ban_ends_the_membership_and_keeps_the_user_out(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_public_room(&mina).await;
    for user in [&jun, &hana] {
        join(&service, room, user).await.unwrap();
    }
    let terms = || Some(Terms { until: None, reason: Some("spam") });
    let changed = ban(&service, room, &mina, &jun, terms()).await.unwrap();
    // First the end of the membership, by which a gateway lets go of the user's subscriptions.
    assert_eq!(kinds(&changed.events, room), [(3, Some(jun.id)), (20, Some(jun.id))]);
    assert_logged(&service, room, &changed).await;
    let notice = RestrictionNotice {
        room,
        name: service.view(room, &mina).await.room.name,
        on: true,
        until: None,
        reason: Some(Reason::new("spam").unwrap()),
    };
    assert_eq!(told(&service, &jun).await, [EventBody::BanNotice(notice)]);
    assert!(changed.events.iter().any(|event| event.topic == TopicId::Inbox(jun.id)), "{changed:?}");
    assert!(ban(&service, room, &mina, &jun, terms()).await.unwrap().events.is_empty(), "a repeat");

    assert_eq!(code(service.say(room, &jun, "k").await), Some(Code::PermissionDenied));
    let refused = join(&service, room, &jun).await.unwrap_err();
    assert_eq!(refused.to_string(), "permission_denied: you are banned from this room");
    for authority in Authority::ALL {
        let added = add(&service, room, &mina, &jun, authority).await;
        assert_eq!(code(added), Some(Code::FailedPrecondition), "{authority:?}");
    }
    assert_eq!(service.view(room, &mina).await.room.member_count, 2);
    join(&service, room, &hana).await.unwrap();
    // In another room the user is as before.
    let elsewhere = service.given_public_room(&mina).await;
    join(&service, elsewhere, &jun).await.unwrap();
}

async fn a_ban_ends_by_itself_or_by_a_moderator(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    join(&service, room, &jun).await.unwrap();
    let until = fixture.clock.now().plus(Duration::from_secs(60));
    ban(&service, room, &mina, &jun, Some(Terms { until: Some(until), reason: None })).await.unwrap();
    fixture.clock.advance(Duration::from_secs(59));
    let refused = join(&service, room, &jun).await.unwrap_err();
    assert_eq!(refused.message, format!("you are banned from this room until {until}"));
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(bans(&service, room, &mina).await.unwrap(), []);
    join(&service, room, &jun).await.unwrap();

    ban(&service, room, &mina, &jun, Some(FOR_GOOD)).await.unwrap();
    let changed = ban(&service, room, &mina, &jun, None).await.unwrap();
    assert_eq!(kinds(&changed.events, room), [(20, Some(jun.id))]);
    assert_eq!(changed.events[0].body, EventBody::Banned(Restricted { on: false, until: None }));
    assert!(ban(&service, room, &mina, &jun, None).await.unwrap().events.is_empty(), "a repeat");
    join(&service, room, &jun).await.unwrap();
    let told = told(&service, &jun).await;
    let on: Vec<bool> = told
        .iter()
        .map(|body| match body {
            EventBody::BanNotice(notice) => notice.on,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(on, [true, true, false], "an end by its time is told to nobody");
}

async fn who_is_no_member_can_be_banned(mut fixture: Fixture) {
    fixture.settings = madang_message_store::Settings::default();
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina]).await;
    assert!(add(&service, room, &mina, &jun, Authority::User).await.unwrap().invited);
    let changed = ban(&service, room, &mina, &jun, Some(FOR_GOOD)).await.unwrap();
    assert_eq!(kinds(&changed.events, room), [(20, Some(jun.id))]);
    // The invitation is gone with it.
    assert_eq!(fixture.count("SELECT count(*) FROM invitations").await, 0);
    ban(&service, room, &mina, &jun, None).await.unwrap();
    assert_eq!(code(join(&service, room, &jun).await), Some(Code::PermissionDenied));
}

/// Whoever makes a room may ban from it whom they like, and give reasons of their own.
async fn bans_and_mutes_do_not_fill_an_inbox(fixture: Fixture) {
    const TOLD_MAX: usize = 10;
    let service = fixture.service().await;
    let (mina, jun, hana) = (user(1), user(2), user(3));
    let room = service.given_room(&[&mina, &jun]).await;
    for number in 0..15 {
        let reason = format!("reason {number}");
        let terms = || Some(Terms { until: None, reason: Some(&reason) });
        mute(&service, room, &mina, &jun, terms()).await.unwrap();
        mute(&service, room, &mina, &jun, None).await.unwrap();
        // A stranger, too.
        ban(&service, room, &mina, &hana, terms()).await.unwrap();
        ban(&service, room, &mina, &hana, None).await.unwrap();
    }
    let count =
        |told: Vec<EventBody>, is_it: fn(&EventBody) -> bool| told.iter().filter(|body| is_it(body)).count();
    let is_mute = |body: &EventBody| matches!(body, EventBody::MuteNotice(_));
    let is_ban = |body: &EventBody| matches!(body, EventBody::BanNotice(_));
    assert_eq!(count(told(&service, &jun).await, is_mute), TOLD_MAX);
    assert_eq!(count(told(&service, &hana).await, is_ban), TOLD_MAX);
    // What is done is done, told or not; and the site says what it likes.
    mute(&service, room, &mina, &jun, Some(FOR_GOOD)).await.unwrap();
    assert_eq!(code(service.say(room, &jun, "k").await), Some(Code::PermissionDenied));
    let by_site = (&mina, Authority::Site);
    restrict(&service, room, by_site, &jun, Restriction::Mute, None).await.unwrap();
    assert_eq!(count(told(&service, &jun).await, is_mute), TOLD_MAX + 1);
}

async fn who_blocks_a_moderator_is_not_told_of_what_the_moderator_does(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let before = told(&service, &jun).await;
    block(&service, &jun, &mina).await.unwrap();
    let terms = || Some(Terms { until: None, reason: Some("read this") });
    mute(&service, room, &mina, &jun, terms()).await.unwrap();
    mute(&service, room, &mina, &jun, None).await.unwrap();
    let changed = ban(&service, room, &mina, &jun, terms()).await.unwrap();
    assert_eq!(kinds(&changed.events, room), [(3, Some(jun.id)), (20, Some(jun.id))]);
    ban(&service, room, &mina, &jun, None).await.unwrap();
    assert_eq!(told(&service, &jun).await, before);
    restrict(&service, room, (&mina, Authority::Site), &jun, Restriction::Ban, terms()).await.unwrap();
    assert_eq!(told(&service, &jun).await.len(), before.len() + 1, "the site tells");
}

async fn bans_are_listed_for_moderators(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let banned: Vec<Arc<Profile>> = (10..15).map(user).collect();
    for user in &banned {
        let terms = Terms { until: None, reason: Some("a reason") };
        ban(&service, room, &mina, user, Some(terms)).await.unwrap();
        fixture.clock.advance(Duration::from_millis(1));
    }
    // What happened within the last moments may stand on the last page once more.
    fixture.clock.advance(Duration::from_secs(10));
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let list = ListBans { user: mina.id, room: room.into(), page: PageQuery { limit: 2, cursor } };
        let page = service.list_bans(list).await.unwrap();
        listed.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let shown: Vec<_> = listed.iter().map(|banned| (banned.user.id, banned.by)).collect();
    let expected: Vec<_> = banned.iter().rev().map(|user| (user.id, mina.id)).collect();
    assert_eq!(shown, expected, "the latest first");
    assert_eq!(listed[0].reason.as_deref(), Some("a reason"));
    assert_eq!(code(bans(&service, room, &jun).await), Some(Code::PermissionDenied));
}

async fn a_mute_silences_until_it_ends(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let own = service.say(room, &jun, "before").await.unwrap().seq;
    let until = fixture.clock.now().plus(Duration::from_secs(60));
    let terms = || Some(Terms { until: Some(until), reason: Some("a pause") });
    let changed = mute(&service, room, &mina, &jun, terms()).await.unwrap();
    assert_eq!(kinds(&changed.events, room), [(21, Some(jun.id))]);
    assert_logged(&service, room, &changed).await;
    assert!(mute(&service, room, &mina, &jun, terms()).await.unwrap().events.is_empty(), "a repeat");
    let [EventBody::Invite(_), EventBody::MuteNotice(notice)] = &told(&service, &jun).await[..] else {
        panic!("the invitation to the room, and the mute");
    };
    assert_eq!((notice.on, notice.until, notice.reason.as_deref()), (true, Some(until), Some("a pause")));

    fixture.clock.advance(Duration::from_secs(20));
    let refused = service.say(room, &jun, "k").await.unwrap_err();
    assert_eq!((refused.code, refused.retry_after), (Code::PermissionDenied, Some(Duration::from_secs(40))));
    assert_eq!(refused.message, format!("you are muted in this room until {until}"));
    assert_eq!(code(edit(&service, room, &jun, own, "new").await), Some(Code::PermissionDenied));
    assert_eq!(code(react(&service, room, &jun, own, "👍", true).await), Some(Code::PermissionDenied));
    // The user reads on, takes the own word back, and is not muted elsewhere; others speak.
    assert_eq!(service.history_from(room, &jun, HistoryFrom::End, 1).await.unwrap().events.len(), 1);
    assert!(service.say(room, &jun, "before").await.unwrap().duplicate);
    service.say(room, &hana, "k").await.unwrap();
    let elsewhere = service.given_room(&[&jun, &mina]).await;
    service.say(elsewhere, &jun, "k").await.unwrap();
    let muted_until = async |user: &Profile| {
        let list = ListMembers { user: Some(mina.id), room: room.into(), page: page(10) };
        let members = service.list_members(list).await.unwrap().items;
        members.into_iter().find(|member| member.user.id == user.id).unwrap().muted_until
    };
    assert_eq!((muted_until(&jun).await, muted_until(&hana).await), (Some(until), None));

    fixture.clock.advance(Duration::from_secs(40));
    service.say(room, &jun, "k").await.unwrap();
    assert_eq!(muted_until(&jun).await, None);
    let changed = mute(&service, room, &mina, &jun, Some(FOR_GOOD)).await.unwrap();
    assert_eq!(seqs(&changed.events).len(), 2, "an event and a notice: {changed:?}");
    let refused = service.say(room, &jun, "k2").await.unwrap_err();
    assert_eq!((refused.retry_after, &*refused.message), (None, "you are muted in this room"));
    let changed = mute(&service, room, &mina, &jun, None).await.unwrap();
    assert_eq!(changed.events[0].body, EventBody::Muted(Restricted { on: false, until: None }));
    service.say(room, &jun, "k2").await.unwrap();
}

async fn a_mute_outlasts_leaving_and_returning(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    join(&service, room, &jun).await.unwrap();
    mute(&service, room, &mina, &jun, Some(FOR_GOOD)).await.unwrap();
    service.leave(Leave { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    join(&service, room, &jun).await.unwrap();
    assert_eq!(code(service.say(room, &jun, "k").await), Some(Code::PermissionDenied));
    // It can be ended while the user is away, too.
    service.leave(Leave { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    assert!(!mute(&service, room, &mina, &jun, None).await.unwrap().events.is_empty());
    join(&service, room, &jun).await.unwrap();
    service.say(room, &jun, "k").await.unwrap();
}

async fn the_site_bans_and_mutes_too(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let by_site = async |user: &Arc<Profile>, kind, terms| {
        restrict(&service, room, (user, Authority::Site), user, kind, terms).await
    };
    let changed = by_site(&jun, Restriction::Mute, Some(FOR_GOOD)).await.unwrap();
    assert_eq!(kinds(&changed.events, room), [(21, Some(jun.id))]);
    assert_eq!(code(service.say(room, &jun, "k").await), Some(Code::PermissionDenied));
    by_site(&jun, Restriction::Ban, Some(FOR_GOOD)).await.unwrap();
    assert_eq!(service.view(room, &mina).await.room.member_count, 2);
    // Not the last owner of others.
    let refused = by_site(&mina, Restriction::Ban, Some(FOR_GOOD)).await;
    assert_eq!(code(refused), Some(Code::FailedPrecondition));
    by_site(&jun, Restriction::Ban, None).await.unwrap();
    add(&service, room, &jun, &jun, Authority::Site).await.unwrap();
}

async fn what_cannot_be_imposed_is_refused(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, stranger] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    assert_eq!(code(ban(&service, room, &mina, &mina, Some(FOR_GOOD)).await), Some(Code::FailedPrecondition));
    assert_eq!(code(mute(&service, room, &mina, &stranger, Some(FOR_GOOD)).await), Some(Code::NotFound));
    let over = Some(fixture.clock.now());
    let refused =
        ban(&service, room, &mina, &jun, Some(Terms { until: over, reason: None })).await.unwrap_err();
    assert_eq!((refused.code, &*refused.fields[0].pointer), (Code::InvalidArgument, "/until"));
    let never = Some(Timestamp::from_micros(i64::MAX));
    let refused = ban(&service, room, &mina, &jun, Some(Terms { until: never, reason: None })).await;
    assert_eq!(code(refused), Some(Code::InvalidArgument));
    assert_eq!(
        code(ban(&service, room, &stranger, &jun, Some(FOR_GOOD)).await),
        Some(Code::PermissionDenied)
    );
    let direct = room_of(RoomKind::Direct, "Direct", &[&jun]);
    let direct = service.make(&mina, direct).await.unwrap().value.room.id;
    assert_eq!(
        code(ban(&service, direct, &mina, &jun, Some(FOR_GOOD)).await),
        Some(Code::FailedPrecondition)
    );
    // A removal is no ban.
    let (actor, authority) = (Arc::clone(&mina), Authority::User);
    let remove = RemoveMember { actor, authority, room: room.into(), user: jun.id };
    service.remove_member(remove).await.unwrap();
    add(&service, room, &mina, &jun, Authority::User).await.unwrap();
}
