//! Tokens that nobody should accept.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ED25519_PUBLIC_KEY_LEN, Ed25519KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

/// A token with the same header and claims, signed by a key of somebody else's.
///
/// # Panics
/// When the token is none.
#[must_use]
pub fn foreign_token(token: &str) -> String {
    const { assert!(ED25519_PUBLIC_KEY_LEN == 32, "EdDSA is over Ed25519 here") };
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let (header, claims) = parts(token);
    let mut forged = Header::new(Algorithm::EdDSA);
    forged.kid = header["kid"].as_str().map(str::to_owned);
    forged.typ = header["typ"].as_str().map(str::to_owned);
    jsonwebtoken::encode(&forged, &claims, &EncodingKey::from_ed_der(key.as_ref())).expect("a token")
}

/// A token with the same claims that says that it needs no signature.
///
/// # Panics
/// When the token is none.
#[must_use]
pub fn unsigned_token(token: &str) -> String {
    let (mut header, claims) = parts(token);
    header["alg"] = "none".into();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", encode(&header), encode(&claims))
}

fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("a part of a token is base64url");
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    });
    (parts.next().expect("a header"), parts.next().expect("claims"))
}
