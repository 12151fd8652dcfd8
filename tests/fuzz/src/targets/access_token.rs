//! An access token of the auth service. The first byte of an input says what the rest is.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use madang_domain::{Code, Result, Timestamp};
use madang_gateway::fuzzing::AccessTokens;
use madang_kit::clock::ManualClock;
use madang_rpc::{
    around::Double,
    auth::{
        AuthDouble, GetKeys, Identity,
        claims::{AUDIENCE, AccessClaims, ISSUER, TYPE},
    },
};
use serde_json::json;

use super::{choice, now, token};

const NOW_SECONDS: i64 = 1_700_000_000;
const SKEW_SECONDS: i64 = 5;
const KEY_ID: &str = "k1";
const USER: &str = "00000000-0000-0000-0000-000000000001";
const SESSION: &str = "00000000-0000-0000-0000-000000000002";

/// An auth service that has one key.
struct Publisher;

#[async_trait]
impl AuthDouble for Publisher {
    async fn get_keys(&self, _: GetKeys) -> Result<String> {
        let x = URL_SAFE_NO_PAD.encode(KEY.public_key().as_ref());
        let key =
            json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY_ID, "x": x});
        Ok(json!({"keys": [key]}).to_string())
    }
}

#[expect(clippy::expect_used, reason = "32 bytes are a seed")]
static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key"));
static VERIFIER: LazyLock<AccessTokens> = LazyLock::new(|| {
    let clock = ManualClock::new(Timestamp::from_micros(NOW_SECONDS * 1_000_000));
    AccessTokens::new(Arc::new(Double(Publisher)), Arc::new(clock))
});
static HEADER: LazyLock<String> =
    LazyLock::new(|| json!({"typ": TYPE, "alg": "EdDSA", "kid": KEY_ID}).to_string());
static CLAIMS: LazyLock<String> = LazyLock::new(|| {
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": USER, "sid": SESSION, "jti": "1",
        "exp": NOW_SECONDS + 900, "iat": NOW_SECONDS,
        "preferred_username": "mina", "name": "Mina", "profile_version": 7,
    });
    claims.to_string()
});
static GOOD: LazyLock<String> = LazyLock::new(|| signed(HEADER.as_bytes(), CLAIMS.as_bytes()));

fn signed(header: &[u8], claims: &[u8]) -> String {
    token::signed(header, claims, |unsigned| KEY.sign(unsigned).as_ref().to_vec())
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

/// Whether a token is accepted, which only one may be that was signed, is an access token, and is in its time.
fn judge(token: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(token) else { return false };
    let identity = match now(VERIFIER.verify(text)) {
        Ok(identity) => identity,
        Err(error) => {
            assert_eq!(error.code, Code::Unauthenticated, "{error:?}");
            return false;
        }
    };
    let Some(token::Parts { unsigned, header, claims, signature }) = token::parts(text) else {
        panic!("no token: {text}")
    };
    let public = UnparsedPublicKey::new(&ED25519, KEY.public_key().as_ref());
    assert!(public.verify(unsigned.as_bytes(), &signature).is_ok(), "not signed: {text}");
    let header = token::Header::read(&header);
    assert_eq!((header.alg.as_str(), header.kid.as_deref()), ("EdDSA", Some(KEY_ID)));
    assert!(header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE)), "no access token: {text}");
    let Ok(claims) = serde_json::from_slice(&claims) else { panic!("no claims: {text}") };
    claimed(&claims, &identity);
    true
}

fn claimed(claims: &AccessClaims, identity: &Identity) {
    assert_eq!((claims.iss.as_str(), claims.aud.as_str()), (ISSUER, AUDIENCE), "{claims:?}");
    assert!(claims.exp.saturating_add(SKEW_SECONDS) > NOW_SECONDS, "{claims:?}");
    assert!(claims.iat.saturating_sub(SKEW_SECONDS) <= NOW_SECONDS, "{claims:?}");
    assert!(claims.sub.eq_ignore_ascii_case(&identity.profile.id.to_string()), "{claims:?}");
    assert!(claims.sid.eq_ignore_ascii_case(&identity.session.to_string()), "{claims:?}");
}
