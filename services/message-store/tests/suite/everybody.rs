//! Messages that mention everybody: `@all` and `@here`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_domain::{
    Authority, MentionAll, NotificationLevel, Profile, Role, RoomId, RoomRef, Seq, TopicId, UserId,
    event::{Event, EventBody, Mention},
};
use madang_kit::clock::Clock as _;
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Appended, DeleteMessage, HistoryFrom, Inbox, Join, PutMember, RoomKind, RoomSettings,
        TellMembers, ToldMembers,
    },
};

use crate::{
    blocks::block,
    edits::{edit, said},
    notifications::put,
    support::{Fixture, Words as _, message, room_of, user},
    threads::{follow, reply_as, tell},
};

madang_test_kit::on_both!(
    everybody_is_told_once_and_off_the_path_of_the_message,
    a_text_of_who_may_not_is_a_plain_one,
    who_wants_no_notice_is_told_of_none,
    who_comes_later_is_not_told,
    who_is_here_is_named_and_no_notice_is_written,
    what_nobody_told_is_told_by_a_replica_that_starts,
    replicas_tell_each_member_once,
    an_edit_tells_who_was_not_told,
    what_is_deleted_is_told_no_further,
    a_room_has_so_many_messages_of_which_to_tell,
    in_a_thread_everybody_is_told_and_no_follower_twice,
);

/// As many as one transaction tells.
const CHUNK: usize = 100;

async fn send(
    service: &Service,
    room: RoomId,
    (actor, authority): (&Arc<Profile>, Authority),
    text: &str,
) -> Appended {
    // Each text is sent once.
    let append = Append { room, actor: Arc::clone(actor), message: message(text, text), authority };
    service.append(append).await.unwrap()
}

async fn say_to_all(service: &Service, room: RoomId, actor: &Arc<Profile>, text: &str) -> Appended {
    send(service, room, (actor, Authority::User), text).await
}

async fn tell_some(service: &Service, room: RoomId, message: Seq) -> ToldMembers {
    service.tell_members(TellMembers { room, message }).await.unwrap()
}

/// Whom a message is told of from now on, in order: those with a notice, and those who are to be told in passing.
async fn told(service: &Service, room: RoomId, message: Seq) -> (Vec<UserId>, Vec<UserId>) {
    let (mut noticed, mut here) = (Vec::new(), Vec::new());
    loop {
        let some = tell_some(service, room, message).await;
        noticed.extend(some.events.iter().map(inbox_of));
        here.extend(some.here);
        if !some.more {
            return (noticed, here);
        }
    }
}

fn inbox_of(event: &Event) -> UserId {
    match event.topic {
        TopicId::Inbox(user) => user,
        TopicId::Room(room) => panic!("{room} is no inbox"),
    }
}

/// The messages of a room that mention a user, as the inbox has them.
async fn mentions(service: &Service, room: RoomId, user: &Profile) -> Vec<Seq> {
    let from = HistoryFrom::After(Seq::START);
    let page = service.inbox(Inbox { user: user.id, from, limit: 200 }).await.unwrap();
    let mention = |event: Event| match event.body {
        EventBody::Mention(Mention { room: of, seq }) if of == room => Some(seq),
        _ => None,
    };
    page.events.into_iter().filter_map(mention).collect()
}

/// Whom a message says that it mentions, to whoever loads it.
async fn shown(service: &Service, room: RoomId, message: Seq) -> Option<MentionAll> {
    let log = service.log(room).await;
    said(log.iter().find(|event| event.seq == message).unwrap()).mentions_all
}

/// A room of so many that some join after it was made.
async fn given_crowd(service: &Service, people: &[Arc<Profile>]) -> RoomId {
    let new = room_of(RoomKind::Public, "Crowd", &[]);
    let room = service.make(&people[0], new).await.unwrap().value.room.id;
    for person in &people[1..] {
        service.join(Join { actor: Arc::clone(person), room: RoomRef::Id(room) }).await.unwrap();
    }
    room
}

async fn everybody_is_told_once_and_off_the_path_of_the_message(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<_> = (1..=205).map(user).collect();
    let room = given_crowd(&service, &people).await;
    let owner = &people[0];
    let inboxes = "SELECT CAST(coalesce(sum(head), 0) AS BIGINT) FROM inboxes";
    let before = fixture.count(inboxes).await;
    let sent = say_to_all(&service, room, owner, "lunch, @all!").await;
    assert_eq!((sent.mentions_all, sent.mentions.len()), (Some(MentionAll::All), 0));
    assert_eq!(shown(&service, room, sent.seq).await, Some(MentionAll::All));
    // The message has noted one thing, however many members there are.
    assert_eq!(fixture.count(inboxes).await, before);
    assert_eq!(fixture.count("SELECT count(*) FROM member_tells").await, 1);
    let again = say_to_all(&service, room, owner, "lunch, @all!").await;
    assert_eq!((again.duplicate, again.mentions_all, again.seq), (true, None, sent.seq));

    let mut all = Vec::new();
    for (expected, more) in [(CHUNK - 1, true), (CHUNK, true), (5, false)] {
        let some = tell_some(&service, room, sent.seq).await;
        assert_eq!((some.events.len(), some.more, some.here.len()), (expected, more, 0));
        for event in &some.events {
            let mention = EventBody::Mention(Mention { room, seq: sent.seq });
            assert_eq!((&event.body, event.actor.id), (&mention, owner.id));
        }
        all.extend(some.events.iter().map(inbox_of));
    }
    let others: Vec<UserId> = people[1..].iter().map(|person| person.id).collect();
    assert_eq!(all, others, "in the order of users, and not the sender");
    assert_eq!(tell_some(&service, room, sent.seq).await, ToldMembers::default());
    assert_eq!(fixture.count(inboxes).await, before + 204);
    assert_eq!(fixture.count("SELECT count(*) FROM member_tells").await, 0);
    assert_eq!(mentions(&service, room, &people[204]).await, [sent.seq]);
}

async fn a_text_of_who_may_not_is_a_plain_one(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let plain = say_to_all(&service, room, &jun, "@all and @here").await;
    assert_eq!((plain.mentions_all, shown(&service, room, plain.seq).await), (None, None));
    assert_eq!(fixture.count("SELECT count(*) FROM member_tells").await, 0);
    let as_jun = send(&service, room, (&jun, Authority::SiteAsUser), "@all, as Jun").await;
    assert_eq!(as_jun.mentions_all, None, "the site as a user may what the user may");
    let by_site = send(&service, room, (&jun, Authority::Site), "@all, by the site").await;
    assert_eq!(by_site.mentions_all, Some(MentionAll::All));
    let give = PutMember {
        actor: Arc::clone(&mina),
        authority: Authority::User,
        room: room.into(),
        user: Arc::clone(&jun),
        role: Role::Moderator,
    };
    service.put_member(give).await.unwrap();
    assert_eq!(say_to_all(&service, room, &jun, "now @all").await.mentions_all, Some(MentionAll::All));
    // What a sender says of it counts for nothing.
    let forged = madang_domain::event::Message {
        mentions_all: Some(MentionAll::All),
        ..message("nobody in particular", "forged")
    };
    let append = Append { room, actor: Arc::clone(&mina), message: forged, authority: Authority::User };
    let forged = service.append(append).await.unwrap();
    assert_eq!((forged.mentions_all, shown(&service, room, forged.seq).await), (None, None));
}

async fn who_wants_no_notice_is_told_of_none(fixture: Fixture) {
    let service = fixture.service().await;
    let people = [1, 2, 3, 4, 5, 6].map(user);
    let [mina, named, blocker, silent, muted, other] = &people;
    let room = given_crowd(&service, &people).await;
    block(&service, blocker, mina).await.unwrap();
    let hour = Some(fixture.clock.now().plus(Duration::from_secs(3_600)));
    let none = RoomSettings { notify: NotificationLevel::None, muted_until: None };
    put(&service, room, silent, none).await.unwrap();
    put(&service, room, muted, RoomSettings { notify: NotificationLevel::All, muted_until: hour })
        .await
        .unwrap();
    for (text, whom) in [("@all @user-2", MentionAll::All), ("@here @user-2", MentionAll::Here)] {
        let sent = say_to_all(&service, room, mina, text).await;
        assert_eq!(sent.mentions_all, Some(whom));
        let told = told(&service, room, sent.seq).await;
        let expected = vec![other.id];
        let is_here = whom == MentionAll::Here;
        assert_eq!(told, if is_here { (Vec::new(), expected) } else { (expected, Vec::new()) });
        assert_eq!(mentions(&service, room, named).await.iter().filter(|seq| **seq == sent.seq).count(), 1);
    }
    // For the site nobody's block counts.
    let sent = send(&service, room, (mina, Authority::Site), "@all by the site").await;
    let (noticed, _) = told(&service, room, sent.seq).await;
    assert_eq!(noticed, [named.id, blocker.id, other.id]);
}

async fn who_comes_later_is_not_told(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, later] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    fixture.clock.advance(Duration::from_secs(1));
    let sent = say_to_all(&service, room, &mina, "@all").await;
    fixture.clock.advance(Duration::from_secs(1));
    let (actor, user) = (Arc::clone(&mina), Arc::clone(&later));
    let add = PutMember { actor, authority: Authority::Site, room: room.into(), user, role: Role::Member };
    service.put_member(add).await.unwrap();
    assert_eq!(told(&service, room, sent.seq).await.0, [jun.id]);
}

async fn who_is_here_is_named_and_no_notice_is_written(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let sent = say_to_all(&service, room, &mina, "@here, now").await;
    assert_eq!(shown(&service, room, sent.seq).await, Some(MentionAll::Here));
    assert_eq!(told(&service, room, sent.seq).await, (Vec::new(), vec![jun.id, hana.id]));
    assert_eq!(tell_some(&service, room, sent.seq).await, ToldMembers::default(), "once");
    assert!(mentions(&service, room, &jun).await.is_empty());
}

async fn what_nobody_told_is_told_by_a_replica_that_starts(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<_> = (1..=150).map(user).collect();
    let room = given_crowd(&service, &people).await;
    let all = say_to_all(&service, room, &people[0], "@all").await.seq;
    let here = say_to_all(&service, room, &people[0], "@here").await.seq;
    // The gateway dies after the first hundred.
    tell_some(&service, room, all).await;
    fixture.clock.advance(Duration::from_secs(61));
    let another = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM member_tells", 0).await;
    for person in &people[1..] {
        assert_eq!(mentions(&another, room, person).await, [all], "{}", person.username);
    }
    assert_eq!(
        told(&another, room, here).await,
        (Vec::new(), Vec::new()),
        "who was here a minute ago is not told"
    );
}

async fn replicas_tell_each_member_once(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await, fixture.service().await];
    let people: Vec<_> = (1..=250).map(user).collect();
    let room = given_crowd(&replicas[0], &people).await;
    let sent = say_to_all(&replicas[0], room, &people[0], "@all").await.seq;
    let told = futures_util::future::join_all(replicas.iter().map(|replica| told(replica, room, sent))).await;
    let users: Vec<UserId> = told.into_iter().flat_map(|(noticed, _)| noticed).collect();
    let each: BTreeSet<UserId> = users.iter().copied().collect();
    assert_eq!((users.len(), each.len()), (249, 249));
}

async fn an_edit_tells_who_was_not_told(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun] = [1, 2].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    let sent = say_to_all(&service, room, &mina, "lunch").await.seq;
    let edit_to = async |text: &str| {
        let changed = edit(&service, room, &mina, sent, text).await.unwrap();
        let event = changed.events.iter().find_map(|event| match &event.body {
            EventBody::Edited(edited) => Some(edited.mentions_all),
            _ => None,
        });
        assert_eq!(Some(said(&changed.value).mentions_all), event, "the event says what a fresh load shows");
        let (noticed, here) = told(&service, room, sent).await;
        (event.flatten(), noticed.len(), here.len())
    };
    assert_eq!(edit_to("lunch, @here").await, (Some(MentionAll::Here), 0, 1));
    assert_eq!(edit_to("lunch, @all").await, (Some(MentionAll::All), 1, 0));
    assert_eq!(
        edit_to("lunch, @all!").await,
        (Some(MentionAll::All), 0, 0),
        "who was told is not told again"
    );
    assert_eq!(edit_to("lunch").await, (None, 0, 0));
    let of_jun = say_to_all(&service, room, &jun, "mine").await.seq;
    let plain = edit(&service, room, &jun, of_jun, "mine, @all").await.unwrap();
    assert_eq!(said(&plain.value).mentions_all, None);
    assert_eq!(mentions(&service, room, &jun).await, [sent]);
}

async fn what_is_deleted_is_told_no_further(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<_> = (1..=150).map(user).collect();
    let room = given_crowd(&service, &people).await;
    let sent = say_to_all(&service, room, &people[0], "@all").await.seq;
    assert!(tell_some(&service, room, sent).await.more);
    let actor = Some(Arc::clone(&people[0]));
    let delete = DeleteMessage { authority: Authority::User, actor, room, message: sent };
    service.delete_message(delete).await.unwrap();
    assert_eq!(shown(&service, room, sent).await, None);
    assert_eq!(tell_some(&service, room, sent).await, ToldMembers::default());
    assert_eq!(fixture.count("SELECT count(*) FROM member_tells").await, 0);
}

async fn a_room_has_so_many_messages_of_which_to_tell(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun] = [1, 2].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    let mut sent = Vec::new();
    for number in 0..10 {
        let appended = say_to_all(&service, room, &mina, &format!("@all {number}")).await;
        assert_eq!(appended.mentions_all, Some(MentionAll::All));
        sent.push(appended.seq);
    }
    let beyond = say_to_all(&service, room, &mina, "@all once more").await;
    assert_eq!((beyond.mentions_all, shown(&service, room, beyond.seq).await), (None, None));
    let other = service.given_room(&[&mina, &jun]).await;
    assert!(say_to_all(&service, other, &mina, "@all there").await.mentions_all.is_some());
    told(&service, room, sent[0]).await;
    assert!(say_to_all(&service, room, &mina, "@all at last").await.mentions_all.is_some());
}

async fn in_a_thread_everybody_is_told_and_no_follower_twice(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    follow(&service, room, &jun, root, true).await.unwrap();
    let by_mina = (&mina, Authority::User);
    let all = reply_as(&service, room, by_mina, root, ("@all", "a"), false).await.unwrap();
    assert_eq!(all.value.mentions_all, Some(MentionAll::All));
    assert_eq!(said(&all.events[0]).mentions_all, Some(MentionAll::All));
    assert!(tell(&service, room, all.value.seq).await.is_empty(), "a follower is told by the mention");
    assert_eq!(told(&service, room, all.value.seq).await.0, [jun.id, hana.id]);
    let here = reply_as(&service, room, by_mina, root, ("@here", "h"), false).await.unwrap().value.seq;
    assert_eq!(tell(&service, room, here).await.len(), 1, "what passes is no notice");
    assert_eq!(told(&service, room, here).await, (Vec::new(), vec![jun.id, hana.id]));
}
