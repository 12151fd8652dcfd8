//! Which users are announced as present, and in which frames.

use madang_bus::{Connected, InProcessExchange};
use madang_domain::{
    ConnectionId, DisplayName, GatewayId, Profile, Seq, Timestamp, Username,
    event::{EventBody, Left},
};
use uuid::Uuid;

use super::*;
use crate::{
    formats::Format,
    hub::topic_hub::{Listener, TopicHub},
    outbox::{Close, Outbox},
};

const NAMES_MAX: usize = 3;

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn room() -> RoomId {
    RoomId::new(Uuid::from_u128(1))
}

fn profile_of(number: u128) -> Bytes {
    presence_profile::encode(&Profile {
        id: user(number),
        username: Username::new(format!("user{number}")).unwrap(),
        name: DisplayName::new(format!("User {number}")).unwrap(),
        avatar_url: None,
        external_id: None,
        version: Timestamp::default(),
    })
}

fn change(number: u128, on: bool, count: u64) -> PresenceChange {
    PresenceChange { topic: room().into(), user: user(number), profile: profile_of(number), on, count }
}

/// The content of a frame: each user with arrival or departure, and the count.
type Said = (Option<Vec<(u128, bool)>>, u64);

fn said(frames: &[(RoomId, WireFrame)]) -> Vec<Said> {
    frames
        .iter()
        .map(|(_, frame)| {
            let bytes = frame.bytes();
            let payload = if bytes[1] == 126 { &bytes[4..] } else { &bytes[2..] };
            let ServerFrame::Presence(presence) = serde_json::from_slice(payload).unwrap() else {
                panic!("not of presence")
            };
            let changes = presence.changes.map(|changes| {
                let mut changes: Vec<_> =
                    changes.iter().map(|change| (change.user.id.uuid().as_u128(), change.on)).collect();
                changes.sort_unstable();
                changes
            });
            (changes, presence.count)
        })
        .collect()
}

#[test]
fn what_comes_together_is_one_frame_and_opposites_are_none() {
    let (mut pending_presence, start) = (PendingPresence::new(NAMES_MAX), Instant::now());
    for (number, on, count) in [(1, true, 1), (2, true, 2), (3, true, 3), (2, false, 2), (1, true, 2)] {
        pending_presence.add(change(number, on, count), start);
    }
    assert_eq!(pending_presence.next_due(), Some(start + COLLECT));
    assert_eq!(said(&pending_presence.take_due(start + COLLECT - Duration::from_millis(1))), []);
    assert_eq!(said(&pending_presence.take_due(start + COLLECT)), [(Some(vec![(1, true), (3, true)]), 2)]);
    assert_eq!(pending_presence.next_due(), None);
    // Nothing at all is no frame.
    pending_presence.add(change(4, true, 3), start);
    pending_presence.add(change(4, false, 2), start);
    assert_eq!(said(&pending_presence.take_due(start + COLLECT)), []);
    assert_eq!(pending_presence.next_due(), None);
}

#[test]
fn above_the_bound_a_room_is_told_its_count_and_not_often() {
    let (mut pending_presence, start) = (PendingPresence::new(NAMES_MAX), Instant::now());
    for number in 1..=100 {
        pending_presence.add(change(number, true, number as u64), start);
    }
    let first = start + COLLECT;
    assert_eq!(said(&pending_presence.take_due(first)), [(None, 100)]);
    pending_presence.add(change(101, true, 101), first);
    assert_eq!(said(&pending_presence.take_due(first + COLLECT)), [], "not before a second has passed");
    let second = first + COUNT_EVERY;
    assert_eq!(said(&pending_presence.take_due(second)), [(None, 101)]);
    assert_eq!(said(&pending_presence.take_due(second + COUNT_EVERY)), [], "it has not changed");
    assert_eq!(pending_presence.next_due(), None, "a quiet room costs nothing");
    pending_presence.add(change(101, false, NAMES_MAX as u64), second + COUNT_EVERY);
    let third = second + COUNT_EVERY + COLLECT;
    assert_eq!(said(&pending_presence.take_due(third)), [(Some(vec![(101, false)]), NAMES_MAX as u64)]);
}

/// A hub whose users' seats are known to an exchange.
struct House {
    hub: TopicHub,
    connected: Connected,
}

impl House {
    fn new() -> Self {
        let exchange = InProcessExchange::new().with_presence(Some(Duration::ZERO));
        Self { hub: TopicHub::default(), connected: exchange.connect(GatewayId::new(Uuid::from_u128(1))) }
    }

    fn attach(&mut self, connection: u64, number: u128) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::new(1 << 20, 0));
        self.hub.attach(Listener {
            connection: ConnectionId::new(connection),
            user: user(number),
            outbox: Arc::clone(&outbox),
            format: Format::Native,
            room_context: None,
        });
        outbox
    }

    fn activate(&mut self, connection: u64, seen: u64) {
        let connection = ConnectionId::new(connection);
        self.hub.activate(connection, Seq::new(seen));
        let presence = &self.connected.presence;
        self.hub.hold_presence(connection, |user| {
            PresenceGuard::take(presence, room().into(), user, Bytes::new())
        });
    }

    async fn here(&self) -> Vec<u128> {
        let page = self.connected.presence.present(room().into(), 10).await.unwrap();
        let mut here: Vec<u128> = page.users.iter().map(|present| present.user.uuid().as_u128()).collect();
        here.sort_unstable();
        here
    }
}

#[tokio::test]
async fn a_user_is_here_from_the_first_live_socket_to_the_end_of_the_last() {
    let mut house = House::new();
    for connection in 1..=3 {
        house.attach(connection, 7);
    }
    house.attach(4, 8);
    assert_eq!(house.here().await, [] as [u128; 0], "who catches up is not here yet");
    for connection in 1..=4 {
        house.activate(connection, 0);
    }
    assert_eq!(house.here().await, [7, 8]);
    house.hub.detach(ConnectionId::new(1));
    // Subscribed again.
    house.attach(2, 7);
    assert_eq!(house.here().await, [7, 8]);
    house.hub.detach(ConnectionId::new(3));
    assert_eq!(house.here().await, [8], "the one that is left catches up");
    house.activate(2, 0);
    assert_eq!(house.here().await, [7, 8]);
}

#[tokio::test]
async fn however_a_socket_ends_its_user_goes() {
    let mut house = House::new();
    let outboxes: Vec<_> = (1..=5).map(|number| house.attach(number, u128::from(number))).collect();
    for connection in 1..=5 {
        house.activate(connection, 0);
    }
    assert_eq!(house.here().await, [1, 2, 3, 4, 5]);
    house.hub.detach(ConnectionId::new(1));
    assert_eq!(house.here().await, [2, 3, 4, 5]);
    // Found by the next look.
    outboxes[1].close(Close::Gone);
    house.hub.prune();
    assert_eq!(house.here().await, [3, 4, 5]);
    // Removed, by the log itself.
    let removal = crate::hub::topic_hub::tests::about(3, 1, EventBody::Left(Left {}));
    house.hub.accept(removal);
    assert_eq!(house.here().await, [4, 5]);
    // Too slow for an event.
    outboxes[3].close(Close::TooSlow);
    house.hub.accept(crate::hub::topic_hub::tests::message(2));
    assert_eq!(house.here().await, [5]);
    house.hub.abandon();
    assert_eq!(house.here().await, [] as [u128; 0]);
    drop(outboxes);
}
