//! The web client at the root.

use madang_web::{FILES, INDEX};
use reqwest::{Method, StatusCode, header};

use crate::support::Services;

#[tokio::test]
async fn the_page_is_at_the_base_path_under_a_strict_policy_and_is_asked_for_again() {
    let services = Services::start().await;
    let (here, there) = (services.gateway().await, services.gateway_under("/chat").await);
    for (gateway, path) in [(&here, "/"), (&there, "/chat/")] {
        let answer = gateway.api().request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let headers = answer.headers().clone();
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(answer.text().await.unwrap().contains("<title>Madang</title>"));

        let etag = &headers[header::ETAG];
        let again = gateway.api().request(Method::GET, path).header(header::IF_NONE_MATCH, etag);
        let again = again.send().await.unwrap();
        assert_eq!((again.status(), &again.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, etag));
        let other = gateway.api().request(Method::POST, path).send().await.unwrap();
        assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn the_base_path_without_its_slash_leads_to_the_page() {
    let services = Services::start().await;
    let gateway = services.gateway_under("/chat").await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(format!("{}/chat", gateway.base())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()[header::LOCATION], "/chat/");
}

/// Only where the client was built before this test: `make web` does so.
#[tokio::test]
async fn every_file_of_the_client_is_served_whole_and_kept_where_its_name_has_a_hash() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    for file in FILES.iter().filter(|file| file.path != INDEX) {
        let path = format!("/{}", file.path);
        let answer = gateway.api().request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable", "{path}");
        assert!(!answer.headers().contains_key(header::CONTENT_ENCODING), "{path}");
        assert_eq!(answer.bytes().await.unwrap(), file.identity, "{path}");

        let request = gateway.api().request(Method::GET, &path).header(header::ACCEPT_ENCODING, "gzip, br");
        let compressed = request.send().await.unwrap();
        let coding = compressed.headers().get(header::CONTENT_ENCODING).cloned();
        assert_eq!(coding.is_some_and(|coding| coding == "br"), file.brotli.is_some(), "{path}");
        let body = compressed.bytes().await.unwrap();
        assert_eq!(body, file.brotli.unwrap_or(file.identity), "{path}");
    }
}

#[tokio::test]
async fn beside_the_page_the_api_answers_as_before() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    for (path, status) in [
        ("/v1/rooms", StatusCode::UNAUTHORIZED),
        ("/v1/openapi.json", StatusCode::OK),
        ("/v1", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/assets/nowhere.js", StatusCode::NOT_FOUND),
        ("/index.html", StatusCode::NOT_FOUND),
    ] {
        let answer = gateway.api().request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert!(!answer.headers().contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        assert!(answer.json::<serde_json::Value>().await.is_ok(), "{path}");
    }
}

#[tokio::test]
async fn where_it_is_switched_off_there_is_no_page() {
    let services = Services::start().await;
    let gateway = services.gateway_with_flags(&["--web-client=false"]).await;
    let mut paths = vec!["/".to_owned()];
    paths.extend(FILES.iter().filter(|file| file.path != INDEX).map(|file| format!("/{}", file.path)));
    for path in paths {
        let answer = gateway.api().request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
