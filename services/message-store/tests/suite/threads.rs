//! Threads: messages that stand under another one.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_domain::{
    Authority, Code, Profile, Result, Role, RoomFlagChanges, RoomHistory, RoomId, Seq, TopicId,
    event::{Deleted, Event, EventBody, InThread, Message, Reply, ThreadState},
    limits::{THREAD_FOLLOWERS_MAX, THREADS_FOLLOWED_MAX},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, AppendInThread, Appended, Block, Changed, DeleteMessage, DeleteRoom, FollowThread,
        FollowedThread, HistoryFrom, HistoryQuery, Inbox, Join, Leave, ListThreadMessages, ListThreads,
        MarkRead, MarkThreadRead, PageQuery, PutMember, RoomKind, TellFollowers, ThreadPage, ThreadPlace,
    },
};

use crate::{
    edits::edit,
    moderation::{Terms, ban},
    room_flags::set,
    support::{Fixture, Words as _, assert_logged, keys, message, room_of, seqs, user},
};

madang_test_kit::on_both!(
    a_message_in_a_thread_is_an_event_and_no_message_of_the_room,
    a_message_in_the_room_as_well_counts_there,
    a_repeat_is_the_first_message,
    threads_do_not_nest_and_stand_under_messages,
    who_writes_or_is_mentioned_follows,
    a_read_mark_in_a_thread_moves_forward_alone,
    a_deletion_lowers_the_count_and_names_who_is_left,
    a_deleted_root_keeps_its_thread,
    followers_are_told_once_by_notices,
    what_nobody_told_is_told_by_a_replica_that_starts,
    a_message_that_cannot_be_told_holds_up_no_other,
    a_room_judges_messages_in_threads_as_others,
    newcomers_do_not_see_threads_of_before,
    who_leaves_follows_nothing_any_more,
    a_thread_is_paged_both_ways,
    followed_threads_are_paged_by_their_last_message,
    a_thread_that_becomes_active_while_the_list_is_paged_is_on_a_page,
    a_thread_has_so_many_followers,
    a_user_follows_so_many_threads_and_leaves_the_quietest,
    an_edit_in_a_thread_mentions_and_lets_follow,
    what_a_deleted_room_had_of_threads_goes_with_its_log,
    a_room_message_after_a_message_in_a_thread_is_marked_read_by_arithmetic,
    so_many_messages_in_threads_are_appended_at_once,
    followers_are_told_by_two_statements,
    who_is_mentioned_is_told_by_two_statements,
);

/// By how much a commit may come later than the time that it writes.
const COMMIT_DELAY: Duration = Duration::from_secs(10);

/// Four run and 128 wait.
const APPENDS_AT_ONCE: usize = 132;

/// Sends to a thread.
pub(crate) async fn reply_as(
    service: &Service,
    room: RoomId,
    (actor, authority): (&Arc<Profile>, Authority),
    root: Seq,
    (text, key): (&str, &str),
    in_room: bool,
) -> Result<Changed<Appended>> {
    let thread = Some(Box::new(InThread { root, in_room, state: ThreadState::default() }));
    let message = Message { thread, ..message(text, key) };
    let append = Append { room, actor: Arc::clone(actor), message, authority };
    service.append_in_thread(AppendInThread(append)).await
}

/// Sends a user's text to a thread, with a key of its own.
pub(crate) async fn reply(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    root: Seq,
    text: &str,
) -> Result<Changed<Appended>> {
    reply_as(service, room, (actor, Authority::User), root, (text, text), false).await
}

async fn thread(service: &Service, room: RoomId, user: &Profile, root: Seq) -> Result<ThreadPage> {
    let from = HistoryFrom::After(Seq::START);
    let list = ListThreadMessages { user: user.id, room: room.into(), thread: root, from, limit: 200 };
    service.list_thread_messages(list).await
}

async fn place(service: &Service, room: RoomId, user: &Profile, root: Seq) -> ThreadPlace {
    thread(service, room, user, root).await.unwrap().place
}

pub(crate) async fn follow(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    root: Seq,
    on: bool,
) -> Result<ThreadPlace> {
    let actor = Arc::clone(actor);
    service.follow_thread(FollowThread { actor, room: room.into(), thread: root, on }).await
}

async fn mark(service: &Service, room: RoomId, user: &Profile, root: Seq, seq: u64) -> ThreadPlace {
    let (user, room, seq) = (user.id, room.into(), Seq::new(seq));
    service.mark_thread_read(MarkThreadRead { user, room, thread: root, seq }).await.unwrap()
}

async fn delete(service: &Service, room: RoomId, actor: &Arc<Profile>, message: Seq) -> Changed<()> {
    let actor = Some(Arc::clone(actor));
    service.delete_message(DeleteMessage { authority: Authority::User, actor, room, message }).await.unwrap()
}

/// Tells all followers of a message, and answers who was told, in order.
pub(crate) async fn tell(service: &Service, room: RoomId, message: Seq) -> Vec<Event> {
    let mut told = Vec::new();
    loop {
        let Changed { value, events } =
            service.tell_followers(TellFollowers { room, message }).await.unwrap();
        told.extend(events);
        if !value {
            return told;
        }
    }
}

async fn notices(service: &Service, user: &Profile) -> Vec<EventBody> {
    let from = HistoryFrom::After(Seq::START);
    let page = service.inbox(Inbox { user: user.id, from, limit: 200 }).await.unwrap();
    page.events
        .into_iter()
        .map(|event| event.body)
        .filter(|body| !matches!(body, EventBody::Invite(_)))
        .collect()
}

async fn listed(
    service: &Service,
    user: &Profile,
    limit: u32,
    cursor: Option<String>,
) -> (Vec<FollowedThread>, Option<String>) {
    let page = PageQuery { limit, cursor };
    let page = service.list_threads(ListThreads { user: user.id, page }).await.unwrap();
    (page.items, page.next)
}

/// The thread that a root shows.
fn shown(root: &Event) -> ThreadState {
    let EventBody::Message(said) = &root.body else { panic!("{root:?}") };
    said.changes.as_ref().and_then(|changes| changes.thread.clone()).unwrap_or_default()
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

async fn a_message_in_a_thread_is_an_event_and_no_message_of_the_room(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let unread = service.unread(room, &mina).await;
    let changed = reply(&service, room, &jun, root, "a reply").await.unwrap();
    assert_logged(&service, room, &changed).await;
    let [event] = changed.events.as_slice() else { panic!("{:?}", changed.events) };
    assert_eq!((event.seq, event.at, event.actor.id), (changed.value.seq, changed.value.at, jun.id));
    assert_eq!(event.seq, root.next(), "its place is the log's next one");
    let EventBody::Message(said) = &event.body else { panic!("{event:?}") };
    let state = ThreadState { replies: 1, last_at: Some(event.at), by: vec![jun.id] };
    let stands = InThread { root, in_room: false, state: state.clone() };
    assert_eq!((said.text.as_str(), said.thread.as_deref()), ("a reply", Some(&stands)));

    assert_eq!(service.unread(room, &mina).await, unread, "it is not unread in the room");
    let view = service.view(room, &mina).await;
    assert_eq!(view.last_message.as_ref().map(|last| last.seq), Some(root), "nor its last message");
    assert_eq!(shown(view.last_message.as_ref().unwrap()), state, "the root shows the thread");
    let query = HistoryQuery { from: HistoryFrom::End, limit: 10, messages_only: true };
    let history = madang_rpc::store::History { user: Some(mina.id), room: room.into(), query };
    let messages = service.history(history).await.unwrap();
    assert_eq!(seqs(&messages.events), [root.get()], "the messages of the room are without it");
    let everything = service.history_from(room, &mina, HistoryFrom::End, 10).await.unwrap();
    assert_eq!(everything.events.first().map(|event| event.seq), Some(changed.value.seq), "its log is not");
    let page = thread(&service, room, &mina, root).await.unwrap();
    assert_eq!((seqs(&page.messages), page.root.seq, page.more), (vec![event.seq.get()], root, false));
}

async fn a_message_in_the_room_as_well_counts_there(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let by_jun = (&jun, Authority::User);
    let sent = reply_as(&service, room, by_jun, root, ("for all", "k"), true).await.unwrap().value;
    assert_eq!(service.unread(room, &mina).await, 1);
    assert_eq!(service.view(room, &mina).await.last_message.map(|last| last.seq), Some(sent.seq));
    assert_eq!(place(&service, room, &mina, root).await.unread, 1, "it is unread in the thread, too");
    assert_eq!(service.unread(room, &jun).await, 1, "one's own is unread to nobody; the root still is");
}

async fn a_repeat_is_the_first_message(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let first = reply(&service, room, &jun, root, "k").await.unwrap().value;
    let again = reply(&service, room, &jun, root, "k").await.unwrap();
    assert_eq!(again.value, Appended { duplicate: true, ..first.clone() });
    assert!(again.events.is_empty());
    let plain = service.say(room, &jun, "k").await.unwrap();
    assert_eq!((plain.seq, plain.duplicate), (first.seq, true), "keys are the room's, in threads or not");
    let of_root = reply(&service, room, &mina, root, "root").await.unwrap().value;
    assert_eq!((of_root.seq, of_root.duplicate), (root, true));
    assert_eq!(shown(&thread(&service, room, &jun, root).await.unwrap().root).replies, 1);
    assert_eq!(service.view(room, &mina).await.room.head, first.seq);
    // Who is no member any more may still learn that it was committed.
    service.leave(Leave { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    assert!(reply(&service, room, &jun, root, "k").await.unwrap().value.duplicate);
    assert_eq!(code(reply(&service, room, &jun, root, "new").await), Some(Code::PermissionDenied));
}

async fn threads_do_not_nest_and_stand_under_messages(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let below = reply(&service, room, &jun, root, "below").await.unwrap().value.seq;
    let by_jun = (&jun, Authority::User);
    let both = reply_as(&service, room, by_jun, root, ("both", "both"), true).await.unwrap().value.seq;
    let head = service.view(room, &mina).await.room.head;
    for nested in [below, both] {
        assert_eq!(code(reply(&service, room, &mina, nested, "deeper").await), Some(Code::InvalidArgument));
        assert_eq!(code(thread(&service, room, &mina, nested).await), Some(Code::InvalidArgument));
        assert_eq!(code(follow(&service, room, &mina, nested, true).await), Some(Code::InvalidArgument));
    }
    for nothing in [Seq::START, Seq::new(1), Seq::new(99), Seq::new(u64::MAX)] {
        assert_eq!(code(reply(&service, room, &mina, nothing, "nowhere").await), Some(Code::NotFound));
        assert_eq!(code(thread(&service, room, &mina, nothing).await), Some(Code::NotFound));
        assert_eq!(code(follow(&service, room, &mina, nothing, true).await), Some(Code::NotFound));
    }
    assert_eq!(service.view(room, &mina).await.room.head, head, "refusals append nothing");
    let empty = service.say(room, &mina, "no thread").await.unwrap().seq;
    let page = thread(&service, room, &jun, empty).await.unwrap();
    assert_eq!((page.messages.len(), page.place), (0, ThreadPlace::default()));
}

async fn who_writes_or_is_mentioned_follows(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, sora, eve) = (user(1), user(2), user(3), user(4));
    let room = service.given_room(&[&mina, &jun, &sora, &eve]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let first = reply(&service, room, &jun, root, "hello @user-3").await.unwrap();
    let mentioned: Vec<&Event> =
        first.events.iter().filter(|event| event.topic == TopicId::Inbox(sora.id)).collect();
    assert_eq!(mentioned.len(), 1, "a mention is a notice at once");
    let at =
        |following, unread| move |place: ThreadPlace| (place.following, place.unread) == (following, unread);
    for (who, is) in [(&mina, at(true, 1)), (&jun, at(true, 0)), (&sora, at(true, 1)), (&eve, at(false, 0))] {
        let place = place(&service, room, who, root).await;
        assert!(is(place), "{}: {place:?}", who.username.as_str());
    }
    // To who follows later what was before is not unread.
    let followed = follow(&service, room, &eve, root, true).await.unwrap();
    assert_eq!((followed.following, followed.unread), (true, 0));
    let second = reply(&service, room, &jun, root, "again").await.unwrap().value.seq;
    assert_eq!(place(&service, room, &eve, root).await.unread, 1);
    assert_eq!(place(&service, room, &mina, root).await.unread, 2);
    assert_eq!(follow(&service, room, &mina, root, false).await.unwrap(), ThreadPlace::default());
    assert_eq!(listed(&service, &mina, 10, None).await.0.len(), 0);
    // Who writes follows again, from the mark of before.
    reply(&service, room, &mina, root, "back").await.unwrap();
    assert_eq!(place(&service, room, &mina, root).await.unread, 2);
    assert_eq!(mark(&service, room, &mina, root, second.get()).await.unread, 0);
}

async fn a_read_mark_in_a_thread_moves_forward_alone(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let mut sent = Vec::new();
    for text in ["one", "two", "three"] {
        sent.push(reply(&service, room, &jun, root, text).await.unwrap().value.seq);
    }
    service.say(room, &jun, "in the room").await.unwrap();
    let at = |read: Seq, unread| ThreadPlace { following: true, read, unread };
    assert_eq!(mark(&service, room, &mina, root, sent[1].get()).await, at(sent[1], 1));
    assert_eq!(mark(&service, room, &mina, root, sent[0].get()).await, at(sent[1], 1), "never back");
    assert_eq!(mark(&service, room, &mina, root, u64::MAX).await, at(sent[2], 0), "nor past the end");
    assert_eq!(service.unread(room, &mina).await, 1, "the room's mark is another");
    service.mark_read(MarkRead { user: jun.id, room: room.into(), seq: Seq::new(u64::MAX) }).await.unwrap();
    let own = reply(&service, room, &mina, root, "own").await.unwrap().value.seq;
    assert_eq!(place(&service, room, &jun, root).await.unread, 1, "nor does that of the room move it");
    assert_eq!(mark(&service, room, &jun, root, own.get()).await, at(own, 0));
    let other = service.say(room, &mina, "another").await.unwrap().seq;
    assert_eq!(mark(&service, room, &mina, other, 99).await, ThreadPlace::default(), "no thread, no mark");
}

async fn a_deletion_lowers_the_count_and_names_who_is_left(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, sora) = (user(1), user(2), user(3));
    let room = service.given_room(&[&mina, &jun, &sora]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let first = reply(&service, room, &jun, root, "one").await.unwrap().value;
    fixture.clock.advance(Duration::from_secs(1));
    let of_sora = (&sora, Authority::User);
    let second = reply_as(&service, room, of_sora, root, ("a secret", "k"), false).await.unwrap().value;
    let unread = service.unread(room, &mina).await;
    let deleted = delete(&service, room, &sora, second.seq).await;
    let left = ThreadState { replies: 1, last_at: Some(first.at), by: vec![jun.id] };
    let EventBody::Deleted(Deleted { message, thread: Some(told) }) = &deleted.events[0].body else {
        panic!("{deleted:?}")
    };
    assert_eq!((*message, told.root, &told.state), (second.seq, root, &left));
    let page = thread(&service, room, &mina, root).await.unwrap();
    assert_eq!((shown(&page.root), page.place.unread, page.messages.len()), (left, 1, 2));
    assert_eq!(service.unread(room, &mina).await, unread, "the room's numbers know nothing of it");
    assert!(!fixture.dump().await.contains("a secret"));
    delete(&service, room, &sora, second.seq).await;
    delete(&service, room, &jun, first.seq).await;
    let page = thread(&service, room, &mina, root).await.unwrap();
    assert_eq!((shown(&page.root), page.place.unread), (ThreadState::default(), 0), "deleted once each");
    // Of one that stands in the room as well, both count.
    let by_jun = (&jun, Authority::User);
    let both = reply_as(&service, room, by_jun, root, ("both", "both"), true).await.unwrap().value.seq;
    assert_eq!(service.unread(room, &mina).await, unread + 1);
    delete(&service, room, &jun, both).await;
    assert_eq!(service.unread(room, &mina).await, unread);
}

async fn a_deleted_root_keeps_its_thread(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    reply(&service, room, &jun, root, "one").await.unwrap();
    delete(&service, room, &mina, root).await;
    reply(&service, room, &jun, root, "two").await.unwrap();
    let page = thread(&service, room, &mina, root).await.unwrap();
    let EventBody::Message(said) = &page.root.body else { panic!("{page:?}") };
    assert!(said.is_deleted() && said.text.is_empty());
    assert_eq!(
        (shown(&page.root).replies, keys(&page.messages)),
        (2, vec!["one".to_owned(), "two".to_owned()])
    );
    let lone = service.say(room, &mina, "lone").await.unwrap().seq;
    delete(&service, room, &mina, lone).await;
    assert_eq!(code(reply(&service, room, &jun, lone, "three").await), Some(Code::NotFound), "none begins");
}

async fn followers_are_told_once_by_notices(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, sora, eve, hana) = (user(1), user(2), user(3), user(4), user(5));
    let room = service.given_room(&[&mina, &jun, &sora, &eve, &hana]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    for who in [&sora, &eve] {
        follow(&service, room, who, root, true).await.unwrap();
    }
    service.block(Block { actor: Arc::clone(&eve), user: Arc::clone(&jun) }).await.unwrap();
    let sent = reply(&service, room, &jun, root, "hello @user-3").await.unwrap().value.seq;
    let told = tell(&service, room, sent).await;
    let body = EventBody::Reply(Reply { room, seq: sent, thread: root });
    // The author follows; who is mentioned has a notice of that; who has blocked the sender has none.
    let whom: Vec<TopicId> = told.iter().map(|event| event.topic).collect();
    assert_eq!(whom, [TopicId::Inbox(mina.id)]);
    assert_eq!((&told[0].body, told[0].actor.id), (&body, jun.id));
    assert_eq!(notices(&service, &mina).await, [body]);
    assert!(tell(&service, room, sent).await.is_empty(), "nobody is told twice");
    let again = reply(&service, room, &jun, root, "hello @user-3").await.unwrap();
    assert!(again.value.duplicate && tell(&service, room, sent).await.is_empty());
    for (who, count) in [(&mina, 1), (&jun, 0), (&sora, 1), (&eve, 0), (&hana, 0)] {
        assert_eq!(notices(&service, who).await.len(), count, "{}", who.username.as_str());
    }
    // What is deleted before they are told is told to nobody.
    let gone = reply(&service, room, &jun, root, "gone").await.unwrap().value.seq;
    delete(&service, room, &jun, gone).await;
    assert!(tell(&service, room, gone).await.is_empty());
    assert_eq!(fixture.count("SELECT count(*) FROM thread_tells").await, 0);
}

async fn what_nobody_told_is_told_by_a_replica_that_starts(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let sent = reply(&service, room, &jun, root, "one").await.unwrap().value.seq;
    fixture.clock.advance(Duration::from_secs(61));
    let another = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM thread_tells", 0).await;
    let body = EventBody::Reply(Reply { room, seq: sent, thread: root });
    assert_eq!(notices(&another, &mina).await, [body]);
}

async fn a_message_that_cannot_be_told_holds_up_no_other(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let mut sent = Vec::new();
    // The first one is told to Mina alone, the second one to Hana.
    for (author, key) in [(&mina, "of Mina"), (&hana, "of Hana")] {
        let root = service.say(room, author, key).await.unwrap().seq;
        let seq = reply(&service, room, &jun, root, key).await.unwrap().value.seq;
        sent.push(Reply { room, seq, thread: root });
        fixture.clock.advance(Duration::from_secs(1));
    }
    let inbox = mina.id.uuid().simple();
    let check = format!("ALTER TABLE events ADD CONSTRAINT refusal CHECK (topic <> '{inbox}') NOT VALID");
    let trigger = format!(
        "CREATE TRIGGER refusal BEFORE INSERT ON events WHEN new.topic = x'{inbox}' \
         BEGIN SELECT raise(ABORT, 'refused'); END"
    );
    fixture.database().execute(&check, &trigger).await.unwrap();
    fixture.clock.advance(Duration::from_secs(61));
    let another = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM thread_tells", 1).await;
    assert_eq!(notices(&another, &hana).await, [EventBody::Reply(sent[1].clone())]);
}

async fn a_room_judges_messages_in_threads_as_others(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let flags = async |changes: RoomFlagChanges| set(&service, room, &mina, changes).await.unwrap();
    let none = RoomFlagChanges::default;
    flags(RoomFlagChanges { announcement: Some(true), ..none() }).await;
    assert_eq!(code(reply(&service, room, &jun, root, "a").await), Some(Code::PermissionDenied));
    reply(&service, room, &mina, root, "by the owner").await.unwrap();
    flags(RoomFlagChanges { announcement: Some(false), slow_mode_s: Some(10), ..none() }).await;
    reply(&service, room, &jun, root, "b").await.unwrap();
    let refused = reply(&service, room, &jun, root, "c").await.unwrap_err();
    assert_eq!((refused.code, refused.retry_after), (Code::RateLimited, Some(Duration::from_secs(10))));
    assert_eq!(code(service.say(room, &jun, "d").await), Some(Code::RateLimited), "and in the room");
    let by_site = (&jun, Authority::Site);
    reply_as(&service, room, by_site, root, ("by the site", "s"), false).await.unwrap();
    fixture.clock.advance(Duration::from_secs(10));
    flags(RoomFlagChanges { slow_mode_s: Some(0), archived: Some(true), ..none() }).await;
    for by in [(&jun, Authority::User), by_site] {
        let refused = reply_as(&service, room, by, root, ("e", "e"), false).await;
        assert_eq!(code(refused), Some(Code::FailedPrecondition));
    }
    flags(RoomFlagChanges { archived: Some(false), ..none() }).await;
    let stranger = user(9);
    assert_eq!(code(reply(&service, room, &stranger, root, "f").await), Some(Code::PermissionDenied));
    let terms = Terms { until: None, reason: None };
    ban(&service, room, &mina, &jun, Some(terms)).await.unwrap();
    assert_eq!(code(reply(&service, room, &jun, root, "g").await), Some(Code::PermissionDenied));
    assert_eq!(code(thread(&service, room, &jun, root).await), Some(Code::PermissionDenied));
    // Between two of whom one blocks the other.
    let direct =
        service.make(&mina, room_of(RoomKind::Direct, "Direct", &[&jun])).await.unwrap().value.room.id;
    let root = service.say(direct, &mina, "root").await.unwrap().seq;
    service.block(Block { actor: Arc::clone(&mina), user: Arc::clone(&jun) }).await.unwrap();
    assert_eq!(code(reply(&service, direct, &jun, root, "h").await), Some(Code::PermissionDenied));
    assert_eq!(code(reply(&service, direct, &mina, root, "i").await), Some(Code::FailedPrecondition));
}

async fn newcomers_do_not_see_threads_of_before(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, sora) = (user(1), user(2), user(3));
    let room = service.given_public_room(&mina).await;
    let changes = RoomFlagChanges { history: Some(RoomHistory::Joined), ..RoomFlagChanges::default() };
    set(&service, room, &mina, changes).await.unwrap();
    service.join(Join { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    let root = service.say(room, &mina, "before").await.unwrap().seq;
    service.join(Join { actor: Arc::clone(&sora), room: room.into() }).await.unwrap();
    assert_eq!(code(thread(&service, room, &sora, root).await), Some(Code::NotFound));
    assert_eq!(code(reply(&service, room, &sora, root, "a").await), Some(Code::NotFound));
    assert_eq!(code(follow(&service, room, &sora, root, true).await), Some(Code::NotFound));
    let read = MarkThreadRead { user: sora.id, room: room.into(), thread: root, seq: root };
    assert_eq!(code(service.mark_thread_read(read).await), Some(Code::NotFound));
    // Who is mentioned there has the notice, and follows nothing.
    let sent = reply(&service, room, &jun, root, "hello @user-3").await.unwrap().value.seq;
    assert_eq!(notices(&service, &sora).await.len(), 1);
    assert!(tell(&service, room, sent).await.iter().all(|event| event.topic == TopicId::Inbox(mina.id)));
    assert!(listed(&service, &sora, 10, None).await.0.is_empty());
    let later = service.say(room, &mina, "after").await.unwrap().seq;
    reply(&service, room, &sora, later, "b").await.unwrap();
    assert_eq!(listed(&service, &sora, 10, None).await.0.len(), 1);
}

async fn who_leaves_follows_nothing_any_more(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    service.join(Join { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    reply(&service, room, &jun, root, "one").await.unwrap();
    service.leave(Leave { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    let sent = reply(&service, room, &mina, root, "two").await.unwrap().value.seq;
    assert!(tell(&service, room, sent).await.is_empty());
    assert!(listed(&service, &jun, 10, None).await.0.is_empty());
    service.join(Join { actor: Arc::clone(&jun), room: room.into() }).await.unwrap();
    assert_eq!(place(&service, room, &jun, root).await, ThreadPlace::default());
    reply(&service, room, &jun, root, "three").await.unwrap();
    assert_eq!(place(&service, room, &jun, root).await.unread, 0, "what was sent meanwhile is not unread");
    reply(&service, room, &mina, root, "four").await.unwrap();
    assert_eq!(place(&service, room, &jun, root).await.unread, 1);
}

async fn a_thread_is_paged_both_ways(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(reply(&service, room, &jun, root, &number.to_string()).await.unwrap().value.seq.get());
        service.say(room, &mina, &format!("between {number}")).await.unwrap();
    }
    let ask = async |from, limit| {
        let list = ListThreadMessages { user: mina.id, room: room.into(), thread: root, from, limit };
        service.list_thread_messages(list).await.map(|page| (seqs(&page.messages), page.more))
    };
    assert_eq!(ask(HistoryFrom::End, 2).await.unwrap(), (vec![sent[4], sent[3]], true));
    assert_eq!(
        ask(HistoryFrom::Before(Seq::new(sent[3])), 3).await.unwrap(),
        (vec![sent[2], sent[1], sent[0]], false)
    );
    assert_eq!(ask(HistoryFrom::After(root), 2).await.unwrap(), (vec![sent[0], sent[1]], true));
    assert_eq!(ask(HistoryFrom::After(Seq::new(sent[1])), 9).await.unwrap(), (sent[2..].to_vec(), false));
    assert_eq!(code(ask(HistoryFrom::End, 0).await), Some(Code::InvalidArgument));
    assert_eq!(code(ask(HistoryFrom::End, 201).await), Some(Code::InvalidArgument));
}

async fn followed_threads_are_paged_by_their_last_message(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let mut roots = Vec::new();
    for number in 0..5 {
        let room = service.given_room(&[&mina, &jun]).await;
        let root = service.say(room, &mina, &format!("root {number}")).await.unwrap().seq;
        fixture.clock.advance(Duration::from_millis(1));
        reply(&service, room, &jun, root, "one").await.unwrap();
        roots.push((room, root));
    }
    // The first is written to once more, and so is the last one's neighbour at the same time.
    fixture.clock.advance(Duration::from_millis(1));
    for (room, root) in [roots[0], roots[3]] {
        reply(&service, room, &jun, root, "two").await.unwrap();
    }
    // What was said within the last moments may be on two pages.
    fixture.clock.advance(COMMIT_DELAY);
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let (items, next) = listed(&service, &mina, 2, cursor).await;
        assert!(items.len() <= 2);
        for thread in items {
            assert!(thread.place.following && thread.place.unread > 0, "{thread:?}");
            seen.push((thread.root.topic.room().unwrap(), thread.place.unread));
        }
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    let newest = roots[0].0.max(roots[3].0);
    let other = roots[0].0.min(roots[3].0);
    let expected = [(newest, 2), (other, 2), (roots[4].0, 1), (roots[2].0, 1), (roots[1].0, 1)];
    assert_eq!(seen, expected);
    let wrong = PageQuery { limit: 2, cursor: Some("n.1".to_owned()) };
    let refused = service.list_threads(ListThreads { user: mina.id, page: wrong }).await;
    assert_eq!(code(refused), Some(Code::InvalidArgument));
}

/// Threads of one room and of several: by the room alone the second pass would pass some over.
async fn a_thread_that_becomes_active_while_the_list_is_paged_is_on_a_page(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let one = service.given_room(&[&mina, &jun]).await;
    let mut threads = Vec::new();
    for number in 0..12 {
        let room = if number % 2 == 0 { one } else { service.given_room(&[&mina, &jun]).await };
        let root = service.say(room, &mina, &format!("root {number}")).await.unwrap().seq;
        fixture.clock.advance(Duration::from_millis(1));
        reply(&service, room, &jun, root, &format!("reply {number}")).await.unwrap();
        threads.push((room, root));
    }
    fixture.clock.advance(COMMIT_DELAY);
    let expected: BTreeSet<_> = threads.iter().copied().collect();
    for limit in [1, 2, 3, 5] {
        // The oldest ones become active, one after each page.
        let mut moving = threads.iter();
        let (mut seen, mut cursor, mut pages) = (BTreeSet::new(), None, 0);
        loop {
            let (items, next) = listed(&service, &mina, limit, cursor).await;
            seen.extend(items.iter().map(|item| (item.root.topic.room().unwrap(), item.root.seq)));
            pages += 1;
            assert!(pages < 60, "the list comes to an end");
            cursor = next;
            if cursor.is_none() {
                break;
            }
            if let Some((room, root)) = moving.next() {
                fixture.clock.advance(Duration::from_millis(1));
                reply(&service, *room, &jun, *root, &format!("again {limit} {pages}")).await.unwrap();
            }
        }
        assert_eq!(seen, expected, "in pages of {limit}");
        fixture.clock.advance(COMMIT_DELAY);
        let (front, _) = listed(&service, &mina, 200, None).await;
        threads = front.iter().rev().map(|item| (item.root.topic.room().unwrap(), item.root.seq)).collect();
    }
}

async fn a_thread_has_so_many_followers(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let crowd: Vec<Arc<Profile>> = (0..u128::from(THREAD_FOLLOWERS_MAX)).map(|n| user(100 + n)).collect();
    for follower in &crowd {
        let (actor, member) = (Arc::clone(&mina), Arc::clone(follower));
        let (authority, role) = (Authority::Site, Role::Member);
        let put = PutMember { actor, authority, room: room.into(), user: member, role };
        service.put_member(put).await.unwrap();
        follow(&service, room, follower, root, true).await.unwrap();
    }
    assert_eq!(code(follow(&service, room, &jun, root, true).await), Some(Code::FailedPrecondition));
    // Who writes beyond them does, and does not follow; nor does the author.
    let sent = reply(&service, room, &jun, root, "one").await.unwrap().value.seq;
    assert!(!place(&service, room, &jun, root).await.following);
    let told = tell(&service, room, sent).await;
    let whom: Vec<TopicId> = told.iter().map(|event| event.topic).collect();
    let expected: Vec<TopicId> = crowd.iter().map(|follower| TopicId::Inbox(follower.id)).collect();
    assert_eq!(whom, expected, "each once, however many transactions");
    follow(&service, room, &crowd[0], root, false).await.unwrap();
    assert!(follow(&service, room, &jun, root, true).await.unwrap().following);
}

async fn a_user_follows_so_many_threads_and_leaves_the_quietest(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let mut roots = Vec::new();
    for key in ["first", "second", "third"] {
        let root = service.say(room, &mina, key).await.unwrap().seq;
        reply(&service, room, &mina, root, &format!("in {key}")).await.unwrap();
        roots.push(root);
    }
    follow(&service, room, &jun, roots[0], true).await.unwrap();
    follow(&service, room, &jun, roots[0], false).await.unwrap();
    // So many as there may be; the quietest of them has the root 100001.
    for fill in [
        "INSERT INTO threads (room, root, messages, replies, last_seq, last_at) \
            SELECT r.id, 100000 + n.i, 1, 1, 100000 + n.i, n.i FROM rooms r, n",
        "INSERT INTO thread_follows (room, user_id, root, following, read_seq, read_ordinal) \
            SELECT p.room, p.user_id, 100000 + n.i, TRUE, 0, 0 FROM members p, n \
            WHERE p.user_id = (SELECT user_id FROM profiles WHERE username = 'user-2')",
    ] {
        let numbers = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {THREADS_FOLLOWED_MAX}) {fill}"
        );
        fixture.database().execute(&numbers, &numbers).await.unwrap();
    }
    let followed = "SELECT count(*) FROM thread_follows WHERE following AND root ";
    let follows = async |of: &str| fixture.count(&format!("{followed} {of}")).await;
    let most = i64::from(THREADS_FOLLOWED_MAX);
    assert_eq!(follows("> 100000").await, most);

    // Who writes follows, and is not refused.
    reply(&service, room, &jun, roots[0], "mine").await.unwrap();
    assert!(place(&service, room, &jun, roots[0]).await.following);
    assert_eq!((follows("> 100001").await, follows("= 100001").await), (most - 1, 0));
    // So does who is mentioned.
    reply(&service, room, &mina, roots[1], "@user-2").await.unwrap();
    assert!(place(&service, room, &jun, roots[1]).await.following);
    assert_eq!((follows("> 100002").await, follows("= 100002").await), (most - 2, 0));
    // What one wishes to follow is never what goes, however quiet it is.
    fixture.execute("UPDATE threads SET last_at = 0 WHERE root < 100000").await;
    assert!(follow(&service, room, &jun, roots[2], true).await.unwrap().following);
    let real = [0, 1].map(|of| roots[of]);
    let mut left = Vec::new();
    for root in real {
        left.push(place(&service, room, &jun, root).await.following);
    }
    assert_eq!(left.iter().filter(|follows| **follows).count(), 1, "one of the now quietest goes");
    assert!(place(&service, room, &jun, roots[2]).await.following);
    // The limit is each user's own.
    assert!(place(&service, room, &mina, roots[0]).await.following);
}

async fn an_edit_in_a_thread_mentions_and_lets_follow(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, sora) = (user(1), user(2), user(3));
    let room = service.given_room(&[&mina, &jun, &sora]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let sent = reply(&service, room, &jun, root, "one").await.unwrap().value.seq;
    let edited = edit(&service, room, &jun, sent, "one @user-3").await.unwrap();
    assert_eq!(edited.value.seq, sent, "the edit answers the message of the thread");
    let EventBody::Message(said) = &edited.value.body else { panic!("{edited:?}") };
    assert_eq!(
        (said.text.as_str(), said.thread.as_ref().map(|thread| thread.root)),
        ("one @user-3", Some(root))
    );
    assert!(place(&service, room, &sora, root).await.following);
    assert_eq!(notices(&service, &sora).await.len(), 1);
    let found = thread(&service, room, &mina, root).await.unwrap();
    assert_eq!(shown(&found.root).replies, 1);
}

async fn what_a_deleted_room_had_of_threads_goes_with_its_log(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    reply(&service, room, &jun, root, "one").await.unwrap();
    service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: room.into(),
        })
        .await
        .unwrap();
    for follows_the_room in ["SELECT count(*) FROM thread_follows", "SELECT count(*) FROM thread_tells"] {
        assert_eq!(fixture.count(follows_the_room).await, 0, "{follows_the_room}");
    }
    fixture.clock.advance(Duration::from_secs(2 * 60 * 60));
    // A replica looks for what is to be removed when it starts.
    let _another = fixture.service().await;
    fixture
        .await_count(
            "SELECT (SELECT count(*) FROM threads) + (SELECT count(*) FROM thread_messages) + (SELECT count(*) FROM purges)",
            0,
        )
        .await;
}

/// The read mark of a room counts the member's own messages up to it where one was sent behind it.
async fn a_room_message_after_a_message_in_a_thread_is_marked_read_by_arithmetic(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let own = reply(&service, room, &jun, root, "own, in the thread").await.unwrap().value.seq;
    service.say(room, &mina, "unread").await.unwrap();
    service.say(room, &jun, "own, in the room").await.unwrap();
    service.mark_read(MarkRead { user: jun.id, room: room.into(), seq: own }).await.unwrap();
    assert_eq!(service.unread(room, &jun).await, 1);
}

async fn so_many_messages_in_threads_are_appended_at_once(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let asked = APPENDS_AT_ONCE + 40;
    let texts: Vec<String> = (0..asked).map(|number| format!("reply {number}")).collect();
    let sent = texts.iter().map(|text| reply(&service, room, &mina, root, text));
    let outcomes = futures_util::future::join_all(sent).await;
    let codes: Vec<_> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|error| error.code).collect();
    let refused = codes.iter().filter(|code| **code == Code::Unavailable).count();
    assert!((1..=40).contains(&refused), "{refused} refused at once");
    // On a busy machine some of those who wait are late. Now that there is room again everybody is heard.
    assert!(codes.iter().all(|code| matches!(code, Code::Unavailable | Code::DeadlineExceeded)), "{codes:?}");
    reply(&service, room, &mina, root, "one more").await.unwrap();
}

/// Writes down in which order inboxes grow and get their notices.
async fn watch_inboxes(fixture: &Fixture) {
    let postgres = "\
        CREATE TABLE written (place bigserial, what text); \
        CREATE FUNCTION note_written() RETURNS trigger LANGUAGE plpgsql AS \
            $$ BEGIN INSERT INTO written (what) VALUES (tg_argv[0]); RETURN NULL; END $$; \
        CREATE TRIGGER written AFTER INSERT OR UPDATE ON inboxes \
            FOR EACH ROW EXECUTE FUNCTION note_written('inbox'); \
        CREATE TRIGGER written AFTER INSERT ON events \
            FOR EACH ROW WHEN (new.ordinal = 0 AND new.kind IN (6, 31)) EXECUTE FUNCTION note_written('notice');";
    let sqlite = "\
        CREATE TABLE written (place INTEGER PRIMARY KEY, what TEXT); \
        CREATE TRIGGER written_new AFTER INSERT ON inboxes BEGIN INSERT INTO written (what) VALUES ('inbox'); END; \
        CREATE TRIGGER written_old AFTER UPDATE ON inboxes BEGIN INSERT INTO written (what) VALUES ('inbox'); END; \
        CREATE TRIGGER written AFTER INSERT ON events WHEN new.ordinal = 0 AND new.kind IN (6, 31) \
            BEGIN INSERT INTO written (what) VALUES ('notice'); END;";
    fixture.database().execute(postgres, sqlite).await.unwrap();
}

/// How often a notice was followed by an inbox, or an inbox by a notice.
const CHANGES: &str =
    "SELECT count(*) FROM written a JOIN written b ON b.place = a.place + 1 WHERE a.what <> b.what";

async fn followers_are_told_by_two_statements(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<_> = (1..=9).map(user).collect();
    let room = service.given_room(&people.iter().collect::<Vec<_>>()).await;
    let root = service.say(room, &people[0], "root").await.unwrap().seq;
    for person in &people {
        follow(&service, room, person, root, true).await.unwrap();
    }
    let said = reply(&service, room, &people[0], root, "hello").await.unwrap().value.seq;
    watch_inboxes(&fixture).await;
    let told = tell(&service, room, said).await;
    let users: Vec<TopicId> = told.iter().map(|event| event.topic).collect();
    let expected: Vec<TopicId> = people[1..].iter().map(|person| TopicId::Inbox(person.id)).collect();
    assert_eq!(users, expected, "in the order of users");
    for (person, event) in people[1..].iter().zip(&told) {
        let from = HistoryFrom::After(Seq::new(event.seq.get() - 1));
        let inbox = service.inbox(Inbox { user: person.id, from, limit: 10 }).await.unwrap();
        assert_eq!(inbox.events, std::slice::from_ref(event), "what is told is what is there");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM written").await, 16);
    assert_eq!(fixture.count(CHANGES).await, 1, "all inboxes, and then all notices");
}

async fn who_is_mentioned_is_told_by_two_statements(fixture: Fixture) {
    let service = fixture.service().await;
    let people: Vec<_> = (1..=6).map(user).collect();
    let room = service.given_room(&people.iter().collect::<Vec<_>>()).await;
    let root = service.say(room, &people[0], "root").await.unwrap().seq;
    watch_inboxes(&fixture).await;
    let text = "@user-6 @user-2 @user-3 @user-4 @user-5";
    let events = reply(&service, room, &people[0], root, text).await.unwrap().events;
    let told = events.iter().filter(|event| matches!(event.body, EventBody::Mention(_)));
    let users: Vec<TopicId> = told.map(|event| event.topic).collect();
    let expected: Vec<TopicId> = people[1..].iter().map(|person| TopicId::Inbox(person.id)).collect();
    assert_eq!(users, expected);
    assert_eq!(fixture.count(CHANGES).await, 1, "all inboxes, and then all notices");
}
