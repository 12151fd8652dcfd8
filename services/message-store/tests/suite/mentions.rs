//! Mentions: whom a message names is told, with the message or not at all.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;
use madang_domain::{
    Code, Profile, Result, Role, RoomId, RoomRef, Seq, TopicId, UserId,
    event::{Event, EventBody, Mention},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Append, Appended, Authority, HistoryFrom, Leave, Mentioned, Notify, PutMember, Read},
};

use crate::support::{Fixture, Words as _, message, seqs, user};

madang_test_kit::on_both!(
    a_mention_is_in_the_inbox_and_in_the_message,
    only_members_are_mentioned,
    a_repeat_mentions_nobody_again,
    a_refused_message_mentions_nobody,
    a_message_whose_notice_is_refused_is_not_there,
    mentions_of_many_senders_have_places_in_order,
    who_leaves_at_that_moment_is_mentioned_by_what_came_before_alone,
);

async fn post(
    service: &Service,
    room: RoomId,
    from: &Arc<Profile>,
    key: &str,
    text: &str,
) -> Result<Appended> {
    service
        .append(Append {
            authority: Authority::User,
            room,
            actor: Arc::clone(from),
            message: message(text, key),
        })
        .await
}

async fn inbox(service: &Service, user: &Profile) -> Vec<Event> {
    service.read(Read { topic: TopicId::Inbox(user.id), after: Seq::START, limit: 1_000 }).await.unwrap()
}

/// The mentions among the notices of an inbox: who mentions, where, in which message.
async fn mentions(service: &Service, user: &Profile) -> Vec<(UserId, RoomId, u64)> {
    let mentions = inbox(service, user).await.into_iter().filter_map(|event| match event.body {
        EventBody::Mention(Mention { room, seq }) => Some((event.actor.id, room, seq.get())),
        _ => None,
    });
    mentions.collect()
}

fn mentioned(event: &Event) -> &[UserId] {
    match &event.body {
        EventBody::Message(message) => &message.mentions,
        other => panic!("a message was due, and it is {other:?}"),
    }
}

async fn a_mention_is_in_the_inbox_and_in_the_message(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, sora) = (user(1), user(2), user(3));
    let room = service.given_room(&[&mina, &jun, &sora]).await;
    let text = "@User-3, @user-2님 그리고 @user-1, @user-3!";
    let appended = post(&service, room, &mina, "k", text).await.unwrap();
    // In the order of the text, each once, not the sender. The first notice of each is the invitation.
    let place = |user: &Profile| Mentioned { user: user.id, notice: Some((Seq::new(2), appended.at)) };
    assert_eq!(appended.mentions, [place(&sora), place(&jun)]);
    for person in [&jun, &sora] {
        assert_eq!(mentions(&service, person).await, [(mina.id, room, appended.seq.get())]);
        assert_eq!(inbox(&service, person).await[1].at, appended.at);
    }
    assert!(inbox(&service, &mina).await.is_empty());

    // The message says so to whoever reads it later, with what else there is to say of it.
    let mut answer = message("@user-1 yes", "answer");
    answer.reply_to = Some(appended.seq);
    let answer = service
        .append(Append { authority: Authority::User, room, actor: Arc::clone(&jun), message: answer })
        .await
        .unwrap();
    let log = service.log(room).await;
    assert_eq!(mentioned(&log[3]), [sora.id, jun.id]);
    assert_eq!(mentioned(&log[4]), [mina.id]);
    let EventBody::Message(kept) = &log[4].body else { panic!("{log:?}") };
    assert_eq!((kept.reply_to, answer.mentions.len()), (Some(appended.seq), 1));
    let replayed = service.open_since(room, &sora, Some((3, None))).await.unwrap().events;
    assert_eq!(replayed, log[3..]);
    let history = service.history_from(room, &sora, HistoryFrom::End, 2).await.unwrap().events;
    assert_eq!(mentioned(&history[1]), [sora.id, jun.id]);
}

async fn only_members_are_mentioned(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, stranger) = (user(1), user(2), user(3));
    let room = service.given_room(&[&mina, &jun]).await;
    // Known to the store, and in another room with Mina.
    service.given_room(&[&stranger, &mina]).await;
    let appended = post(&service, room, &mina, "k", "@user-3 @nobody @user-2").await.unwrap();
    assert_eq!(appended.mentions.iter().map(|mentioned| mentioned.user).collect::<Vec<_>>(), [jun.id]);
    assert!(inbox(&service, &stranger).await.is_empty());
    // Who has left is a member no more; a sender who is none mentions nobody.
    service.leave(Leave { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    assert!(post(&service, room, &mina, "k2", "@user-2").await.unwrap().mentions.is_empty());
    let refused = post(&service, room, &stranger, "k3", "@user-1").await.unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
    assert!(mentions(&service, &mina).await.is_empty());
    // Where some of a batch have mentions and others none, each has its own.
    let says = (0..20).map(|n| {
        let (service, mina) = (&service, &mina);
        let text = if n % 2 == 0 { "nobody" } else { "@user-3" };
        async move { post(service, room, mina, &format!("b{n}"), text).await.unwrap() }
    });
    let (by, new) = (Arc::clone(&mina), Arc::clone(&stranger));
    service
        .put_member(PutMember {
            actor: by,
            authority: Authority::User,
            room: room.into(),
            user: new,
            role: Role::Member,
        })
        .await
        .unwrap();
    for (n, appended) in join_all(says).await.into_iter().enumerate() {
        assert_eq!(appended.mentions.len(), n % 2, "message {n}");
    }
}

async fn a_repeat_mentions_nobody_again(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let (mina, jun) = (user(1), user(2));
    let room = replicas[0].given_room(&[&mina, &jun]).await;
    let sends = (0..10).map(|n| post(&replicas[n % 2], room, &mina, "k", "@user-2"));
    let sent: Vec<_> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
    assert!(sent.iter().all(|appended| appended.seq == sent[0].seq));
    assert_eq!(sent.iter().map(|appended| appended.mentions.len()).sum::<usize>(), 1);
    assert!(sent.iter().all(|appended| appended.duplicate == appended.mentions.is_empty()));
    assert_eq!(mentions(&replicas[0], &jun).await.len(), 1);
}

async fn a_refused_message_mentions_nobody(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    fixture.refuse_text("@user-2 cursed").await;
    assert_eq!(post(&service, room, &mina, "k", "@user-2 cursed").await.unwrap_err().code, Code::Internal);
    assert!(mentions(&service, &jun).await.is_empty());
    // And takes no place: the invitation is 1.
    let next = post(&service, room, &mina, "k2", "@user-2 blessed").await.unwrap();
    assert_eq!(next.mentions[0].notice, Some((Seq::new(2), next.at)));
}

async fn a_message_whose_notice_is_refused_is_not_there(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    fixture.refuse_mentions().await;
    let head = service.view(room, &mina).await.room.head;
    assert_eq!(post(&service, room, &mina, "k", "@user-2").await.unwrap_err().code, Code::Internal);
    assert_eq!(service.view(room, &mina).await.room.head, head, "one transaction");
    // Whoever is sent with it is not.
    assert_eq!(post(&service, room, &mina, "k2", "hello").await.unwrap().seq, head.next());
}

async fn mentions_of_many_senders_have_places_in_order(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let people: Vec<_> = (1..=6).map(user).collect();
    let members: Vec<_> = people.iter().collect();
    let mut rooms = Vec::new();
    for _ in 0..4 {
        rooms.push(replicas[0].given_room(&members).await);
    }
    // Every room, every sender, through both replicas at once, naming the others in different orders; and notices
    // and invitations, which lock the same inboxes.
    let mut sends = Vec::new();
    for n in 0..120_usize {
        let names: Vec<String> = (0..6).map(|at| format!("@user-{}", (n * 7 + at * 5) % 6 + 1)).collect();
        let (service, room, sender) = (&replicas[n % 2], rooms[n % 4], &people[n % 6]);
        sends.push(
            async move { post(service, room, sender, &format!("k{n}"), &names.join(" ")).await.unwrap() },
        );
    }
    let notices = (0..30).map(|n| {
        replicas[n % 2].notify(Notify { user: Arc::clone(&people[n % 6]), data: "{}".into(), key: None })
    });
    let creations = (0..10).map(|n| replicas[n % 2].given_room(&members));
    let (sent, told, _) = tokio::join!(join_all(sends), join_all(notices), join_all(creations));
    assert!(told.iter().all(Result::is_ok));

    let mut places: BTreeMap<UserId, Vec<u64>> = BTreeMap::new();
    for mentioned in sent.iter().flat_map(|appended| &appended.mentions) {
        let (seq, _) = mentioned.notice.unwrap();
        places.entry(mentioned.user).or_default().push(seq.get());
    }
    for person in &people {
        let log = inbox(&replicas[0], person).await;
        assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
        assert!(log.windows(2).all(|two| two[0].at <= two[1].at));
        let mut told = places.remove(&person.id).unwrap();
        told.sort_unstable();
        let kept = log.iter().filter(|event| matches!(event.body, EventBody::Mention(_)));
        assert_eq!(told, kept.map(|event| event.seq.get()).collect::<Vec<_>>());
        // Of 120 messages a sixth are the own ones.
        assert_eq!(told.len(), 100);
    }
}

async fn who_leaves_at_that_moment_is_mentioned_by_what_came_before_alone(fixture: Fixture) {
    const ROUNDS: usize = 25;
    let replicas = [fixture.service().await, fixture.service().await];
    let (mina, jun) = (user(1), user(2));
    let mut room_after = 0;
    for round in 0..ROUNDS {
        let room = replicas[0].given_room(&[&mina, &jun]).await;
        let says = (0..6).map(|n| {
            let (service, mina) = (&replicas[n % 2], &mina);
            async move { post(service, room, mina, &format!("k{n}"), "@user-2").await.unwrap() }
        });
        let leave = replicas[round % 2].leave(Leave { actor: Arc::clone(&jun), room: RoomRef::Id(room) });
        let (sent, left) = tokio::join!(join_all(says), leave);
        let left = left.unwrap().events[0].seq;
        for appended in sent {
            assert_eq!(
                appended.mentions.len(),
                usize::from(appended.seq < left),
                "{} and {left}",
                appended.seq
            );
            room_after += usize::from(appended.seq > left);
        }
    }
    assert!(room_after > 0, "some message came after somebody had left");
}
