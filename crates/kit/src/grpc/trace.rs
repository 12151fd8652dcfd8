//! Trace context in gRPC metadata: W3C `traceparent` and `tracestate`.

use http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector},
};
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};

use crate::telemetry;

/// Puts the current span's context into a request's metadata; without a trace, nothing.
pub fn inject_trace_context(metadata: &mut MetadataMap) {
    telemetry::inject(&mut Metadata(metadata));
}

/// The trace context in a request's headers. Services call each other on a private network; the gateway does
/// not forward the trace headers of clients.
#[must_use]
pub fn extract_trace_context(headers: &HeaderMap) -> Context {
    telemetry::extract(&Headers(headers))
}

struct Metadata<'a>(&'a mut MetadataMap);

impl Injector for Metadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        // An empty `tracestate` says nothing; what is no header cannot be one.
        let (Ok(key), Ok(text)) =
            (AsciiMetadataKey::from_bytes(key.as_bytes()), AsciiMetadataValue::try_from(&value))
        else {
            return;
        };
        if !value.is_empty() {
            self.0.insert(key, text);
        }
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
