//! The documents that describe the contract.

use madang_contract::schema;
use reqwest::{Method, StatusCode, header};
use serde_json::Value;

use crate::support::Services;

#[tokio::test]
async fn the_documents_are_served_to_anybody_and_name_the_base_path() {
    let services = Services::start().await;
    let (here, there) = (services.gateway().await, services.gateway_under("/chat").await);
    for (gateway, base_path) in [(&here, ""), (&there, "/chat")] {
        for (path, document) in [
            ("/v1/openapi.json", schema::openapi(base_path)),
            ("/v1/asyncapi.json", schema::asyncapi(base_path)),
        ] {
            let path = format!("{base_path}{path}");
            let answer = gateway.api().request(Method::GET, &path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
            assert!(answer.headers().contains_key(header::CACHE_CONTROL), "{path}");
            let etag = answer.headers()[header::ETAG].clone();
            assert_eq!(answer.json::<Value>().await.unwrap(), document, "{path}");

            let again = gateway.api().request(Method::GET, &path).header(header::IF_NONE_MATCH, &etag);
            let again = again.send().await.unwrap();
            assert_eq!((again.status(), &again.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &etag));
            assert_eq!(again.bytes().await.unwrap().len(), 0);
        }
    }
}
