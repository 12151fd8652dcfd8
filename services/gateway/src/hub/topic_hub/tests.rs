//! What a subscriber gets, whatever order, loss and repetition the fan-out brings.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use madang_contract::ServerFrame;
use madang_domain::{
    DisplayName, IdempotencyKey, Profile, Role, RoomId, Timestamp, TopicId, Username,
    event::{Joined, Left, Message},
};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::outbox::Taken;

pub(super) fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn profile(number: u128) -> Arc<Profile> {
    Arc::new(Profile {
        id: user(number),
        username: Username::new(format!("user{number}")).unwrap(),
        name: DisplayName::new(format!("User {number}")).unwrap(),
        avatar_url: None,
        external_id: None,
        version: Timestamp::default(),
    })
}

pub(in crate::hub) fn event(seq: u64, body: EventBody) -> Arc<Event> {
    let topic = TopicId::Room(RoomId::new(Uuid::from_u128(1)));
    let at = Timestamp::from_micros(seq as i64);
    Arc::new(Event { topic, seq: Seq::new(seq), at, actor: profile(1), subject: None, body })
}

/// An event about the user of a number.
pub(in crate::hub) fn about(number: u128, seq: u64, body: EventBody) -> Arc<Event> {
    Arc::new(Event { subject: Some(profile(number)), ..Event::clone(&event(seq, body)) })
}

pub(in crate::hub) fn message(seq: u64) -> Arc<Event> {
    let key = IdempotencyKey::new(format!("k{seq}")).unwrap();
    let said = Message {
        text: format!("m{seq}"),
        key,
        reply_to: None,
        attachments: Vec::new(),
        mentions: Vec::new(),
        mentions_all: None,
        metadata: None,
        excerpt: None,
        changes: None,
        thread: None,
    };
    event(seq, EventBody::Message(said))
}

pub(super) fn outbox() -> Arc<Outbox> {
    Arc::new(Outbox::new(1 << 20, 0))
}

/// The places of the events that a socket was sent.
pub(super) fn received(outbox: &Outbox) -> Vec<u64> {
    let mut frames = VecDeque::new();
    let mut context = Context::from_waker(Waker::noop());
    if !matches!(outbox.poll_take(&mut context, &mut frames), Poll::Ready(Taken::Frames)) {
        return Vec::new();
    }
    frames
        .iter()
        .map(|frame| {
            let bytes = frame.bytes();
            let payload = if bytes[1] == 126 { &bytes[4..] } else { &bytes[2..] };
            match serde_json::from_slice(payload).unwrap() {
                ServerFrame::Event(event) => event.seq.get(),
                other => panic!("not an event: {other:?}"),
            }
        })
        .collect()
}

/// A socket of `/v1/ws`.
pub(super) fn listener(connection: ConnectionId, user: UserId, outbox: &Arc<Outbox>) -> Listener {
    Listener { connection, user, outbox: Arc::clone(outbox), format: Format::Native, room_context: None }
}

pub(super) fn connection(number: u64) -> ConnectionId {
    ConnectionId::new(number)
}

#[test]
fn what_waits_behind_a_catch_up_is_within_the_bound_of_the_socket() {
    /// The frames of a few messages.
    const BOUND_BYTES: usize = 2_000;
    let mut hub = TopicHub::default();
    let (slow, quick) = (Arc::new(Outbox::new(BOUND_BYTES, 0)), outbox());
    hub.attach(listener(connection(1), user(1), &slow));
    hub.attach(listener(connection(2), user(2), &quick));
    hub.activate(connection(2), Seq::START);
    for seq in 1..=3 {
        hub.accept(message(seq));
    }
    assert!(!slow.is_closing());
    // What it lets go of does not count any more.
    hub.detach(connection(1));
    hub.attach(listener(connection(1), user(1), &slow));
    hub.accept(message(4));
    assert!(!slow.is_closing());
    for seq in 5..=20 {
        hub.accept(message(seq));
    }
    assert!(slow.is_closing(), "too slow, long before two thousand events");
    assert_eq!(received(&quick), (1..=20).collect::<Vec<_>>());
}

#[test]
fn what_comes_during_the_catch_up_follows_it() {
    let (mut hub, mine) = (TopicHub::default(), outbox());
    hub.attach(listener(connection(1), user(1), &mine));
    hub.accept(message(6));
    hub.accept(message(7));
    assert_eq!(received(&mine), [0; 0], "nothing before the catch-up is written");
    // The store had 6 already when it was asked.
    hub.activate(connection(1), Seq::new(6));
    hub.accept(message(8));
    assert_eq!(received(&mine), [7, 8]);
}

#[test]
fn a_hub_that_lags_does_not_repeat_what_the_catch_up_said() {
    let (mut hub, early, late) = (TopicHub::default(), outbox(), outbox());
    hub.attach(listener(connection(1), user(1), &early));
    hub.activate(connection(1), Seq::new(4));
    hub.attach(listener(connection(2), user(2), &late));
    // The store has 5 and 6, whose entries have not arrived here.
    hub.activate(connection(2), Seq::new(6));
    assert_eq!(hub.missing_after(), Some(Seq::new(4)), "the hub knows what it has not seen");
    for seq in 5..=7 {
        hub.accept(message(seq));
    }
    assert_eq!(received(&early), [5, 6, 7]);
    assert_eq!(received(&late), [7]);
}

#[test]
fn a_gap_is_waited_for_and_named() {
    let (mut hub, mine) = (TopicHub::default(), outbox());
    hub.attach(listener(connection(1), user(1), &mine));
    hub.activate(connection(1), Seq::START);
    hub.accept(message(1));
    hub.accept(message(3));
    assert_eq!(received(&mine), [1]);
    assert_eq!(hub.missing_after(), Some(Seq::new(1)));
    hub.accept(message(2));
    assert_eq!(received(&mine), [2, 3]);
    assert_eq!(hub.missing_after(), None);
}

#[test]
fn a_lost_last_event_is_found_by_the_head() {
    let (mut hub, mine) = (TopicHub::default(), outbox());
    hub.attach(listener(connection(1), user(1), &mine));
    hub.activate(connection(1), Seq::new(3));
    assert_eq!(hub.missing_after(), None);
    hub.note_head(Seq::new(4));
    assert_eq!(hub.missing_after(), Some(Seq::new(3)));
}

#[test]
fn a_head_that_is_told_while_the_first_subscription_opens_counts() {
    let (mut hub, mine) = (TopicHub::default(), outbox());
    hub.attach(listener(connection(1), user(1), &mine));
    // The store has answered the subscription with 3. Then 4 was committed, its entry lost, and the bus said so.
    hub.note_head(Seq::new(4));
    assert_eq!(hub.missing_after(), None, "where the hub begins is not known yet");
    hub.activate(connection(1), Seq::new(3));
    assert_eq!(hub.missing_after(), Some(Seq::new(3)));
}

#[test]
fn who_was_answered_with_an_older_head_than_the_first_misses_nothing() {
    let outboxes = [outbox(), outbox(), outbox(), outbox()];
    let mut hub = TopicHub::default();
    for (number, outbox) in (0..).zip(&outboxes) {
        hub.attach(listener(connection(number), user(u128::from(number)), outbox));
    }
    // All were attached before the hub began. The store answered them with 3, 4, 5 and 6, and the socket of the
    // last one was the fastest.
    hub.activate(connection(3), Seq::new(6));
    hub.accept(message(7));
    hub.activate(connection(0), Seq::new(3));
    hub.activate(connection(1), Seq::new(4));
    hub.accept(message(8));
    while let Some(after) = hub.missing_after() {
        hub.accept(message(after.next().get()));
    }
    hub.activate(connection(2), Seq::new(5));
    while let Some(after) = hub.missing_after() {
        hub.accept(message(after.next().get()));
    }
    let [first, second, third, fourth] = outboxes.each_ref().map(|outbox| received(outbox));
    assert_eq!(first, [4, 5, 6, 7, 8]);
    assert_eq!(second, [5, 6, 7, 8]);
    assert_eq!(third, [6, 7, 8]);
    assert_eq!(fourth, [7, 8], "nothing is repeated to those who had it");
}

#[test]
fn who_goes_live_after_the_hub_went_back_hears_nothing_twice() {
    let (mut hub, first, behind, late) = (TopicHub::default(), outbox(), outbox(), outbox());
    for (number, outbox) in [(1, &first), (2, &behind), (3, &late)] {
        hub.attach(listener(connection(number), user(u128::from(number)), outbox));
    }
    hub.activate(connection(1), Seq::new(4));
    hub.accept(message(5));
    // Answered with 3, which lies before the hub's beginning: it goes back, and reads 4 and 5 again.
    hub.activate(connection(2), Seq::new(3));
    // Has 5 from what waited behind its catch-up.
    hub.activate(connection(3), Seq::new(4));
    for seq in 4..=6 {
        hub.accept(message(seq));
    }
    assert_eq!(received(&first), [5, 6]);
    assert_eq!(received(&behind), [4, 5, 6]);
    assert_eq!(received(&late), [5, 6]);
}

#[test]
fn a_removed_member_hears_of_it_and_then_nothing() {
    let (mut hub, removed, stays) = (TopicHub::default(), outbox(), outbox());
    for (number, outbox) in [(1, &removed), (2, &stays)] {
        hub.attach(listener(connection(number), user(u128::from(number)), outbox));
        hub.activate(connection(number), Seq::START);
    }
    hub.accept(message(1));
    hub.accept(about(1, 2, EventBody::Left(Left {})));
    hub.accept(message(3));
    assert_eq!(received(&removed), [1, 2]);
    assert_eq!(received(&stays), [1, 2, 3]);
}

#[test]
fn a_removal_during_the_catch_up_holds() {
    let (mut hub, mine) = (TopicHub::default(), outbox());
    hub.attach(listener(connection(1), user(1), &mine));
    hub.activate(connection(1), Seq::START);
    hub.attach(listener(connection(1), user(1), &mine));
    hub.accept(about(1, 1, EventBody::Left(Left {})));
    hub.accept(message(2));
    hub.activate(connection(1), Seq::START);
    hub.accept(message(3));
    assert_eq!(received(&mine), [1], "the removal, and nothing that waited behind it");
}

#[test]
fn a_removal_before_a_new_membership_does_not_hold() {
    let (mut hub, mine) = (TopicHub::default(), outbox());
    hub.attach(listener(connection(1), user(1), &mine));
    hub.accept(about(1, 1, EventBody::Left(Left {})));
    hub.accept(about(1, 2, EventBody::Joined(Joined { role: Role::Member })));
    // The store judged the membership with both in the log.
    hub.activate(connection(1), Seq::new(2));
    hub.accept(message(3));
    assert_eq!(received(&mine), [3]);
}

/// What may happen to a hub.
#[derive(Debug, Clone)]
enum Step {
    /// The store commits one more event.
    Commit,
    /// An entry arrives: any of those committed, once more or for the first time.
    Arrive(prop::sample::Index),
    Attach(u64),
    /// The store answers the subscription.
    Open(u64),
    /// The catch-up is written.
    Activate(u64),
    Detach(u64),
    Sweep,
    /// A page of what is missing is read.
    Repair,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let connection = 0..4_u64;
    let step = prop_oneof![
        4 => Just(Step::Commit),
        6 => any::<prop::sample::Index>().prop_map(Step::Arrive),
        2 => connection.clone().prop_map(Step::Attach),
        2 => connection.clone().prop_map(Step::Open),
        2 => connection.clone().prop_map(Step::Activate),
        1 => connection.prop_map(Step::Detach),
        1 => Just(Step::Sweep),
        1 => Just(Step::Repair),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever happens, a subscriber gets the events after its catch-up in order, each once; and once the
    /// heads are compared and what is missing is read, all of them.
    #[test]
    fn every_subscriber_gets_everything_once_in_order(steps in steps()) {
        let mut hub = TopicHub::default();
        let mut committed = 0;
        let mut live: [Option<(u64, Arc<Outbox>)>; 4] = Default::default();
        let mut opened: [Option<u64>; 4] = [None; 4];
        let mut attached: [Option<Arc<Outbox>>; 4] = Default::default();
        let repair = |hub: &mut TopicHub, committed: u64, page: u64| {
            if let Some(after) = hub.missing_after() {
                for seq in after.get() + 1..=committed.min(after.get() + page) {
                    hub.accept(message(seq));
                }
            }
        };
        for step in steps {
            match step {
                Step::Commit => committed += 1,
                Step::Arrive(which) if committed > 0 => {
                    hub.accept(message(which.index(committed as usize) as u64 + 1));
                }
                Step::Arrive(_) => {}
                Step::Attach(number) => {
                    let outbox = outbox();
                    hub.attach(listener(connection(number), user(u128::from(number)), &outbox));
                    (live[number as usize], opened[number as usize]) = (None, None);
                    attached[number as usize] = Some(outbox);
                }
                Step::Open(number) => {
                    if attached[number as usize].is_some() && opened[number as usize].is_none() {
                        opened[number as usize] = Some(committed);
                    }
                }
                Step::Activate(number) => {
                    if let Some(seen) = opened[number as usize].take()
                        && let Some(outbox) = attached[number as usize].take()
                    {
                        hub.activate(connection(number), Seq::new(seen));
                        live[number as usize] = Some((seen, outbox));
                    }
                }
                Step::Detach(number) => {
                    hub.detach(connection(number));
                    (live[number as usize], opened[number as usize]) = (None, None);
                    attached[number as usize] = None;
                }
                Step::Sweep => hub.note_head(Seq::new(committed)),
                Step::Repair => repair(&mut hub, committed, 3),
            }
        }
        hub.note_head(Seq::new(committed));
        while hub.missing_after().is_some() {
            repair(&mut hub, committed, 3);
        }
        for (from, outbox) in live.into_iter().flatten() {
            prop_assert_eq!(received(&outbox), (from + 1..=committed).collect::<Vec<_>>());
        }
    }
}
