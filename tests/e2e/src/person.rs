//! Somebody who has an account.

use std::sync::atomic::{AtomicU32, Ordering};

use madang_client::{
    Client, ConnectOptions, Credential, Incoming, NewRoom, Room, SessionOptions, Socket, Tokens,
};
use madang_contract::{Ack, ClientFrame, ErrorFrame, ServerFrame};
use madang_domain::{RoomId, UserId};
use serde_json::json;

use crate::{Listener, PATIENCE};

/// Every account of the stories has the same password.
const PASSWORD: &str = "correct horse battery staple";

/// A registered user.
#[derive(Debug, Clone)]
pub struct Person {
    /// The username: unique.
    pub username: String,
    /// The account.
    pub id: UserId,
    /// The tokens.
    pub grant: Tokens,
    /// The routes, with the token, at the place of registration.
    pub api: Client,
}

impl Person {
    /// Registers somebody at a server, under a name that nobody else has.
    ///
    /// # Panics
    /// When that fails.
    pub async fn register(base: impl Into<String>, name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let username = format!("{name}-{}-{count}", std::process::id());
        let guest = Client::new(&base.into()).expect("an address of the stage");
        let grant = guest.register(&username, PASSWORD, Some(name)).await;
        let grant = grant.unwrap_or_else(|error| panic!("{username} cannot register: {error}"));
        Self { id: grant.user.id, api: guest.with_token(&grant.access_token), username, grant }
    }

    /// The password of everybody.
    #[must_use]
    pub const fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The routes at another server.
    ///
    /// # Panics
    /// When that is no address.
    #[must_use]
    pub fn at(&self, base: &str) -> Client {
        Client::new(base).expect("an address of the stage").with_token(&self.grant.access_token)
    }

    /// The access token as a credential.
    #[must_use]
    pub fn bearer(&self) -> Credential {
        Credential::Bearer(self.grant.access_token.clone())
    }

    /// Opens a socket, and takes what it says of the inbox.
    ///
    /// # Panics
    /// When that fails.
    pub async fn socket(&self, base: &str) -> Socket {
        let opened = Socket::open(base, &self.bearer(), &ConnectOptions::default()).await;
        let mut socket =
            opened.unwrap_or_else(|error| panic!("{} cannot open a socket: {error}", self.username)).0;
        match socket.next_frame(PATIENCE).await {
            Ok(Incoming::Frame(ServerFrame::Inbox(_))) => socket,
            other => panic!("{other:?} where `inbox` belongs"),
        }
    }

    /// Opens a socket and subscribes it to a room from now on.
    ///
    /// # Panics
    /// When that fails.
    pub async fn socket_in(&self, base: &str, room: RoomId) -> Socket {
        let mut socket = self.socket(base).await;
        let subscribe = madang_contract::Subscribe {
            rooms: vec![madang_contract::RoomSince { room: room.into(), since: None, epoch: None }],
            ..Default::default()
        };
        match socket.call(ClientFrame::Subscribe(subscribe), PATIENCE).await {
            Ok(Incoming::Frame(ServerFrame::Subscribed(_))) => socket,
            other => panic!("{} cannot subscribe: {other:?}", self.username),
        }
    }

    /// Starts a session that listens to a room from its beginning.
    ///
    /// # Panics
    /// When the room cannot be subscribed to.
    pub async fn listen(&self, bases: Vec<String>, room: RoomId) -> Listener {
        Listener::start(bases, self.bearer(), room, SessionOptions::default()).await
    }
}

/// A public room of somebody's, with these other members.
///
/// # Panics
/// When it cannot be made.
pub async fn public_room(owner: &Person, name: &str, members: &[&Person]) -> Room {
    let room = owner.api.create_room(&NewRoom::public(name)).await;
    let room = room.unwrap_or_else(|error| panic!("the room {name} cannot be made: {error}"));
    for member in members {
        let joined = member.api.join(room.id).await;
        joined.unwrap_or_else(|error| panic!("{} cannot join {name}: {error}", member.username));
    }
    room
}

/// The `ack` that an answer has to be.
///
/// # Panics
/// When it is something else.
#[must_use]
pub fn ack(answer: Incoming) -> Ack<'static> {
    match answer {
        Incoming::Frame(ServerFrame::Ack(ack)) => ack,
        other => panic!("an `ack` was due, and {other:?} came"),
    }
}

/// The `error` that an answer has to be.
///
/// # Panics
/// When it is something else.
#[must_use]
pub fn error_frame(answer: Incoming) -> ErrorFrame<'static> {
    match answer {
        Incoming::Frame(ServerFrame::Error(error)) => error,
        other => panic!("an `error` was due, and {other:?} came"),
    }
}

/// A `send`, made of texts.
///
/// # Panics
/// When key or text is outside its bounds.
#[must_use]
pub fn send_frame(room: RoomId, key: &str, text: &str) -> ClientFrame {
    let frame = json!({"type": "send", "room": room, "key": key, "text": text});
    serde_json::from_value(frame).expect("a key and a text within their bounds")
}
