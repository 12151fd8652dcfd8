//! Who one is: each way to say it, and each way to lose it.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::{path::PathBuf, time::Duration};

use madang_client::{
    Client, Close, ConnectOptions, Credential, Incoming, SessionOptions, Socket, close_code,
};
use madang_contract::{ClientFrame, ServerFrame};
use madang_domain::{Code, RoomId, Seq};
use madang_e2e::{
    CUT_OFF, LIVE, Listener, PATIENCE, Person, Stage, Standalone, error_frame, eventually, fast_sends,
    logs_contain, public_room, within,
};
use madang_test_kit::{Program, data_directory};
use tokio::{sync::OnceCell, time::Instant};

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE.get_or_init(|| Stage::start(fast_sends())).await
}

async fn open(base: &str, credential: Credential) -> Result<Socket, madang_client::SocketError> {
    Socket::open(base, &credential, &ConnectOptions::default()).await.map(|(socket, _)| socket)
}

/// How a socket that should not be let in is closed.
async fn refused(base: &str, credential: Credential) -> Close {
    let error = open(base, credential).await.expect_err("a credential that is refused");
    error.close().cloned().unwrap_or_else(|| panic!("not closed: {error}"))
}

#[tokio::test]
async fn each_way_of_saying_who_one_is() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let token = || mina.grant.access_token.clone();
    for base in [stage.gateway(0), stage.ingress()] {
        for credential in [
            Credential::Bearer(token()),
            Credential::Subprotocol(token()),
            Credential::FirstFrame(token()),
            Credential::Ticket(mina.api.ws_ticket().await.unwrap().ticket),
        ] {
            let opened = Socket::open(&base, &credential, &ConnectOptions::default()).await;
            let (socket, hello) = opened.unwrap_or_else(|error| panic!("{credential:?}: {error}"));
            assert_eq!(hello.user.id, mina.id, "{credential:?}");
            assert!(hello.heartbeat_ms > 0 && hello.limits.frame_bytes == 64 * 1024, "{hello:?}");
            socket.close().await;
        }
    }
}

#[tokio::test]
async fn a_ticket_is_good_once_and_for_one() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let ticket = mina.api.ws_ticket().await.unwrap();
    assert_eq!(ticket.expires_in, 30);
    open(&stage.gateway(0), Credential::Ticket(ticket.ticket.clone())).await.expect("the first use");
    for index in 0..2 {
        let close = refused(&stage.gateway(index), Credential::Ticket(ticket.ticket.clone())).await;
        assert_eq!(close.code, close_code::UNAUTHENTICATED);
    }
    // Of two who try at the same time, one wins.
    for _ in 0..5 {
        let ticket = mina.api.ws_ticket().await.unwrap().ticket;
        let [first, second] = [0, 1].map(|index| stage.gateway(index));
        let (one, other) = tokio::join!(
            open(&first, Credential::Ticket(ticket.clone())),
            open(&second, Credential::Ticket(ticket))
        );
        assert!(one.is_ok() != other.is_ok(), "{one:?} and {other:?}");
    }
}

#[tokio::test]
async fn a_token_in_the_address_counts_for_nothing_unless_it_is_allowed() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let token = Credential::Query(mina.grant.access_token.clone());
    // It is as if there were none: the first frame is waited for.
    let mut socket =
        Socket::connect(&stage.gateway(0), &token, &ConnectOptions::default()).await.expect("a handshake");
    assert_eq!(socket.closed(PATIENCE).await.unwrap().code, close_code::TIMEOUT);
}

/// A cluster of one each that logs all that it can, with tokens in addresses allowed.
async fn talkative() -> Stage {
    let programs = [Program::Auth, Program::MessageStore, Program::Gateway];
    let options = madang_test_kit::ClusterOptions { gateways: 1, auth: 1, message_store: 1, ..fast_sends() };
    let options = programs
        .into_iter()
        .fold(options, |options, program| options.with_setting(program, "MADANG_LOG", "debug"));
    Stage::start(options.with_setting(Program::Gateway, "MADANG_ALLOW_QUERY_TOKEN", "true")).await
}

#[tokio::test]
async fn no_log_holds_a_token_a_ticket_a_password_or_a_text_even_at_debug() {
    const TEXT: &str = "a text for members only: gochujang";
    let stage = talkative().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let room = public_room(&mina, "Room", &[]).await.id;
    let ticket = mina.api.ws_ticket().await.unwrap().ticket;
    let token = mina.grant.access_token.clone();
    let good = [
        Credential::Bearer(token.clone()),
        Credential::Subprotocol(token.clone()),
        Credential::FirstFrame(token.clone()),
        Credential::Ticket(ticket.clone()),
        Credential::Query(token.clone()),
    ];
    // In vain, too: what is refused is the likelier to be logged.
    let forged = format!("{token}x");
    let bad = [
        Credential::Ticket(ticket.clone()),
        Credential::Bearer(forged.clone()),
        Credential::Subprotocol(forged.clone()),
        Credential::Query(forged.clone()),
    ];
    let sockets = good.len() + bad.len();
    for credential in good {
        open(&stage.ingress(), credential).await.expect("a socket").close().await;
    }
    for credential in bad {
        refused(&stage.ingress(), credential).await;
    }
    mina.api.send_message(room, TEXT, None).await.unwrap();
    let renewed = mina.api.refresh(&mina.grant.refresh_token).await.unwrap();
    let wrong_password = "not the right password at all";
    drop(mina.api.login(&mina.username, wrong_password).await);

    // The ingress writes the line of a socket last of all, after its end.
    stage.until_logged("/v1/ws", sockets).await;
    stage.until_logged("/v1/auth/login", 1).await;
    let logs: Vec<PathBuf> = stage.cluster.processes().into_iter().map(|entry| entry.log).collect();
    for service in stage.cluster.services() {
        let log = std::fs::read_to_string(service.process().log()).unwrap();
        assert!(log.contains("DEBUG"), "{} logs no more than usual", service.name());
    }
    for (secret, what) in [
        (token.as_str(), "an access token"),
        (&forged, "a forged token"),
        (token.rsplit('.').next().unwrap(), "a token's signature"),
        (&mina.grant.refresh_token, "a refresh token"),
        (&renewed.access_token, "a renewed token"),
        (&ticket, "a ticket"),
        (mina.password(), "a password"),
        (wrong_password, "a wrong password"),
        (TEXT, "a message's text"),
    ] {
        let holding = logs_contain(logs.iter().map(PathBuf::as_path), secret);
        assert_eq!(holding, Vec::<String>::new(), "{what} is in a log");
    }
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_stolen_one_ends_the_session_but_a_lost_answer_does_not() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let guest = Client::new(&stage.ingress()).unwrap();
    let second = guest.refresh(&mina.grant.refresh_token).await.unwrap();
    assert_ne!(second.refresh_token, mina.grant.refresh_token);
    guest.with_token(&second.access_token).me().await.expect("the new token is good");
    // The answer was lost, or another tab asks at once: the same device gets the same token, from either replica.
    for _ in 0..4 {
        let again = guest.refresh(&mina.grant.refresh_token).await.expect("an exchange that is repeated");
        assert_eq!(again.refresh_token, second.refresh_token);
        guest.with_token(&again.access_token).me().await.expect("the new token is good");
    }
    // With the successor's token something was done: it has arrived, and who shows the first one now has a copy. Both lose.
    guest.with_token(&second.access_token).ws_ticket().await.unwrap();
    let again = guest.refresh(&mina.grant.refresh_token).await.unwrap_err();
    assert_eq!(again.code(), Some(Code::Unauthenticated));
    let robbed = guest.refresh(&second.refresh_token).await.unwrap_err();
    assert_eq!(robbed.code(), Some(Code::Unauthenticated), "the whole family is revoked");
}

/// A listener on each gateway, with the session of a person.
async fn listeners(stage: &Stage, person: &Person, room: RoomId) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for index in 0..2 {
        listeners.push(person.listen(vec![stage.gateway(index)], room).await);
    }
    listeners
}

/// Both listeners are closed with 4401 within the bound.
async fn all_end(listeners: &[Listener], since: Instant) {
    for listener in listeners {
        listener
            .until(PATIENCE, "the end of a revoked session", |heard| {
                heard.faults.iter().any(|fault| fault.to_string().contains("4401"))
            })
            .await;
    }
    let elapsed = since.elapsed();
    assert!(elapsed <= CUT_OFF, "the last socket was closed after {elapsed:?}");
}

#[tokio::test]
async fn a_revoked_session_ends_on_every_gateway_within_a_second() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let room = public_room(&mina, "Room", &[]).await.id;
    let guest = Client::new(&stage.ingress()).unwrap();
    let phone = guest.login(&mina.username, mina.password()).await.unwrap();
    let phone = Person {
        api: guest.with_token(&phone.access_token),
        grant: phone,
        id: mina.id,
        username: mina.username.clone(),
    };
    let on_phone = listeners(stage, &phone, room).await;
    let at_desk = listeners(stage, &mina, room).await;
    let sessions = mina.api.sessions().await.unwrap().items;
    let lost = sessions.iter().find(|session| !session.current).expect("the phone's session");

    let revoked = Instant::now();
    mina.api.revoke_session(lost.id).await.unwrap();
    all_end(&on_phone, revoked).await;
    // The other device hears on; the lost one may do nothing, though its token has not expired.
    let sent = mina.api.send_message(room, "still here", None).await.unwrap();
    for listener in &at_desk {
        listener.until_seq(LIVE, sent.seq).await;
        listener.assert_whole(Seq::START, sent.seq);
    }
    for index in 0..2 {
        let close = refused(&stage.gateway(index), phone.bearer()).await;
        assert_eq!(close.code, close_code::UNAUTHENTICATED);
        let problem = phone.at(&stage.gateway(index)).me().await.unwrap_err();
        assert_eq!(problem.code(), Some(Code::Unauthenticated), "{problem}");
    }
    assert_eq!(
        guest.refresh(&phone.grant.refresh_token).await.unwrap_err().code(),
        Some(Code::Unauthenticated)
    );

    // A logout does the same.
    let left = Instant::now();
    mina.api.logout(&mina.grant.refresh_token).await.unwrap();
    all_end(&at_desk, left).await;
}

#[tokio::test]
async fn a_session_too_many_ends_the_oldest_and_its_sockets() {
    let data = data_directory("all-in-one").expect("a directory");
    let directory = data.path().display().to_string();
    let settings = [("MADANG_DATA_DIR", directory.as_str()), ("MADANG_AUTH_SESSIONS_PER_USER", "2")];
    let madang = Standalone::start(Program::AllInOne, &settings).await;
    let base = madang.service.base_url();
    let mina = Person::register(base.as_str(), "mina").await;
    let mut oldest = mina.socket(&base).await;
    let guest = Client::new(&base).unwrap();
    let second = guest.login(&mina.username, mina.password()).await.unwrap();
    oldest.call(ClientFrame::Ping {}, PATIENCE).await.expect("two are allowed");
    let since = Instant::now();
    let third = guest.login(&mina.username, mina.password()).await.unwrap();
    let close = oldest.closed(PATIENCE).await.expect("a close");
    assert_eq!(close.code, close_code::UNAUTHENTICATED);
    assert!(since.elapsed() <= CUT_OFF, "the socket was closed after {:?}", since.elapsed());
    assert_eq!(mina.api.me().await.unwrap_err().code(), Some(Code::Unauthenticated));
    for grant in [second, third] {
        guest.with_token(&grant.access_token).me().await.expect("the newest two are good");
    }
}

#[tokio::test]
async fn who_is_removed_hears_nothing_more_within_a_second() {
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Room", &[&joon]).await.id;
    let mut removed = joon.socket_in(&stage.gateway(1), room).await;
    let stays = mina.listen(vec![stage.gateway(1)], room).await;
    mina.api.remove_member(room, joon.id).await.unwrap();
    let secret = mina.api.send_message(room, "now that he is gone", None).await.unwrap();
    stays.until_seq(LIVE, secret.seq).await;
    // All that the socket gets until it is asked something after that.
    let pong = removed.call(ClientFrame::Ping {}, PATIENCE).await.unwrap();
    assert!(matches!(pong, Incoming::Frame(ServerFrame::Pong(_))));
    while let Ok(frame) = removed.next_frame(CUT_OFF).await {
        if let Incoming::Event(event) = frame {
            assert!(event.message().is_none(), "who was removed hears on: {event:?}");
        }
    }
    // He may not speak either, nor read, on any gateway.
    for index in 0..2 {
        let problem = joon.at(&stage.gateway(index)).send_message(room, "hello?", None).await.unwrap_err();
        assert_eq!(problem.code(), Some(Code::PermissionDenied));
    }
}

#[tokio::test]
async fn a_socket_outlives_its_token_only_by_a_new_one() {
    // The shortest that a test can tell from its own slowness.
    const TOKEN_SECONDS: u64 = 3;
    /// The clocks of two machines may differ by this much.
    const LEEWAY: Duration = Duration::from_secs(6);
    let options = fast_sends().with_setting(
        Program::Auth,
        "MADANG_AUTH_ACCESS_TOKEN_SECONDS",
        TOKEN_SECONDS.to_string(),
    );
    let stage = Stage::start(madang_test_kit::ClusterOptions { auth: 1, message_store: 1, ..options }).await;
    let mina = Person::register(stage.ingress(), "mina").await;
    assert_eq!(mina.grant.expires_in, TOKEN_SECONDS);
    let room = public_room(&mina, "Room", &[]).await.id;
    let mut idle = mina.socket(&stage.gateway(0)).await;
    let mut renewing = mina.socket(&stage.gateway(1)).await;

    // A token of somebody else's renews nothing, and does no harm.
    let joon = Person::register(stage.ingress(), "joon").await;
    let foreign = ClientFrame::auth(&joon.grant.access_token);
    let refusal = error_frame(renewing.call(foreign, PATIENCE).await.unwrap());
    assert_eq!(refusal.code, Code::PermissionDenied);
    let broken = ClientFrame::auth("nonsense");
    assert_eq!(error_frame(renewing.call(broken, PATIENCE).await.unwrap()).code, Code::Unauthenticated);

    let mut grant = mina.grant.clone();
    let expired = Instant::now() + Duration::from_secs(TOKEN_SECONDS) + LEEWAY;
    let renew_until = expired + Duration::from_secs(2);
    let guest = Client::new(&stage.ingress()).unwrap();
    let renewals = async {
        while Instant::now() < renew_until {
            grant = guest.refresh(&grant.refresh_token).await.expect("a refresh");
            let renewal = ClientFrame::auth(&grant.access_token);
            let answer = renewing.call(renewal, PATIENCE).await.expect("an answer");
            assert!(matches!(answer, Incoming::Ok(_)), "{answer:?}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let expiry = async {
        let close =
            idle.closed(Duration::from_secs(TOKEN_SECONDS) + LEEWAY).await.expect("a close at expiry");
        assert_eq!(close.code, close_code::UNAUTHENTICATED, "{close}");
    };
    within(PATIENCE * 2, "renewals and an expiry", async { tokio::join!(renewals, expiry) }).await;
    // Long after the first token's end, the renewed socket works; the expired token does not.
    let fresh = guest.with_token(&grant.access_token);
    fresh.send_message(room, "still here", None).await.expect("the renewed token");
    assert!(renewing.call(ClientFrame::Ping {}, PATIENCE).await.is_ok());
    let close = refused(&stage.gateway(0), mina.bearer()).await;
    assert_eq!(close.code, close_code::UNAUTHENTICATED, "an expired token");
    assert_eq!(mina.api.me().await.unwrap_err().code(), Some(Code::Unauthenticated));
}

#[tokio::test]
async fn a_session_is_renewed_in_band() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let room = public_room(&mina, "Room", &[]).await.id;
    let options = SessionOptions::default();
    let listener = Listener::start(vec![stage.gateway(0)], mina.bearer(), room, options).await;
    let renewed = mina.api.refresh(&mina.grant.refresh_token).await.unwrap();
    listener.session.renew(renewed.access_token).await;
    let sent = listener.session.send(room, "renewed").await.expect("a send");
    listener.until_seq(LIVE, sent.seq).await;
    listener.assert_whole(Seq::START, sent.seq);
    assert_eq!(listener.heard().connections, 1);
}

#[tokio::test]
async fn keys_are_public_and_private_parts_are_not() {
    let stage = stage().await;
    let keys = eventually(PATIENCE, "the public keys", async || {
        let guest = Client::new(&stage.ingress()).unwrap();
        let request = guest.request(reqwest::Method::GET, "/.well-known/jwks.json");
        guest.call::<serde_json::Value>(request).await.ok()
    })
    .await;
    let keys = keys["keys"].as_array().expect("keys").clone();
    assert!(!keys.is_empty());
    for key in keys {
        assert_eq!((key["kty"].as_str(), key["crv"].as_str()), (Some("OKP"), Some("Ed25519")));
        assert!(key.get("d").is_none(), "a private key is published");
        assert!(key["kid"].is_string());
    }
}
