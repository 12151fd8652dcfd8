//! A site keeps its own sign-in: its users come in with the tokens that they have.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use madang_client::{Client, Close, ConnectOptions, Credential, Incoming, NewRoom, Socket, close_code};
use madang_contract::{ClientFrame, Hello};
use madang_domain::Code;
use madang_e2e::{
    PATIENCE, Person, SITE_SECRET, Stage, eventually, fast_sends, public_room, site_settings, site_token,
};
use madang_test_kit::{ClusterOptions, Program};
use serde_json::{Value, json};
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

async fn open(base: &str, token: &str) -> (Socket, Hello<'static>) {
    let credential = Credential::Bearer(token.to_owned());
    Socket::open(base, &credential, &ConnectOptions::default()).await.expect("a socket")
}

async fn refused(base: &str, token: &str) -> Close {
    let credential = Credential::Bearer(token.to_owned());
    let opened = Socket::open(base, &credential, &ConnectOptions::default()).await;
    let error = opened.expect_err("a credential that is refused");
    error.close().cloned().unwrap_or_else(|| panic!("not closed: {error}"))
}

fn later(seconds: u64) -> u64 {
    jsonwebtoken::get_current_timestamp() + seconds
}

#[tokio::test]
async fn a_token_of_the_old_site_opens_a_socket_and_the_profile_follows_it() {
    let stage = stage().await;
    let said =
        json!({"preferred_username": "mina.kim", "name": "김미나", "picture": "https://example.org/m.png"});
    let (_socket, hello) = open(&stage.gateway(0), &site_token(7, &said)).await;
    assert_eq!(
        (&*hello.user.name, hello.user.avatar_url.as_deref()),
        ("김미나", Some("https://example.org/m.png"))
    );
    let mina = hello.user.id;

    // Another token of hers, another gateway, another way in: the same user.
    let plain = site_token(7, &json!({}));
    let api = Client::new(&stage.ingress()).unwrap().with_token(&plain);
    let me = api.me().await.unwrap();
    assert_eq!((me.id, &*me.username, &*me.name), (mina, "mina.kim", "김미나"));
    let (_, hello) = open(&stage.gateway(1), &plain).await;
    assert_eq!((hello.user.id, &*hello.user.name), (mina, "김미나"));

    // The site says something new, in a token that was made later.
    let renamed = json!({"preferred_username": "mina", "name": "Mina", "picture": "", "iat": later(2)});
    let (_, hello) = open(&stage.gateway(1), &site_token(7, &renamed)).await;
    assert_eq!((hello.user.id, &*hello.user.name, hello.user.avatar_url), (mina, "Mina", None));
    assert_eq!(api.me().await.unwrap().username, "mina");
    // The first token is good for as long as it says, and takes nothing back: once the other gateway has heard.
    let old = json!({"name": "김미나", "iat": later(0) - 60});
    eventually(PATIENCE, "the new name at the other gateway", async || {
        let (_, hello) = open(&stage.gateway(0), &site_token(7, &old)).await;
        assert_eq!(hello.user.id, mina);
        (*hello.user.name == *"Mina").then_some(())
    })
    .await;

    let (_, other) = open(&stage.gateway(0), &site_token(8, &json!({}))).await;
    assert_ne!(other.user.id, mina);
    assert_eq!(&*other.user.name, "user-8");
}

#[tokio::test]
async fn users_of_the_site_and_those_who_signed_up_here_talk_to_each_other() {
    let stage = stage().await;
    let joon = Person::register(stage.ingress(), "joon").await;
    let room = public_room(&joon, "Room", &[]).await;
    let token = site_token(21, &json!({"name": "Mina"}));
    let mina = Client::new(&stage.gateway(1)).unwrap().with_token(&token);
    mina.join(room.id).await.unwrap();
    let heard = joon.listen(vec![stage.gateway(0)], room.id).await;
    let sent = mina.send_message(room.id, "안녕하세요", None).await.unwrap();
    heard.until_seq(PATIENCE, sent.seq).await;
    let own = mina.create_room(&NewRoom::private("Ours", vec![joon.id])).await.unwrap();
    joon.api.send_message(own.id, "hello", None).await.unwrap();
    assert_eq!(mina.messages(own.id, None, None, None).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_is_no_good_token_of_the_site_opens_nothing() {
    let stage = stage().await;
    let good = site_token(31, &json!({}));
    open(&stage.gateway(0), &good).await;
    let (body, _) = good.rsplit_once('.').unwrap();
    let mut forged = Header::new(Algorithm::HS256);
    forged.typ = Some("at+jwt".to_owned());
    forged.kid = Some("made-up".to_owned());
    let now = later(0);
    let claims = json!({"token_type": "access", "user_id": 31, "exp": now + 60, "iat": now});
    let with_secret = |header: &Header, secret: &str| {
        jsonwebtoken::encode(header, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    // The public key of this chat, as everybody may fetch it, is nobody's secret.
    let guest = Client::new(&stage.gateway(0)).unwrap();
    let keys = guest.request(reqwest::Method::GET, "/.well-known/jwks.json").send().await.unwrap();
    let keys = keys.text().await.unwrap();
    let public = serde_json::from_str::<Value>(&keys).unwrap()["keys"][0]["x"].as_str().unwrap().to_owned();
    for (token, why) in [
        (madang_e2e::unsigned_token(&good), "alg: none"),
        (format!("{body}."), "no signature"),
        (with_secret(&Header::new(Algorithm::HS256), "another secret of thirty-two bytes"), "another secret"),
        (with_secret(&Header::new(Algorithm::HS256), &public), "a public key as the secret"),
        (with_secret(&Header::new(Algorithm::HS384), SITE_SECRET), "an algorithm that is not accepted"),
        (site_token(31, &json!({"token_type": "refresh"})), "a refresh token"),
        (site_token(31, &json!({"exp": now - 60})), "expired"),
        (site_token(31, &json!({"exp": null})), "no expiry"),
        (site_token(31, &json!({"iat": now + 600})), "from the future"),
        (site_token(31, &json!({"aud": "another service"})), "for somebody else"),
        (site_token(31, &json!({"user_id": null})), "nobody's"),
        (site_token(31, &json!({"user_id": {"$ne": 0}})), "an object for a user"),
    ] {
        assert_eq!(refused(&stage.gateway(0), &token).await.code, close_code::UNAUTHENTICATED, "{why}");
        let problem = guest.with_token(&token).me().await.unwrap_err();
        assert_eq!(problem.code(), Some(Code::Unauthenticated), "{why}: {problem}");
    }
    // The right secret under a header that claims to be ours is still the site's.
    let typed = with_secret(&forged, SITE_SECRET);
    open(&stage.gateway(0), &typed).await;
}

#[tokio::test]
async fn a_site_s_token_makes_tickets_and_renews_sockets() {
    let stage = stage().await;
    let token = site_token(41, &json!({"exp": later(60)}));
    let api = Client::new(&stage.gateway(0)).unwrap().with_token(&token);
    let ticket = Credential::Ticket(api.ws_ticket().await.unwrap().ticket);
    let (mut socket, hello) = Socket::open(&stage.gateway(1), &ticket, &ConnectOptions::default())
        .await
        .expect("a socket by ticket");
    let me = api.me().await.unwrap();
    assert_eq!(hello.user.id, me.id);
    assert!(Socket::open(&stage.gateway(0), &ticket, &ConnectOptions::default()).await.is_err(), "one use");

    let mut renew = async |token: String| socket.call(ClientFrame::auth(token), PATIENCE).await.unwrap();
    let renewed = renew(site_token(41, &json!({"exp": later(3_600)}))).await;
    assert!(matches!(renewed, Incoming::Ok(_)), "{renewed:?}");
    let foreign = madang_e2e::error_frame(renew(site_token(42, &json!({}))).await);
    assert_eq!(foreign.code, Code::PermissionDenied);
    let joon = Person::register(stage.ingress(), "joon").await;
    let ours = madang_e2e::error_frame(renew(joon.grant.access_token.clone()).await);
    assert_eq!(ours.code, Code::PermissionDenied);
}

#[tokio::test]
async fn public_keys_are_told_from_ours_and_followed() {
    let site = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8(site.as_ref()).expect("a key");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "site-1", "x": x}]});
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("keys.json");
    std::fs::write(&file, set.to_string()).expect("a file of keys");

    let options = ClusterOptions { gateways: 1, auth: 1, message_store: 1, nginx: false, ..fast_sends() }
        .with_setting(Program::Gateway, "MADANG_ISSUER_ALGORITHMS", "EdDSA,RS256")
        .with_setting(Program::Gateway, "MADANG_REGISTRATION", "open")
        .with_setting(Program::Gateway, "MADANG_ISSUER_JWKS_FILE", file.display().to_string())
        .with_setting(Program::Gateway, "MADANG_ISSUER", "https://site.example")
        .with_setting(Program::Gateway, "MADANG_ISSUER_AUDIENCE", "chat");
    let stage = Stage::start(options).await;
    let base = stage.gateway(0);
    let signed = |typ: Option<&str>, kid: &str, issuer: &str| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = typ.map(str::to_owned);
        header.kid = Some(kid.to_owned());
        let claims = json!({
            "sub": "mina@site", "iss": issuer, "aud": ["chat"], "exp": later(60), "iat": later(0), "name": "Mina",
        });
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(site.as_ref())).expect("a token")
    };
    // Whatever it calls itself, the key says whose it is.
    for typ in [Some("at+jwt"), Some("JWT"), None] {
        let (_, hello) = open(&base, &signed(typ, "site-1", "https://site.example")).await;
        assert_eq!(&*hello.user.name, "Mina");
    }
    let joon = Person::register(base.clone(), "joon").await;
    joon.socket(&base).await;
    for (token, why) in [
        (signed(Some("at+jwt"), "site-1", "madang"), "the site does not speak for this chat"),
        (signed(Some("at+jwt"), "site-2", "https://site.example"), "an unknown key"),
        (madang_e2e::foreign_token(&joon.grant.access_token), "a forged key of ours"),
    ] {
        assert_eq!(refused(&base, &token).await.code, close_code::UNAUTHENTICATED, "{why}");
    }

    // The site's keys change; the file is read again when a token names a new one.
    let moved = set.to_string().replace("site-1", "site-2");
    std::fs::write(&file, moved).expect("a file of keys");
    let token = signed(None, "site-2", "https://site.example");
    eventually(PATIENCE, "the new key", async || {
        let credential = Credential::Bearer(token.clone());
        Socket::open(&base, &credential, &ConnectOptions::default()).await.ok()
    })
    .await;
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_hold_up_nobody_else() {
    let address = madang_test_kit::free_address().expect("a free port");
    let options = ClusterOptions { gateways: 1, auth: 1, message_store: 1, nginx: false, ..fast_sends() }
        .with_setting(Program::Gateway, "MADANG_ISSUER_ALGORITHMS", "EdDSA")
        .with_setting(Program::Gateway, "MADANG_REGISTRATION", "open")
        .with_setting(Program::Gateway, "MADANG_ISSUER_JWKS_URL", format!("http://{address}/keys"));
    let stage = Stage::start(options).await;
    let base = stage.gateway(0);
    Person::register(base.clone(), "joon").await.socket(&base).await;
    let site = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let claims = json!({"sub": "7", "exp": later(60)});
    let header = Header::new(Algorithm::EdDSA);
    let token =
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(site.as_ref())).expect("a token");
    // It may be good: the client is to come back with it.
    assert_eq!(refused(&base, &token).await.code, close_code::RESTART);
    let problem = Client::new(&base).unwrap().with_token(&token).me().await.unwrap_err();
    assert_eq!(problem.code(), Some(Code::Unavailable), "{problem}");
}

#[tokio::test]
async fn a_known_user_of_the_site_costs_no_call_and_comes_in_while_auth_is_away() {
    let options = ClusterOptions { gateways: 1, auth: 1, message_store: 1, nginx: false, ..fast_sends() };
    let options = site_settings()
        .into_iter()
        .fold(options, |options, (name, value)| options.with_setting(Program::Gateway, name, value));
    let stage = Stage::start(options).await;
    let base = stage.gateway(0);
    let asked = async || {
        let ops = Client::new(&stage.cluster.gateway(0).ops_url()).unwrap();
        let metrics =
            ops.request(reqwest::Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
        let count =
            metrics.lines().find_map(|line| line.strip_prefix("madang_gateway_site_users_asked_total "));
        count.and_then(|count| count.trim().parse::<f64>().ok()).expect("the count")
    };
    let said = json!({"name": "Mina"});
    let (_, hello) = open(&base, &site_token(7, &said)).await;
    let mina = hello.user.id;
    let first = asked().await;
    for _ in 0..10 {
        let (_, hello) = open(&base, &site_token(7, &said)).await;
        assert_eq!(hello.user.id, mina);
    }
    assert_eq!(asked().await.to_string(), first.to_string(), "ten more tokens of one user, and no call");

    stage.cluster.auth(0).kill9().await.expect("a kill");
    // Even one of whom the site says something new: known, if not as described.
    for more in [said, json!({"name": "Somebody else"})] {
        let (_, hello) = open(&base, &site_token(7, &more)).await;
        assert_eq!((hello.user.id, &*hello.user.name), (mina, "Mina"));
    }
    // Whom nobody knows may be good: the client is to come back.
    assert_eq!(refused(&base, &site_token(8, &json!({}))).await.code, close_code::RESTART);
}
