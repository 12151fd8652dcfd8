//! Typing, which the server ends: when the socket goes, when the member leaves, or after a time.

use std::time::Duration;

use madang_client::{Incoming, NewRoom, Socket};
use madang_contract::{ClientFrame, ServerFrame, Typing};
use madang_domain::RoomId;

use crate::support::{Gateway, PATIENCE, Services, Subscriber, User, within};

/// An end that is told at once comes long before the one that the time brings.
const AT_ONCE: Duration = Duration::from_secs(4);

struct Story {
    room: RoomId,
    /// Who types, at the first gateway.
    mina: User,
    typist: Socket,
    /// Who is told there, and at another gateway.
    here: Subscriber,
    there: Subscriber,
    first: Gateway,
    // Dropped last.
    _services: Services,
}

impl Story {
    async fn begin() -> Self {
        let services = Services::start().await;
        let (first, second) = (services.gateway().await, services.gateway().await);
        let (mina, joon) = (services.user("mina").await, services.user("joon").await);
        let owner = first.api().with_token(&joon.token);
        let room = owner.create_room(&NewRoom::public("Yard")).await.unwrap().id;
        first.api().with_token(&mina.token).join(room).await.unwrap();
        let typist = first.subscribe(&mina, room).await.socket;
        let (here, there) = (first.subscribe(&joon, room).await, second.subscribe(&joon, room).await);
        Self { room, mina, typist, here, there, first, _services: services }
    }

    async fn types(&mut self, on: bool) {
        let frame = ClientFrame::Typing { room: self.room.into(), on, thread: None };
        let answer = self.typist.call(frame, PATIENCE).await.unwrap();
        assert!(matches!(answer, Incoming::Ok(_)), "{answer:?}");
    }

    /// The next that both listeners are told of typing.
    async fn told(&mut self, limit: Duration) -> Typing<'static> {
        let here = within(limit, "typing at the same gateway", self.here.typing()).await;
        let there = within(limit, "typing at the other gateway", self.there.typing()).await;
        assert_eq!(here, there);
        assert_eq!((here.room, here.user), (self.room, self.mina.profile.id));
        here
    }
}

impl Subscriber {
    async fn typing(&mut self) -> Typing<'static> {
        loop {
            if let Incoming::Frame(ServerFrame::Typing(typing)) =
                self.socket.next_frame(Duration::from_secs(60)).await.unwrap()
            {
                return typing;
            }
        }
    }
}

#[tokio::test]
async fn typing_ends_when_the_socket_dies() {
    let mut story = Story::begin().await;
    story.types(true).await;
    let told = story.told(PATIENCE).await;
    assert!(told.on && told.expires_ms.is_some_and(|expires| expires > 0), "{told:?}");
    let another = story.first.socket(&story.mina).await;
    // Cut, without a close.
    drop(std::mem::replace(&mut story.typist, another));
    let told = story.told(AT_ONCE).await;
    assert_eq!((told.on, told.expires_ms), (false, None));
}

#[tokio::test]
async fn typing_ends_when_the_member_leaves() {
    let mut story = Story::begin().await;
    story.types(true).await;
    assert!(story.told(PATIENCE).await.on);
    story.first.api().with_token(&story.mina.token).leave(story.room).await.unwrap();
    assert!(!story.told(AT_ONCE).await.on);
}

#[tokio::test]
async fn typing_that_is_not_said_again_ends_after_the_time_that_was_told() {
    let mut story = Story::begin().await;
    story.types(true).await;
    let told = story.told(PATIENCE).await;
    let expires = Duration::from_millis(told.expires_ms.unwrap());
    assert!(!story.told(expires + AT_ONCE).await.on);
}

#[tokio::test]
async fn what_the_others_know_is_not_told_again() {
    let mut story = Story::begin().await;
    // All are on their way before the first is answered.
    let frame = ClientFrame::Typing { room: story.room.into(), on: true, thread: None };
    for _ in 0..20 {
        story.typist.send_frame(frame.clone()).await.unwrap();
    }
    story.types(true).await;
    story.types(false).await;
    story.types(false).await;
    story.types(true).await;
    let told: Vec<bool> =
        [story.told(PATIENCE).await, story.told(PATIENCE).await, story.told(PATIENCE).await]
            .map(|typing| typing.on)
            .into();
    assert_eq!(told, [true, false, true]);
}
