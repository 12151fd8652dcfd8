//! History, read marks and unread.

use std::sync::Arc;

use futures_util::future::join_all;
use madang_domain::{
    Code, RoomRef, Seq, TopicId,
    event::{EventBody, Unknown},
    limits::PAGE_MAX_BYTES,
};
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, History, HistoryFrom, HistoryQuery, Join, Leave, ListRooms, MarkRead, Read,
        ReadMark,
    },
};

use crate::support::{Fixture, Words as _, keys, message, seqs, user};

madang_test_kit::on_both!(
    history_is_paged_both_ways,
    history_is_for_members,
    a_page_is_bounded_in_bytes,
    a_page_has_at_least_one_event,
    a_read_is_contiguous_and_bounded,
    an_event_of_an_unknown_kind_keeps_its_place,
    own_messages_are_not_unread,
    a_mark_moves_forward_alone,
    marks_moved_at_once_end_at_the_furthest,
    a_new_membership_begins_read,
);

async fn history_is_paged_both_ways(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    for number in 0..5 {
        service.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    let page = async |from, limit| {
        let page = service.history_from(room, &jun, from, limit).await.unwrap();
        (seqs(&page.events), page.more)
    };
    assert_eq!(page(HistoryFrom::End, 3).await, (vec![7, 6, 5], true));
    assert_eq!(page(HistoryFrom::Before(Seq::new(5)), 3).await, (vec![4, 3, 2], true));
    assert_eq!(page(HistoryFrom::Before(Seq::new(4)), 3).await, (vec![3, 2, 1], false));
    assert_eq!(page(HistoryFrom::Before(Seq::new(1)), 3).await, (Vec::new(), false));
    assert_eq!(page(HistoryFrom::After(Seq::new(0)), 3).await, (vec![1, 2, 3], true));
    assert_eq!(page(HistoryFrom::After(Seq::new(5)), 3).await, (vec![6, 7], false));
    assert_eq!(page(HistoryFrom::After(Seq::new(u64::MAX)), 3).await, (Vec::new(), false));

    let query = HistoryQuery { from: HistoryFrom::Before(Seq::new(5)), limit: 9, messages_only: true };
    let messages =
        service.history(History { user: Some(jun.id), room: RoomRef::Id(room), query }).await.unwrap();
    assert_eq!(keys(&messages.events), ["1", "0"]);
    assert_eq!((seqs(&messages.events), messages.more), (vec![4, 3], false), "no message lies before");
}

/// A page ends where the next event would be too many bytes, and says that there is more.
async fn a_page_is_bounded_in_bytes(fixture: Fixture) {
    /// 12,000 bytes: five of them fit into a page, of which the last one begins within it.
    const CHARS: usize = 4_000;
    const FIT: usize = PAGE_MAX_BYTES.div_ceil(CHARS * 3);
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    for number in 0..9 {
        let text = "마".repeat(CHARS);
        let message = message(&text, &number.to_string());
        service
            .append(Append { authority: Authority::User, room, actor: Arc::clone(&mina), message })
            .await
            .unwrap();
    }
    let topic = TopicId::Room(room);
    let read = service.read(Read { topic, after: Seq::new(1), limit: 500 }).await.unwrap();
    assert_eq!(seqs(&read), (2..2 + FIT as u64).collect::<Vec<_>>());
    let newest = service.history_from(room, &mina, HistoryFrom::End, 200).await.unwrap();
    let expected: Vec<u64> = (1..=10).rev().take(FIT).collect();
    assert_eq!((seqs(&newest.events), newest.more), (expected, true));
    // Whoever goes on comes to the end, in order and without a gap.
    let (mut all, mut more) = (Vec::new(), true);
    while more {
        let after = HistoryFrom::After(Seq::new(all.last().copied().unwrap_or(0)));
        let page = service.history_from(room, &mina, after, 200).await.unwrap();
        all.extend(seqs(&page.events));
        more = page.more;
    }
    assert_eq!(all, (1..=10).collect::<Vec<_>>());
    // What is replayed with a subscription is bounded, too: all of it or nothing.
    let open = async |since| {
        let opened = service.open_since(room, &mina, Some((since, None))).await.unwrap();
        (opened.complete, seqs(&opened.events))
    };
    assert_eq!(open(8).await, (true, vec![9, 10]));
    assert_eq!(open(1).await, (false, Vec::new()));
    // They are read together, and who missed less gets it, whatever another has missed.
    let at_once = join_all((0..20).map(|number| open(if number % 2 == 0 { 1 } else { 8 }))).await;
    for (number, opened) in at_once.into_iter().enumerate() {
        let expected = if number % 2 == 0 { (false, vec![]) } else { (true, vec![9, 10]) };
        assert_eq!(opened, expected, "number {number}");
    }
}

/// One event is more than a page's bytes: it is a page of its own.
async fn a_page_has_at_least_one_event(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    for number in 0..2 {
        service.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    // Nine bytes, doubled until they are more than a page has.
    for _ in 0..(PAGE_MAX_BYTES / 9).ilog2() + 1 {
        fixture.execute("UPDATE events SET text = text || text WHERE seq = 2").await;
    }
    let page = async |from| {
        let page = service.history_from(room, &mina, from, 200).await.unwrap();
        (seqs(&page.events), page.more)
    };
    assert_eq!(page(HistoryFrom::After(Seq::new(1))).await, (vec![2], true));
    assert_eq!(page(HistoryFrom::Before(Seq::new(3))).await, (vec![2], true));
    assert_eq!(page(HistoryFrom::After(Seq::new(2))).await, (vec![3], false));
}

async fn history_is_for_members(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, stranger) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    let refused = service.history_from(room, &stranger, HistoryFrom::End, 10).await.unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
    let marking = service
        .mark_read(MarkRead { user: stranger.id, room: RoomRef::Id(room), seq: Seq::new(1) })
        .await
        .unwrap_err();
    assert_eq!(marking.code, Code::PermissionDenied);
    for limit in [0, 201] {
        let refused = service.history_from(room, &mina, HistoryFrom::End, limit).await.unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
    }
}

async fn a_read_is_contiguous_and_bounded(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    for number in 0..9 {
        service.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    let read = async |after, limit| {
        seqs(&service.read(Read { topic: TopicId::Room(room), after: Seq::new(after), limit }).await.unwrap())
    };
    assert_eq!(read(4, 3).await, [5, 6, 7]);
    assert_eq!(read(8, 100).await, [9, 10]);
    assert!(read(10, 100).await.is_empty());
    assert!(
        service
            .read(Read { topic: TopicId::Inbox(mina.id), after: Seq::START, limit: 10 })
            .await
            .unwrap()
            .is_empty()
    );
}

/// A newer version wrote it. A log with a hole would keep every hub waiting.
async fn an_event_of_an_unknown_kind_keeps_its_place(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    for number in 0..3 {
        service.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    fixture.execute("UPDATE events SET kind = 99, text = NULL, detail = '{\"x\":1}' WHERE seq = 3").await;
    let unknown = EventBody::Unknown(Unknown { number: 99, detail: Some(r#"{"x":1}"#.into()) });
    let log = service.log(room).await;
    assert_eq!((seqs(&log), &log[2].body), (vec![1, 2, 3, 4], &unknown));
    let opened = service.open_since(room, &mina, Some((2, None))).await.unwrap();
    assert_eq!((opened.complete, &opened.events[..]), (true, &log[2..]));
    let page = service.history_from(room, &mina, HistoryFrom::Before(Seq::new(4)), 1).await.unwrap().events;
    assert_eq!(page, &log[2..3]);
}

async fn own_messages_are_not_unread(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    // Places 3 to 8: m j m m j m.
    for (number, who) in [&mina, &jun, &mina, &mina, &jun, &mina].into_iter().enumerate() {
        service.say(room, who, &format!("{number}")).await.unwrap();
    }
    assert_eq!(service.unread(room, &mina).await, 2);
    assert_eq!(service.unread(room, &jun).await, 4);
    let mark = async |who: &madang_domain::Profile, seq| {
        service
            .mark_read(MarkRead { user: who.id, room: RoomRef::Id(room), seq: Seq::new(seq) })
            .await
            .unwrap()
            .unread
    };
    // A mark below own later messages counts those up to it.
    assert_eq!(mark(&mina, 4).await, 1);
    assert_eq!(mark(&jun, 3).await, 3);
    assert_eq!(mark(&jun, 5).await, 2);
    service.say(room, &jun, "later").await.unwrap();
    assert_eq!(service.unread(room, &jun).await, 2);
    assert_eq!(service.unread(room, &mina).await, 2);
    assert_eq!(mark(&mina, 7).await, 1);
    assert_eq!(mark(&mina, 9).await, 0);
    assert_eq!(mark(&jun, 9).await, 0);
    let view = &service
        .list_rooms(ListRooms {
            user: Some(mina.id),
            joinable: false,
            text: None,
            page: crate::support::page(10),
        })
        .await
        .unwrap()
        .items[0];
    assert_eq!(view.membership.unwrap().unread, 0);
}

async fn a_mark_moves_forward_alone(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    for number in 0..4 {
        service.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    let mark = async |seq| {
        service
            .mark_read(MarkRead { user: jun.id, room: RoomRef::Id(room), seq: Seq::new(seq) })
            .await
            .unwrap()
    };
    let at = |seq, unread| ReadMark { room, read: Seq::new(seq), unread, shown: true };
    assert_eq!(mark(4).await, at(4, 2));
    assert_eq!(mark(3).await, at(4, 2));
    assert_eq!(mark(0).await, at(4, 2));
    assert_eq!(mark(u64::MAX).await, at(6, 0), "never past the head");
    let opened = service.open_since(room, &jun, None).await.unwrap();
    assert_eq!(opened.read, Seq::new(6));
}

async fn marks_moved_at_once_end_at_the_furthest(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let (mina, jun) = (user(1), user(2));
    for _ in 0..5 {
        let room = replicas[0].given_room(&[&mina, &jun]).await;
        for number in 0..20 {
            let who = if number % 2 == 0 { &mina } else { &jun };
            replicas[0].say(room, who, &format!("{number}")).await.unwrap();
        }
        // While marks move, both go on writing: ten messages each.
        let marks = (3..=22).rev().map(|seq| {
            let service = &replicas[seq as usize % 2];
            service.mark_read(MarkRead { user: jun.id, room: RoomRef::Id(room), seq: Seq::new(seq) })
        });
        let names: Vec<_> = (20..40).map(|number| number.to_string()).collect();
        let says = names.iter().enumerate().map(|(number, name)| {
            let who = if number % 2 == 0 { &mina } else { &jun };
            replicas[number % 2].say(room, who, name)
        });
        let (marks, says) = tokio::join!(join_all(marks), join_all(says));
        assert!(marks.iter().all(Result::is_ok) && says.iter().all(Result::is_ok));
        let membership = replicas[0].view(room, &jun).await.membership.unwrap();
        assert_eq!((membership.read, membership.unread), (Seq::new(22), 10));
    }
}

async fn a_new_membership_begins_read(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    service.join(Join { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    service.say(room, &jun, "one").await.unwrap();
    service.say(room, &mina, "two").await.unwrap();
    service.leave(Leave { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    service.join(Join { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    assert_eq!(service.unread(room, &jun).await, 0);
    service.say(room, &mina, "three").await.unwrap();
    service.say(room, &jun, "four").await.unwrap();
    service.say(room, &mina, "five").await.unwrap();
    // The message of the earlier membership is not counted among the own ones of this.
    assert_eq!(service.unread(room, &jun).await, 2);
    let head = service.view(room, &jun).await.room.head;
    assert_eq!(
        service
            .mark_read(MarkRead { user: jun.id, room: RoomRef::Id(room), seq: head })
            .await
            .unwrap()
            .unread,
        0
    );
}
