//! A token of the embedding site. The first byte of an input says what the rest is.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use madang_domain::{Code, DisplayName, ExternalId, Timestamp, Username};
use madang_gateway::{IssuerAlgorithm, IssuerSettings, fuzzing::SiteTokens};
use madang_kit::Secret;
use serde_json::{Value, json};

use super::{choice, now, token};

const NOW_SECONDS: i64 = 1_700_000_000;
/// How far the clocks may differ.
const SKEW_SECONDS: i64 = 5;
const AHEAD_SECONDS: i64 = 30;
const SECRET: &str = "a secret of the site, of 32 bytes or more";
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

static CLAIMS: LazyLock<String> = LazyLock::new(|| {
    let claims = json!({
        "sub": 41, "token_type": "access", "exp": NOW_SECONDS + 300, "iat": NOW_SECONDS, "jti": "1",
        "preferred_username": "Mina Kim", "name": "Mina", "picture": "https://site.example/mina.png",
    });
    claims.to_string()
});
static GOOD: LazyLock<String> = LazyLock::new(|| signed(HEADER.as_bytes(), CLAIMS.as_bytes()));
static VERIFIER: LazyLock<SiteTokens> = LazyLock::new(|| {
    let settings = IssuerSettings {
        issuer_algorithms: vec![IssuerAlgorithm::Hs256],
        issuer: None,
        issuer_audience: None,
        issuer_secret: Some(Secret::from(SECRET)),
        issuer_jwks_file: None,
        issuer_jwks_url: None,
        issuer_token_seconds: None,
        issuer_user_claim: "sub".to_owned(),
        issuer_username_claim: "preferred_username".to_owned(),
        issuer_name_claim: "name".to_owned(),
        issuer_avatar_claim: "picture".to_owned(),
        issuer_required_claims: vec![("token_type".to_owned(), "access".to_owned())],
    };
    match now(SiteTokens::new(&settings)) {
        Ok(Some(verifier)) => verifier,
        other => panic!("no verifier: {other:?}"),
    }
});

fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes())
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    token::signed(header, claims, |unsigned| hmac::sign(&key(), unsigned).as_ref().to_vec())
}

pub(crate) fn check(input: &[u8]) {
    let (what, rest) = choice(input);
    let is_change = what % 4 == 3;
    let token = match what % 4 {
        0 => rest.to_vec(),
        1 => signed(HEADER.as_bytes(), rest).into_bytes(),
        2 => signed(rest, CLAIMS.as_bytes()).into_bytes(),
        _ => token::changed(&GOOD, rest),
    };
    let is_good = judge(&token);
    if is_change {
        assert_eq!(is_good, token == GOOD.as_bytes(), "{}", token.escape_ascii());
    }
}

/// Whether a token is accepted, which only one may be that was signed and is in its time. What it says of its user fits
/// into a profile.
fn judge(token: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(token) else { return false };
    let (user, expires_at) = match now(VERIFIER.verify(text, Timestamp::from_micros(NOW_SECONDS * 1_000_000)))
    {
        Ok(verified) => verified,
        Err(error) => {
            assert_eq!(error.code, Code::Unauthenticated, "{error:?}");
            return false;
        }
    };
    let Some(token::Parts { unsigned, header, claims, signature }) = token::parts(text) else {
        panic!("no token: {text}")
    };
    assert!(hmac::verify(&key(), unsigned.as_bytes(), &signature).is_ok(), "not signed: {text}");
    assert_eq!(token::Header::read(&header).alg, "HS256");
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    assert_eq!(claims["token_type"], "access");
    assert!(claims["aud"].is_null(), "for another audience: {claims}");
    assert!(expires_at.as_seconds() + SKEW_SECONDS > NOW_SECONDS, "{claims}");
    for begins in ["iat", "nbf"] {
        assert!(
            claims[begins].as_f64().is_none_or(|at| at < (NOW_SECONDS + AHEAD_SECONDS + 1) as f64),
            "{claims}"
        );
    }
    let id = claims["sub"].as_str().map_or_else(|| claims["sub"].to_string(), str::to_owned);
    assert_eq!(user.external_id.as_str(), id);
    assert!(ExternalId::new(id).is_ok());
    assert!(user.username.is_none_or(|name| Username::new(name.as_str()) == Ok(name)));
    assert!(user.name.is_none_or(|name| DisplayName::new(name.as_str()) == Ok(name)));
    true
}
