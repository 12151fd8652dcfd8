//! Tests of the REST client.

use serde_json::json;

use super::*;

#[test]
fn a_base_is_an_http_address() {
    assert_eq!(Client::new("http://127.0.0.1:8080/").unwrap().base(), "http://127.0.0.1:8080");
    assert_eq!(Client::new("http://example.org/chat").unwrap().base(), "http://example.org/chat");
    assert_eq!(Client::new("https://example.org").is_ok(), cfg!(feature = "tls"));
    for base in ["", "127.0.0.1:8080", "ftp://example.org", "mailto:a@b.c"] {
        assert!(matches!(Client::new(base), Err(Error::Base(_))), "{base}");
    }
}

#[test]
fn a_query_is_escaped_and_keeps_the_base_path() {
    let client = Client::new("http://example.org/chat").unwrap();
    let request = client.query("/v1/rooms", &[("limit", None), ("cursor", Some("a&b="))]).build().unwrap();
    assert_eq!(request.url().as_str(), "http://example.org/chat/v1/rooms?cursor=a%26b%3D");
}

#[test]
fn tokens_are_not_printed() {
    let grant: Tokens = serde_json::from_value(json!({
        "access_token": "secret-a", "refresh_token": "secret-r", "token_type": "Bearer", "expires_in": 600,
        "user": {"id": "01941f29-7c00-7000-8000-0000000000ac", "username": "mina", "name": "Mina", "avatar_url": null},
    }))
    .unwrap();
    let client = Client::new("http://example.org").unwrap().with_token(&grant.access_token);
    assert!(!format!("{grant:?} {client:?}").contains("secret"));
}
