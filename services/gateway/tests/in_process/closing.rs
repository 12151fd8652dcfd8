//! From the decision to close a socket a deadline runs, whether or not its client reads: then its connection is gone, and
//! its place is another's.

use std::{net::SocketAddr, time::Duration};

use madang_client::{ConnectOptions, Credential, NewRoom, Socket};
use madang_domain::{RoomId, UserId, Username};
use madang_gateway::GatewaySettings;
use madang_rpc::auth::{ClientInfo, ListSessions, Login, Password, RevokeSession};
use tokio::{
    io::AsyncReadExt as _,
    time::{Instant, sleep},
};

use crate::{
    raw::{RawSocket, frame},
    support::{Gateway, PASSWORD, PATIENCE, Services, User, within},
};

/// How long it takes from the decision to the end of the connection.
pub(crate) const CLOSE_PATIENCE: Duration = Duration::from_secs(6);
/// How long the decision may take, where a session is revoked, and what a busy machine adds.
pub(crate) const DECIDED_WITHIN: Duration = Duration::from_secs(2);
/// The buffer in which the system of a client keeps what it does not read.
pub(crate) const RECEIVE_BUFFER_BYTES: u32 = 8 * 1024;
const TEXT_CHARS: usize = 4_000;
const TEXT_BYTES: usize = 4 * TEXT_CHARS;
/// What may wait for a socket where nobody is to be closed as too slow.
const AMPLE_QUEUE_BYTES: usize = 64 << 20;

/// The bytes that the system takes from a gateway for a client that does not read, at most.
pub(crate) fn system_bytes() -> usize {
    let limits = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").unwrap();
    let most: usize = limits.split_whitespace().next_back().unwrap().parse().unwrap();
    most + RECEIVE_BUFFER_BYTES as usize
}

/// Somebody whose one place at a gateway is taken by a socket that reads nothing.
struct Deaf {
    user: User,
    gateway: Gateway,
    socket: RawSocket,
}

impl Deaf {
    async fn start(
        services: &Services,
        name: &str,
        room: RoomId,
        change: impl FnOnce(&mut GatewaySettings),
    ) -> Self {
        let gateway = services
            .gateway_with(|settings| {
                settings.max_user_sockets = 1;
                change(settings);
            })
            .await;
        let user = services.user(name).await;
        gateway.api().with_token(&user.token).join(room).await.unwrap();
        let mut socket =
            RawSocket::open(gateway.address(), "/v1/ws", Some(&user.token), RECEIVE_BUFFER_BYTES).await;
        let subscribe = format!(r#"{{"type":"subscribe","rooms":[{{"room":"{room}"}}]}}"#);
        socket.send(&frame(0x81, subscribe.as_bytes())).await;
        socket.until_text("caught_up").await;
        Self { user, gateway, socket }
    }

    /// Says that it lives.
    async fn ping(&mut self) {
        self.socket.send(&frame(0x89, b"")).await;
    }

    /// Waits for the place to be free; answers how long that took.
    async fn place_is_free(&self, token: &str, limit: Duration) -> Duration {
        let started = Instant::now();
        let credential = Credential::Bearer(token.to_owned());
        within(limit, &format!("the place of {}", self.user.profile.username), async {
            while Socket::open(&self.gateway.base(), &credential, &ConnectOptions::default()).await.is_err() {
                sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
        started.elapsed()
    }

    /// The bytes that still come, up to the end of the connection.
    async fn read_out(mut self) -> usize {
        let mut rest = Vec::new();
        let ended = within(PATIENCE, "the end of the connection", self.socket.stream.read_to_end(&mut rest));
        // The end may be a reset.
        drop(ended.await);
        rest.len()
    }
}

/// Another access token of the user, of another session.
pub(crate) async fn sign_in_again(services: &Services, username: &Username) -> String {
    let login = Login {
        username: username.clone(),
        password: Password::new(PASSWORD.to_owned()),
        client: ClientInfo::default(),
    };
    services.auth.login(login).await.unwrap().access_token
}

/// Signs the user out where the user signed in first.
pub(crate) async fn revoke_first_session(services: &Services, user: UserId) {
    let sessions = services.auth.list_sessions(ListSessions { user, presented: None }).await.unwrap();
    let session = sessions.last().unwrap().id;
    services.auth.revoke_session(RevokeSession { user, session, presented: None }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_gone_in_time_whatever_the_reason() {
    let services = Services::start().await;
    let speaking = services
        .gateway_with(|settings| {
            settings.sends_per_second = 1_000_000;
            settings.sends_burst = 1_000_000;
        })
        .await;
    let speaker = services.user("speaker").await;
    let api = speaking.api().with_token(&speaker.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let ample = |settings: &mut GatewaySettings| settings.queue_max_bytes = AMPLE_QUEUE_BYTES;
    let mut revoked = Deaf::start(&services, "revoked", room, ample).await;
    let mut silent = Deaf::start(&services, "silent", room, |settings| {
        ample(settings);
        settings.heartbeat_seconds = 2;
    })
    .await;
    let slow = Deaf::start(&services, "slow", room, |_| ()).await;

    // More than the system takes waits for each; for one of them, more than the gateway keeps.
    let total = system_bytes() + 64 * TEXT_BYTES;
    let text = "𝄞".repeat(TEXT_CHARS);
    for number in 0..total / TEXT_BYTES {
        api.send_message(room, &text, None).await.unwrap();
        if number % 8 == 0 {
            silent.ping().await;
            revoked.ping().await;
        }
    }
    // Now one is signed out, and another one falls silent.
    let again = sign_in_again(&services, &revoked.user.profile.username).await;
    revoke_first_session(&services, revoked.user.profile.id).await;
    let ended = revoked.gateway.api().with_token(&revoked.user.token);
    within(DECIDED_WITHIN, "the end of the session at its gateway", async {
        while ended.me().await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    // Its socket is still there, and has nothing more to say.
    let message = format!(r#"{{"type":"send","room":"{room}","key":"late","text":"too late"}}"#);
    revoked.socket.send(&frame(0x81, message.as_bytes())).await;

    let heartbeat = Duration::from_secs(2) * 3;
    let (after_revocation, after_silence, after_overflow) = tokio::join!(
        revoked.place_is_free(&again, DECIDED_WITHIN + CLOSE_PATIENCE),
        silent.place_is_free(&silent.user.token, heartbeat + DECIDED_WITHIN + CLOSE_PATIENCE),
        slow.place_is_free(&slow.user.token, DECIDED_WITHIN + CLOSE_PATIENCE),
    );
    println!("free after {after_revocation:?}, {after_silence:?} and {after_overflow:?}");
    let last = api.messages(room, None, None, Some(1)).await.unwrap().items.remove(0);
    assert_eq!(last.message.text, text, "a session that had ended spoke");
    // The system keeps nothing for them either: what still comes is what had reached their own.
    for (deaf, name) in [(revoked, "revoked"), (silent, "silent"), (slow, "slow")] {
        let read = deaf.read_out().await;
        assert!(read < total / 4, "{read} of {total} bytes were kept for the {name} one");
    }
}

#[tokio::test]
async fn who_shows_no_credential_and_reads_nothing_is_gone_in_time() {
    const AUTH_PATIENCE: Duration = Duration::from_secs(5);
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.max_connections = 1).await;
    let address: SocketAddr = gateway.address();
    let started = Instant::now();
    let socket = RawSocket::open(address, "/v1/ws", None, RECEIVE_BUFFER_BYTES).await;
    // The one place of the gateway is free again, though the client has hung up neither before nor after the close.
    let api = gateway.api();
    within(AUTH_PATIENCE + CLOSE_PATIENCE + DECIDED_WITHIN, "the place of the connection", async {
        // While the place is taken, the reserve for health checks answers 503.
        let document = || api.request(reqwest::Method::GET, "/v1/openapi.json").send();
        while !document().await.is_ok_and(|answer| answer.status().is_success()) {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    assert!(started.elapsed() >= AUTH_PATIENCE, "the place was taken");
    drop(socket);
}
