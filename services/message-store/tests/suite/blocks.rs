//! Who is blocked neither reaches the one who blocks nor is told so more than needed.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_domain::{
    AddedBy, Code, Profile, Result, Role, RoomDetailChanges, RoomFlagChanges, RoomId, Seq, Timestamp,
    TopicId, UserId,
    event::{Event, EventBody, Mention},
    limits::BLOCKED_USERS_MAX,
};
use madang_kit::clock::Clock as _;
use madang_message_store::Service;
use madang_rpc::store::ListBlocked;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Appended, Authority, Block, BlockedUser, ChangedBlocks, CreateRoom, GetHides, HistoryFrom,
        Join, Mentioned, OpenInbox, PageQuery, PutMember, PutUserSettings, Read, RememberProfile, RoomKind,
        SetPin, Unblock, UpdateRoom, UserBlocks,
    },
};

use crate::support::{Fixture, Words as _, keys, message, page, room_of, user, user_at};

madang_test_kit::on_both!(
    who_is_blocked_neither_adds_nor_invites,
    open_invitations_of_the_blocked_go,
    no_direct_room_is_made_or_opened_while_one_blocks_the_other,
    in_a_direct_room_neither_acts_while_one_blocks_the_other,
    who_was_invited_to_a_direct_room_does_not_join_it,
    a_mention_by_the_blocked_is_no_notice,
    mentions_of_a_batch_are_judged_each_for_itself,
    a_repeated_block_changes_nothing,
    an_opened_inbox_says_whom_its_user_has_blocked,
    each_change_of_blocks_has_a_later_version,
    of_many_blocks_an_answer_has_whole_users,
    blocked_users_are_listed_by_age,
    a_user_blocks_so_many_and_no_more,
);

pub(crate) async fn block(service: &Service, actor: &Arc<Profile>, user: &Arc<Profile>) -> Result<()> {
    service.block(Block { actor: Arc::clone(actor), user: Arc::clone(user) }).await.map(drop)
}

async fn unblock(service: &Service, actor: &Profile, user: &Profile) {
    service.unblock(Unblock { actor: actor.id, user: user.id }).await.unwrap();
}

/// The code of a refusal.
fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

/// Whether the user is a member after the wish that the user be one.
pub(crate) async fn put(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    user: &Arc<Profile>,
    authority: Authority,
) -> Result<bool> {
    let (actor, user) = (Arc::clone(actor), Arc::clone(user));
    let put = PutMember { actor, authority, room: room.into(), user, role: Role::Member };
    Ok(!service.put_member(put).await?.value.invited)
}

async fn direct(service: &Service, one: &Arc<Profile>, other: &Arc<Profile>) -> Result<RoomId> {
    let made = service.make(one, room_of(RoomKind::Direct, "Direct", &[other])).await;
    made.map(|made| made.value.room.id)
}

async fn join(service: &Service, user: &Arc<Profile>, room: RoomId) -> Option<Code> {
    code(service.join(Join { actor: Arc::clone(user), room: room.into() }).await)
}

async fn post(
    service: &Service,
    room: RoomId,
    from: &Arc<Profile>,
    text: &str,
    key: &str,
    authority: Authority,
) -> Result<Appended> {
    service.append(Append { room, actor: Arc::clone(from), message: message(text, key), authority }).await
}

pub(crate) async fn inbox(service: &Service, user: &Profile) -> Vec<Event> {
    service.read(Read { topic: TopicId::Inbox(user.id), after: Seq::START, limit: 1_000 }).await.unwrap()
}

/// Who mentions the user, by the notices of the inbox.
async fn mentioned_by(service: &Service, user: &Profile) -> Vec<UserId> {
    let inbox = inbox(service, user).await.into_iter();
    inbox
        .filter(|event| matches!(event.body, EventBody::Mention(Mention { .. })))
        .map(|event| event.actor.id)
        .collect()
}

async fn blocked(service: &Service, user: &Profile, page: PageQuery) -> (Vec<BlockedUser>, Option<String>) {
    let page = service.list_blocked(ListBlocked { user: user.id, page }).await.unwrap();
    (page.items, page.next)
}

async fn who_is_blocked_neither_adds_nor_invites(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, troll, sora) = (user(1), user(2), user(3));
    let room = service.given_room(&[&troll]).await;
    block(&service, &mina, &troll).await.unwrap();
    for added_by in [AddedBy::Anyone, AddedBy::Shared, AddedBy::Nobody] {
        let set = PutUserSettings { added_by: Some(added_by), ..PutUserSettings::nothing(mina.id) };
        service.put_user_settings(set).await.unwrap();
        // The answer is that of an invitation.
        assert!(!put(&service, room, &troll, &mina, Authority::User).await.unwrap());
        let made = service.make(&troll, room_of(RoomKind::Private, "Yard", &[&mina, &sora])).await.unwrap();
        assert_eq!(made.value.room.member_count, 2, "the others are added");
        assert_eq!(join(&service, &mina, made.value.room.id).await, Some(Code::PermissionDenied));
    }
    assert_eq!(join(&service, &mina, room).await, Some(Code::PermissionDenied));
    assert_eq!(fixture.count("SELECT count(*) FROM invitations").await, 0);
    assert!(inbox(&service, &mina).await.is_empty());
    assert!(service.listed(&mina).await.is_empty());

    // The other way round it is the blocker's own wish; and the site always may.
    let minas = service.given_room(&[&mina]).await;
    assert!(put(&service, minas, &mina, &troll, Authority::User).await.unwrap());
    assert!(put(&service, room, &mina, &mina, Authority::Site).await.unwrap());
    let new = room_of(RoomKind::Private, "Yard", &[&mina]);
    let by_site = CreateRoom { actor: Arc::clone(&troll), authority: Authority::Site, room: new };
    assert_eq!(service.create_room(by_site).await.unwrap().value.room.member_count, 2);
    // Of another one nothing has changed, nor of the blocked one when the block has ended.
    let soras = service.given_room(&[&sora]).await;
    let set = PutUserSettings { added_by: Some(AddedBy::Anyone), ..PutUserSettings::nothing(mina.id) };
    service.put_user_settings(set).await.unwrap();
    assert!(put(&service, soras, &sora, &mina, Authority::User).await.unwrap());
    unblock(&service, &mina, &troll).await;
    let another = service.given_room(&[&troll]).await;
    assert!(put(&service, another, &troll, &mina, Authority::User).await.unwrap());
}

async fn open_invitations_of_the_blocked_go(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, troll, sora) = (user(1), user(2), user(3));
    let set = PutUserSettings { added_by: Some(AddedBy::Nobody), ..PutUserSettings::nothing(mina.id) };
    service.put_user_settings(set).await.unwrap();
    let [trolls, soras, minas] = [
        service.given_room(&[&troll, &mina]).await,
        service.given_room(&[&sora, &mina]).await,
        service.given_room(&[&mina]).await,
    ];
    let set = PutUserSettings { added_by: Some(AddedBy::Nobody), ..PutUserSettings::nothing(troll.id) };
    service.put_user_settings(set).await.unwrap();
    assert!(!put(&service, minas, &mina, &troll, Authority::User).await.unwrap());
    assert_eq!(fixture.count("SELECT count(*) FROM invitations").await, 3);
    block(&service, &mina, &troll).await.unwrap();
    assert_eq!(fixture.count("SELECT count(*) FROM invitations").await, 2);
    assert_eq!(join(&service, &mina, trolls).await, Some(Code::PermissionDenied));
    assert_eq!(join(&service, &mina, soras).await, None);
    assert_eq!(join(&service, &troll, minas).await, None, "the blocker's own invitation stays");
}

async fn no_direct_room_is_made_or_opened_while_one_blocks_the_other(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, troll) = (user(1), user(2));
    block(&service, &mina, &troll).await.unwrap();
    // Before there is one, and when there is one of which both are members.
    for _ in 0..2 {
        let rooms = fixture.count("SELECT count(*) FROM rooms").await;
        let of_troll = direct(&service, &troll, &mina).await.unwrap_err();
        assert_eq!(of_troll.code, Code::PermissionDenied);
        assert!(!of_troll.message.contains("block"), "{}", of_troll.message);
        let of_mina = direct(&service, &mina, &troll).await.unwrap_err();
        assert_eq!(of_mina.code, Code::FailedPrecondition);
        assert!(of_mina.message.contains("unblock"), "{}", of_mina.message);
        assert_eq!(fixture.count("SELECT count(*) FROM rooms").await, rooms);
        assert!(inbox(&service, &mina).await.is_empty());
        let new = room_of(RoomKind::Direct, "Direct", &[&troll]);
        let by_site = CreateRoom { actor: Arc::clone(&mina), authority: Authority::Site, room: new };
        service.create_room(by_site).await.unwrap();
    }
    unblock(&service, &mina, &troll).await;
    let room = direct(&service, &troll, &mina).await.unwrap();
    assert_eq!(direct(&service, &mina, &troll).await.unwrap(), room);
}

async fn in_a_direct_room_neither_acts_while_one_blocks_the_other(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, troll, sora) = (user(1), user(2), user(3));
    let room = direct(&service, &mina, &troll).await.unwrap();
    let elsewhere =
        [direct(&service, &troll, &sora).await.unwrap(), service.given_room(&[&mina, &troll]).await];
    let first = service.say(room, &troll, "first").await.unwrap();
    service.say(room, &mina, "second").await.unwrap();
    let acts = async |actor: &Arc<Profile>| {
        let pin = SetPin { actor: Arc::clone(actor), room: room.into(), message: first.seq, on: true };
        let name = Some(madang_domain::RoomName::new("Hear me").unwrap());
        let rename = UpdateRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(actor)),
            room: room.into(),
            name,
            slug: None,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        };
        [
            code(service.say(room, actor, "third").await),
            code(service.set_pin(pin).await),
            code(service.update_room(rename).await),
        ]
    };
    block(&service, &mina, &troll).await.unwrap();
    assert_eq!(acts(&troll).await, [Some(Code::PermissionDenied); 3]);
    assert_eq!(acts(&mina).await, [Some(Code::FailedPrecondition); 3]);
    for person in [&mina, &troll] {
        let history = service.history_from(room, person, HistoryFrom::End, 10).await.unwrap();
        assert_eq!(keys(&history.events), ["second", "first"], "history stays");
    }
    // What was committed before is answered as it was, also where it is repeated only now.
    let repeated = service.say(room, &troll, "first").await.unwrap();
    assert_eq!((repeated.seq, repeated.duplicate), (first.seq, true));
    // A batch of several senders and rooms: each is judged for itself.
    let (site, others, own, refused) = tokio::join!(
        post(&service, room, &troll, "by the site", "site", Authority::Site),
        join_all(elsewhere.map(|room| service.say(room, &troll, "elsewhere"))),
        service.say(elsewhere[1], &mina, "own"),
        join_all((0..5).map(|_| service.say(room, &troll, "again"))),
    );
    assert_eq!((code(site), code(own)), (None, None));
    assert!(others.into_iter().all(|sent| sent.is_ok()));
    assert!(refused.into_iter().all(|sent| code(sent) == Some(Code::PermissionDenied)));

    // Where both block, each learns of the own block alone.
    block(&service, &troll, &mina).await.unwrap();
    assert_eq!(acts(&troll).await, [Some(Code::FailedPrecondition); 3]);
    unblock(&service, &mina, &troll).await;
    assert_eq!(acts(&mina).await, [Some(Code::PermissionDenied); 3]);
    unblock(&service, &troll, &mina).await;
    assert_eq!(acts(&troll).await, [None; 3]);
    assert_eq!(acts(&mina).await, [None; 3]);
}

async fn who_was_invited_to_a_direct_room_does_not_join_it(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, troll) = (user(1), user(2));
    let set = PutUserSettings { added_by: Some(AddedBy::Nobody), ..PutUserSettings::nothing(troll.id) };
    service.put_user_settings(set).await.unwrap();
    let room = direct(&service, &mina, &troll).await.unwrap();
    block(&service, &mina, &troll).await.unwrap();
    assert_eq!(join(&service, &troll, room).await, Some(Code::PermissionDenied));
    unblock(&service, &mina, &troll).await;
    assert_eq!(join(&service, &troll, room).await, None);
}

async fn a_mention_by_the_blocked_is_no_notice(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, troll, sora) = (user(1), user(2), user(3));
    let room = service.given_room(&[&mina, &troll, &sora]).await;
    block(&service, &mina, &troll).await.unwrap();
    let text = "@user-1 @user-3";
    let sent = post(&service, room, &troll, text, "k", Authority::User).await.unwrap();
    // The message is as it would be without the block, for whoever reads it; there is no notice.
    let told = Mentioned { user: sora.id, notice: Some((Seq::new(2), sent.at)) };
    assert_eq!(sent.mentions, [Mentioned { user: mina.id, notice: None }, told]);
    let log = service.log(room).await;
    let EventBody::Message(kept) = &log.last().unwrap().body else { panic!("{log:?}") };
    assert_eq!(kept.mentions, [mina.id, sora.id]);
    assert!(mentioned_by(&service, &mina).await.is_empty());
    assert_eq!(mentioned_by(&service, &sora).await, [troll.id]);

    // Of others there is, and of the blocker for the blocked.
    post(&service, room, &sora, "@user-1", "k", Authority::User).await.unwrap();
    post(&service, room, &mina, "@user-2", "k", Authority::User).await.unwrap();
    post(&service, room, &troll, "@user-1", "site", Authority::Site).await.unwrap();
    assert_eq!(mentioned_by(&service, &mina).await, [sora.id, troll.id], "the site always may");
    assert_eq!(mentioned_by(&service, &troll).await, [mina.id]);
    unblock(&service, &mina, &troll).await;
    post(&service, room, &troll, "@user-1", "k2", Authority::User).await.unwrap();
    assert_eq!(mentioned_by(&service, &mina).await, [sora.id, troll.id, troll.id]);
}

async fn mentions_of_a_batch_are_judged_each_for_itself(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<_> = (1..=6).map(user).collect();
    let room = service.given_room(&people.iter().collect::<Vec<_>>()).await;
    // Each blocks the one after.
    for (n, person) in people.iter().enumerate() {
        block(&service, person, &people[(n + 1) % 6]).await.unwrap();
    }
    let text = "@user-1 @user-2 @user-3 @user-4 @user-5 @user-6";
    let sends = (0..60).map(|n: usize| {
        let (service, sender, key) = (&service, &people[n % 6], format!("k{n}"));
        let authority = if n % 4 == 3 { Authority::Site } else { Authority::User };
        async move { (n, post(service, room, sender, text, &key, authority).await.unwrap()) }
    });
    let mut expected: Vec<usize> = vec![0; 6];
    for (n, sent) in join_all(sends).await {
        let silent: Vec<UserId> =
            sent.mentions.iter().filter(|told| told.notice.is_none()).map(|told| told.user).collect();
        let blocker = people[(n + 5) % 6].id;
        assert_eq!(silent, if n % 4 == 3 { vec![] } else { vec![blocker] }, "message {n}");
        assert_eq!(sent.mentions.len(), 5);
        for told in sent.mentions.iter().filter(|told| told.notice.is_some()) {
            expected[people.iter().position(|person| person.id == told.user).unwrap()] += 1;
        }
    }
    for (person, expected) in people.iter().zip(expected) {
        let log = inbox(&service, person).await;
        assert_eq!(crate::support::seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
        assert_eq!(mentioned_by(&service, person).await.len(), expected);
    }
}

async fn an_opened_inbox_says_whom_its_user_has_blocked(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, sora] = [1, 2, 3].map(user);
    for (actor, other) in [(&mina, &jun), (&mina, &sora), (&jun, &mina)] {
        block(&service, actor, other).await.unwrap();
    }
    unblock(&service, &jun, &mina).await;
    let blocked = async |user: &Profile| {
        let open = OpenInbox { user: user.id, since: None, replay_limit: 5 };
        let mut blocked = service.open_inbox(open).await.unwrap().blocked;
        blocked.sort();
        blocked
    };
    assert_eq!(blocked(&mina).await, [jun.id, sora.id]);
    assert_eq!((blocked(&jun).await, blocked(&sora).await), (vec![], vec![]));
}

async fn each_change_of_blocks_has_a_later_version(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service_ahead(Duration::from_secs(5)).await];
    let [mina, jun, sora] = [1, 2, 3].map(user);
    let opened = async |service: &Service| {
        let open = OpenInbox { user: mina.id, since: None, replay_limit: 5 };
        service.open_inbox(open).await.unwrap().blocks_version
    };
    assert_eq!(opened(&replicas[0]).await, Timestamp::default());
    let mut last = Timestamp::default();
    // The clocks of replicas differ, and the version grows all the same.
    for (service, on) in
        [(1, true), (0, false), (0, true), (1, false), (0, true)].map(|(of, on)| (&replicas[of], on))
    {
        let ChangedBlocks { version } = if on {
            service.block(Block { actor: Arc::clone(&mina), user: Arc::clone(&jun) }).await.unwrap()
        } else {
            service.unblock(Unblock { actor: mina.id, user: jun.id }).await.unwrap()
        };
        assert!(version > last, "{version:?} after {last:?}");
        last = version;
        assert_eq!(opened(service).await, last);
    }
    // Of who has changed nothing, nothing is said; what is said is of its version.
    let ask = GetHides { users: vec![sora.id, mina.id] };
    let blocks = replicas[0].get_hides(ask).await.unwrap().blocks;
    let of = |user: &Profile, blocked: Vec<UserId>, version| UserBlocks { user: user.id, blocked, version };
    assert_eq!(blocks, [of(&mina, vec![jun.id], last), of(&sora, vec![], Timestamp::default())]);
}

async fn of_many_blocks_an_answer_has_whole_users(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<Arc<Profile>> = (1..=60).map(user).collect();
    for one in &people {
        block(&service, one, &user(1_000)).await.unwrap();
        unblock(&service, one, &user(1_000)).await;
    }
    // 54,000 in all, of at most 50,000 in an answer.
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) \
        INSERT INTO blocks (blocker, blocked, at) SELECT p.user_id, ";
    fixture
        .database()
        .execute(
            &format!("{many} md5(n.i::text)::uuid, 1 FROM profiles p, n WHERE p.username <> 'user-1000'"),
            &format!("{many} randomblob(16), 1 FROM profiles p, n WHERE p.username <> 'user-1000'"),
        )
        .await
        .unwrap();
    let mut left: Vec<UserId> = people.iter().map(|one| one.id).collect();
    let mut answers = Vec::new();
    while !left.is_empty() {
        let blocks = service.get_hides(GetHides { users: left.clone() }).await.unwrap().blocks;
        assert!(blocks.iter().all(|of| of.blocked.len() == 900), "none in part");
        left.retain(|user| blocks.iter().all(|of| of.user != *user));
        answers.push(blocks.len());
    }
    assert_eq!(answers, [55, 5]);
}

async fn a_repeated_block_changes_nothing(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, troll) = (user(1), user(2));
    let refused = block(&service, &mina, &mina).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidArgument);
    unblock(&service, &mina, &troll).await;
    let at = fixture.clock.now();
    for _ in 0..2 {
        block(&service, &mina, &troll).await.unwrap();
        // As the user is called now.
        let called = user_at(2, "Renamed", 5);
        service.given_room(&[&called]).await;
        let (listed, _) = blocked(&service, &mina, page(10)).await;
        assert_eq!(listed, [BlockedUser { user: called, at }]);
        fixture.clock.advance(Duration::from_secs(1));
    }
    assert!(blocked(&service, &troll, page(10)).await.0.is_empty());
    for _ in 0..2 {
        unblock(&service, &mina, &troll).await;
        assert!(blocked(&service, &mina, page(10)).await.0.is_empty());
    }
}

async fn blocked_users_are_listed_by_age(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    // Two at each time, of which the greater id comes first.
    for number in [3, 2, 5, 4, 7, 6] {
        block(&service, &mina, &user(number)).await.unwrap();
        if number % 2 == 0 {
            fixture.clock.advance(Duration::from_millis(1));
        }
    }
    let (mut listed, mut cursor) = (Vec::new(), None);
    for _ in 0..3 {
        let (items, next) = blocked(&service, &mina, PageQuery { limit: 2, cursor }).await;
        listed.extend(items.into_iter().map(|item| item.user.username.to_string()));
        cursor = next;
    }
    assert_eq!(listed, ["user-7", "user-6", "user-5", "user-4", "user-3", "user-2"]);
    assert_eq!(cursor, None);
    let bad = PageQuery { limit: 2, cursor: Some("n.1".to_owned()) };
    let list = ListBlocked { user: mina.id, page: bad };
    assert_eq!(code(service.list_blocked(list).await), Some(Code::InvalidArgument));
}

async fn a_user_blocks_so_many_and_no_more(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let last = u128::from(BLOCKED_USERS_MAX) + 1;
    block(&service, &mina, &user(2)).await.unwrap();
    // All but the last, past the service.
    for number in 3..last {
        service.remember_profile(RememberProfile { user: user(number) }).await.unwrap();
    }
    fixture
        .execute(
            "INSERT INTO blocks (blocker, blocked, at) \
             SELECT b.blocker, p.user_id, 1 FROM blocks b, profiles p \
             WHERE p.user_id <> b.blocker AND p.user_id <> b.blocked",
        )
        .await;
    assert_eq!(fixture.count("SELECT count(*) FROM blocks").await, i64::from(BLOCKED_USERS_MAX) - 1);
    // Two at once, of which one is the last.
    let [one, other] = [user(last), user(last + 1)];
    let both = tokio::join!(block(&service, &mina, &one), block(&service, &mina, &other));
    let mut codes = [code(both.0), code(both.1)];
    codes.sort_by_key(Option::is_some);
    assert_eq!(codes, [None, Some(Code::FailedPrecondition)]);
    assert_eq!(fixture.count("SELECT count(*) FROM blocks").await, i64::from(BLOCKED_USERS_MAX));
    block(&service, &mina, &user(2)).await.unwrap();
    block(&service, &user(2), &mina).await.unwrap();
    unblock(&service, &mina, &user(2)).await;
    block(&service, &mina, &user(last + 2)).await.unwrap();
}
