//! Users as others see them, over two gateways: statuses, when somebody was last seen, and what users hide.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use madang_client::{Client, Incoming, NewRoom, Socket, SocketError};
use madang_contract::{
    ClientFrame, OkFrame, ServerFrame, Status, StatusChanged,
    rest::{StatusChange, UserSettingsChanges},
};
use madang_domain::{Code, Error, RoomId, UserId};
use madang_rpc::{
    MessageStore,
    around::{Around, Call, Layer},
    method::Method,
    store::PutUserSettings,
};

use crate::raw::RawSocket;
use crate::support::{Gateway, PATIENCE, Services, User, within};

/// What must not come would have come by then: it is on its way before what was awaited.
const SILENCE: Duration = Duration::from_millis(300);

/// Two gateways, three users in one room, and the API of each user at the first gateway.
struct Story {
    services: Services,
    first: Gateway,
    second: Gateway,
    users: [User; 3],
    room: RoomId,
}

impl Story {
    async fn begin() -> Self {
        let services = Services::start().await;
        let (first, second) = (services.gateway().await, services.gateway().await);
        let users = [services.user("mina").await, services.user("jun").await, services.user("sora").await];
        let of_mina = first.api().with_token(&users[0].token);
        let room = of_mina.create_room(&NewRoom::public("Yard")).await.unwrap().id;
        for user in &users[1..] {
            first.api().with_token(&user.token).join(room).await.unwrap();
        }
        Self { services, first, second, users, room }
    }

    fn api(&self, user: usize) -> Client {
        self.first.api().with_token(&self.users[user].token)
    }

    fn id(&self, user: usize) -> UserId {
        self.users[user].profile.id
    }

    async fn socket(&self, gateway: &Gateway, user: usize) -> Socket {
        gateway.subscribe(&self.users[user], self.room).await.socket
    }
}

fn said(text: &str) -> StatusChange {
    StatusChange { text: Some(text.parse().unwrap()), until: None }
}

/// The next status of which a socket is told.
async fn told(socket: &mut Socket) -> StatusChanged {
    loop {
        if let Incoming::Frame(ServerFrame::Status(status)) = socket.next_frame(PATIENCE).await.unwrap() {
            return status;
        }
    }
}

/// The frames that a socket gets until it has been silent for a while.
async fn until_silence(socket: &mut Socket) -> Vec<ServerFrame<'static>> {
    let mut frames = Vec::new();
    loop {
        match socket.next_frame(SILENCE).await {
            Ok(Incoming::Frame(frame)) => frames.push(frame),
            Ok(_) => {}
            Err(SocketError::Deadline { .. }) => return frames,
            Err(error) => panic!("{error}"),
        }
    }
}

fn statuses(frames: &[ServerFrame<'static>]) -> usize {
    frames.iter().filter(|frame| matches!(frame, ServerFrame::Status(_))).count()
}

/// Who is present, as a socket is answered.
async fn present(socket: &mut Socket, room: RoomId) -> Vec<UserId> {
    let answer = socket.call(ClientFrame::Presence { room: room.into() }, PATIENCE).await.unwrap();
    let Incoming::Ok(OkFrame { answer: madang_contract::Answer::Presence(present), .. }) = answer else {
        panic!("{answer:?}")
    };
    present.users.unwrap().iter().map(|user| user.id).collect()
}

async fn until_present(socket: &mut Socket, room: RoomId, user: UserId, on: bool) {
    let asking = async {
        while present(socket, room).await.contains(&user) != on {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(PATIENCE, "the presence", asking).await;
}

#[tokio::test]
async fn a_status_is_told_once_to_those_who_share_a_room_and_not_to_the_blocked() {
    let story = Story::begin().await;
    // A second room with the same people: nobody is told twice.
    let of_mina = story.api(0);
    let hall = of_mina.create_room(&NewRoom::public("Hall")).await.unwrap().id;
    story.api(1).join(hall).await.unwrap();
    of_mina.block(story.id(2)).await.unwrap();
    let mut own = story.second.socket(&story.users[0]).await;
    let mut of_jun = story.socket(&story.second, 1).await;
    let frame = serde_json::json!({"type": "subscribe", "id": "h", "rooms": [{"room": hall}]});
    of_jun.send_text(frame.to_string()).await.unwrap();
    until_silence(&mut of_jun).await;
    let mut of_sora = story.socket(&story.second, 2).await;

    let set = of_mina.put_status(&said("  at lunch ")).await.unwrap();
    let status = Status { text: "at lunch".parse().unwrap(), until: None };
    assert_eq!(set.status, Some(status.clone()));
    for socket in [&mut of_jun, &mut own] {
        let expected = StatusChanged { user: story.id(0), status: Some(status.clone()) };
        assert_eq!(told(socket).await, expected);
        assert_eq!(statuses(&until_silence(socket).await), 0, "once");
    }
    assert_eq!(statuses(&until_silence(&mut of_sora).await), 0, "who is blocked is told nothing");

    assert_eq!(story.api(1).person(story.id(0)).await.unwrap().status, Some(status.clone()));
    assert_eq!(story.api(2).person(story.id(0)).await.unwrap().status, None);
    let members = story.api(1).members(story.room, None, None).await.unwrap().items;
    let of = |user| members.iter().find(|member| member.user.id == user).unwrap();
    assert_eq!(of(story.id(0)).status, Some(status));
    assert_eq!(of(story.id(1)).status, None);
    let members = story.api(2).members(story.room, None, None).await.unwrap().items;
    assert!(members.iter().all(|member| member.status.is_none()));

    of_mina.put_status(&StatusChange { text: None, until: None }).await.unwrap();
    assert_eq!(told(&mut of_jun).await.status, None);
    let body = serde_json::json!({"text": "  "});
    let request = of_mina.request(reqwest::Method::PUT, "/v1/users/me/status").json(&body);
    assert_eq!(request.send().await.unwrap().status(), reqwest::StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_has_left_with_the_last_device_was_seen_then() {
    let story = Story::begin().await;
    let Story { first, second, .. } = &story;
    let of_jun = story.api(1);
    let last_seen = async || of_jun.person(story.id(0)).await.unwrap().last_seen;
    assert_eq!(last_seen().await, None);
    let (phone, laptop) = (story.socket(second, 0).await, story.socket(second, 0).await);
    drop(phone);
    tokio::time::sleep(SILENCE).await;
    assert_eq!(last_seen().await, None, "another device is there");
    drop(laptop);
    let noted = async {
        while last_seen().await.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(PATIENCE, "the time", noted).await;
    let at = last_seen().await.unwrap();
    let members = of_jun.members(story.room, None, None).await.unwrap().items;
    assert!(members.iter().any(|member| member.user.id == story.id(0) && member.last_seen == Some(at)));

    let hide = UserSettingsChanges { last_seen: Some(false), ..UserSettingsChanges::default() };
    assert!(!story.api(0).put_settings(&hide).await.unwrap().last_seen);
    assert_eq!(last_seen().await, None);
    drop(story.socket(first, 0).await);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(last_seen().await, None, "it is hidden");
}

#[tokio::test]
async fn who_hides_the_presence_is_gone_at_once_and_may_return() {
    let story = Story::begin().await;
    let mut of_jun = story.socket(&story.first, 1).await;
    let mut of_mina = story.socket(&story.second, 0).await;
    until_present(&mut of_jun, story.room, story.id(0), true).await;
    let set = async |presence| {
        let changes = UserSettingsChanges { presence: Some(presence), ..UserSettingsChanges::default() };
        assert_eq!(story.api(0).put_settings(&changes).await.unwrap().presence, presence);
    };
    set(false).await;
    until_present(&mut of_jun, story.room, story.id(0), false).await;
    // Another device that comes is not shown either, and sees the others all the same.
    let mut tablet = story.socket(&story.second, 0).await;
    until_silence(&mut tablet).await;
    assert!(!present(&mut of_jun, story.room).await.contains(&story.id(0)));
    assert!(present(&mut of_mina, story.room).await.contains(&story.id(1)));
    set(true).await;
    until_present(&mut of_jun, story.room, story.id(0), true).await;
}

#[tokio::test]
async fn who_hides_the_typing_types_unseen() {
    let story = Story::begin().await;
    let mut of_jun = story.socket(&story.first, 1).await;
    let mut of_mina = story.socket(&story.second, 0).await;
    let typing = |on| ClientFrame::Typing { room: story.room.into(), on, thread: None };
    let set = async |typing| {
        let changes = UserSettingsChanges { typing: Some(typing), ..UserSettingsChanges::default() };
        story.api(0).put_settings(&changes).await.unwrap();
    };
    let settings = |frame: &Incoming| matches!(frame, Incoming::Frame(ServerFrame::Settings(_)));
    set(false).await;
    // What is told of the settings comes by the same way as what the gateway is told.
    while !settings(&of_mina.next_frame(PATIENCE).await.unwrap()) {}
    tokio::time::sleep(SILENCE).await;
    of_mina.call(typing(true), PATIENCE).await.unwrap();
    let heard = until_silence(&mut of_jun).await;
    assert!(!heard.iter().any(|frame| matches!(frame, ServerFrame::Typing(_))), "{heard:?}");
    // A socket that opens later knows it as well.
    let mut later = story.socket(&story.services.gateway().await, 0).await;
    later.call(typing(true), PATIENCE).await.unwrap();
    let heard = until_silence(&mut of_jun).await;
    assert!(!heard.iter().any(|frame| matches!(frame, ServerFrame::Typing(_))), "{heard:?}");
    set(true).await;
    while !settings(&of_mina.next_frame(PATIENCE).await.unwrap()) {}
    tokio::time::sleep(SILENCE).await;
    of_mina.call(typing(true), PATIENCE).await.unwrap();
    let typed = async {
        loop {
            if let Incoming::Frame(ServerFrame::Typing(typing)) = of_jun.next_frame(PATIENCE).await.unwrap() {
                return typing;
            }
        }
    };
    assert_eq!(within(PATIENCE, "typing", typed).await.user, story.id(0));
}

#[tokio::test]
async fn a_typing_from_before_it_was_hidden_ends_when_the_typist_stops() {
    let story = Story::begin().await;
    let mut of_jun = story.socket(&story.first, 1).await;
    let mut of_mina = story.socket(&story.second, 0).await;
    let typing = |on| ClientFrame::Typing { room: story.room.into(), on, thread: None };
    let typed = async |of_jun: &mut Socket| loop {
        if let Incoming::Frame(ServerFrame::Typing(typing)) = of_jun.next_frame(PATIENCE).await.unwrap() {
            return typing.on;
        }
    };
    of_mina.call(typing(true), PATIENCE).await.unwrap();
    assert!(typed(&mut of_jun).await);
    let began = Instant::now();
    let changes = UserSettingsChanges { typing: Some(false), ..UserSettingsChanges::default() };
    story.api(0).put_settings(&changes).await.unwrap();
    let settings = |frame: &Incoming| matches!(frame, Incoming::Frame(ServerFrame::Settings(_)));
    while !settings(&of_mina.next_frame(PATIENCE).await.unwrap()) {}
    tokio::time::sleep(SILENCE).await;
    of_mina.call(typing(false), PATIENCE).await.unwrap();
    assert!(!typed(&mut of_jun).await);
    assert!(began.elapsed() < Duration::from_secs(5), "not only when it lapses");
}

/// Fails the calls of one method, or holds them, while it is asked to.
#[derive(Clone)]
struct Fault {
    method: &'static str,
    holds: bool,
    on: Arc<AtomicBool>,
}

impl Fault {
    fn new(method: &'static str, holds: bool, on: bool) -> Self {
        Self { method, holds, on: Arc::new(AtomicBool::new(on)) }
    }

    fn around(&self, services: &Services) -> Arc<dyn MessageStore> {
        Arc::new(Around::new(Arc::clone(&services.store), self.clone()))
    }
}

impl<S: Sync> Layer<S> for Fault {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        match method.name == self.method && self.on.load(Ordering::Relaxed) {
            true if self.holds => Box::pin(std::future::pending()),
            true => Box::pin(async { Err(Error::unavailable("the store is away")) }),
            false => call(service),
        }
    }
}

#[tokio::test]
async fn what_was_hidden_is_told_although_the_store_is_away_for_a_moment() {
    let services = Services::start().await;
    let away = Fault::new("remember_profile", false, false);
    let first = services.gateway_on(away.around(&services)).await;
    let second = services.gateway().await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let of_mina = first.api().with_token(&mina.token);
    let room = of_mina.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    first.api().with_token(&jun.token).join(room).await.unwrap();
    let mut of_jun = second.subscribe(&jun, room).await.socket;
    let mut phone = second.subscribe(&mina, room).await.socket;
    until_present(&mut of_jun, room, mina.profile.id, true).await;
    away.on.store(true, Ordering::Relaxed);
    let hide = UserSettingsChanges { presence: Some(false), ..UserSettingsChanges::default() };
    assert!(!of_mina.put_settings(&hide).await.unwrap().presence);
    let settings = |frame: &Incoming| matches!(frame, Incoming::Frame(ServerFrame::Settings(_)));
    while !settings(&phone.next_frame(PATIENCE).await.unwrap()) {}
    away.on.store(false, Ordering::Relaxed);
    until_present(&mut of_jun, room, mina.profile.id, false).await;
}

#[tokio::test]
async fn what_was_hidden_unheard_is_read_again_where_something_may_be_lost() {
    let story = Story::begin().await;
    let mut of_jun = story.socket(&story.first, 1).await;
    let mut of_mina = story.socket(&story.second, 0).await;
    until_present(&mut of_jun, story.room, story.id(0), true).await;
    // As if all that was told of it were lost.
    let hide = PutUserSettings {
        hides_presence: Some(true),
        hides_typing: Some(true),
        ..PutUserSettings::nothing(story.id(0))
    };
    story.services.store.put_user_settings(hide).await.unwrap();
    story.services.lose_a_gateway();
    until_present(&mut of_jun, story.room, story.id(0), false).await;
    assert!(present(&mut of_jun, story.room).await.contains(&story.id(1)), "who hides nothing stays");
    until_silence(&mut of_jun).await;
    let typing = ClientFrame::Typing { room: story.room.into(), on: true, thread: None };
    of_mina.call(typing, PATIENCE).await.unwrap();
    let heard = until_silence(&mut of_jun).await;
    assert!(!heard.iter().any(|frame| matches!(frame, ServerFrame::Typing(_))), "{heard:?}");
}

/// Fails the first calls of a method, each in another way than that the service does not answer.
#[derive(Clone)]
struct FailsFirst {
    method: &'static str,
    calls: Arc<AtomicUsize>,
}

impl<S: Sync> Layer<S> for FailsFirst {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        if method.name != self.method {
            return call(service);
        }
        let error = match self.calls.fetch_add(1, Ordering::Relaxed) {
            0 => Error::new(Code::DeadlineExceeded, "too late"),
            1 => Error::internal("a defect of a moment"),
            _ => return call(service),
        };
        Box::pin(async move { Err(error) })
    }
}

#[tokio::test]
async fn what_was_hidden_unheard_is_read_until_the_store_answers() {
    let services = Services::start().await;
    let first = services.gateway().await;
    let failing = FailsFirst { method: "get_hides", calls: Arc::default() };
    let store: Arc<dyn MessageStore> = Arc::new(Around::new(Arc::clone(&services.store), failing.clone()));
    let second = services.gateway_on(store).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let room = first.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    first.api().with_token(&jun.token).join(room).await.unwrap();
    let mut of_jun = first.subscribe(&jun, room).await.socket;
    let _of_mina = second.subscribe(&mina, room).await;
    until_present(&mut of_jun, room, mina.profile.id, true).await;
    let hide = PutUserSettings { hides_presence: Some(true), ..PutUserSettings::nothing(mina.profile.id) };
    services.store.put_user_settings(hide).await.unwrap();
    services.lose_a_gateway();
    until_present(&mut of_jun, room, mina.profile.id, false).await;
    assert!(failing.calls.load(Ordering::Relaxed) > 2);
}

/// A socket of the other dialect asks what its user hides, and does not wait for it.
#[tokio::test]
async fn a_channels_socket_is_told_of_events_while_the_store_is_asked_what_it_hides() {
    let services = Services::start().await;
    let held = Fault::new("get_user_settings", true, true);
    let with_channels =
        |settings: &mut madang_gateway::GatewaySettings| settings.channels.channels_edge = Some(true);
    let auth = Arc::clone(&services.auth);
    let gateway = services.gateway_of(auth, held.around(&services), with_channels).await;
    let mina = services.user("mina").await;
    let of_mina = gateway.api().with_token(&mina.token);
    let room = of_mina.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let path = format!("/ws/chat/{room}/");
    let mut socket = RawSocket::open(gateway.address(), &path, Some(&mina.token), 65_536).await;
    let text = "said while the store is asked";
    of_mina.send_message(room, text, None).await.unwrap();
    within(Duration::from_secs(3), "the message", socket.until_text(text)).await;
}

#[tokio::test]
async fn a_stranger_sees_no_status_and_the_own_profile_shows_it() {
    let story = Story::begin().await;
    let stranger = story.services.user("hana").await;
    story.api(0).put_status(&said("here")).await.unwrap();
    let of_stranger = story.first.api().with_token(&stranger.token);
    let person = of_stranger.person(story.id(0)).await.unwrap();
    assert_eq!((person.status, person.last_seen), (None, None));
    let own = story.api(0).person(story.id(0)).await.unwrap();
    assert_eq!(own.status.unwrap().text.as_str(), "here");
    let nobody = UserId::new(uuid::Uuid::from_u128(7));
    assert_eq!(of_stranger.person(nobody).await.unwrap_err().code(), Some(Code::NotFound));
}
