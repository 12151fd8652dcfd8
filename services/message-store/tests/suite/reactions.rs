//! Reactions to messages, and the excerpts of replies.

use std::sync::Arc;

use madang_domain::{
    Code, Emoji, Profile, Result, RoomId, RoomRef, Seq,
    event::{Event, EventBody, Reacted},
    limits::{EXCERPT_MAX_CHARS, MESSAGE_REACTIONS_MAX},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Append, Appended, Authority, Changed, HistoryFrom, Leave, ListPins, PageQuery, React, SetPin},
};

use crate::{
    deletions::delete,
    edits::{edit, said},
    support::{Fixture, Words as _, assert_logged, message, user},
};

madang_test_kit::on_both!(
    a_reaction_is_a_row_and_an_event_once,
    a_message_has_so_many_emoji_and_no_more,
    reactions_are_shown_to_each_as_the_own_ones,
    reactions_at_once_are_counted_each,
    a_reply_shows_what_it_answers,
    an_excerpt_is_what_the_original_says_now,
);

pub(crate) async fn react(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    message: Seq,
    emoji: &str,
    on: bool,
) -> Result<Changed<()>> {
    let (actor, room, emoji) = (Arc::clone(actor), RoomRef::Id(room), Emoji::new(emoji).unwrap());
    service.react(React { actor, room, message, emoji, on }).await
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

/// The reactions of a message, as an event shows them.
fn shown(event: &Event) -> Vec<(String, u64, Option<bool>)> {
    let changes = said(event).changes.as_ref();
    let reactions = changes.map(|changes| changes.reactions.as_slice()).unwrap_or_default();
    reactions.iter().map(|of| (of.emoji.to_string(), of.count, of.me)).collect()
}

async fn a_reaction_is_a_row_and_an_event_once(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, stranger] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    let message = service.say(room, &jun, "k").await.unwrap().seq;
    let unread = service.unread(room, &mina).await;
    for (actor, on, count, place) in
        [(&mina, true, 1, 4), (&jun, true, 2, 5), (&mina, false, 1, 6), (&jun, false, 0, 7)]
    {
        let changed = react(&service, room, actor, message, "❤", on).await.unwrap();
        let [Event { seq, actor: by, body, .. }] = &changed.events[..] else { panic!("{changed:?}") };
        assert_eq!((seq.get(), by), (place, actor));
        let emoji = Emoji::new("❤️").unwrap();
        assert_eq!(body, &EventBody::Reacted(Reacted { message, emoji, on, count }));
        assert_logged(&service, room, &changed).await;
        let repeated = react(&service, room, actor, message, "❤️", on).await.unwrap();
        assert!(repeated.events.is_empty(), "{repeated:?}");
        assert_eq!(service.view(room, &mina).await.room.head, Seq::new(place), "a repeat appends nothing");
        let log = service.log(room).await;
        let shown = shown(&log[2]).into_iter().map(|(_, count, _)| count).sum::<u64>();
        assert_eq!(shown, count);
        assert_eq!(fixture.count("SELECT count(*) FROM reactions").await, i64::try_from(count).unwrap());
    }
    assert!(said(&service.log(room).await[2]).changes.is_none(), "nothing is left of it");
    assert_eq!(service.unread(room, &mina).await, unread, "a reaction is no message");
    assert_eq!(
        code(react(&service, room, &stranger, message, "👍", true).await),
        Some(Code::PermissionDenied)
    );
    assert_eq!(code(react(&service, room, &mina, Seq::new(1), "👍", true).await), Some(Code::NotFound));
}

async fn a_message_has_so_many_emoji_and_no_more(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let message = service.say(room, &mina, "k").await.unwrap().seq;
    for number in 0..MESSAGE_REACTIONS_MAX {
        react(&service, room, &mina, message, &format!(":e{number}:"), true).await.unwrap();
    }
    let head = service.view(room, &mina).await.room.head;
    let refused = react(&service, room, &jun, message, "👍", true).await;
    assert_eq!(code(refused), Some(Code::FailedPrecondition));
    assert_eq!(service.view(room, &mina).await.room.head, head, "a refusal appends nothing");
    assert_eq!(fixture.count("SELECT count(*) FROM reactions").await, MESSAGE_REACTIONS_MAX as i64);
    react(&service, room, &jun, message, ":e7:", true).await.unwrap();
    react(&service, room, &mina, message, ":e0:", false).await.unwrap();
    react(&service, room, &jun, message, "👍", true).await.unwrap();
    assert_eq!(shown(&service.log(room).await[2]).len(), MESSAGE_REACTIONS_MAX);
}

async fn reactions_are_shown_to_each_as_the_own_ones(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let message = service.say(room, &mina, "k").await.unwrap().seq;
    let other = service.say(room, &mina, "other").await.unwrap().seq;
    for (actor, of, emoji) in
        [(&mina, message, "👍"), (&jun, message, "👍"), (&jun, message, "🎉"), (&mina, other, "🎉")]
    {
        react(&service, room, actor, of, emoji, true).await.unwrap();
    }
    let pin = SetPin { actor: Arc::clone(&mina), room: RoomRef::Id(room), message, on: true };
    service.set_pin(pin).await.unwrap();
    let one = |emoji: &str, count, me| (emoji.to_owned(), count, me);
    for (reader, own) in [(&mina, [true, false]), (&jun, [true, true])] {
        let expected = [one("👍", 2, Some(own[0])), one("🎉", 1, Some(own[1]))];
        let page = service.history_from(room, reader, HistoryFrom::After(Seq::START), 200).await.unwrap();
        assert_eq!(shown(&page.events[2]), expected);
        assert_eq!(shown(&page.events[3]), [one("🎉", 1, Some(reader.id == mina.id))]);
        let page = PageQuery { limit: 10, cursor: None };
        let list = ListPins { user: reader.id, room: RoomRef::Id(room), page };
        assert_eq!(shown(&service.list_pins(list).await.unwrap().items[0]), expected);
        // What is encoded for many says nothing of one.
        let replay = service.open_since(room, reader, Some((2, None))).await.unwrap().events;
        assert_eq!(shown(&replay[0]), [one("👍", 2, None), one("🎉", 1, None)]);
    }
    // Who has left still counts.
    service.leave(Leave { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    assert_eq!(shown(&service.log(room).await[2])[0], one("👍", 2, None));
}

async fn reactions_at_once_are_counted_each(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let [service, _] = &replicas;
    let people: Vec<_> = (1..=8).map(user).collect();
    let room = service.given_room(&people.iter().collect::<Vec<_>>()).await;
    let message = service.say(room, &people[0], "k").await.unwrap().seq;
    let at_once =
        (0..16).map(|number| react(&replicas[number % 2], room, &people[number / 2], message, "👍", true));
    let changed = futures_util::future::join_all(at_once).await;
    let events: Vec<Event> = changed.into_iter().flat_map(|changed| changed.unwrap().events).collect();
    assert_eq!(events.len(), people.len(), "of two that are the same, one is told");
    let log = service.log(room).await;
    let place = usize::try_from(message.get()).unwrap() - 1;
    assert_eq!(shown(&log[place]), [("👍".to_owned(), 8, None)]);
}

async fn answer(service: &Service, room: RoomId, from: &Arc<Profile>, key: &str, to: Seq) -> Appended {
    let mut answer = message("an answer", key);
    answer.reply_to = Some(to);
    let append = Append { room, actor: Arc::clone(from), message: answer, authority: Authority::User };
    service.append(append).await.unwrap()
}

async fn a_reply_shows_what_it_answers(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let long = "마".repeat(EXCERPT_MAX_CHARS + 1);
    let append =
        Append { room, actor: Arc::clone(&mina), message: message(&long, "k"), authority: Authority::User };
    let original = service.append(append).await.unwrap().seq;
    let answered = answer(&service, room, &jun, "a", original).await;
    let excerpt = answered.excerpt.unwrap();
    assert_eq!((&excerpt.sender, excerpt.text.as_str()), (&mina, &*"마".repeat(EXCERPT_MAX_CHARS)));
    for of in [
        service.log(room).await[3].clone(),
        service.open_since(room, &mina, Some((3, None))).await.unwrap().events[0].clone(),
    ] {
        assert_eq!(said(&of).excerpt.as_deref(), Some(&excerpt));
    }
    let page = service.history_from(room, &mina, HistoryFrom::End, 1).await.unwrap().events;
    assert_eq!(said(&page[0]).excerpt.as_deref(), Some(&excerpt));
    // What is no message of the room has none.
    for (number, absent) in [Seq::new(1), Seq::new(99)].into_iter().enumerate() {
        assert_eq!(answer(&service, room, &jun, &format!("b{number}"), absent).await.excerpt, None);
    }
    assert!(answer(&service, room, &jun, "a", original).await.duplicate);
}

async fn an_excerpt_is_what_the_original_says_now(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let original = service.say(room, &mina, "k").await.unwrap().seq;
    answer(&service, room, &jun, "a", original).await;
    let excerpt = async || {
        let page = service.history_from(room, &jun, HistoryFrom::After(Seq::new(3)), 1).await.unwrap();
        said(&page.events[0]).excerpt.as_ref().map(|excerpt| excerpt.text.clone())
    };
    assert_eq!(excerpt().await.as_deref(), Some("text of k"));
    edit(&service, room, &mina, original, "edited").await.unwrap();
    assert_eq!(excerpt().await.as_deref(), Some("edited"));
    delete(&service, room, &mina, original).await.unwrap();
    assert_eq!(excerpt().await, None);
    // A deleted answer shows nothing, neither of itself nor of the original.
    delete(&service, room, &jun, Seq::new(4)).await.unwrap();
    assert_eq!(excerpt().await, None);
}
