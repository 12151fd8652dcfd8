//! What a client should not send: each gets the contract's answer, and everything else goes on.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::time::Duration;

use madang_client::{Client, ConnectOptions, Credential, Error, NewRoom, Socket, SocketError, close_code};
use madang_domain::{Code, RoomId, Seq};
use madang_e2e::{
    PATIENCE, Person, Stage, Talk, ack, error_frame, foreign_token, public_room, send_frame, still_running,
    unsigned_token, within,
};
use madang_test_kit::{ClusterOptions, Program};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// The stage has the default limits. Its one other setting is the page that may open sockets.
const ORIGIN: &str = "https://chat.example.com";

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    let options = ClusterOptions::default().with_setting(Program::Gateway, "MADANG_ALLOWED_ORIGINS", ORIGIN);
    STAGE.get_or_init(|| Stage::start(options)).await
}

/// Two others who chat while somebody misbehaves, and must not notice.
struct Bystanders {
    stage: &'static Stage,
    pids: std::collections::HashMap<String, u32>,
    room: RoomId,
    listener: madang_e2e::Listener,
    _speaker: madang_e2e::Listener,
    talk: Talk,
}

impl Bystanders {
    async fn start() -> Self {
        let stage = stage().await;
        let (ann, bob) = tokio::join!(
            Person::register(stage.gateway(0), "ann"),
            Person::register(stage.gateway(1), "bob")
        );
        let room = public_room(&ann, "Quiet", &[&bob]).await.id;
        let speaker = ann.listen(vec![stage.gateway(0)], room).await;
        let listener = bob.listen(vec![stage.gateway(1)], room).await;
        let mut talk = Talk::start(&speaker.session, room, "ann");
        talk.more(2).await;
        Self { pids: stage.pids(), stage, room, listener, _speaker: speaker, talk }
    }

    /// The chat went on, whole, on the same sockets and the same processes.
    async fn noticed_nothing(mut self) {
        self.talk.more(2).await;
        let sent = self.talk.stop().await;
        let last = sent.last().map_or(Seq::START, |message| message.seq);
        self.listener.until_seq(PATIENCE, last).await;
        self.listener.assert_whole(Seq::START, last);
        assert_eq!(self.listener.heard().connections, 1, "the listener in {} was cut off", self.room);
        still_running(self.stage.cluster.handles(), &self.pids);
    }
}

/// The socket still answers.
async fn lives(socket: &mut Socket) {
    let pong = socket.call(madang_contract::ClientFrame::Ping {}, PATIENCE).await;
    assert!(pong.is_ok(), "the socket is dead: {pong:?}");
}

/// The next frame is an error without the id of a request.
async fn next_error(socket: &mut Socket) -> madang_contract::ErrorFrame<'static> {
    error_frame(socket.next_frame(PATIENCE).await.expect("an error frame"))
}

#[tokio::test]
async fn malformed_frames_are_answered_and_the_socket_lives() {
    let bystanders = Bystanders::start().await;
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let room = public_room(&mina, "Room", &[]).await.id;
    let mut socket = mina.socket(&stage.gateway(0)).await;

    let deep = format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    for malformed in
        ["{", "", "null", "[]", "\"ping\"", "{\"type\":", "\u{0}", "{\"type\":\"ping\"} x", &deep]
    {
        socket.send_text(malformed).await.unwrap();
        let error = next_error(&mut socket).await;
        assert_eq!((error.code, error.re), (Code::InvalidArgument, None), "{malformed:.40}");
        lives(&mut socket).await;
    }
    for (frame, what) in [
        (json!({"type": "sing", "id": "7"}), "an unknown type"),
        (json!({"type": "ping", "id": "7", "volume": 11}), "an unknown field"),
        (json!({"id": "7"}), "no type"),
        (json!({"type": "send", "id": "7", "room": room, "key": "k", "text": ""}), "an empty message"),
        (json!({"type": "send", "id": "7", "room": room, "key": "k", "text": " \n\t"}), "a blank message"),
        (
            json!({"type": "send", "id": "7", "room": room, "key": "k", "text": "x".repeat(4_001)}),
            "a long one",
        ),
        (json!({"type": "send", "id": "7", "room": room, "key": "k", "text": "a\u{0}b"}), "a NUL"),
        (json!({"type": "send", "id": "7", "room": room, "key": "", "text": "x"}), "an empty key"),
        (json!({"type": "send", "id": "7", "room": room, "key": "k".repeat(65), "text": "x"}), "a long key"),
        (json!({"type": "send", "id": "7", "room": room, "text": "x"}), "no key"),
        (json!({"type": "send", "id": "7", "room": "No Such", "key": "k", "text": "x"}), "not a room's name"),
        (json!({"type": "read", "id": "7", "room": room, "seq": -1}), "a negative place"),
        (json!({"type": "read", "id": "7", "room": room, "seq": 1e300}), "an endless place"),
        (json!({"type": "history", "id": "7", "room": room, "limit": 201}), "a page too large"),
        (json!({"type": "history", "id": "7", "room": room, "before": 1, "after": 1}), "two ends"),
        (json!({"type": "subscribe", "id": "7"}), "no rooms"),
    ] {
        socket.send_text(frame.to_string()).await.unwrap();
        let error = next_error(&mut socket).await;
        assert_eq!(error.code, Code::InvalidArgument, "{what}: {error:?}");
        assert_eq!(error.re.as_ref().map(madang_contract::RequestId::as_str), Some("7"), "{what}");
    }
    // What is no JSON is answered under its id, where that can be found.
    for broken in [
        r#"{"type":"send","id":"7","key":"k","text":"cut \ud83d"}"#,
        r#"{"text":"cut \ud83d","type":"send","id":"7"}"#,
        r#"{"type":"send","id":"7","text":"#,
    ] {
        socket.send_text(broken).await.unwrap();
        let error = next_error(&mut socket).await;
        assert_eq!(error.code, Code::InvalidArgument, "{broken}");
        assert_eq!(error.re.as_ref().map(madang_contract::RequestId::as_str), Some("7"), "{broken}");
    }
    // A text of 4,000 characters is not too long, in any script.
    let longest = "가".repeat(4_000);
    let sent = ack(socket.call(send_frame(room, "long", &longest), PATIENCE).await.unwrap());
    assert!(sent.seq > Seq::START);
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn what_is_no_frame_closes_the_socket() {
    let bystanders = Bystanders::start().await;
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    for base in [stage.gateway(0), stage.ingress()] {
        let mut socket = mina.socket(&base).await;
        socket.send_text("x".repeat(65 * 1024)).await.unwrap();
        let close = socket.closed(PATIENCE).await.unwrap();
        assert_eq!(close.code, close_code::TOO_LARGE, "a frame of 65 KiB: {close}");

        let mut socket = mina.socket(&base).await;
        socket.send_text_bytes(b"{\"type\":\"ping\",\"id\":\"\xff\xfe\"}".to_vec()).await.unwrap();
        let close = socket.closed(PATIENCE).await.unwrap();
        assert_eq!(close.code, close_code::INVALID_DATA, "a text that is not UTF-8: {close}");

        let mut socket = mina.socket(&base).await;
        socket.send_binary(b"{\"type\":\"ping\"}".to_vec()).await.unwrap();
        let close = socket.closed(PATIENCE).await.unwrap();
        assert_eq!(close.code, close_code::UNSUPPORTED, "a binary frame on the JSON subprotocol: {close}");
    }
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn a_frame_at_the_limit_is_read() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let mut socket = mina.socket(&stage.gateway(0)).await;
    let frame = format!(r#"{{"type":"ping","id":"7"{}}}"#, " ".repeat(64 * 1024 - 24));
    assert_eq!(frame.len(), 64 * 1024);
    socket.send_text(frame).await.unwrap();
    let id = madang_contract::RequestId::new("7");
    socket.answer(&id, PATIENCE).await.expect("the answer to a frame of 64 KiB");
}

#[tokio::test]
async fn rooms_that_are_not_there_or_not_ones_own() {
    let bystanders = Bystanders::start().await;
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.ingress(), "mina"), Person::register(stage.ingress(), "joon"));
    let private = joon.api.create_room(&NewRoom::private("Joon's", Vec::new())).await.unwrap().id;
    let public = public_room(&joon, "Open", &[]).await.id;
    let nowhere: RoomId = "01941f29-7c00-7000-8000-0000000000ab".parse().unwrap();
    let mut socket = mina.socket(&stage.gateway(0)).await;

    for (room, code) in
        [(nowhere, Code::NotFound), (private, Code::PermissionDenied), (public, Code::PermissionDenied)]
    {
        for frame in [
            json!({"type": "send", "room": room, "key": "k", "text": "x"}),
            json!({"type": "subscribe", "rooms": [{"room": room}]}),
            json!({"type": "history", "room": room}),
            json!({"type": "read", "room": room, "seq": 1}),
        ] {
            let kind = frame["type"].to_string();
            let frame = serde_json::from_value(frame).unwrap();
            let answer = socket.call(frame, PATIENCE).await.unwrap();
            assert_eq!(error_frame(answer).code, code, "{kind} in {room}");
        }
        let problem = mina.api.send_message(room, "x", None).await.unwrap_err();
        assert_eq!(problem.code(), Some(code), "POST in {room}: {problem}");
        let problem = mina.api.messages(room, None, None, None).await.unwrap_err();
        assert_eq!(problem.code(), Some(code), "GET in {room}: {problem}");
    }
    // One bad room of several does not spoil the others.
    let mine = public_room(&mina, "Mine", &[]).await.id;
    let subscribe = serde_json::from_value(
        json!({"type": "subscribe", "rooms": [{"room": mine}, {"room": private}, {"room": "no-such-slug"}]}),
    );
    let answer = socket.call(subscribe.unwrap(), PATIENCE).await.unwrap();
    let madang_client::Incoming::Frame(madang_contract::ServerFrame::Subscribed(answer)) = answer else {
        panic!("{answer:?}")
    };
    use madang_contract::SubscribedRoom::{Failed, Open};
    let [Open { room, .. }, Failed { error: denied, .. }, Failed { error: missing, .. }] = &answer.rooms[..]
    else {
        panic!("{answer:?}")
    };
    assert_eq!((*room, denied.code, missing.code), (mine, Code::PermissionDenied, Code::NotFound));
    // And nothing of it was written.
    assert!(stage.log_of(nowhere).await.is_empty());
    assert!(stage.log_of(private).await.iter().all(|row| !row.is_message()));
    bystanders.noticed_nothing().await;
}

/// A gateway listens in Redis to what somebody may read, and to nothing for whom it refused.
#[tokio::test]
async fn a_refused_subscription_leaves_no_registration_in_redis() {
    /// As many as one frame may name.
    const ROOMS: u128 = 100;
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.ingress(), "mina"), Person::register(stage.ingress(), "joon"));
    let private = joon.api.create_room(&NewRoom::private("Joon's", Vec::new())).await.unwrap().id;
    let mine = public_room(&mina, "Mine", &[]).await.id;
    let first: RoomId = "01941f29-7c00-7000-8000-00000000b000".parse().unwrap();
    let nowhere: Vec<_> =
        (1..ROOMS).map(|n| RoomId::new(uuid::Uuid::from_u128(first.uuid().as_u128() + n))).collect();
    let refused: Vec<_> = nowhere.into_iter().chain([private]).collect();
    let mut socket = mina.socket(&stage.gateway(0)).await;
    let mut registrations = stage.watch_registrations().await;
    for room in [refused[0], private] {
        for frame in [
            json!({"type": "typing", "room": room, "on": true}),
            json!({"type": "presence", "room": room}),
            json!({"type": "history", "room": room}),
        ] {
            let frame = serde_json::from_value(frame).unwrap();
            let _refused = error_frame(socket.call(frame, PATIENCE).await.unwrap());
        }
    }
    // The one that is granted comes last: what is registered is registered in order.
    for rooms in [&refused[..], &[mine]] {
        let rooms: Vec<_> = rooms.iter().map(|room| json!({"room": room})).collect();
        let subscribe = serde_json::from_value(json!({"type": "subscribe", "rooms": rooms})).unwrap();
        let answer = socket.call(subscribe, PATIENCE).await.unwrap();
        let madang_client::Incoming::Frame(madang_contract::ServerFrame::Subscribed(answer)) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(answer.rooms.len(), rooms.len());
    }
    let registered = registrations.up_to(mine).await;
    let wrongly: Vec<_> = refused.iter().filter(|room| registered.contains(room)).collect();
    assert!(wrongly.is_empty(), "{} of {} refused rooms were registered", wrongly.len(), refused.len());
}

#[tokio::test]
async fn tokens_that_are_none_close_with_4401() {
    let bystanders = Bystanders::start().await;
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let token = &mina.grant.access_token;
    let (signed, _) = token.rsplit_once('.').unwrap();
    let refresh_token = mina.grant.refresh_token.clone();
    for (bad, what) in [
        (unsigned_token(token), "alg: none"),
        (foreign_token(token), "a key of somebody else's"),
        (format!("{signed}.AAAA"), "a broken signature"),
        (format!("{signed}."), "no signature"),
        ("nonsense".to_owned(), "no token at all"),
        (refresh_token, "a refresh token"),
    ] {
        for credential in [
            Credential::Bearer(bad.clone()),
            Credential::Subprotocol(bad.clone()),
            Credential::FirstFrame(bad.clone()),
        ] {
            let error =
                Socket::open(&stage.ingress(), &credential, &ConnectOptions::default()).await.unwrap_err();
            let code = error.close().map(|close| close.code);
            assert_eq!(code, Some(close_code::UNAUTHENTICATED), "{what} as {credential:?}: {error}");
        }
        let problem = mina.api.with_token(&bad).me().await.unwrap_err();
        assert_eq!(problem.code(), Some(Code::Unauthenticated), "{what}: {problem}");
    }
    let ticket = Credential::Ticket("AAAAAAAAAAAAAAAAAAAAAA".to_owned());
    let error = Socket::open(&stage.ingress(), &ticket, &ConnectOptions::default()).await.unwrap_err();
    assert_eq!(
        error.close().map(|close| close.code),
        Some(close_code::UNAUTHENTICATED),
        "an invented ticket"
    );
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn who_shows_no_credential_is_closed_with_4408() {
    let stage = stage().await;
    let started = std::time::Instant::now();
    let mut socket =
        Socket::connect(&stage.gateway(0), &Credential::None, &ConnectOptions::default()).await.unwrap();
    let close = socket.closed(PATIENCE).await.unwrap();
    assert_eq!(close.code, close_code::TIMEOUT, "{close}");
    let waited = started.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(8)).contains(&waited), "closed after {waited:?}");
}

#[tokio::test]
async fn a_first_frame_that_is_no_credential_closes_with_4401() {
    let stage = stage().await;
    for first in [r#"{"type":"ping"}"#, r#"{"type":"subscribe","all":true}"#, "{"] {
        let mut socket =
            Socket::connect(&stage.gateway(0), &Credential::None, &ConnectOptions::default()).await.unwrap();
        socket.send_text(first).await.unwrap();
        let close = socket.closed(PATIENCE).await.unwrap();
        assert_eq!(close.code, close_code::UNAUTHENTICATED, "{first}: {close}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_before_the_handshake() {
    let bystanders = Bystanders::start().await;
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    for base in [stage.gateway(0), stage.ingress()] {
        for origin in [
            "https://evil.example",
            "https://chat.example.com.evil.example",
            "http://chat.example.com",
            "null",
        ] {
            let options = ConnectOptions { origin: Some(origin.to_owned()), ..ConnectOptions::default() };
            let error = Socket::open(&base, &mina.bearer(), &options).await.unwrap_err();
            assert!(matches!(error, SocketError::Refused { status: 403, .. }), "{origin}: {error}");
        }
        let options = ConnectOptions { origin: Some(ORIGIN.to_owned()), ..ConnectOptions::default() };
        Socket::open(&base, &mina.bearer(), &options).await.expect("the page that is allowed");
    }
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn accounts_that_cannot_be() {
    let bystanders = Bystanders::start().await;
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let guest = Client::new(&stage.ingress()).unwrap();

    let taken = guest.register(&mina.username, mina.password(), None).await.unwrap_err();
    let problem = taken.problem().expect("a problem");
    assert_eq!((problem.code, problem.status), (Code::AlreadyExists, 409));
    // A name that differs in case alone is the same.
    let taken = guest.register(&mina.username.to_uppercase(), mina.password(), None).await.unwrap_err();
    assert_eq!(taken.code(), Some(Code::AlreadyExists));

    for (username, password) in [("a", "long enough 1"), ("a b", "long enough 1"), ("fine-name", "short")] {
        let refused = guest.register(username, password, None).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::InvalidArgument), "{username} {password}: {refused}");
    }
    for (username, password) in
        [(mina.username.as_str(), "not her password"), ("nobody-of-that-name", "whatever 123")]
    {
        let refused = guest.login(username, password).await.unwrap_err();
        let problem = refused.problem().expect("a problem");
        assert_eq!((problem.code, problem.status), (Code::Unauthenticated, 401), "{username}");
    }
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn too_many_sends_are_told_when_to_come_back() {
    const BURST: usize = 40;
    const A_SECOND: f64 = 20.0;
    // A socket's messages are sent one after the other. Those of one alone come too slowly on a busy machine.
    const SOCKETS: usize = 8;
    let bystanders = Bystanders::start().await;
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    // A room costs as much as some messages: the other gateway is paid for it, and here the whole burst is left.
    let room = mina.at(&stage.gateway(1)).create_room(&NewRoom::public("Room")).await.unwrap().id;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(mina.socket(&stage.gateway(0)).await);
    }
    let mut ids = Vec::new();
    let started = std::time::Instant::now();
    for number in 0..BURST * 4 {
        let socket = &mut sockets[number % SOCKETS];
        ids.push(socket.send_frame(send_frame(room, &format!("k{number}"), "x")).await.unwrap());
    }
    let (mut sent, mut refused) = (0, None);
    for (number, id) in ids.into_iter().enumerate() {
        match sockets[number % SOCKETS].answer(&id, PATIENCE).await.unwrap() {
            madang_client::Incoming::Frame(madang_contract::ServerFrame::Ack(_)) => sent += 1,
            other => {
                let error = error_frame(other);
                assert_eq!(error.code, Code::RateLimited, "{error:?}");
                refused = error.retry_after_ms;
            }
        }
    }
    let allowed = BURST + (started.elapsed().as_secs_f64() * A_SECOND) as usize + 1;
    assert!((BURST..=allowed).contains(&sent), "{sent} passed, and {BURST} to {allowed} may");
    let retry_after = Duration::from_millis(refused.expect("a refusal with retry_after_ms"));
    assert!(retry_after > Duration::ZERO && retry_after < Duration::from_secs(5), "{retry_after:?}");
    // REST shares the budget, and says it in its own words: spend what is left, until a refusal.
    let api = mina.at(&stage.gateway(0));
    let flood = (0..BURST * 2).map(|_| api.send_message(room, "y", None));
    let outcomes = futures_util::future::join_all(flood).await;
    let refusal = outcomes.into_iter().find_map(Result::err).expect("a refusal of REST");
    let problem = refusal.problem().expect("a problem");
    assert_eq!((problem.code, problem.status), (Code::RateLimited, 429));
    let retry_after = problem.retry_after().expect("retry_after_ms");
    // Once it has passed, one may speak again. (This wait is the server's own word.)
    tokio::time::sleep(retry_after).await;
    within(PATIENCE, "a send after the pause", async {
        while api.send_message(room, "again", None).await.is_err() {
            tokio::time::sleep(retry_after).await;
        }
    })
    .await;
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn requests_that_are_none_are_problems() {
    let bystanders = Bystanders::start().await;
    let stage = stage().await;
    let mina = Person::register(stage.gateway(0), "mina").await;
    let api = &mina.api;
    let room = public_room(&mina, "Room", &[]).await.id;
    let messages = format!("/v1/rooms/{room}/messages");
    let post = |path: &str, body: String| {
        api.request(Method::POST, path).header(header::CONTENT_TYPE, "application/json").body(body)
    };
    let big = json!({"text": "x".repeat(200 * 1024)}).to_string();
    for (request, status, code, what) in [
        (api.request(Method::GET, "/v1/no/such/path"), 404, Code::NotFound, "an unknown path"),
        (api.request(Method::GET, "/favicon.ico"), 404, Code::NotFound, "a path outside the API"),
        (api.request(Method::PATCH, "/v1/auth/login"), 405, Code::InvalidArgument, "an unknown method"),
        (post(&messages, big), 413, Code::TooLarge, "an oversized body"),
        (post(&messages, "{".to_owned()), 400, Code::InvalidArgument, "malformed JSON"),
        (
            post(&messages, r#"{"text":"x","volume":11}"#.to_owned()),
            400,
            Code::InvalidArgument,
            "an unknown field",
        ),
        (post(&messages, r#"{"text":""}"#.to_owned()), 400, Code::InvalidArgument, "an empty message"),
        (post(&messages, "[]".to_owned()), 400, Code::InvalidArgument, "not an object"),
        (
            api.request(Method::POST, &messages).body("text=x"),
            415,
            Code::InvalidArgument,
            "a body that is no JSON",
        ),
        (api.request(Method::GET, "/v1/rooms?limit=0"), 400, Code::InvalidArgument, "a page of nothing"),
        (api.request(Method::GET, "/v1/rooms?limit=x"), 400, Code::InvalidArgument, "not a limit"),
        (api.request(Method::GET, "/v1/rooms?cursor=forged"), 400, Code::InvalidArgument, "a forged cursor"),
        (api.request(Method::GET, "/v1/users/not-an-id"), 400, Code::InvalidArgument, "not an id"),
        (
            api.request(Method::GET, "/v1/users/01941f29-7c00-7000-8000-0000000000ab"),
            404,
            Code::NotFound,
            "nobody's id",
        ),
    ] {
        let error = api.call::<Value>(request).await.unwrap_err();
        let Error::Problem(problem) = &error else { panic!("{what}: {error}") };
        assert_eq!((problem.status, problem.code), (status, code), "{what}: {problem}");
        assert!(!problem.detail.is_empty() && !problem.title.is_empty(), "{what}");
    }
    let without_token = Client::new(&stage.gateway(0)).unwrap().me().await.unwrap_err();
    assert_eq!(
        without_token.problem().map(|problem| problem.status),
        Some(StatusCode::UNAUTHORIZED.as_u16())
    );
    bystanders.noticed_nothing().await;
}
