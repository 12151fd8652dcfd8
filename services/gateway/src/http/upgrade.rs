//! The common part of both dialects' WebSocket handshakes (RFC 6455).

use axum::{body::Body, extract::Request, response::Response};
use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use madang_domain::{Error, limits};
use madang_kit::lifecycle::Tasks;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Problem, bearer::bearer, connection, places::ConnectionPermit};
use crate::{credentials::Credential, session::Socket};

/// The bytes of a handshake's nonce (RFC 6455, section 4.1).
const NONCE_BYTES: usize = 16;
/// Base64 as clients write the nonce. Its last character has four bits that mean nothing, and some clients leave them as
/// they fall.
const NONCE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The credentials that a URL may hold.
#[derive(Deserialize)]
pub(crate) struct UrlCredentials {
    ticket: Option<String>,
    token: Option<String>,
}

/// Runs the session of a handshake once its answer has been written, in a task of its own. The session keeps its
/// connection's permit.
pub(crate) fn spawn_session<F: Future<Output = ()> + Send + 'static>(
    tasks: &Tasks,
    mut request: Request,
    run: impl FnOnce(Socket) -> F + Send + 'static,
) {
    let permit = request.extensions().get::<ConnectionPermit>().cloned();
    let upgraded = hyper::upgrade::on(&mut request);
    // Boxed, because each layer around a task's future would hold a copy of its size.
    let session = Box::pin(async move {
        // The client may hang up before the handshake's answer is written.
        if let Ok(upgraded) = upgraded.await
            && let Some((stream, first)) = connection::upgraded(upgraded)
        {
            run(Socket::over(stream, first, limits::FRAME_MAX_BYTES)).await;
        }
        drop(permit);
    });
    tasks.spawn_contained("session", session);
}

/// Answers a handshake that is granted.
pub(crate) fn switch(accept: &str, subprotocol: Option<&str>) -> Result<Response, Error> {
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "Upgrade")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(subprotocol) = subprotocol {
        response = response.header(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    response.body(Body::empty()).map_err(Error::internal)
}

/// Judges the handshake (RFC 6455, section 4.2.1); answers what accepts it.
pub(crate) fn accept_key(request: &Request) -> Result<String, Problem> {
    let headers = request.headers();
    if request.method() != Method::GET {
        let wrong = Error::invalid("this path serves a WebSocket: send an upgrade request by GET");
        let problem = Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, wrong);
        return Err(problem.with_headers(&[("allow", "GET")]));
    }
    if request.version() < Version::HTTP_11 {
        return Err(Error::invalid("a WebSocket handshake must use HTTP/1.1").into());
    }
    let has = |name: header::HeaderName, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    if !has(header::UPGRADE, "websocket") || !has(header::CONNECTION, "upgrade") {
        return Err(Error::invalid("this path serves a WebSocket: send an upgrade request").into());
    }
    if one(headers, &header::SEC_WEBSOCKET_VERSION)?.is_none_or(|version| version != "13") {
        let wrong = Error::invalid("Sec-WebSocket-Version must be 13");
        let problem = Problem::with_status(StatusCode::UPGRADE_REQUIRED, wrong);
        return Err(problem.with_headers(&[("upgrade", "websocket"), ("sec-websocket-version", "13")]));
    }
    one(headers, &header::ORIGIN)?;
    match one(headers, &header::SEC_WEBSOCKET_KEY)?.map(HeaderValue::as_bytes) {
        Some(key) if is_nonce(key) => Ok(derive_accept_key(key)),
        Some(_) => Err(Error::invalid("Sec-WebSocket-Key must be 16 bytes in Base64").into()),
        None => Err(Error::invalid("Sec-WebSocket-Key is missing").into()),
    }
}

/// A header that may stand once at most.
fn one<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Result<Option<&'a HeaderValue>, Error> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Error::invalid(format!("the request has the header {name} more than once"))),
    }
}

fn is_nonce(key: &[u8]) -> bool {
    NONCE.decode(key).is_ok_and(|nonce| nonce.len() == NONCE_BYTES)
}

/// The subprotocol entries that a client offers.
pub(crate) fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let entries = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    entries.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

/// The first credential that is present, in the contract's order. A token in the URL counts where that is allowed.
pub(crate) fn credential(
    headers: &HeaderMap,
    subprotocol: Option<String>,
    url: UrlCredentials,
    query_token: bool,
) -> Option<Credential> {
    let header = headers.get(header::AUTHORIZATION).map(|value| {
        // A credential that is present but unreadable counts as invalid, not as missing.
        bearer(value).map_or_else(|| Credential::Token(String::new()), Credential::Token)
    });
    header
        .or_else(|| subprotocol.map(Credential::Token))
        .or_else(|| url.ticket.map(Credential::Ticket))
        .or_else(|| url.token.filter(|_| query_token).map(Credential::Token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    /// A handshake with these headers in place of its own of the same names.
    fn handshake(headers: &[(&'static str, &str)]) -> Request {
        let own = [
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ];
        let own = own.iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name));
        let mut request = Request::builder();
        // A header without a value stands for none.
        for (name, value) in own.chain(headers).filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn a_handshake_is_granted_as_the_rfc_says() {
        // The example of RFC 6455, section 1.3.
        assert_eq!(accept_key(&handshake(&[])).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for fits in [
            &[("origin", "https://chat.example.com")][..],
            &[("upgrade", "WebSocket")],
            // Four bits too many, as some clients write them.
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZR==")],
        ] {
            assert!(accept_key(&handshake(fits)).is_ok(), "{fits:?}");
        }
    }

    #[test]
    fn what_is_no_handshake_of_the_rfc_is_refused() {
        let origin = ("origin", "https://chat.example.com");
        for wrong in [
            &[origin, origin][..],
            &[("upgrade", "h2c")],
            &[("connection", "keep-alive")],
            &[("sec-websocket-key", "")],
            &[("sec-websocket-key", KEY), ("sec-websocket-key", KEY)],
            &[("sec-websocket-key", "x")],
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ")],
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25j")],
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZTEyMzQ=")],
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ== ,")],
        ] {
            let refused = accept_key(&handshake(wrong)).expect_err(&format!("{wrong:?}"));
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{wrong:?}");
        }
        for version in ["", "8", "14", "13, 8"] {
            let refused = accept_key(&handshake(&[("sec-websocket-version", version)])).unwrap_err();
            assert_eq!(refused.status(), StatusCode::UPGRADE_REQUIRED, "{version}");
        }
        let mut head = handshake(&[]);
        *head.method_mut() = Method::HEAD;
        assert_eq!(accept_key(&head).unwrap_err().status(), StatusCode::METHOD_NOT_ALLOWED);
        let mut old = handshake(&[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(accept_key(&old).unwrap_err().status(), StatusCode::BAD_REQUEST);
    }
}
