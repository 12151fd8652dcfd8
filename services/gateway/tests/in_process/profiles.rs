//! Changed profiles: who hears of them, how often, and under which name a user acts from then on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use madang_client::{Body, Error, Incoming, NewRoom, ProfileChanges, Socket, SocketError};
use madang_contract::{Account, Answer, ClientFrame, EventBody, OkFrame, RoomSince, ServerFrame, Subscribe};
use madang_domain::{Code, DisplayName, IdempotencyKey, MessageText, RoomId, Seq, Username};
use madang_rpc::{
    MessageStore,
    around::{Around, Call, Layer},
    auth::{ClientInfo, Password, Refresh, Register, Token, UpdateProfile},
    method::Method,
};

use crate::support::{Gateway, PASSWORD, PATIENCE, Services, User};

/// What must not come would have come by then: it is on its way before what was awaited.
const SILENCE: Duration = Duration::from_millis(300);

fn renamed(name: &str) -> ProfileChanges {
    ProfileChanges { name: Some(DisplayName::new(name).unwrap()), avatar_url: None }
}

impl Gateway {
    async fn rename(&self, user: &User, name: &str) -> Account<'static> {
        self.api().with_token(&user.token).update_me(&renamed(name)).await.unwrap()
    }

    /// A socket that subscribes to rooms from now on.
    async fn socket_in(&self, user: &User, rooms: &[RoomId]) -> Socket {
        let mut socket = self.socket(user).await;
        let since = |room: &RoomId| RoomSince { room: (*room).into(), since: None, epoch: None };
        let frame = ClientFrame::Subscribe(Subscribe {
            rooms: rooms.iter().map(since).collect(),
            ..Subscribe::default()
        });
        socket.call(frame, PATIENCE).await.unwrap();
        for _ in rooms {
            let caught_up = |frame: &Incoming| matches!(frame, Incoming::Frame(ServerFrame::CaughtUp(_)));
            while !caught_up(&socket.next_frame(PATIENCE).await.unwrap()) {}
        }
        socket
    }
}

/// The next changed profile of which a socket is told.
async fn told(socket: &mut Socket) -> Account<'static> {
    loop {
        if let Incoming::Frame(ServerFrame::Profile(profile)) = socket.next_frame(PATIENCE).await.unwrap() {
            return profile.user;
        }
    }
}

/// The changed profiles of which a socket is told until it has been silent for a while.
async fn told_until_silence(socket: &mut Socket) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        match socket.next_frame(SILENCE).await {
            Ok(Incoming::Frame(ServerFrame::Profile(profile))) => names.push(profile.user.name.to_string()),
            Ok(_) => {}
            Err(SocketError::Deadline { .. }) => return names,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The name of the sender of the next message.
async fn next_sender(socket: &mut Socket) -> String {
    loop {
        if let Incoming::Event(event) = socket.next_frame(PATIENCE).await.unwrap()
            && let Body::Known(EventBody::Message { message }) = event.body
        {
            return message.sender.name.to_string();
        }
    }
}

async fn room_of(gateway: &Gateway, owner: &User, members: &[&User]) -> RoomId {
    let room = gateway.api().with_token(&owner.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    for member in members {
        gateway.api().with_token(&member.token).join(room).await.unwrap();
    }
    room
}

#[tokio::test]
async fn every_socket_that_shares_rooms_with_a_user_is_told_once() {
    let services = Services::start().await;
    let (first, second) = (services.gateway().await, services.gateway().await);
    let [mina, jun, sora] =
        [services.user("mina").await, services.user("jun").await, services.user("sora").await];
    let mut rooms = Vec::new();
    for _ in 0..3 {
        rooms.push(room_of(&first, &mina, &[&jun]).await);
    }
    let elsewhere = room_of(&first, &sora, &[&jun]).await;
    let mut here = first.socket_in(&jun, &rooms).await;
    let mut there = second.socket_in(&jun, &rooms).await;
    let mut own = second.socket(&mina).await;
    let mut strangers =
        [first.socket_in(&sora, &[elsewhere]).await, second.socket_in(&jun, &[elsewhere]).await];

    let changed = first.rename(&mina, "Mina Kim").await;
    for socket in [&mut here, &mut there, &mut own] {
        let user = told(socket).await;
        assert_eq!(user, changed);
        assert_eq!((&*user.name, &*user.username), ("Mina Kim", "mina"));
    }
    for socket in [&mut here, &mut there, &mut own] {
        assert_eq!(told_until_silence(socket).await, [] as [&str; 0], "once, whichever rooms they share");
    }
    for socket in &mut strangers {
        assert_eq!(told_until_silence(socket).await, [] as [&str; 0], "they share no open room");
    }

    first.rename(&mina, "Mina Lee").await;
    assert_eq!(&*told(&mut there).await.name, "Mina Lee", "each change is told");
}

#[tokio::test]
async fn members_history_presence_and_replay_show_the_present_name_before_the_user_speaks() {
    let services = Services::start().await;
    let (first, second) = (services.gateway().await, services.gateway().await);
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let room = room_of(&first, &mina, &[&jun]).await;
    let _of_mina = second.socket_in(&mina, &[room]).await;
    let mut of_jun = second.socket_in(&jun, &[room]).await;
    let api = second.api().with_token(&jun.token);
    first.api().with_token(&mina.token).send_message(room, "before", None).await.unwrap();
    assert_eq!(next_sender(&mut of_jun).await, "mina");

    first.rename(&mina, "Mina Kim").await;
    told(&mut of_jun).await;
    let members = api.members(room, None, None).await.unwrap().items;
    let names: Vec<&str> = members.iter().map(|member| &*member.user.name).collect();
    assert_eq!(names, ["Mina Kim", "jun"]);
    let history = api.messages(room, None, None, None).await.unwrap().items;
    assert_eq!(&*history[0].message.sender.name, "Mina Kim");
    let answer = of_jun.call(ClientFrame::Presence { room: room.into() }, PATIENCE).await.unwrap();
    let Incoming::Ok(OkFrame { answer: Answer::Presence(present), .. }) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<String> = present.users.unwrap().iter().map(|user| user.name.to_string()).collect();
    assert!(names.contains(&"Mina Kim".to_owned()) && !names.contains(&"mina".to_owned()), "{names:?}");
    let mut replayed = second.socket(&jun).await;
    let room_since = RoomSince { room: room.into(), since: Some(Seq::START), epoch: None };
    let frame = ClientFrame::Subscribe(Subscribe { rooms: vec![room_since], ..Subscribe::default() });
    replayed.call(frame, PATIENCE).await.unwrap();
    assert_eq!(next_sender(&mut replayed).await, "Mina Kim");
}

#[tokio::test]
async fn a_user_acts_under_the_present_name_whatever_the_token_says() {
    let services = Services::start().await;
    let (first, second) = (services.gateway().await, services.gateway().await);
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let room = room_of(&first, &mina, &[&jun]).await;
    let mut of_mina = second.socket_in(&mina, &[room]).await;
    let mut of_jun = second.socket_in(&jun, &[room]).await;
    first.rename(&mina, "Mina Kim").await;
    told(&mut of_mina).await;

    // By the socket that was open before, with the token of before.
    say(&mut of_mina, room, "1").await;
    assert_eq!(next_sender(&mut of_jun).await, "Mina Kim");
    of_mina.send_frame(ClientFrame::Typing { room: room.into(), on: true, thread: None }).await.unwrap();
    let typing = loop {
        if let Incoming::Frame(ServerFrame::Typing(typing)) = of_jun.next_frame(PATIENCE).await.unwrap() {
            break typing;
        }
    };
    assert_eq!(&*typing.name, "Mina Kim");
    second.api().with_token(&mina.token).send_message(room, "by REST", None).await.unwrap();
    assert_eq!(next_sender(&mut of_jun).await, "Mina Kim");

    // By a gateway that was not told, since nobody was there.
    let third = services.gateway().await;
    let mut late = third.socket(&mina).await;
    assert_eq!(&*told(&mut late).await.name, "Mina Kim", "the token said another name");
    say(&mut late, room, "2").await;
    assert_eq!(next_sender(&mut of_jun).await, "Mina Kim");
}

async fn say(socket: &mut Socket, room: RoomId, key: &str) {
    let frame = ClientFrame::Send {
        room: room.into(),
        key: IdempotencyKey::new(key).unwrap(),
        text: MessageText::new("안녕").unwrap(),
        reply_to: None,
        attachments: Vec::new(),
        thread: None,
        in_room: false,
        metadata: None,
    };
    let answer = socket.call(frame, PATIENCE).await.unwrap();
    assert!(matches!(answer, Incoming::Frame(ServerFrame::Ack(_))), "{answer:?}");
}

#[tokio::test]
async fn who_has_left_hears_nothing_and_who_has_joined_since_does() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let room = room_of(&gateway, &mina, &[&jun]).await;
    let mut of_jun = gateway.socket_in(&jun, &[room]).await;
    let api = gateway.api().with_token(&jun.token);
    api.leave(room).await.unwrap();
    gateway.rename(&mina, "One").await;
    assert_eq!(told_until_silence(&mut of_jun).await, [] as [&str; 0]);
    api.join(room).await.unwrap();
    let mut back = gateway.socket_in(&jun, &[room]).await;
    gateway.rename(&mina, "Two").await;
    assert_eq!(&*told(&mut back).await.name, "Two");
}

/// Fails the calls that remember a profile, for as long as it is asked to.
#[derive(Clone, Default)]
struct Forgetful(Arc<AtomicBool>);

impl<S: Sync> Layer<S> for Forgetful {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        if method.name == "remember_profile" && self.0.load(Ordering::Relaxed) {
            return Box::pin(async { Err(madang_domain::Error::unavailable("the store is away")) });
        }
        call(service)
    }
}

#[tokio::test]
async fn a_change_that_the_store_did_not_learn_is_told_when_it_is_repeated() {
    let services = Services::start().await;
    let away = Forgetful::default();
    let store = Around::new(Arc::clone(&services.store), away.clone());
    let gateway = services.gateway_on(Arc::new(store) as Arc<dyn MessageStore>).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let room = room_of(&gateway, &mina, &[&jun]).await;
    let mut of_jun = gateway.socket_in(&jun, &[room]).await;
    away.0.store(true, Ordering::Relaxed);
    let refused = gateway.api().with_token(&mina.token).update_me(&renamed("Mina Kim")).await;
    match refused {
        Err(Error::Problem(problem)) => assert_eq!(problem.code, Code::Unavailable),
        other => panic!("{other:?}"),
    }
    away.0.store(false, Ordering::Relaxed);
    gateway.rename(&mina, "Mina Kim").await;
    assert_eq!(&*told(&mut of_jun).await.name, "Mina Kim");
}

#[tokio::test]
async fn a_renewed_token_brings_its_name_to_the_socket() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let register = Register {
        username: Username::new("mina").unwrap(),
        password: Password::new(PASSWORD.to_owned()),
        name: None,
        client: ClientInfo::default(),
    };
    let grant = services.auth.register(register).await.unwrap();
    let mina = User { profile: Arc::new(grant.user), token: grant.access_token };
    let room = room_of(&gateway, &mina, &[]).await;
    let mut socket = gateway.socket_in(&mina, &[room]).await;
    // Past the gateways, as where the change was told and the telling was lost.
    let name = Some(DisplayName::new("Mina Kim").unwrap());
    services
        .auth
        .update_profile(UpdateProfile { user: mina.profile.id, name, avatar_url: None, presented: None })
        .await
        .unwrap();
    let refresh = Refresh { refresh_token: Token::new(&*grant.refresh_token), client: ClientInfo::default() };
    let token = services.auth.refresh(refresh).await.unwrap().access_token;
    let frame = ClientFrame::Auth { token, inbox_since: None, inbox_epoch: None };
    assert!(matches!(socket.call(frame, PATIENCE).await.unwrap(), Incoming::Ok(_)));
    say(&mut socket, room, "k").await;
    assert_eq!(next_sender(&mut socket).await, "Mina Kim");
}

#[tokio::test]
async fn who_is_in_many_rooms_changes_the_profile_less_often_and_says_as_much() {
    /// More than a user's budget of topics has beyond what one change may reach.
    const ROOMS: usize = 100;
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.sends_per_second = 1).await;
    // Another gateway keeps budgets of its own.
    let lively = services
        .gateway_with(|settings| {
            settings.sends_burst = 1_000_000;
            settings.room_creations_per_minute = 1_000;
        })
        .await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let mut room = None;
    for _ in 0..ROOMS {
        room = Some(room_of(&lively, &jun, &[&mina]).await);
    }
    let rename =
        async |user: &User, name| gateway.api().with_token(&user.token).update_me(&renamed(name)).await;
    rename(&mina, "One").await.unwrap();
    match rename(&mina, "Two").await {
        Err(Error::Problem(problem)) => {
            assert_eq!(
                (problem.code, problem.limit.as_deref()),
                (Code::RateLimited, Some("profile_changes"))
            );
            // Sixty-one topics more than the burst of forty, of one a second.
            assert!((50_000..=61_000).contains(&problem.retry_after_ms.unwrap()), "{problem:?}");
        }
        other => panic!("{other:?}"),
    }
    gateway.api().with_token(&mina.token).send_message(room.unwrap(), "still here", None).await.unwrap();
    let sora = services.user("sora").await;
    for name in ["One", "Two", "Three"] {
        rename(&sora, name).await.unwrap();
    }
}
