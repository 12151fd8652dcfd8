//! Notices that are too old, or of which there are too many.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    Code, Cursor, Profile, Seq, TopicId,
    event::{Event, EventBody},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Dismiss, HistoryFrom, Inbox, InboxPage, MarkInboxRead, Notify, OpenInbox, OpenedInbox, Read},
};

use crate::support::{Fixture, seqs, user};

madang_test_kit::on_both!(
    old_notices_are_removed_and_the_others_stay,
    of_many_notices_the_latest_stay,
    unread_is_what_is_left,
    what_is_posted_beside_a_removal_has_its_place,
);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn post(service: &Service, user: &Arc<Profile>, count: u64) {
    for number in 0..count {
        let data = format!("{{\"n\":{number}}}").into();
        service.notify(Notify { user: Arc::clone(user), data, key: None }).await.unwrap();
    }
}

async fn open(service: &Service, user: &Profile, since: u64) -> OpenedInbox {
    let since = Some(Cursor { seq: Seq::new(since), epoch: None });
    service.open_inbox(OpenInbox { user: user.id, since, replay_limit: 500 }).await.unwrap()
}

async fn page(service: &Service, user: &Profile, from: HistoryFrom) -> InboxPage {
    service.inbox(Inbox { user: user.id, from, limit: 200 }).await.unwrap()
}

async fn dismiss(service: &Service, user: &Profile, seq: u64) -> Result<(), Code> {
    let dismissed = service.dismiss(Dismiss { user: user.id, seq: Seq::new(seq) }).await;
    dismissed.map(drop).map_err(|error| error.code)
}

async fn all(service: &Service, user: &Profile) -> Vec<Event> {
    service.read(Read { topic: TopicId::Inbox(user.id), after: Seq::START, limit: 1_000 }).await.unwrap()
}

async fn old_notices_are_removed_and_the_others_stay(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    post(&service, &mina, 5).await;
    post(&service, &jun, 2).await;
    fixture.clock.advance(DAY * 89);
    post(&service, &mina, 3).await;
    // Not a day too early.
    let service = fixture.service().await;
    fixture.clock.advance(DAY * 2);
    assert_eq!(seqs(&all(&service, &mina).await), (1..=8).collect::<Vec<_>>());
    let service = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM events", 3).await;

    assert_eq!(seqs(&all(&service, &mina).await), [6, 7, 8]);
    assert!(all(&service, &jun).await.is_empty());
    let from_before = open(&service, &mina, 4).await;
    assert_eq!((from_before.complete, from_before.events.len(), from_before.head.get()), (false, 0, 8));
    let from_there = open(&service, &mina, 5).await;
    assert_eq!((from_there.complete, seqs(&from_there.events)), (true, vec![6, 7, 8]));
    assert_eq!((from_there.read.get(), from_there.unread), (5, 3));
    let of_jun = open(&service, &jun, 2).await;
    assert_eq!((of_jun.complete, of_jun.head.get(), of_jun.read.get(), of_jun.unread), (true, 2, 2, 0));
    let whole = page(&service, &mina, HistoryFrom::After(Seq::START)).await;
    assert_eq!((seqs(&whole.events), whole.more), (vec![6, 7, 8], false));
    assert_eq!(seqs(&page(&service, &mina, HistoryFrom::End).await.events), [8, 7, 6]);

    // What is gone is not dismissed, and nothing else in its place.
    assert_eq!(dismiss(&service, &mina, 3).await, Err(Code::NotFound));
    assert_eq!(open(&service, &mina, 8).await.head.get(), 8);
    post(&service, &jun, 1).await;
    assert_eq!((seqs(&all(&service, &jun).await), open(&service, &jun, 2).await.unread), (vec![3], 1));
}

async fn of_many_notices_the_latest_stay(mut fixture: Fixture) {
    fixture.settings.inbox_notices = 10;
    let service = fixture.service().await;
    let mina = user(1);
    post(&service, &mina, 25).await;
    dismiss(&service, &mina, 20).await.unwrap();
    let service = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM events", 10).await;
    assert_eq!(seqs(&all(&service, &mina).await), (17..=26).collect::<Vec<_>>());
    assert_eq!(
        open(&service, &mina, 16).await.unread,
        8,
        "the dismissed one and the event that says so are none"
    );
}

/// Whatever was read and dismissed before.
async fn unread_is_what_is_left(mut fixture: Fixture) {
    const KEPT: u32 = 6;
    fixture.settings.inbox_notices = KEPT;
    let service = fixture.service().await;
    let cases: Vec<(u64, Vec<u64>)> = (0..=8)
        .flat_map(|read| {
            [vec![], vec![1], vec![3, 4], vec![6, 8], vec![2, 5, 7]].map(|dismissed| (read, dismissed))
        })
        .collect();
    let people: Vec<_> = (1..=cases.len() as u128).map(user).collect();
    for (person, (read, dismissed)) in people.iter().zip(&cases) {
        post(&service, person, 8).await;
        for seq in dismissed {
            dismiss(&service, person, *seq).await.unwrap();
        }
        service.mark_inbox_read(MarkInboxRead { user: person.id, seq: Seq::new(*read) }).await.unwrap();
    }
    let service = fixture.service().await;
    let beyond =
        "SELECT count(*) FROM inboxes i WHERE (SELECT count(*) FROM events e WHERE e.topic = i.user_id) > 6";
    fixture.await_count(beyond, 0).await;
    for (person, case) in people.iter().zip(&cases) {
        let left = all(&service, person).await;
        assert_eq!(left.len(), KEPT as usize, "{case:?}");
        let opened = open(&service, person, 0).await;
        let is_unread =
            |event: &&Event| event.seq > opened.read && !matches!(event.body, EventBody::Dismissed(_));
        assert_eq!(opened.unread, left.iter().filter(is_unread).count() as u64, "{case:?}");
        assert!(opened.read.get() >= case.0, "{case:?}");
        // The rest is read and dismissed as before.
        let head = opened.head;
        let mark = service.mark_inbox_read(MarkInboxRead { user: person.id, seq: head }).await.unwrap();
        assert_eq!((mark.read, mark.unread), (head, 0), "{case:?}");
    }
}

async fn what_is_posted_beside_a_removal_has_its_place(mut fixture: Fixture) {
    fixture.settings.inbox_notices = 5;
    let service = fixture.service().await;
    let mina = user(1);
    post(&service, &mina, 30).await;
    let sweeping = async {
        for _ in 0..3 {
            fixture.service().await;
        }
    };
    let posting = post(&service, &mina, 30);
    futures_util::future::join(sweeping, posting).await;
    let _last = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM events", 5).await;
    assert_eq!(seqs(&all(&service, &mina).await), [56, 57, 58, 59, 60]);
}
