//! What people do with a message, over two gateways: edits, reactions, replies and deletions.

use madang_client::{Body, RoomEvent};
use madang_contract::{ClientFrame, EventBody, Message, Reactions};
use madang_domain::{Emoji, MessageId, MessageText, Seq};
use madang_e2e::{Backend, Heard, PATIENCE, Person, Stage, fast_sends, public_room};
use reqwest::Method;
use serde_json::json;
use tokio::sync::OnceCell;

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE.get_or_init(|| Stage::start(fast_sends())).await
}

/// The message of a place, as the last event of that place showed it.
fn message(heard: &Heard, seq: Seq) -> Option<&Message<'static>> {
    heard.events.iter().find(|event| event.seq == seq).and_then(RoomEvent::message)
}

fn is_edited(event: &RoomEvent, to: &str) -> bool {
    matches!(&event.body, Body::Known(EventBody::Edited { edited }) if edited.text.as_deref() == Some(to))
}

#[tokio::test]
async fn what_is_done_to_a_message_is_heard_at_the_other_gateway_and_shown_to_who_comes_later() {
    const WORD: &str = "zyzzyva";
    let stage = stage().await;
    let (mina, joon) =
        (Person::register(stage.gateway(0), "mina").await, Person::register(stage.gateway(1), "joon").await);
    let room = public_room(&mina, "Yard", &[&joon]).await.id;
    let listener = joon.listen(vec![stage.gateway(1)], room).await;
    let sent = mina.api.send_message(room, &format!("{WORD} one"), None).await.expect("a message");
    let id: MessageId = sent.id.parse().expect("an id");

    // An edit by a frame, a reaction by a route, an answer by a frame.
    let mut socket = mina.socket(&stage.gateway(0)).await;
    let second = format!("{WORD} two");
    let edit = ClientFrame::Edit {
        room: room.into(),
        message: id,
        text: MessageText::new(second.clone()).expect("a text"),
    };
    socket.call(edit, PATIENCE).await.expect("an answer");
    listener
        .until(PATIENCE, "the edit", |heard| heard.events.iter().any(|event| is_edited(event, &second)))
        .await;
    joon.api.react(room, &sent.id, "👍", true).await.expect("a reaction");
    let react = ClientFrame::React {
        room: room.into(),
        message: id,
        emoji: Emoji::new(":party:").expect("an emoji"),
        on: true,
    };
    socket.call(react, PATIENCE).await.expect("an answer");
    let answer = ClientFrame::Send {
        room: room.into(),
        key: "answer".parse().expect("a key"),
        text: MessageText::new("an answer").expect("a text"),
        reply_to: Some(id),
        attachments: Vec::new(),
        thread: None,
        in_room: false,
        metadata: None,
    };
    socket.call(answer, PATIENCE).await.expect("an answer");
    let reacted = |event: &RoomEvent| match &event.body {
        Body::Known(EventBody::Reaction { reaction }) => {
            Some((reaction.user, reaction.emoji.clone().into_owned(), reaction.count))
        }
        _ => None,
    };
    let answered = Seq::new(sent.seq.get() + 4);
    listener
        .until(PATIENCE, "the reactions and the answer", |heard| {
            let reactions: Vec<_> = heard.events.iter().filter_map(reacted).collect();
            let excerpt = message(heard, answered).and_then(|answer| answer.excerpt.as_ref());
            reactions == [(joon.id, "👍".to_owned(), 1), (mina.id, ":party:".to_owned(), 1)]
                && excerpt.is_some_and(|excerpt| *excerpt.text == second && excerpt.sender.id == mina.id)
        })
        .await;

    // A fresh load at the other gateway shows the same.
    let listed =
        joon.at(&stage.gateway(1)).messages(room, None, None, Some(2)).await.expect("messages").items;
    let reaction = |emoji: &str, me| Reactions { emoji: emoji.to_owned(), count: 1, me: Some(me) };
    assert_eq!(listed[1].reactions, [reaction("👍", true), reaction(":party:", false)]);
    assert_eq!((&*listed[1].text, listed[1].edited_at.is_some()), (&*second, true));
    assert_eq!(listed[0].excerpt.as_ref().map(|excerpt| &*excerpt.text), Some(&*second));
    let former = mina.api.revisions(room, &sent.id, None, None).await.expect("former texts").items;
    assert_eq!(former.iter().map(|former| &*former.text).collect::<Vec<_>>(), [format!("{WORD} one")]);

    // The deletion, and what is left of it for who comes later.
    mina.api.delete_message(room, &sent.id).await.expect("a deletion");
    mina.api.delete_message(room, &sent.id).await.expect("a repeat");
    let is_deleted = |event: &RoomEvent| match &event.body {
        Body::Known(EventBody::Deleted { deleted }) => deleted.message == id && deleted.by == mina.id,
        _ => false,
    };
    listener.until(PATIENCE, "the deletion", |heard| heard.events.iter().any(is_deleted)).await;
    let last = Seq::new(answered.get() + 1);
    for gateway in [0, 1] {
        let late = joon.listen(vec![stage.gateway(gateway)], room).await;
        late.until_seq(PATIENCE, last).await;
        late.assert_whole(Seq::START, last);
        let heard = late.heard();
        let tombstone = message(&heard, sent.seq).expect("a tombstone");
        assert!(tombstone.deleted && tombstone.text.is_empty(), "{tombstone:?}");
        assert!(!format!("{:?}", heard.events).contains(WORD), "{:?}", heard.events);
    }
    listener.assert_whole(Seq::START, last);
}

#[tokio::test]
async fn the_site_edits_and_deletes_for_the_sender() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["messages"]).await;
    let joon = Person::register(stage.gateway(1), "joon").await;
    let room = public_room(&joon, "Yard", &[]).await.id;
    let listener = joon.listen(vec![stage.gateway(1)], room).await;
    let sent = joon.api.send_message(room, "first", None).await.expect("a message");
    let path = format!("/rooms/{room}/messages/{}", sent.id);
    let edited = site.call(Method::PATCH, &path, &json!({"text": "second"})).await.expect("an edit");
    assert_eq!(edited["text"], "second");
    assert_eq!(edited["sender"]["id"], joon.id.to_string());
    listener
        .until(PATIENCE, "the edit", |heard| heard.events.iter().any(|event| is_edited(event, "second")))
        .await;
    for _ in 0..2 {
        site.call_for_nothing(Method::DELETE, &path).await.expect("a deletion");
    }
    let is_deleted = |event: &RoomEvent| match &event.body {
        Body::Known(EventBody::Deleted { deleted }) => deleted.by == joon.id,
        _ => false,
    };
    listener.until(PATIENCE, "the deletion", |heard| heard.events.iter().any(is_deleted)).await;
}
