//! Subscribers of several formats in one hub.

use std::{
    collections::VecDeque,
    task::{Context, Waker},
};

use madang_contract::WireFrame;
use madang_domain::{
    TopicId,
    event::{Left, Unknown},
};

use super::{
    tests::{about, connection, event, listener, message, outbox, received, user},
    *,
};

/// A socket of the Channels dialect.
fn reference(number: u64, outbox: &Arc<Outbox>) -> Listener {
    let listener = listener(connection(number), user(u128::from(number)), outbox);
    Listener { format: Format::Room, ..listener }
}

/// What a socket was sent.
fn frames(outbox: &Outbox) -> VecDeque<WireFrame> {
    let mut frames = VecDeque::new();
    let _ = outbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut frames);
    frames
}

#[test]
fn an_event_is_encoded_once_for_each_format() {
    let mut hub = TopicHub::default();
    let outboxes = [outbox(), outbox(), outbox()];
    for (number, outbox) in (0..).zip(&outboxes) {
        hub.attach(listener(connection(number), user(u128::from(number)), outbox));
    }
    for number in 0..2 {
        hub.activate(connection(number), Seq::START);
    }
    hub.accept(message(1));
    hub.activate(connection(2), Seq::START);
    let [first, second, late] = outboxes.each_ref().map(|outbox| frames(outbox)[0].bytes().as_ptr());
    assert_eq!([second, late], [first; 2], "one buffer, whether it went out at once or waited");
}

#[test]
fn a_format_without_a_word_for_a_removal_obeys_it() {
    let (mut hub, live, behind, stays) = (TopicHub::default(), outbox(), outbox(), outbox());
    hub.attach(reference(1, &live));
    hub.attach(listener(connection(2), user(2), &stays));
    hub.activate(connection(1), Seq::START);
    hub.activate(connection(2), Seq::START);
    hub.attach(Listener { connection: connection(3), ..reference(1, &behind) });
    hub.accept(about(1, 1, EventBody::Left(Left {})));
    hub.activate(connection(3), Seq::START);
    hub.accept(message(2));
    assert_eq!((frames(&live).len(), frames(&behind).len()), (0, 0), "neither is told, neither hears more");
    assert!(live.is_closing() && behind.is_closing(), "and there is nothing that they could still hear");
    assert!(!stays.is_closing());
    assert!(!hub.listens(connection(1)) && !hub.listens(connection(3)));
    assert_eq!(received(&stays), [1, 2]);
}

#[test]
fn an_event_of_an_unknown_kind_has_its_place_and_no_content() {
    let (mut hub, native, other) = (TopicHub::default(), outbox(), outbox());
    hub.attach(listener(connection(1), user(1), &native));
    hub.attach(Listener { format: Format::Simple, ..reference(2, &other) });
    hub.activate(connection(1), Seq::START);
    hub.activate(connection(2), Seq::START);
    let unknown = EventBody::Unknown(Unknown { number: 99, detail: Some(r#"{"secret":1}"#.into()) });
    hub.accept(message(2));
    hub.accept(event(1, unknown.clone()));
    let (native, other) = (frames(&native), frames(&other));
    assert_eq!((native.len(), other.len()), (2, 1), "what came after it was delivered");
    let text = |frame: &WireFrame| {
        let bytes = frame.bytes();
        let begin = bytes.iter().position(|byte| *byte == b'{').unwrap();
        String::from_utf8(bytes[begin..].to_vec()).unwrap()
    };
    assert_eq!(
        text(&native[0]),
        r#"{"type":"event","room":"00000000-0000-0000-0000-000000000001","seq":1,"at":"1970-01-01T00:00:00.000Z","kind":"unknown"}"#
    );

    let notice = Event { topic: TopicId::Inbox(user(1)), ..Event::clone(&event(1, unknown)) };
    let notice = Encodings::of(&notice, None, None).frame(Format::Native).map(text);
    let expected = r#"{"type":"notice","seq":1,"at":"1970-01-01T00:00:00.000Z","kind":"unknown"}"#;
    assert_eq!(notice.as_deref(), Some(expected));
}

#[test]
fn what_is_said_in_one_format_reaches_no_other() {
    let (mut hub, native, other) = (TopicHub::default(), outbox(), outbox());
    hub.attach(listener(connection(1), user(1), &native));
    hub.attach(reference(2, &other));
    hub.activate(connection(1), Seq::START);
    hub.activate(connection(2), Seq::START);
    hub.say(&WireFrame::json(&"typing"), Format::Native, Audience::AllBut(user(3)));
    assert_eq!((frames(&native).len(), frames(&other).len()), (1, 0));
}
