//! Deleted messages: what is left of them, and what is not.

use std::sync::Arc;

use madang_domain::{
    Attachment, AttachmentUrl, Code, Emoji, FileName, MediaType, Profile, Result, Role, RoomId, RoomRef, Seq,
    event::{Deleted, Event, EventBody},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, Block, Changed, CreateRoom, DeleteMessage, DeleteRoom, HistoryFrom, ListPins,
        MarkRead, PageQuery, PutMember, React, RoomKind, SetPin,
    },
};

use crate::{
    edits::{edit, said},
    support::{Fixture, Words as _, assert_logged, message, room_of, seqs, user},
};

madang_test_kit::on_both!(
    a_deletion_is_a_tombstone_and_an_event_once,
    sender_moderators_and_site_delete,
    nothing_of_a_deleted_message_is_left,
    a_replay_has_nothing_of_what_was_deleted,
    deleted_messages_are_not_unread,
    what_is_deleted_is_neither_edited_nor_pinned_nor_reacted_to,
    the_changes_of_a_deleted_room_go_with_its_log,
);

pub(crate) async fn delete(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    message: Seq,
) -> Result<Changed<()>> {
    service
        .delete_message(DeleteMessage {
            authority: Authority::User,
            actor: Some(Arc::clone(actor)),
            room,
            message,
        })
        .await
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

async fn a_deletion_is_a_tombstone_and_an_event_once(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let message = service.say(room, &jun, "k").await.unwrap().seq;
    let changed = delete(&service, room, &mina, message).await.unwrap();
    let [Event { seq, actor, body, .. }] = &changed.events[..] else { panic!("{changed:?}") };
    assert_eq!((seq.get(), actor, body), (4, &mina, &EventBody::Deleted(Deleted { message, thread: None })));
    assert_logged(&service, room, &changed).await;
    let log = service.log(room).await;
    assert_eq!(seqs(&log), [1, 2, 3, 4], "the tombstone stays in its place");
    let tombstone = said(&log[2]);
    assert!(tombstone.is_deleted() && tombstone.text.is_empty(), "{tombstone:?}");
    assert_eq!((log[2].actor.id, tombstone.key.as_str()), (jun.id, "k"));
    for actor in [&mina, &jun] {
        assert!(delete(&service, room, actor, message).await.unwrap().events.is_empty());
    }
    assert_eq!(service.view(room, &mina).await.room.head, Seq::new(4), "a repeat appends nothing");
    let again = service.say(room, &jun, "k").await.unwrap();
    assert_eq!((again.seq, again.duplicate), (message, true), "a repeat of the send does not bring it back");
    assert!(said(&service.log(room).await[2]).text.is_empty());
}

async fn sender_moderators_and_site_delete(fixture: Fixture) {
    let service = fixture.service().await;
    let [owner, moderator, sender, member, stranger] = [1, 2, 3, 4, 5].map(user);
    let room = service.given_room(&[&owner, &moderator, &sender, &member]).await;
    let put = PutMember {
        actor: Arc::clone(&owner),
        authority: Authority::User,
        room: RoomRef::Id(room),
        user: Arc::clone(&moderator),
        role: Role::Moderator,
    };
    service.put_member(put).await.unwrap();
    for (number, actor) in [&owner, &moderator, &sender].into_iter().enumerate() {
        let message = service.say(room, &sender, &format!("k{number}")).await.unwrap().seq;
        for refused in [&member, &stranger] {
            let outcome = delete(&service, room, refused, message).await;
            assert_eq!(code(outcome), Some(Code::PermissionDenied));
        }
        assert_eq!(delete(&service, room, actor, message).await.unwrap().events.len(), 1);
    }
    let message = service.say(room, &sender, "k").await.unwrap().seq;
    let by_site = DeleteMessage { authority: Authority::User, actor: None, room, message };
    let changed = service.delete_message(by_site.clone()).await.unwrap();
    assert_eq!(changed.events[0].actor.id, sender.id, "the site acts for the sender");
    assert!(service.delete_message(by_site).await.unwrap().events.is_empty());
    for absent in [Seq::START, Seq::new(1), Seq::new(u64::MAX)] {
        assert_eq!(code(delete(&service, room, &owner, absent).await), Some(Code::NotFound));
    }

    // In a direct room each deletes the own messages alone, also after a block.
    let new = room_of(RoomKind::Direct, "Direct", &[&sender]);
    let create = CreateRoom { actor: Arc::clone(&owner), authority: Authority::User, room: new };
    let direct = service.create_room(create).await.unwrap().value.room.id;
    let message = service.say(direct, &sender, "k").await.unwrap().seq;
    assert_eq!(code(delete(&service, direct, &owner, message).await), Some(Code::PermissionDenied));
    service.block(Block { actor: Arc::clone(&owner), user: Arc::clone(&sender) }).await.unwrap();
    assert_eq!(delete(&service, direct, &sender, message).await.unwrap().events.len(), 1);
}

/// A message of which something stands wherever something can, with a word that stands nowhere else.
async fn everywhere(service: &Service, room: RoomId, [mina, jun]: [&Arc<Profile>; 2], word: &str) -> Seq {
    let mut first = message(&format!("{word}-original @user-2"), "k");
    first.attachments.push(Attachment {
        url: AttachmentUrl::new(format!("https://files.example/{word}-attachment")).unwrap(),
        name: FileName::new(format!("{word}-file")).unwrap(),
        content_type: MediaType::new("text/plain").unwrap(),
        size_bytes: 1,
        file: None,
        image: None,
    });
    let append = |message| Append { room, actor: Arc::clone(mina), message, authority: Authority::User };
    let place = service.append(append(first)).await.unwrap().seq;
    for number in 0..3 {
        edit(service, room, mina, place, &format!("{word}-edit-{number} @user-2")).await.unwrap();
    }
    let pin = SetPin { actor: Arc::clone(mina), room: RoomRef::Id(room), message: place, on: true };
    service.set_pin(pin).await.unwrap();
    let react = React {
        actor: Arc::clone(jun),
        room: RoomRef::Id(room),
        message: place,
        emoji: Emoji::new(format!(":{word}:")).unwrap(),
        on: true,
    };
    service.react(react).await.unwrap();
    let mut answer = message("an answer", "a");
    answer.reply_to = Some(place);
    let answered = service.append(append(answer)).await.unwrap();
    assert!(answered.excerpt.unwrap().text.contains(word));
    place
}

async fn nothing_of_a_deleted_message_is_left(fixture: Fixture) {
    const WORD: &str = "zyzzyva";
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let message = everywhere(&service, room, [&mina, &jun], WORD).await;
    // Its tokens are there, too.
    fixture.await_index().await;
    let before = fixture.dump().await;
    assert!(before.matches(WORD).count() >= 6, "the dump sees it: {before}");
    delete(&service, room, &mina, message).await.unwrap();
    let after = fixture.dump().await;
    let left: Vec<&str> = after.lines().filter(|line| line.contains(WORD)).collect();
    // The reaction's event names an emoji, which is nothing of what was said.
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].starts_with("events") && left[0].contains(":zyzzyva:"), "{left:?}");
}

async fn a_replay_has_nothing_of_what_was_deleted(fixture: Fixture) {
    const WORD: &str = "zyzzyva";
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let message = everywhere(&service, room, [&mina, &jun], WORD).await;
    delete(&service, room, &mina, message).await.unwrap();
    let mut shown = service.log(room).await;
    shown.extend(service.open_since(room, &jun, Some((0, None))).await.unwrap().events);
    shown.extend(service.history_from(room, &jun, HistoryFrom::End, 200).await.unwrap().events);
    shown.extend(service.history_from(room, &jun, HistoryFrom::After(Seq::START), 200).await.unwrap().events);
    shown.retain(|event| !matches!(event.body, EventBody::Reacted(_)));
    let shown = format!("{shown:?}");
    assert!(!shown.contains(WORD), "{shown}");
    let page = PageQuery { limit: 10, cursor: None };
    let pins = service.list_pins(ListPins { user: jun.id, room: RoomRef::Id(room), page }).await.unwrap();
    assert!(pins.items.is_empty());
    let mut again = crate::support::message("again", "b");
    again.reply_to = Some(message);
    let append = Append { room, actor: Arc::clone(&mina), message: again, authority: Authority::User };
    assert_eq!(
        service.append(append).await.unwrap().excerpt,
        None,
        "of a deleted message there is no excerpt"
    );
}

async fn deleted_messages_are_not_unread(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let mut messages = Vec::new();
    for number in 0..6 {
        let from = if number % 2 == 0 { &mina } else { &jun };
        messages.push(service.say(room, from, &format!("k{number}")).await.unwrap().seq);
    }
    assert_eq!(service.unread(room, &mina).await, 3);
    delete(&service, room, &jun, messages[3]).await.unwrap();
    assert_eq!(service.unread(room, &mina).await, 2);
    delete(&service, room, &mina, messages[4]).await.unwrap();
    assert_eq!(service.unread(room, &mina).await, 2, "an own message was not unread before");
    assert_eq!(service.unread(room, &jun).await, 2);
    let read = |seq| MarkRead { user: mina.id, room: RoomRef::Id(room), seq };
    assert_eq!(service.mark_read(read(messages[3])).await.unwrap().unread, 1);
    delete(&service, room, &mina, messages[1]).await.unwrap();
    assert_eq!(service.unread(room, &mina).await, 1, "what was read is not unread");
    delete(&service, room, &jun, messages[5]).await.unwrap();
    assert_eq!(service.unread(room, &mina).await, 0);
}

async fn what_is_deleted_is_neither_edited_nor_pinned_nor_reacted_to(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let message = service.say(room, &mina, "k").await.unwrap().seq;
    delete(&service, room, &mina, message).await.unwrap();
    let at = || RoomRef::Id(room);
    let head = service.view(room, &mina).await.room.head;
    assert_eq!(code(edit(&service, room, &mina, message, "x").await), Some(Code::NotFound));
    let pin = SetPin { actor: Arc::clone(&mina), room: at(), message, on: true };
    assert_eq!(code(service.set_pin(pin).await), Some(Code::NotFound));
    for on in [true, false] {
        let emoji = Emoji::new("👍").unwrap();
        let react = React { actor: Arc::clone(&mina), room: at(), message, emoji, on };
        assert_eq!(code(service.react(react).await), Some(Code::NotFound));
    }
    assert_eq!(service.view(room, &mina).await.room.head, head);
}

async fn the_changes_of_a_deleted_room_go_with_its_log(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    everywhere(&service, room, [&mina, &jun], "zyzzyva").await;
    let other = service.say(room, &mina, "other").await.unwrap().seq;
    delete(&service, room, &mina, other).await.unwrap();
    service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: RoomRef::Id(room),
        })
        .await
        .unwrap();
    fixture.clock.advance(std::time::Duration::from_secs(2 * 60 * 60));
    let rows = "SELECT (SELECT count(*) FROM revisions) + (SELECT count(*) FROM reactions) \
                + (SELECT count(*) FROM deletions) + (SELECT count(*) FROM purges)";
    // A replica that starts looks at once.
    let _service = fixture.service().await;
    fixture.await_count(rows, 0).await;
}
