//! The claims of a token of the embedding site, read after its signature is verified.

use std::{collections::BTreeMap, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use madang_domain::{
    AvatarUrl, Code, DisplayName, Error, ExternalId, Result, SessionId, Timestamp, Username,
    limits::DISPLAY_NAME_MAX_CHARS, to_nfc,
};
use madang_rpc::auth::ExternalUser;
use serde_json::{Map, Value};

use crate::credentials::times::{CLOCK_SKEW, seconds};
use crate::settings::issuer::ClaimNames;

/// How far the site's clock may be ahead. Clients use a token as soon as the site issues it.
const AHEAD_MAX: Duration = Duration::from_secs(30);

/// A token's claims.
pub(super) type Claims = Map<String, Value>;

/// The content of a valid token.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) user: ExternalUser,
    /// The id of the session that this token stands for.
    pub(crate) session: SessionId,
    /// When the token was made, as it says or as follows from its expiry. None: that is not known.
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
}

/// The settings that concern claims.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) names: &'a ClaimNames,
    pub(super) required: &'a BTreeMap<String, String>,
    /// The longest lifetime of a token, for tokens without an issue time.
    pub(super) token_life: Option<Duration>,
}

/// Checks the claims that the verification of the signature leaves out, and reads the user from them.
pub(super) fn read(
    token: &str,
    claims: &Claims,
    Rules { names, required, token_life }: Rules<'_>,
    now: Timestamp,
) -> Result<Claimed> {
    let expires_at = time(claims, "exp")?.ok_or_else(|| refused("the token has no expiry (exp)"))?;
    if expires_at.plus(CLOCK_SKEW) <= now {
        return Err(refused("the access token has expired: get a new one"));
    }
    let said = time(claims, "iat")?;
    let not_before = time(claims, "nbf")?;
    if said.max(not_before).is_some_and(|at| at > now.plus(AHEAD_MAX)) {
        return Err(refused("the access token was issued in the future: check the clocks of the servers"));
    }
    if let Some((claim, _)) = required.iter().find(|(claim, value)| !is(claims.get(*claim), value)) {
        return Err(refused(format!(
            "the token lacks a required claim or has another value for it ({claim})"
        )));
    }
    let external_id = text(claims.get(&names.user))
        .and_then(|id| ExternalId::new(id).ok())
        .ok_or_else(|| refused(format!("the token names no user ({})", names.user)))?;
    let session = session(claims, &external_id, token);
    // A token whose life is shorter than the longest counts as older than it is: it is rather refused than let in.
    let issued_at = said.or_else(|| token_life.map(|life| expires_at.minus(life)));
    let user = ExternalUser {
        // As near to the site's as can be: sites let addresses and spaces be usernames.
        username: string(claims, &names.username).and_then(Username::near),
        name: string(claims, &names.name).and_then(name),
        avatar_url: claims.get(&names.avatar).and_then(avatar),
        external_id,
        as_of: issued_at,
    };
    Ok(Claimed { user, session, issued_at, expires_at })
}

/// A point in time, in seconds (RFC 7519, section 2, "NumericDate"), with fractions or without.
fn time(claims: &Claims, name: &str) -> Result<Option<Timestamp>> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    // The cast of a float rounds down and saturates.
    let whole = value.as_i64().or_else(|| value.as_f64().map(|number| number.floor() as i64));
    whole
        .map(|whole| Some(seconds(whole)))
        .ok_or_else(|| refused(format!("the token's {name} is not a time")))
}

/// A number or a text, as text. Primary keys may be either.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a claim has this value, compared as text.
fn is(value: Option<&Value>, expected: &str) -> bool {
    match value {
        Some(Value::Bool(value)) => value.to_string() == expected,
        other => text(other).is_some_and(|value| value == expected),
    }
}

fn string<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// A valid display name. A name that is too long is cut, since its owner could not react to a refusal here.
fn name(text: &str) -> Option<DisplayName> {
    let text = to_nfc(text.to_owned());
    let clean = text.chars().filter(|c| DisplayName::may_hold(*c)).take(DISPLAY_NAME_MAX_CHARS);
    DisplayName::new(clean.collect::<String>()).ok()
}

/// The picture's URL. Null or an empty text removes the picture; a text that is not a URL changes nothing.
fn avatar(value: &Value) -> Option<Option<AvatarUrl>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) if text.is_empty() => Some(None),
        Value::String(text) => AvatarUrl::new(text.as_str()).ok().map(Some),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The session id of a token: the same each time, and derived from the token's own id if it has one.
fn session(claims: &Claims, user: &ExternalId, token: &str) -> SessionId {
    let mut digest = Context::new(&SHA256);
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let own = text(claims.get("jti")).unwrap_or_else(|| token.to_owned());
    for part in [issuer, user.as_str(), &own] {
        // The length precedes each part, so that no two lists of parts give the same input.
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finish().as_ref()[..16]);
    SessionId::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::Unauthenticated, message)
}
