//! The documents that describe the contract.

use std::{future::ready, sync::Arc};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use madang_contract::{rest::routes::documents, schema};
use madang_domain::Error;
use serde_json::Value;

use super::Routes;
use crate::http::etag::{etag_of, is_known};

/// How long an HTTP cache may keep a document before it asks whether it is still the same.
const CACHE_CONTROL: &str = "public, max-age=300";

/// The routes. The documents are those of a server whose paths stand under a base path.
pub(super) fn routes(base_path: &str) -> Result<Routes, Error> {
    let openapi = Document::new(&schema::openapi(base_path))?;
    let asyncapi = Document::new(&schema::asyncapi(base_path))?;
    Ok(Routes::default()
        .at(&documents::OPENAPI, move |headers: HeaderMap| ready(openapi.answer(&headers)))
        .at(&documents::ASYNCAPI, move |headers: HeaderMap| ready(asyncapi.answer(&headers))))
}

/// A document as it is sent.
#[derive(Clone)]
struct Document {
    json: Bytes,
    etag: Arc<HeaderValue>,
}

impl Document {
    fn new(document: &Value) -> Result<Self, Error> {
        let json = Bytes::from(document.to_string());
        let etag = etag_of(&json).map_err(Error::internal)?;
        Ok(Self { json, etag: Arc::new(etag) })
    }

    /// The document, or 304 where the client has it (RFC 9110, section 13.1.2).
    fn answer(&self, request: &HeaderMap) -> Response {
        let etag = HeaderValue::clone(&self.etag);
        let caching =
            [(header::ETAG, etag), (header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL))];
        if is_known(&self.etag, request) {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (caching, content_type, self.json.clone()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(document: &Document, etag: Option<&str>) -> StatusCode {
        let mut headers = HeaderMap::new();
        if let Some(etag) = etag {
            headers.insert(header::IF_NONE_MATCH, etag.parse().unwrap());
        }
        document.answer(&headers).status()
    }

    #[test]
    fn a_document_is_sent_to_whoever_has_another() {
        let document = Document::new(&schema::openapi("/chat")).unwrap();
        let etag = document.etag.to_str().unwrap().to_owned();
        assert_eq!(ask(&document, None), StatusCode::OK);
        assert_eq!(ask(&document, Some("\"other\"")), StatusCode::OK);
        assert_eq!(ask(&document, Some(&format!("\"other\", W/{etag}"))), StatusCode::NOT_MODIFIED);
        let elsewhere = Document::new(&schema::openapi("")).unwrap();
        assert_eq!(ask(&elsewhere, Some(&etag)), StatusCode::OK, "another base path is another document");
    }
}
