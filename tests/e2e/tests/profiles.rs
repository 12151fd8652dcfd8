//! A changed profile, over two gateways: by the user, by the site's backend, and by a token of the site.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use madang_client::{
    Client, ConnectOptions, Credential, Incoming, ProfileChanges, SessionEvent, Socket, SocketError,
};
use madang_contract::{Account, ServerFrame};
use madang_domain::{DisplayName, RoomId};
use madang_e2e::{
    Backend, Heard, PATIENCE, Person, Stage, fast_sends, public_room, site_settings, site_token,
};
use madang_test_kit::Program;
use serde_json::json;
use tokio::sync::OnceCell;

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    let options = || {
        site_settings()
            .into_iter()
            .fold(fast_sends(), |options, (name, value)| options.with_setting(Program::Gateway, name, value))
    };
    STAGE.get_or_init(|| Stage::start(options())).await
}

/// The next changed profile of which a socket is told.
async fn told(socket: &mut Socket) -> Account<'static> {
    loop {
        let next = socket.next_frame(PATIENCE).await.expect("a changed profile");
        if let Incoming::Frame(ServerFrame::Profile(profile)) = next {
            return profile.user;
        }
    }
}

/// Reads on until a message has come, and answers the changed profiles before it.
async fn told_before_a_message(socket: &mut Socket) -> usize {
    let mut told = 0;
    loop {
        match socket.next_frame(PATIENCE).await {
            Ok(Incoming::Frame(ServerFrame::Profile(_))) => told += 1,
            Ok(Incoming::Event(_)) => return told,
            Ok(_) => {}
            Err(SocketError::Deadline { .. }) => panic!("no message"),
            Err(error) => panic!("{error}"),
        }
    }
}

async fn name_in_the_room(api: &Client, room: RoomId, of: &Account<'_>) -> String {
    let members = api.members(room, None, None).await.expect("members").items;
    let member = members.into_iter().find(|member| member.user.id == of.id).expect("the member");
    member.user.user.name.into_owned()
}

#[tokio::test]
async fn a_new_name_reaches_the_others_at_every_gateway_once_and_a_session_tells_it() {
    let stage = stage().await;
    let (mina, joon) =
        (Person::register(stage.gateway(0), "mina").await, Person::register(stage.gateway(1), "joon").await);
    let (yard, hall) =
        (public_room(&mina, "Yard", &[&joon]).await, public_room(&mina, "Hall", &[&joon]).await);
    let listener = joon.listen(vec![stage.gateway(1)], yard.id).await;
    let mut of_joon = joon.socket_in(&stage.gateway(1), yard.id).await;
    for room in [hall.id] {
        let subscribe = json!({"type": "subscribe", "id": "s", "rooms": [{"room": room}]});
        of_joon.send_text(subscribe.to_string()).await.expect("a subscription");
        let caught_up = |incoming: &Incoming| matches!(incoming, Incoming::Frame(ServerFrame::CaughtUp(caught_up)) if caught_up.room == room);
        while !caught_up(&of_joon.next_frame(PATIENCE).await.expect("a frame")) {}
    }

    let name = Some(DisplayName::new("Mina Kim").expect("a name"));
    let changed = mina.api.update_me(&ProfileChanges { name, avatar_url: None }).await.expect("a new name");
    assert_eq!(told(&mut of_joon).await, changed);
    mina.api.send_message(yard.id, "after it", None).await.expect("a message");
    assert_eq!(told_before_a_message(&mut of_joon).await, 0, "it shares two rooms, and is told once");
    let is_told = |heard: &Heard| {
        heard.others.iter().any(|event| match event {
            SessionEvent::Ephemeral(ServerFrame::Profile(profile)) => profile.user == changed,
            _ => false,
        })
    };
    listener.until(PATIENCE, "the changed profile", is_told).await;
    for room in [yard.id, hall.id] {
        assert_eq!(name_in_the_room(&joon.api, room, &changed).await, "Mina Kim");
    }
}

#[tokio::test]
async fn what_the_site_says_of_its_user_reaches_those_who_share_a_room() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users", "rooms"]).await;
    let joon = Person::register(stage.gateway(1), "joon").await;
    let room = public_room(&joon, "Yard", &[]).await.id;
    let token = site_token(4_107, &json!({"name": "미나"}));
    let of_mina = Client::new(&stage.gateway(0)).expect("an address").with_token(&token);
    of_mina.join(room).await.expect("a member");
    let mut of_joon = joon.socket_in(&stage.gateway(1), room).await;

    // Its backend.
    site.put_user("ext:4107", &json!({"name": "김미나"})).await;
    let user = told(&mut of_joon).await;
    assert_eq!(&*user.name, "김미나");

    // A token that says something new, shown at either gateway. The user says nothing.
    for (gateway, name) in [(0, "Mina"), (1, "Mina Kim")] {
        let later = jsonwebtoken::get_current_timestamp() + 2 + gateway as u64;
        let token = site_token(4_107, &json!({"name": name, "iat": later}));
        let opened =
            Socket::open(&stage.gateway(gateway), &Credential::Bearer(token), &ConnectOptions::default())
                .await;
        let (_socket, hello) = opened.expect("a socket");
        assert_eq!(&*hello.user.name, name);
        assert_eq!(&*told(&mut of_joon).await.name, name);
        assert_eq!(name_in_the_room(&joon.api, room, &user).await, name);
    }
}
