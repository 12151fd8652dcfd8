//! The credential of a handshake. The lines of an input are a query, an `Authorization`, and a `Sec-WebSocket-Protocol`; an
//! absent line is an absent header.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, Request, header, request::Parts};
use madang_auth::fuzzing::{refresh_token, ticket};
use madang_gateway::fuzzing::{Shown, shown_credential};

use super::now;

/// 32 bytes in Base64.
const TICKET_CHARS: usize = 43;

pub(crate) fn check(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let query = lines.next().unwrap_or_default();
    if let Ok(text) = std::str::from_utf8(query) {
        judge(text);
    }
    let uri = [&b"/v1/ws?"[..], query].concat();
    let Ok(request) = Request::get(uri.as_slice()).body(()) else { return };
    let (mut parts, ()) = request.into_parts();
    for name in [header::AUTHORIZATION, header::SEC_WEBSOCKET_PROTOCOL] {
        if let Some(Ok(value)) = lines.next().map(HeaderValue::from_bytes) {
            parts.headers.insert(name, value);
        }
    }
    shown(&mut parts);
}

/// A token in the URL counts where that is allowed alone, and nothing is shown that the client did not send.
fn shown(parts: &mut Parts) {
    let anywhere = now(shown_credential(parts, true));
    let not_in_url = now(shown_credential(parts, false));
    let (anywhere, not_in_url) = match (anywhere, not_in_url) {
        (Ok(anywhere), Ok(not_in_url)) => (anywhere, not_in_url),
        (Err(status), Err(other)) => {
            assert_eq!((status, other), (400, 400));
            return;
        }
        differing => panic!("the query is read in one of two ways: {differing:?}"),
    };
    let in_headers = parts.headers.contains_key(header::AUTHORIZATION)
        || parts.headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
    match (&anywhere, &not_in_url) {
        (anywhere, not_in_url) if anywhere == not_in_url => {}
        // The token of the URL is the last that counts.
        (Some(Shown::Token(_)), None) => {}
        differing => panic!("{differing:?}"),
    }
    match not_in_url {
        Some(Shown::Token(_)) => assert!(in_headers, "a token of the URL"),
        Some(Shown::Ticket(text)) => judge(&text),
        None => {}
    }
}

/// A ticket has one text, and another text is another ticket. So has a refresh token.
fn judge(text: &str) {
    if let Some(hash) = ticket(text) {
        let Ok(secret) = URL_SAFE_NO_PAD.decode(text) else { panic!("no Base64: {text}") };
        assert_eq!((text.len(), secret.len()), (TICKET_CHARS, hash.len()));
        assert_eq!(URL_SAFE_NO_PAD.encode(&secret), text);
        assert_eq!(digest(&SHA256, &secret).as_ref(), hash.as_slice());
        for place in 0..text.len() {
            let mut other = text.to_owned();
            let replaced = if text[place..].starts_with('A') { "B" } else { "A" };
            other.replace_range(place..=place, replaced);
            assert_ne!(ticket(&other), Some(hash), "{other}");
        }
    }
    if let Some(again) = refresh_token(text) {
        assert_eq!(again, text);
    }
}
