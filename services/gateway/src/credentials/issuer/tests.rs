//! Valid tokens of each kind are accepted, and every known attack is refused. The tests make the keys and
//! serve them.

mod forge;

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, EncodingKey, Header, decode_header};
use madang_domain::{Code, Error, Result, Timestamp};
use serde_json::{Value, json};

use self::forge::{Forge, KeyServer, encoded, key_set};
use super::{Claimed, Issuer};
use crate::metrics::Counters;
use crate::settings::IssuerSettings;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_700_000_000;

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    settings: IssuerSettings,
}

async fn issuer(arguments: &[&str]) -> Result<Issuer, String> {
    let arguments = std::iter::once(&"gateway").chain(arguments);
    let command = <Command as clap::Parser>::try_parse_from(arguments).map_err(|error| error.to_string())?;
    let made = Issuer::new(&command.settings, &Arc::new(Counters::default())).await;
    made.map_err(|error| error.to_string())?.ok_or_else(|| "no issuer".to_owned())
}

async fn hmac(more: &[&str]) -> Issuer {
    let secret = format!("--issuer-secret={SECRET}");
    issuer(&[&["--issuer-algorithms=HS256", &secret], more].concat()).await.unwrap()
}

async fn judge(issuer: &Issuer, token: &str) -> Result<Claimed> {
    let header = decode_header(token).map_err(Error::internal)?;
    issuer.verify(token, &header, Timestamp::from_micros(NOW * 1_000_000)).await
}

async fn assert_refused(issuer: &Issuer, token: &str, why: &str) {
    let refusal = judge(issuer, token).await.expect_err(why);
    assert_eq!(refusal.code, Code::Unauthenticated, "{why}: {refusal}");
}

/// Claims as `rest_framework_simplejwt` makes them.
fn simplejwt(token_type: &str) -> Value {
    json!({"token_type": token_type, "exp": NOW + 300, "iat": NOW, "jti": "e3b0c442", "user_id": 7})
}

fn hs256(claims: &Value) -> String {
    encoded(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes()))
}

const SIMPLEJWT: [&str; 2] = ["--issuer-user-claim=user_id", "--issuer-required-claims=token_type=access"];

#[tokio::test]
async fn the_tokens_of_an_old_site_are_good_and_its_refresh_tokens_are_not() {
    let issuer = hmac(&SIMPLEJWT).await;
    let claimed = judge(&issuer, &hs256(&simplejwt("access"))).await.unwrap();
    assert_eq!(claimed.user.external_id.as_str(), "7");
    assert_eq!((claimed.user.username, claimed.user.name, claimed.user.avatar_url), (None, None, None));
    assert_eq!(claimed.issued_at, Some(Timestamp::from_micros(NOW * 1_000_000)));
    assert_eq!(claimed.expires_at, Timestamp::from_micros((NOW + 300) * 1_000_000));
    assert_refused(&issuer, &hs256(&simplejwt("refresh")), "a refresh token").await;
    let mut untyped = simplejwt("access");
    untyped.as_object_mut().unwrap().remove("token_type");
    assert_refused(&issuer, &hs256(&untyped), "a token of no kind").await;
}

#[tokio::test]
async fn a_user_is_named_by_a_number_or_a_text_and_nothing_else() {
    let issuer = hmac(&SIMPLEJWT).await;
    let with = |id: Value| {
        let mut claims = simplejwt("access");
        claims["user_id"] = id;
        hs256(&claims)
    };
    for (id, text) in [
        (json!(7), "7"),
        (json!("7"), "7"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!("가/나"), "가/나"),
    ] {
        assert_eq!(judge(&issuer, &with(id)).await.unwrap().user.external_id.as_str(), text);
    }
    for id in [
        json!(7.5),
        json!(null),
        json!(true),
        json!(["7"]),
        json!({"id": 7}),
        json!(""),
        json!("a\nb"),
        json!("x".repeat(129)),
    ] {
        assert_refused(&issuer, &with(id.clone()), &format!("a user named {id}")).await;
    }
    let mut nobody = simplejwt("access");
    nobody.as_object_mut().unwrap().remove("user_id");
    nobody["sub"] = json!("7");
    assert_refused(&issuer, &hs256(&nobody), "the claim that names the user is missing").await;
}

#[tokio::test]
async fn the_profile_is_read_from_the_claims() {
    let issuer = hmac(&["--issuer-username-claim=email", "--issuer-avatar-claim=photo"]).await;
    let read = async |more: Value| {
        let mut claims = json!({"sub": "7", "exp": NOW + 60, "iat": NOW});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        judge(&issuer, &hs256(&claims)).await.unwrap().user
    };
    let user = read(json!({"email": "Mina.Kim@example.com", "name": " 김미나\u{7} ", "photo": "https://example.org/m.png"})).await;
    assert_eq!(user.username.as_deref(), Some("mina.kim-example.com"));
    assert_eq!(user.name.as_deref(), Some("김미나"));
    assert_eq!(user.avatar_url.unwrap().as_deref(), Some("https://example.org/m.png"));
    assert_eq!(user.as_of, Some(Timestamp::from_micros(NOW * 1_000_000)));
    // A value that does not fit is adapted or ignored. No token is refused for it.
    let user =
        read(json!({"email": "x".repeat(99), "name": "이".repeat(99), "photo": "javascript:alert(1)"})).await;
    assert_eq!(user.username.map(|name| name.len()), Some(32));
    assert_eq!(user.name.map(|name| name.chars().count()), Some(64));
    assert_eq!(user.avatar_url, None);
    let user = read(json!({"email": 7, "name": "", "photo": null})).await;
    assert_eq!((user.username, user.name, user.avatar_url), (None, None, Some(None)));
}

#[tokio::test]
async fn times_are_judged() {
    let issuer = hmac(&[]).await;
    let with = |more: Value| {
        let mut claims = json!({"sub": "7"});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hs256(&claims)
    };
    for good in [
        json!({"exp": NOW + 1}),
        json!({"exp": NOW - 4}),
        json!({"exp": NOW as f64 + 0.5}),
        json!({"exp": i64::MAX}),
        json!({"exp": NOW + 60, "iat": NOW + 29, "nbf": NOW + 29}),
    ] {
        judge(&issuer, &with(good.clone())).await.unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        json!({}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"exp": NOW - 6}),
        json!({"exp": -1}),
        json!({"exp": NOW + 60, "iat": NOW + 31}),
        json!({"exp": NOW + 60, "nbf": NOW + 31}),
        json!({"exp": NOW + 60, "iat": "now"}),
    ] {
        assert_refused(&issuer, &with(bad.clone()), &bad.to_string()).await;
    }
}

#[tokio::test]
async fn when_a_token_was_made_follows_from_its_life_where_it_does_not_say() {
    let token = |claims: &Value| hs256(claims);
    let undated = token(&json!({"sub": "7", "exp": NOW + 60}));
    let dated = token(&json!({"sub": "7", "exp": NOW + 60, "iat": NOW - 5}));
    let made = async |issuer: &Issuer, token: &str| {
        let claimed = judge(issuer, token).await.unwrap();
        assert_eq!(claimed.user.as_of, claimed.issued_at);
        claimed.issued_at.map(Timestamp::as_seconds)
    };
    let unknown = hmac(&[]).await;
    assert_eq!(made(&unknown, &undated).await, None);
    assert_eq!(made(&unknown, &dated).await, Some(NOW - 5));
    let known = hmac(&["--issuer-token-seconds=300"]).await;
    assert_eq!(made(&known, &undated).await, Some(NOW + 60 - 300));
    assert_eq!(made(&known, &dated).await, Some(NOW - 5), "what the token says counts");
    assert!(issuer(&["--issuer-token-seconds=0"]).await.is_err());
}

#[tokio::test]
async fn issuer_and_audience_are_judged() {
    let strict = hmac(&["--issuer=https://site.example", "--issuer-audience=chat"]).await;
    let lax = hmac(&[]).await;
    let with = |more: Value| {
        let mut claims = json!({"sub": "7", "exp": NOW + 60});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hs256(&claims)
    };
    let iss = "https://site.example";
    for good in [json!({"iss": iss, "aud": "chat"}), json!({"iss": iss, "aud": ["shop", "chat"]})] {
        judge(&strict, &with(good.clone())).await.unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        json!({}),
        json!({"iss": iss}),
        json!({"aud": "chat"}),
        json!({"iss": "https://site.example.evil", "aud": "chat"}),
        json!({"iss": iss, "aud": "shop"}),
        json!({"iss": iss, "aud": 7}),
    ] {
        assert_refused(&strict, &with(bad.clone()), &bad.to_string()).await;
    }
    judge(&lax, &with(json!({"iss": "anybody"}))).await.unwrap();
    assert_refused(&lax, &with(json!({"aud": "shop"})), "a token for somebody else, where nobody is named")
        .await;
}

#[tokio::test]
async fn a_token_without_a_signature_or_with_another_is_refused() {
    let issuer = hmac(&[]).await;
    let claims = json!({"sub": "7", "exp": NOW + 60});
    let good = hs256(&claims);
    judge(&issuer, &good).await.unwrap();
    let (body, signature) = good.rsplit_once('.').unwrap();
    assert_refused(&issuer, &format!("{body}."), "no signature").await;
    assert_refused(&issuer, &format!("{body}.{}", signature.chars().rev().collect::<String>()), "another")
        .await;
    // `alg: none` does not even parse.
    for none in ["none", "None", "nOnE"] {
        let unsigned = forge::with_header(&json!({"alg": none, "typ": "JWT"}), &claims, "");
        assert!(decode_header(&unsigned).is_err(), "{none}");
    }
    let strong =
        encoded(&Header::new(Algorithm::HS512), &claims, &EncodingKey::from_secret(SECRET.as_bytes()));
    assert_refused(&issuer, &strong, "the right secret with an algorithm that is not accepted").await;
    let mut extended = Header::new(Algorithm::HS256);
    extended.crit = Some(vec!["exp".to_owned()]);
    let extended = encoded(&extended, &claims, &EncodingKey::from_secret(SECRET.as_bytes()));
    assert_refused(&issuer, &extended, "an extension that must be understood").await;
}

#[tokio::test]
async fn each_public_key_is_for_its_own_algorithm_and_no_secret() {
    let forges = [Forge::rsa("r"), Forge::p256("p"), Forge::ed25519("e")];
    let server = KeyServer::start(&key_set(&forges)).await;
    let url = format!("--issuer-jwks-url={}", server.url());
    let all = issuer(&["--issuer-algorithms=RS256,ES256,EdDSA", &url]).await.unwrap();
    let claims = json!({"sub": "7", "exp": NOW + 60});
    for forge in &forges {
        let claimed = judge(&all, &forge.token(&claims)).await.unwrap();
        assert_eq!(claimed.user.external_id.as_str(), "7");
        assert!(all.has_key(&decode_header(forge.token(&claims)).unwrap()));
    }
    // With one key of each algorithm, a token without a key id means the key of its algorithm.
    judge(&all, &forges[0].token_without_id(&claims)).await.unwrap();

    // Everybody has the public key. A token that uses it as an HS256 secret is refused, in every encoding of
    // the key.
    for public in forges[0].public_forms() {
        let secret = EncodingKey::from_secret(&public);
        for id in [Some("r".to_owned()), None] {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = id;
            assert_refused(&all, &encoded(&header, &claims, &secret), "a public key as a secret").await;
        }
    }
    // The header carries another key and the URL of another key set. The verifier uses neither.
    let stranger = Forge::rsa("r");
    assert_refused(&all, &stranger.token(&claims), "a stranger's key under a known id").await;
    let theirs = KeyServer::start(&key_set(std::slice::from_ref(&stranger))).await;
    let lured = stranger.token_with(&claims, |header| {
        header.jku = Some(theirs.url());
        header.jwk = Some(stranger.jwk());
    });
    assert_refused(&all, &lured, "a key that the token brings along").await;
    assert_eq!(theirs.asked(), 0);
    // Only the configured algorithms are accepted, whatever keys the set contains.
    let only_rsa = issuer(&["--issuer-algorithms=RS256", &url]).await.unwrap();
    judge(&only_rsa, &forges[0].token(&claims)).await.unwrap();
    assert_refused(&only_rsa, &forges[1].token(&claims), "an algorithm that is not in the list").await;
    assert!(!only_rsa.accepts(Algorithm::EdDSA) && only_rsa.accepts(Algorithm::RS256));
}

#[tokio::test]
async fn keys_that_are_for_something_else_are_passed_over() {
    let forge = Forge::rsa("r");
    let claims = json!({"sub": "7", "exp": NOW + 60});
    let altered = |name: &str, value: Value| {
        let mut set: Value = serde_json::from_str(&key_set(std::slice::from_ref(&forge))).unwrap();
        set["keys"][0][name] = value;
        set.to_string()
    };
    let octets =
        json!({"keys": [{"kty": "oct", "kid": "r", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]});
    for set in [altered("use", json!("enc")), altered("alg", json!("RS512")), octets.to_string()] {
        let server = KeyServer::start(&set).await;
        let url = format!("--issuer-jwks-url={}", server.url());
        let issuer = issuer(&["--issuer-algorithms=RS256", &url]).await.unwrap();
        let refusal = judge(&issuer, &forge.token(&claims)).await.unwrap_err();
        assert_eq!(refusal.code, Code::Unavailable, "no key that can be used: {set}");
    }
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_and_a_rotation_fails_nobody() {
    let (old, new) = (Forge::p256("old"), Forge::p256("new"));
    let claims = json!({"sub": "7", "exp": NOW + 60});
    let server = KeyServer::start(&key_set(std::slice::from_ref(&old))).await;
    let url = format!("--issuer-jwks-url={}", server.url());
    let issuer = issuer(&["--issuer-algorithms=ES256", &url]).await.unwrap();
    judge(&issuer, &old.token(&claims)).await.unwrap();
    assert_eq!(server.asked(), 1, "the first token has the keys fetched");

    // Forged key ids cause one fetch in five seconds, and both keys of the site stay valid meanwhile.
    for n in 0..50 {
        let made_up = new.token_with(&claims, |header| header.kid = Some(format!("made-up-{n}")));
        assert_refused(&issuer, &made_up, "an unknown key").await;
    }
    assert_eq!(server.asked(), 1);
    server.publish(&key_set(&[old.clone(), new.clone()]));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    judge(&issuer, &new.token(&claims)).await.unwrap();
    judge(&issuer, &old.token(&claims)).await.unwrap();
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_waited_for_and_those_that_were_had_are_kept() {
    let forge = Forge::ed25519("e");
    let claims = json!({"sub": "7", "exp": NOW + 60});
    let server = KeyServer::start(&key_set(std::slice::from_ref(&forge))).await;
    server.fail(true);
    let url = format!("--issuer-jwks-url={}", server.url());
    let issuer = issuer(&["--issuer-algorithms=EdDSA", &url]).await.unwrap();
    let refusal = judge(&issuer, &forge.token(&claims)).await.unwrap_err();
    assert_eq!(refusal.code, Code::Unavailable, "not the token's fault: {refusal}");

    server.fail(false);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    judge(&issuer, &forge.token(&claims)).await.unwrap();
    server.fail(true);
    assert_refused(&issuer, &Forge::ed25519("other").token(&claims), "an unknown key").await;
    judge(&issuer, &forge.token(&claims)).await.unwrap();
    // A key that could not be fetched for a day may have been withdrawn, and is refused.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(24 * 3_600)).await;
    tokio::time::resume();
    assert_eq!(judge(&issuer, &forge.token(&claims)).await.unwrap_err().code, Code::Unavailable);
}

#[tokio::test]
async fn a_file_of_keys_is_judged_at_the_start() {
    let forge = Forge::rsa("r");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    let argument = format!("--issuer-jwks-file={}", file.display());
    let arguments = ["--issuer-algorithms=RS256", argument.as_str()];
    let refused = issuer(&arguments).await.err().unwrap();
    assert!(refused.contains("MADANG_ISSUER_JWKS_FILE") && refused.contains("cannot be read"), "{refused}");
    for (content, complaint) in [("{", "not a JSON Web Key Set"), (r#"{"keys": []}"#, "no key of the set")] {
        std::fs::write(&file, content).unwrap();
        let refused = issuer(&arguments).await.err().unwrap();
        assert!(refused.contains(complaint), "{refused}");
    }
    std::fs::write(&file, key_set(std::slice::from_ref(&forge))).unwrap();
    let issuer = issuer(&arguments).await.unwrap();
    judge(&issuer, &forge.token(&json!({"sub": "7", "exp": NOW + 60}))).await.unwrap();
}

#[tokio::test]
async fn a_token_has_a_session_of_its_own() {
    let issuer = hmac(&[]).await;
    let session = async |more: Value| {
        let mut claims = json!({"sub": "7", "exp": NOW + 60});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        judge(&issuer, &hs256(&claims)).await.unwrap().session
    };
    let one = session(json!({"jti": "a"})).await;
    assert_eq!(session(json!({"jti": "a", "exp": NOW + 90})).await, one, "by its own id");
    for other in
        [json!({"jti": "b"}), json!({"jti": "a", "sub": "8"}), json!({"jti": "a", "iss": "x"}), json!({})]
    {
        assert_ne!(session(other.clone()).await, one, "{other}");
    }
    assert_ne!(session(json!({})).await, session(json!({"exp": NOW + 90})).await, "or by its text");
}
