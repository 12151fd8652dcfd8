//! A thread over two gateways: who writes, who follows, what is unread, and what everybody's log says of it.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use madang_client::{Body, Incoming, NoticeOf, RoomEvent};
use madang_contract::{EventBody, NoticeBody, Thread, rest::ThreadPlace};
use madang_domain::{MessageId, Seq};
use madang_e2e::{LIVE, PATIENCE, Person, Stage, fast_sends, public_room, within};

/// The thread that an event speaks of.
fn thread_of(event: &RoomEvent) -> Option<&Thread> {
    match &event.body {
        Body::Known(EventBody::Message { message }) => message.thread.as_ref(),
        Body::Known(EventBody::Deleted { deleted }) => deleted.thread.as_ref(),
        _ => None,
    }
}

#[tokio::test]
async fn a_thread_is_one_for_all_who_follow_it_at_two_gateways() {
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon) =
        (Person::register(stage.gateway(0), "mina").await, Person::register(stage.gateway(1), "joon").await);
    let room = public_room(&mina, "Courtyard", &[&joon]).await.id;
    let at_first = mina.listen(vec![stage.gateway(0)], room).await;
    let at_second = joon.listen(vec![stage.gateway(1)], room).await;
    let mut inbox = mina.socket(&stage.gateway(0)).await;
    let root = mina.api.send_message(room, "lunch?", None).await.expect("the root").seq;
    let thread = MessageId::new(root);

    // Written at one gateway: the other's listeners hear it, and the root's sender is told.
    let first = joon.api.send_in_thread(room, thread, "noodles", None, false).await.expect("a reply").seq;
    let notice = async {
        loop {
            if let Incoming::Notice(notice) = inbox.next_frame(PATIENCE).await.expect("a frame") {
                return notice;
            }
        }
    };
    let notice = within(LIVE, "the notice of a reply", notice).await;
    let NoticeOf::Known(NoticeBody::Reply(reply)) = &notice.body else { panic!("{notice:?}") };
    assert_eq!((reply.room, reply.seq, reply.sender.id), (room, first, joon.id));
    let second = joon.api.send_in_thread(room, thread, "at noon", None, true).await.expect("a reply").seq;
    let place = mina.api.mark_thread_read(room, thread, first).await.expect("the mark");
    assert_eq!(place, ThreadPlace { following: true, read: first, unread: 1 });
    let shown = mina.api.room(&room.to_string()).await.expect("the room");
    assert_eq!((shown.unread, shown.last_message.map(|last| last.seq)), (Some(1), Some(second)));

    // A deletion at one gateway is the same for all.
    mina.api.send_in_thread(room, thread, "see you", None, false).await.expect("a reply");
    joon.api.delete_message(room, &first.to_string()).await.expect("a deletion");
    let last = shown_head(&mina, room).await;
    for listener in [&at_first, &at_second] {
        listener.until_seq(PATIENCE, last).await;
        listener.assert_whole(Seq::START, last);
    }
    let told =
        |events: &[RoomEvent]| -> Vec<Thread> { events.iter().filter_map(thread_of).cloned().collect() };
    let (here, there) = (told(&at_first.heard().events), told(&at_second.heard().events));
    assert_eq!(here, there, "everybody hears the same of the thread");
    assert_eq!(here.iter().map(|thread| thread.replies).collect::<Vec<_>>(), [1, 2, 3, 2]);
    let page = joon.api.thread_messages(room, thread, None, None, None).await.expect("the thread");
    let root = page.root.thread.clone().expect("the thread of its root");
    let last = here.last().expect("the deletion");
    assert_eq!((root.replies, root.last_at, root.by), (last.replies, last.last_at, last.by.clone()));
    assert_eq!(page.items.iter().filter(|item| item.deleted).count(), 1);
}

async fn shown_head(person: &Person, room: madang_domain::RoomId) -> Seq {
    person.api.room(&room.to_string()).await.expect("the room").head
}
