//! Edited messages, and the texts that they had.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    Code, Profile, Result, Role, RoomFlagChanges, RoomId, RoomRef, Seq, TopicId, UserId,
    event::{Edited, Event, EventBody, Mention, Message},
    limits::EDIT_WINDOW_MAX_S,
    limits::REVISIONS_MAX,
};
use madang_message_store::{Service, Settings};
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, Block, Changed, CreateRoom, DeleteMessage, EditMessage, HistoryFrom,
        ListRevisions, PageQuery, PutMember, Read, RoomKind,
    },
};

use crate::room_flags::set;
use crate::support::{Fixture, Words as _, assert_logged, message, room_of, user};

madang_test_kit::on_both!(
    an_edit_is_a_row_and_an_event_once,
    the_sender_edits_and_the_site,
    an_edit_has_a_time_if_the_settings_say_so,
    a_room_says_for_how_long_its_messages_are_edited,
    former_texts_are_kept_for_moderators,
    former_texts_are_bounded,
    only_the_last_edit_in_the_log_has_a_text,
    who_is_newly_named_is_told,
    a_blocked_sender_tells_nobody_by_an_edit,
);

pub(crate) async fn edit(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    message: Seq,
    text: &str,
) -> Result<Changed<Event>> {
    let actor = Some(Arc::clone(actor));
    service
        .edit_message(EditMessage { authority: Authority::User, actor, room, message, text: text.to_owned() })
        .await
}

pub(crate) fn said(event: &Event) -> &Message {
    match &event.body {
        EventBody::Message(message) => message,
        other => panic!("{other:?} is no message"),
    }
}

/// The code of a refusal.
fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

async fn post(service: &Service, room: RoomId, from: &Arc<Profile>, key: &str, text: &str) -> Seq {
    let (actor, message) = (Arc::clone(from), message(text, key));
    service.append(Append { authority: Authority::User, room, actor, message }).await.unwrap().seq
}

async fn revisions(
    service: &Service,
    room: RoomId,
    user: &Profile,
    message: Seq,
) -> Result<Vec<(u32, String)>> {
    let (mut former, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageQuery { limit: 7, cursor };
        let list = ListRevisions { user: user.id, room: RoomRef::Id(room), message, page };
        let page = service.list_revisions(list).await?;
        former.extend(page.items.into_iter().map(|revision| (revision.revision, revision.text)));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(former);
        }
    }
}

async fn an_edit_is_a_row_and_an_event_once(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let message = post(&service, room, &jun, "k", "first").await;
    fixture.clock.advance(Duration::from_secs(5));
    let unread = service.unread(room, &mina).await;
    let changed = edit(&service, room, &jun, message, "second").await.unwrap();
    let [Event { topic, seq, actor, at, body, .. }] = &changed.events[..] else { panic!("{changed:?}") };
    assert_eq!((*topic, seq.get(), actor), (TopicId::Room(room), 4, &jun));
    let (text, mentions) = (Some("second".to_owned()), Vec::new());
    let told = Edited { message, revision: 1, text, mentions, mentions_all: None };
    assert_eq!(body, &EventBody::Edited(told));
    assert_logged(&service, room, &changed).await;
    for event in [&changed.value, &service.log(room).await[2]] {
        let changes = said(event).changes.as_ref().unwrap();
        assert_eq!((said(event).text.as_str(), changes.edited_at), ("second", Some(*at)));
        assert_eq!((event.seq, said(event).key.as_str()), (message, "k"));
    }
    let repeated = edit(&service, room, &jun, message, "second").await.unwrap();
    assert_eq!((repeated.value, repeated.events), (changed.value, Vec::new()));
    assert_eq!(service.view(room, &mina).await.room.head, Seq::new(4), "a repeat appends nothing");
    assert_eq!(service.unread(room, &mina).await, unread, "an edit is no message");
    let again = service.say(room, &jun, "k").await.unwrap();
    assert!(again.duplicate && again.seq == message, "a repeat of the send is still one");
    let view = service.view(room, &mina).await;
    assert_eq!(said(&view.last_message.unwrap()).text, "second");
}

async fn the_sender_edits_and_the_site(fixture: Fixture) {
    let service = fixture.service().await;
    let [owner, sender, stranger] = [1, 2, 3].map(user);
    let room = service.given_room(&[&owner, &sender]).await;
    let message = post(&service, room, &sender, "k", "text").await;
    for actor in [&owner, &stranger] {
        assert_eq!(code(edit(&service, room, actor, message, "x").await), Some(Code::PermissionDenied));
    }
    for absent in [Seq::START, Seq::new(1), message.next(), Seq::new(u64::MAX)] {
        assert_eq!(code(edit(&service, room, &sender, absent, "x").await), Some(Code::NotFound), "{absent}");
    }
    for text in ["", " ", "\u{200b}", &"x".repeat(4_001)] {
        assert_eq!(code(edit(&service, room, &sender, message, text).await), Some(Code::InvalidArgument));
    }
    let by_site = EditMessage {
        authority: Authority::User,
        actor: None,
        room,
        message,
        text: "of the site".to_owned(),
    };
    let changed = service.edit_message(by_site).await.unwrap();
    assert_eq!(changed.events[0].actor.id, sender.id, "the site acts for the sender");
    assert_eq!(said(&changed.value).text, "of the site");
    let nowhere = RoomId::new(uuid::Uuid::from_u128(7));
    assert_eq!(code(edit(&service, nowhere, &sender, message, "x").await), Some(Code::NotFound));

    // In a direct room that one of the two has blocked, nobody writes.
    let new = room_of(RoomKind::Direct, "Direct", &[&sender]);
    let create = CreateRoom { actor: Arc::clone(&owner), authority: Authority::User, room: new };
    let direct = service.create_room(create).await.unwrap().value.room.id;
    let message = post(&service, direct, &sender, "k", "text").await;
    service.block(Block { actor: Arc::clone(&owner), user: Arc::clone(&sender) }).await.unwrap();
    assert_eq!(code(edit(&service, direct, &sender, message, "x").await), Some(Code::PermissionDenied));
}

async fn an_edit_has_a_time_if_the_settings_say_so(mut fixture: Fixture) {
    fixture.settings = Settings { edit_window_seconds: 60, ..fixture.settings };
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let message = post(&service, room, &mina, "k", "text").await;
    fixture.clock.advance(Duration::from_secs(60));
    edit(&service, room, &mina, message, "in time").await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(code(edit(&service, room, &mina, message, "late").await), Some(Code::FailedPrecondition));
    let repeated = edit(&service, room, &mina, message, "in time").await.unwrap();
    assert!(repeated.events.is_empty(), "a repeat is answered as the first time");
    let by_site =
        EditMessage { authority: Authority::User, actor: None, room, message, text: "late".to_owned() };
    assert_eq!(service.edit_message(by_site).await.unwrap().events.len(), 1);
}

async fn a_room_says_for_how_long_its_messages_are_edited(mut fixture: Fixture) {
    fixture.settings = Settings { edit_window_seconds: 60, ..fixture.settings };
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let message = post(&service, room, &mina, "k", "text").await;
    let window = |seconds| RoomFlagChanges { edit_window_s: Some(seconds), ..RoomFlagChanges::default() };
    set(&service, room, &mina, window(600)).await.unwrap();
    fixture.clock.advance(Duration::from_secs(600));
    edit(&service, room, &mina, message, "in time").await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(code(edit(&service, room, &mina, message, "late").await), Some(Code::FailedPrecondition));
    set(&service, room, &mina, window(EDIT_WINDOW_MAX_S)).await.unwrap();
    edit(&service, room, &mina, message, "in time again").await.unwrap();
    // The setting of the server counts again.
    set(&service, room, &mina, window(0)).await.unwrap();
    assert_eq!(code(edit(&service, room, &mina, message, "late").await), Some(Code::FailedPrecondition));
    let refused = set(&service, room, &mina, window(EDIT_WINDOW_MAX_S + 1)).await.unwrap_err();
    assert_eq!((refused.code, &*refused.fields[0].pointer), (Code::InvalidArgument, "/edit_window_s"));
}

async fn former_texts_are_kept_for_moderators(fixture: Fixture) {
    let service = fixture.service().await;
    let [owner, moderator, sender, stranger] = [1, 2, 3, 4].map(user);
    let room = service.given_room(&[&owner, &moderator, &sender]).await;
    let put = PutMember {
        actor: Arc::clone(&owner),
        authority: Authority::User,
        room: RoomRef::Id(room),
        user: Arc::clone(&moderator),
        role: Role::Moderator,
    };
    service.put_member(put).await.unwrap();
    let message = post(&service, room, &sender, "k", "text 0").await;
    assert!(revisions(&service, room, &owner, message).await.unwrap().is_empty());
    for number in 1..=10 {
        edit(&service, room, &sender, message, &format!("text {number}")).await.unwrap();
    }
    let expected: Vec<_> = (0..10).rev().map(|number| (number, format!("text {number}"))).collect();
    for actor in [&owner, &moderator] {
        assert_eq!(revisions(&service, room, actor, message).await.unwrap(), expected);
    }
    for actor in [&sender, &stranger] {
        assert_eq!(code(revisions(&service, room, actor, message).await), Some(Code::PermissionDenied));
    }
    assert_eq!(code(revisions(&service, room, &owner, message.next()).await), Some(Code::NotFound));
}

async fn former_texts_are_bounded(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let message = post(&service, room, &mina, "k", "text 0").await;
    for number in 1..=REVISIONS_MAX + 3 {
        edit(&service, room, &mina, message, &format!("text {number}")).await.unwrap();
    }
    let kept = revisions(&service, room, &mina, message).await.unwrap();
    assert_eq!((kept.len(), kept.last().unwrap().0), (REVISIONS_MAX as usize, 3));
}

async fn only_the_last_edit_in_the_log_has_a_text(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let message = post(&service, room, &mina, "k", "one").await;
    for text in ["two", "three"] {
        edit(&service, room, &mina, message, text).await.unwrap();
    }
    let texts = |log: &[Event]| -> Vec<Option<String>> {
        let text = |event: &Event| match &event.body {
            EventBody::Edited(edited) => Some(edited.text.clone()),
            _ => None,
        };
        log.iter().filter_map(text).collect()
    };
    assert_eq!(texts(&service.log(room).await), [None, Some("three".to_owned())]);
    let delete = DeleteMessage { authority: Authority::User, actor: Some(Arc::clone(&mina)), room, message };
    service.delete_message(delete).await.unwrap();
    assert_eq!(texts(&service.log(room).await), [None, None]);
}

async fn mentions(service: &Service, user: &Profile) -> Vec<(UserId, u64)> {
    let read = Read { topic: TopicId::Inbox(user.id), after: Seq::START, limit: 1_000 };
    let mentions = service.read(read).await.unwrap().into_iter().filter_map(|event| match event.body {
        EventBody::Mention(Mention { seq, .. }) => Some((event.actor.id, seq.get())),
        _ => None,
    });
    mentions.collect()
}

async fn who_is_newly_named_is_told(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, sora, stranger] = [1, 2, 3, 4].map(user);
    let room = service.given_room(&[&mina, &jun, &sora]).await;
    service.given_room(&[&stranger, &mina]).await;
    let message = post(&service, room, &mina, "k", "@user-2").await;
    let changed = edit(&service, room, &mina, message, "@user-3 @user-2 @user-1 @user-4").await.unwrap();
    assert_eq!(said(&changed.value).mentions, [sora.id, jun.id]);
    let topics: Vec<TopicId> = changed.events.iter().map(|event| event.topic).collect();
    assert_eq!(
        topics,
        [TopicId::Room(room), TopicId::Inbox(sora.id)],
        "who was named before is not told again"
    );
    let of_mina = (mina.id, message.get());
    assert_eq!(mentions(&service, &sora).await, [of_mina]);
    assert_eq!(mentions(&service, &jun).await, [of_mina]);
    assert!(mentions(&service, &stranger).await.is_empty());
    // Whom the text names no more keeps the notice.
    let changed = edit(&service, room, &mina, message, "nobody").await.unwrap();
    assert_eq!((said(&changed.value).mentions.len(), changed.events.len()), (0, 1));
    assert_eq!(mentions(&service, &jun).await, [of_mina]);
    let history = service.history_from(room, &jun, HistoryFrom::End, 10).await.unwrap().events;
    assert_eq!(history.iter().filter(|event| event.seq == message).count(), 1);
}

async fn a_blocked_sender_tells_nobody_by_an_edit(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let message = post(&service, room, &mina, "k", "text").await;
    service.block(Block { actor: Arc::clone(&jun), user: Arc::clone(&mina) }).await.unwrap();
    let changed = edit(&service, room, &mina, message, "@user-2").await.unwrap();
    assert_eq!((said(&changed.value).mentions.as_slice(), changed.events.len()), (&[jun.id][..], 1));
    assert!(mentions(&service, &jun).await.is_empty());
    let by_site =
        EditMessage { authority: Authority::User, actor: None, room, message, text: "text".to_owned() };
    service.edit_message(by_site).await.unwrap();
    let by_site =
        EditMessage { authority: Authority::User, actor: None, room, message, text: "@user-2".to_owned() };
    assert_eq!(service.edit_message(by_site).await.unwrap().events.len(), 2, "for the site no block counts");
}
